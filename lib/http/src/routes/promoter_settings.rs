//! `GET` and `PUT /promoter/settings`: how bids are drawn from now on, by an operator.

use crate::answer::{Asking, ask};
use crate::body::{self, Payload};
use crate::caller::Operator;
use crate::portal::{Ports, Shared};
use crate::problem::Problem;
use auction_app::promote::{Options, OptionsError};
use auction_domain::Actor;
use auction_domain::promoter::{ChangePromoterSettings, PROMOTER_SETTINGS, PromoterCommand};
use auction_wire::CommandBody;
use auction_wire::api::{PromoterSettingsRequest, PromoterSettingsView};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

pub(super) async fn change<P: Ports>(
    State(portal): Shared<P>,
    _: Operator,
    headers: HeaderMap,
    Payload(body): Payload,
) -> Result<Response, Problem> {
    let request: PromoterSettingsRequest = body::read(&headers, &body)?;
    let payload = body::canonical(&request);
    let options = Options::read(&Value::from(request.options).to_string(), 0).map_err(refused)?;
    let change = ChangePromoterSettings { options: options.text().clone() };
    let command = CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(change));
    let path = "/promoter/settings";
    let asking = Asking { actor: Actor::Operator, method: "PUT", path, payload: &payload };
    ask(&portal, &headers, asking, |_| (PROMOTER_SETTINGS, command)).await
}

pub(super) async fn show<P: Ports>(
    State(portal): Shared<P>,
    _: Operator,
) -> Result<Json<PromoterSettingsView>, Problem> {
    let current = portal.promises.current();
    let view = |options: &Options, changed_at| PromoterSettingsView {
        version: options.version(),
        changed_at,
        options: options_json(options),
        history: Vec::new(),
    };
    let changes = current.changes();
    let now = current.now();
    let changed_at = changes.last().map(|change| change.at.into());
    let history = changes.iter().rev().map(|change| view(&change.options, Some(change.at.into())));
    Ok(Json(PromoterSettingsView { history: history.collect(), ..view(&now, changed_at) }))
}

/// They were written as a list.
fn options_json(options: &Options) -> Vec<Value> {
    serde_json::from_str(options.text().as_str()).unwrap_or_default()
}

fn refused(error: OptionsError) -> Problem {
    match error {
        OptionsError::NoSense(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "options_make_no_sense", error.to_string())
        }
        OptionsError::Unreadable(_) | OptionsError::Text(_) => {
            Problem::invalid(vec![("options".to_owned(), error.to_string())])
        }
    }
}
