//! `change_promoter_settings`: an operator changes the draw options of all auctions.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::OptionsBody;
use auction_domain::promoter::ChangePromoterSettings;

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
