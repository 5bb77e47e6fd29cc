//! `POST /user/{id}/webhooks`: creates a webhook for the notifications of a user.

use super::webhooks::{to_header, webhook_view};
use super::{InPath, unknown_user, user_in};
use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::caller::ActingAs;
use crate::openapi::schemas::{header, in_path, text, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::SharedState;
use auction_app::ports::notifications::webhooks::CreateResult;
use auction_wire::webhook::{CreateWebhookRequest, WebhookWithSecret};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("create_webhook", "/user/{id}/webhooks", create_webhook)
        .summary(tag::NOTIFICATIONS, "Create a webhook")
        .description(
            "New notifications of the user are also sent to the webhook, at least once, signed as \
             [Standard Webhooks](https://www.standardwebhooks.com) specifies. The secret is shown only in \
             this response.",
        )
        .access(Access::UserOrOperator)
        .parameter(in_path("id", uuid(), "User id."))
        .body::<CreateWebhookRequest>(true)
        .response::<WebhookWithSecret>(201, "The webhook and its secret.")
        .response_header(201, "Location", header(text(), "URL of the deliveries of the webhook."))
        .problems(&[
            &requests::NOT_YOUR_ACCOUNT,
            &refusals::UNKNOWN_USER,
            &requests::URL_NOT_ALLOWED,
            &requests::TOO_MANY_WEBHOOKS,
        ])
        .needs_backends()
}

async fn create_webhook(
    State(portal): State<SharedState>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    let request: CreateWebhookRequest = body::read(&headers, &body)?;
    let limits = portal.webhooks.limits;
    let url = limits.url_policy.url(&request.url);
    let url = url.map_err(|error| Problem::new(&requests::URL_NOT_ALLOWED, error.to_string()))?;
    match portal.webhooks.create(user, url.as_str()).await? {
        CreateResult::Done(webhook) => {
            let location = to_header(&format!("/user/{}/webhooks/{}/deliveries", user.0, webhook.id));
            let secret = portal.webhooks.secret(&webhook).to_string();
            let answer = WebhookWithSecret { secret, webhook: webhook_view(webhook) };
            Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
        }
        CreateResult::TooMany => {
            let detail = format!("the user already has the maximum of {} webhooks", limits.max_per_user);
            Err(Problem::new(&requests::TOO_MANY_WEBHOOKS, detail).with("limit", limits.max_per_user))
        }
        CreateResult::NoUser => Err(unknown_user()),
    }
}
