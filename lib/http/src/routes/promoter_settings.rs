//! `GET` and `PUT /promoter/settings`: options of draws.

use crate::body::{self, BoundedBody};
use crate::caller::Operator;
use crate::command_response::CommandSubmission;
use crate::openapi::commands::Effect;
use crate::openapi::draw_option::DrawOption;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::SharedState;
use auction_app::promoter::{DrawOptions, DrawOptionsError};
use auction_domain::Actor;
use auction_domain::promoter::{ChangePromoterSettings, PROMOTER_SETTINGS, PromoterCommand};
use auction_wire::CommandBody;
use auction_wire::api::PromoterSettingsView;
use auction_wire::command::change_promoter_settings::PromoterSettingsRequest;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

pub(super) fn change_endpoint() -> Endpoint {
    Endpoint::put("change_promoter_settings", "/promoter/settings", change)
        .summary(tag::DRAWS, "Change the promoter settings")
        .description(
            "Sets the options of all draws from now on, in all auctions. Options that are omitted have \
             their defaults.",
        )
        .body::<PromoterSettingsRequest>(true)
        .extra_schema::<DrawOption>()
        .command(Effect::Changes)
        .problems(&[&requests::INVALID_DRAW_OPTIONS])
}

pub(super) fn show_endpoint() -> Endpoint {
    Endpoint::get("show_promoter_settings", "/promoter/settings", show)
        .summary(tag::DRAWS, "Show the promoter settings")
        .description("Options of draws, with all earlier changes.")
        .response::<PromoterSettingsView>(200, "Current settings and their history.")
}

async fn change(
    submission: CommandSubmission,
    Operator(operator): Operator,
    body: BoundedBody,
) -> Result<Response, Problem> {
    let mut request: PromoterSettingsRequest = body.read()?;
    // The parser of the options accepts `5` but not `5.0`.
    request.options.iter_mut().for_each(body::normalize_integers);
    let payload = body::canonical(&request);
    let options = DrawOptions::read(&Value::from(request.options).to_string(), 0).map_err(refused)?;
    let change = ChangePromoterSettings { options: options.text().clone() };
    let command = CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(change));
    let (actor, path) = (Actor::Operator(operator), "/promoter/settings");
    submission.submit(actor, path, &payload, |_| (PROMOTER_SETTINGS, command)).await
}

async fn show(State(portal): State<SharedState>) -> Result<Json<PromoterSettingsView>, Problem> {
    let current = portal.commitments.current();
    let view = |options: &DrawOptions, changed_at| PromoterSettingsView {
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

/// Returns the options as JSON. They are stored as a JSON list, so that parsing cannot fail.
fn options_json(options: &DrawOptions) -> Vec<Value> {
    serde_json::from_str(options.text().as_str()).unwrap_or_default()
}

fn refused(error: DrawOptionsError) -> Problem {
    match error {
        DrawOptionsError::Invalid(_) => Problem::new(&requests::INVALID_DRAW_OPTIONS, error.to_string()),
        DrawOptionsError::Unreadable(_) | DrawOptionsError::Text(_) => body::invalid("options", error),
    }
}
