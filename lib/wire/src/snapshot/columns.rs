//! The bids of a snapshot in columns. Columns of small numbers are smaller and decode faster than a list of
//! structs.

use super::KIND;
use crate::DecodeError;
use crate::body::bad;
use auction_domain::auction::{Bid, BidState};
use auction_domain::{Amount, BidId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// Columns with one value per bid, in the order in which the bids were placed.
#[derive(Serialize, Deserialize)]
pub(super) struct BidColumns {
    /// Ids of all bidders, each once.
    bidders: Vec<Uuid>,
    id: Vec<Uuid>,
    /// Index into `bidders`, per bid.
    bidder: Vec<u32>,
    amount: Vec<u64>,
    /// Milliseconds since the previous bid.
    placed_at: Vec<i64>,
    /// Versions since the previous bid.
    reached: Vec<i64>,
    /// Index into [`STATES`] times two, plus one if the bid is doubled.
    state: Vec<u8>,
}

const STATES: [BidState; 4] = [BidState::Active, BidState::Deleted, BidState::Voided, BidState::Retracted];

impl BidColumns {
    pub(super) fn of(bids: &[Bid]) -> BidColumns {
        let (mut bidders, mut known) = (Vec::new(), HashMap::new());
        let mut index_of = |bidder: UserId| {
            *known.entry(bidder).or_insert_with(|| {
                bidders.push(bidder.0);
                // There are at most as many bidders as bids, far fewer than 2^32.
                u32::try_from(bidders.len() - 1).unwrap_or(u32::MAX)
            })
        };
        BidColumns {
            id: bids.iter().map(|bid| bid.id.0).collect(),
            bidder: bids.iter().map(|bid| index_of(bid.bidder)).collect(),
            amount: bids.iter().map(|bid| bid.amount.minor_units()).collect(),
            placed_at: steps(bids.iter().map(|bid| bid.placed_at.0)),
            reached: steps(bids.iter().map(|bid| bid.effective_since.cast_signed())),
            state: bids.iter().map(state).collect(),
            bidders,
        }
    }

    pub(super) fn bids(self) -> Result<Vec<Bid>, DecodeError> {
        let BidColumns { bidders, id, bidder, amount, placed_at, reached, state } = self;
        let lengths = [bidder.len(), amount.len(), placed_at.len(), reached.len(), state.len()];
        if lengths.iter().any(|length| *length != id.len()) {
            return Err(bad(KIND, "columns of different lengths"));
        }
        let (mut at, mut version) = (0i64, 0i64);
        let mut bids = Vec::with_capacity(id.len());
        for (n, id) in id.into_iter().enumerate() {
            at = at.wrapping_add(placed_at[n]);
            version = version.wrapping_add(reached[n]);
            let bidder =
                bidders.get(bidder[n] as usize).ok_or_else(|| bad(KIND, "unknown bidder of a bid"))?;
            let state_of_bid =
                STATES.get(usize::from(state[n] / 2)).ok_or_else(|| bad(KIND, "unknown state of a bid"))?;
            bids.push(Bid {
                id: BidId(id),
                bidder: UserId(*bidder),
                amount: Amount::new(amount[n]).map_err(|error| bad(KIND, error))?,
                placed_at: Timestamp(at),
                state: *state_of_bid,
                doubled: state[n] % 2 == 1,
                effective_since: version.cast_unsigned(),
            });
        }
        Ok(bids)
    }
}

/// Returns the difference of each number to the previous one.
fn steps(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut previous = 0;
    numbers.map(|number| number.wrapping_sub(std::mem::replace(&mut previous, number))).collect()
}

fn state(bid: &Bid) -> u8 {
    let number = match bid.state {
        BidState::Active => 0,
        BidState::Deleted => 1,
        BidState::Voided => 2,
        BidState::Retracted => 3,
    };
    2 * number + u8::from(bid.doubled)
}
