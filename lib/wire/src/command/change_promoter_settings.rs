//! `change_promoter_settings`: an operator changes the draw options of all auctions.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::OptionsBody;
use auction_domain::promoter::ChangePromoterSettings;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{ArrayBuilder, Ref, Schema};

/// Body of `PUT /promoter/settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoterSettingsRequest {
    #[schema(schema_with = draw_options)]
    pub options: Vec<serde_json::Value>,
}

/// Returns the schema of a list of draw options. The ingress defines the schema `DrawOption`.
pub(crate) fn draw_options() -> Schema {
    ArrayBuilder::new()
        .items(Ref::from_schema_name("DrawOption"))
        .description(Some(
            "Draw options, applied in order, such as `{\"interval_ms\": 600000}` and `\"exclude_leader\"`. An option \
             that is left out has its default.",
        ))
        .build()
        .into()
}

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(change: &ChangePromoterSettings) -> Vec<u8> {
    OptionsBody::encode(&change.options)
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<ChangePromoterSettings, DecodeError> {
    Ok(ChangePromoterSettings { options: encoded.body::<OptionsBody>()?.read(encoded.kind)? })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::CommandBody;
    use crate::golden::{self, Sample};
    use auction_domain::promoter::PromoterCommand;
    use auction_domain::{Actor, OperatorId};

    let change = ChangePromoterSettings { options: golden::options() };
    vec![Sample::of(
        Actor::Operator(OperatorId::Unidentified),
        CommandBody::Promoter(PromoterCommand::ChangePromoterSettings(change)),
    )]
}
