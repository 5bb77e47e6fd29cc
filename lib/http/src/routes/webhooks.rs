//! `/user/{id}/webhooks`: webhooks for the notifications of a user.

use super::{InPath, unknown_user, user_in};
use crate::access::Access;
use crate::body::BoundedBody;
use crate::caller::ActingAs;
use crate::command_response::location;
use crate::openapi::schemas::{header, text};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use auction_app::ports::notifications::webhooks::{CreateResult, Webhook};
use auction_domain::{Actor, UserId};
use auction_wire::webhook::{CreateWebhookRequest, WebhookList, WebhookView, WebhookWithSecret};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

pub(super) fn create_endpoint() -> Endpoint {
    Endpoint::post("create_webhook", "/user/{id}/webhooks", create)
        .summary(tag::NOTIFICATIONS, "Create a webhook")
        .description(
            "New notifications of the user are also sent to the webhook, at least once, signed as \
             [Standard Webhooks](https://www.standardwebhooks.com) specifies. The secret is shown only in \
             this response.",
        )
        .body::<CreateWebhookRequest>(true)
        .response::<WebhookWithSecret>(201, "The webhook and its secret.")
        .response_header(201, "Location", header(text(), "URL of the deliveries of the webhook."))
        .problems(&[&requests::URL_NOT_ALLOWED, &requests::TOO_MANY_WEBHOOKS])
        .of_user()
}

pub(super) fn list_endpoint() -> Endpoint {
    Endpoint::get("list_webhooks", "/user/{id}/webhooks", list)
        .summary(tag::NOTIFICATIONS, "List webhooks")
        .description("Oldest first, without secrets.")
        .response::<WebhookList>(200, "All webhooks of the user.")
        .of_user()
}

pub(super) fn delete_endpoint() -> Endpoint {
    Endpoint::delete("delete_webhook", "/user/{id}/webhooks/{webhook}", delete)
        .summary(tag::NOTIFICATIONS, "Delete a webhook")
        .description(
            "Deletes the webhook and all its deliveries. A delivery attempt that is in progress may still \
             arrive. A repeated request answers 404 `unknown_webhook`: after a lost response, this means that \
             the webhook is deleted.",
        )
        .empty_response(204, "The webhook is deleted.")
        .of_webhook()
}

pub(super) fn rotate_endpoint() -> Endpoint {
    Endpoint::post("rotate_webhook", "/user/{id}/webhooks/{webhook}/rotate", rotate)
        .summary(tag::NOTIFICATIONS, "Rotate the secret of a webhook")
        .description(
            "The new secret is shown only in this response. Until `previous_secret_until`, deliveries are \
             also signed with the previous secret. Older secrets become invalid at once.",
        )
        .response::<WebhookWithSecret>(200, "The webhook and its new secret.")
        .of_webhook()
}

impl Endpoint {
    /// The endpoint is about the webhooks of a user.
    fn of_user(self) -> Self {
        self.access(Access::UserOrOperator).problems(&[&requests::NOT_YOUR_ACCOUNT, &refusals::UNKNOWN_USER])
    }

    /// The endpoint is about one webhook of a user.
    pub(super) fn of_webhook(self) -> Self {
        self.of_user().problems(&[&requests::UNKNOWN_WEBHOOK])
    }
}

async fn create(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
    body: BoundedBody,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    let request: CreateWebhookRequest = body.read()?;
    let limits = portal.webhooks.limits;
    let url = limits.url_policy.url(&request.url);
    let url = url.map_err(|error| Problem::new(&requests::URL_NOT_ALLOWED, error.to_string()))?;
    match portal.webhooks.create(user, url.as_str()).await? {
        CreateResult::Done(webhook) => {
            let location = location(&format!("/user/{}/webhooks/{}/deliveries", user.0, webhook.id));
            let secret = portal.webhooks.secret(&webhook).to_string();
            let answer = WebhookWithSecret { secret, webhook: view(webhook) };
            Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
        }
        CreateResult::TooMany => {
            let detail = format!("the user already has the maximum of {} webhooks", limits.max_per_user);
            Err(Problem::new(&requests::TOO_MANY_WEBHOOKS, detail).with("limit", limits.max_per_user))
        }
        CreateResult::NoUser => Err(unknown_user()),
    }
}

async fn list(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
) -> Result<Json<WebhookList>, Problem> {
    let webhooks = portal.webhooks.webhooks.webhooks(user_in(&user, actor)?).await?;
    Ok(Json(WebhookList { webhooks: webhooks.into_iter().map(view).collect() }))
}

async fn delete(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let existed = portal.webhooks.webhooks.delete(user, webhook).await?;
    if existed { Ok(StatusCode::NO_CONTENT) } else { Err(unknown_webhook()) }
}

async fn rotate(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath((user, webhook)): InPath<(String, String)>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    let (user, webhook) = webhook_in((&user, &webhook), actor)?;
    let webhook = portal.webhooks.rotate(user, webhook).await?.ok_or_else(unknown_webhook)?;
    let secret = portal.webhooks.secret(&webhook).to_string();
    Ok(Json(WebhookWithSecret { secret, webhook: view(webhook) }))
}

/// Reads the ids of a user and a webhook from a path.
pub(super) fn webhook_in((user, webhook): (&str, &str), actor: Actor) -> Result<(UserId, Uuid), Problem> {
    let user = user_in(user, actor)?;
    Ok((user, Uuid::try_parse(webhook).map_err(|_| unknown_webhook())?))
}

pub(super) fn unknown_webhook() -> Problem {
    Problem::of(&requests::UNKNOWN_WEBHOOK)
}

/// Returns the JSON view of a webhook, without its secret.
fn view(webhook: Webhook) -> WebhookView {
    WebhookView {
        webhook: webhook.id,
        url: webhook.url,
        created_at: webhook.created_at.into(),
        previous_secret_until: webhook.previous_until.map(Into::into),
        disabled_at: webhook.disabled_at.map(Into::into),
    }
}
