//! `GET` and `PUT /promoter/settings`: how bids are drawn from now on, by an operator.

use crate::body::{self, BoundedBody};
use crate::caller::Operator;
use crate::command_response::{CommandSubmission, submit};
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::{Ports, SharedState, StateExtractor};
use auction_app::promoter::{DrawOptionsError, Options};
use auction_domain::Actor;
use auction_domain::promoter::{ChangePromoterSettings, PROMOTER_SETTINGS, PromoterCommand};
use auction_wire::CommandBody;
use auction_wire::api::{PromoterSettingsRequest, PromoterSettingsView};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

pub(super) fn change_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::put("change_promoter_settings", "/promoter/settings", change::<P>)
        .summary(tag::DRAWS, "Set how bids are drawn")
        .about("By an operator. What no option says is as it is by default.")
        .by_an_operator()
        .body::<PromoterSettingsRequest>(true)
        .command(Effect::Changes)
        .problems(&[&requests::OPTIONS_MAKE_NO_SENSE])
}

pub(super) fn show_endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::get("show_promoter_settings", "/promoter/settings", show::<P>)
        .summary(tag::DRAWS, "Show how bids are drawn")
        .about("To an operator, with all that operators set before.")
        .by_an_operator()
        .answers::<PromoterSettingsView>(200, "Now, and before.")
}

async fn change<P: Ports>(
    State(portal): StateExtractor<P>,
    _: Operator,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let mut request: PromoterSettingsRequest = body::read(&headers, &body)?;
    // What reads the options knows `5`, and not `5.0`.
    request.options.iter_mut().for_each(body::normalize_integers);
    let payload = body::canonical(&request);
    let options = Options::read(&Value::from(request.options).to_string(), 0).map_err(refused)?;
    let change = ChangePromoterSettings { options: options.text().clone() };
    let command = CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(change));
    let path = "/promoter/settings";
    let asking = CommandSubmission { actor: Actor::Operator, method: "PUT", path, payload: &payload };
    submit(&portal, &headers, asking, |_| (PROMOTER_SETTINGS, command)).await
}

async fn show<P: Ports>(
    State(portal): StateExtractor<P>,
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

fn refused(error: DrawOptionsError) -> Problem {
    match error {
        DrawOptionsError::NoSense(_) => Problem::new(&requests::OPTIONS_MAKE_NO_SENSE, error.to_string()),
        DrawOptionsError::Unreadable(_) | DrawOptionsError::Text(_) => {
            Problem::invalid(vec![("options".to_owned(), error.to_string())])
        }
    }
}
