//! `hold_draw`: a draw selects a bid to double.

use super::EncodedCommand;
use crate::DecodeError;
use crate::draw::DrawBody;
use auction_domain::auction::HoldDraw;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(hold: &HoldDraw) -> Vec<u8> {
    DrawBody::encode(&hold.draw)
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<HoldDraw, DecodeError> {
    Ok(HoldDraw { draw: encoded.body::<DrawBody>()?.read(encoded.kind)? })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::auction::AuctionCommand;

    let hold = HoldDraw { draw: Box::new(golden::draw()) };
    vec![Sample::of_auction(Actor::Portal, AuctionCommand::HoldDraw(hold))]
}
