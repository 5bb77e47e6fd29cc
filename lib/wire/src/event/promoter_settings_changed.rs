//! `promoter_settings_changed`: an operator changed the draw options of all auctions.

use super::EncodedEvent;
use crate::DecodeError;
use crate::actor::actor_text;
use crate::body::{self, actor};
use auction_domain::promoter::PromoterEvent;
use auction_domain::{Actor, PromoterOptions};
use serde::{Deserialize, Serialize};

/// Version 2 records who changed the options.
pub(super) const VERSION: u16 = 2;

#[derive(Serialize, Deserialize)]
struct Body {
    /// New draw options, as a JSON list.
    options: String,
    /// Sender of the command, in the form of the field `actor` of commands; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

pub(super) fn encode(options: &PromoterOptions, by: Option<Actor>) -> Vec<u8> {
    body::encode(&Body { options: options.as_str().to_owned(), by: by.map(actor_text) })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<PromoterEvent, DecodeError> {
    let body: Body = encoded.body()?;
    let options = body::options(encoded.kind, body.options)?;
    Ok(PromoterEvent::PromoterSettingsChanged { options, by: actor(encoded.kind, body.by)? })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};
    use auction_domain::OperatorId;

    let by = Some(Actor::Operator(OperatorId::User(golden::USER)));
    let changed = PromoterEvent::PromoterSettingsChanged { options: golden::options(), by };
    vec![EventSample::of(crate::Event::Promoter(changed))]
}
