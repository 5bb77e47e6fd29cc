//! What the portal says of itself by OpenAPI 3.1. Each endpoint is described where it is routed ([`Endpoint`]),
//! so that the description has what there is and nothing else.

pub(crate) mod commands;
mod endpoint;
pub(crate) mod reads;
pub(crate) mod schemas;

pub(crate) use endpoint::Endpoint;

use crate::state::Settings;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{Components, ComponentsBuilder, Info, License, OpenApi, OpenApiBuilder, Server};

/// Somebody calls who has a token.
pub(crate) const TOKEN: Option<&str> = Some("token");

/// A user calls.
pub(crate) const CALLER: Option<&str> = Some("caller");

/// Somebody of the house calls.
pub(crate) const OPERATOR: Option<&str> = Some("operator");

/// Nobody needs to call.
pub(crate) const NOBODY: Option<&str> = None;

/// The groups of endpoints.
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

const ABOUT: &str = include_str!("openapi/about.md");

/// The description without its endpoints.
pub(crate) fn portal() -> OpenApi {
    let mut info = Info::new("Auction portal", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::new("MIT"));
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .components(Some(components()))
        .tags(Some(tags()))
        .build()
}

/// With what operators decide.
pub(crate) fn with_settings(mut description: OpenApi, settings: &Settings) -> OpenApi {
    let (kept, wait) = (settings.outcomes_kept.as_secs(), settings.longest_wait.as_secs());
    let days = kept / (24 * 60 * 60);
    let here = format!(
        "\n**Here**, outcomes of commands are kept for {days} days ({kept} seconds): so long a handle can be asked, \
         and so long an `Idempotency-Key` is known; after that it is a new one. The longest wait is {wait} seconds.\n"
    );
    description.info.description.get_or_insert_default().push_str(&here);
    description
}

fn components() -> Components {
    let header = |name: &str, about: &str| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)))
    };
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The token that `POST /sign-in` answered with, or a service key."))
        .build();
    ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(token))
        .security_scheme(
            "caller",
            header(
                "X-User-Id",
                "The id of the user who calls, a UUID, written by an authenticating gateway; or whom a service key acts for.",
            ),
        )
        .security_scheme(
            "operator",
            header(
                "X-User-Role",
                "As what: `bidder`, `seller`, or `operator` for somebody of the house. Written by an authenticating gateway; or what somebody with a token acts as, up to what it is good for.",
            ),
        )
        .build()
}

fn tags() -> Vec<Tag> {
    let groups = [
        (tag::USERS, "Accounts."),
        (tag::AUCTIONS, "What is offered."),
        (tag::BIDS, "What is bid."),
        (tag::COMMANDS, "What became of a command."),
        (tag::NOTIFICATIONS, "What one is told."),
        (tag::DRAWS, "How bids are drawn by lot and doubled."),
        (tag::OPERATORS, "What waits for somebody of the house."),
        (tag::PORTAL, "The portal itself."),
    ];
    groups
        .iter()
        .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build())
        .collect()
}
