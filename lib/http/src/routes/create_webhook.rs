//! `POST /user/{id}/webhooks`: be told by HTTP.

use super::webhooks::{shown, to_header};
use super::{InPath, unknown_user, user_in};
use crate::body::{self, BoundedBody};
use crate::caller::ActingAs;
use crate::openapi::schemas::{header, in_path, text, uuid};
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::ports::notifications::webhooks::CreateResult;
use auction_wire::webhook::{CreateWebhookRequest, WebhookWithSecret};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("create_webhook", "/user/{id}/webhooks", create_webhook::<P>)
        .summary(tag::NOTIFICATIONS, "Be told by HTTP")
        .about(
            "What the user is told from now on is sent there as well, by the rules of \
             [Standard Webhooks](https://www.standardwebhooks.com), at least once. The secret is shown this once.",
        )
        .by_a_user_or_an_operator()
        .takes(in_path("id", uuid(), "The user."))
        .body::<CreateWebhookRequest>(true)
        .answers::<WebhookWithSecret>(201, "It is there.")
        .with_header(201, "Location", header(text(), "What is sent there."))
        .problems(&[
            &requests::NOT_YOUR_ACCOUNT,
            &refusals::UNKNOWN_USER,
            &requests::URL_NOT_ALLOWED,
            &requests::TOO_MANY_WEBHOOKS,
        ])
        .needs_servers()
}

async fn create_webhook<P: Ports>(
    State(portal): StateExtractor<P>,
    ActingAs(actor): ActingAs,
    InPath(user): InPath<String>,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let user = user_in(&user, actor)?;
    let request: CreateWebhookRequest = body::read(&headers, &body)?;
    let limits = portal.webhooks.limits;
    let url = limits.reach.url(&request.url);
    let url = url.map_err(|error| Problem::new(&requests::URL_NOT_ALLOWED, error.to_string()))?;
    match portal.webhooks.create(user, url.as_str()).await? {
        CreateResult::Done(webhook) => {
            let location = to_header(&format!("/user/{}/webhooks/{}/deliveries", user.0, webhook.id));
            let secret = portal.webhooks.secret(&webhook).to_string();
            let answer = WebhookWithSecret { secret, webhook: shown(webhook) };
            Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
        }
        CreateResult::TooMany => {
            let detail = format!("a user may have {} webhooks", limits.each);
            Err(Problem::new(&requests::TOO_MANY_WEBHOOKS, detail).with("at_most", limits.each))
        }
        CreateResult::NoUser => Err(unknown_user()),
    }
}
