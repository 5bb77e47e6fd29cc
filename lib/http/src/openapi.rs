//! OpenAPI 3.1 document of the portal. An [`Endpoint`] is described where it is routed, so that document and
//! routes cannot differ.

pub(crate) mod commands;
pub(crate) mod draw_option;
mod endpoint;
pub(crate) mod reads;
pub(crate) mod schemas;

pub(crate) use endpoint::Endpoint;

use crate::state::Settings;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{Components, ComponentsBuilder, Info, License, OpenApi, OpenApiBuilder, Server};

/// Security scheme: a token in `Authorization`.
pub(crate) const TOKEN: Option<&str> = Some("token");

/// Security scheme: the user id in `X-User-Id`.
pub(crate) const CALLER: Option<&str> = Some("caller");

/// Security scheme: the role operator in `X-User-Role`.
pub(crate) const OPERATOR: Option<&str> = Some("operator");

/// No security scheme: requests without authentication are allowed.
pub(crate) const ANONYMOUS: Option<&str> = None;

/// Groups of endpoints in the OpenAPI document.
pub(crate) mod tag {
    pub(crate) const USERS: &str = "users";
    pub(crate) const AUCTIONS: &str = "auctions";
    pub(crate) const BIDS: &str = "bids";
    pub(crate) const COMMANDS: &str = "commands";
    pub(crate) const NOTIFICATIONS: &str = "notifications";
    pub(crate) const DRAWS: &str = "draws";
    pub(crate) const OPERATORS: &str = "operators";
    pub(crate) const PORTAL: &str = "portal";
}

const INTRODUCTION: &str = include_str!("openapi/about.md");

/// Returns the document without endpoints.
pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("Auction portal", env!("CARGO_PKG_VERSION"));
    info.description = Some(INTRODUCTION.to_owned());
    info.license = Some(License::new("MIT"));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .components(Some(components()))
        .tags(Some(tags()))
        .build()
}

/// Adds the limits of this installation to the introduction.
pub(crate) fn with_settings(mut document: OpenApi, settings: &Settings) -> OpenApi {
    let (kept, wait) = (settings.outcome_retention.as_secs(), settings.max_wait.as_secs());
    let days = kept / (24 * 60 * 60);
    let limits = format!(
        "\n**Limits of this installation**: The retention period of outcomes and of each `Idempotency-Key` \
         is {days} days ({kept} seconds). After that a command handle has expired, and the same key \
         counts as a new one. The maximum of `Prefer: wait=N` is {wait} seconds.\n"
    );
    document.info.description.get_or_insert_default().push_str(&limits);
    document
}

fn components() -> Components {
    let header = |name: &str, description: &str| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, description)))
    };
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("Session token from `POST /sign-in`, or an API key."))
        .build();
    ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(token))
        .security_scheme(
            "caller",
            header(
                "X-User-Id",
                "User id (UUID). Accepted from a trusted gateway that authenticates users, and with an API \
                 key that acts for this user.",
            ),
        )
        .security_scheme(
            "operator",
            header(
                "X-User-Role",
                "Role of the request: `bidder`, `seller` or `operator`. Accepted from a trusted gateway. \
                 With a token it can select the role of the token or a lower one.",
            ),
        )
        .build()
}

fn tags() -> Vec<Tag> {
    let groups = [
        (tag::USERS, "Accounts, sessions and users."),
        (tag::AUCTIONS, "Auctions."),
        (tag::BIDS, "Bids."),
        (tag::COMMANDS, "Status and outcome of commands."),
        (tag::NOTIFICATIONS, "Notifications, preferences and webhooks."),
        (tag::DRAWS, "Draws, which select bids at random and double them."),
        (tag::OPERATORS, "Operation of the portal: dead letters, parked events and streams."),
        (tag::PORTAL, "Health, API document and problem pages."),
    ];
    groups
        .iter()
        .map(|(name, description)| TagBuilder::new().name(*name).description(Some(*description)).build())
        .collect()
}
