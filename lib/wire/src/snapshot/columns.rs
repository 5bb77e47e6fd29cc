//! The bids of a snapshot by columns: a column of small numbers is smaller and faster to read than as many
//! structs.

use super::KIND;
use crate::DecodeError;
use crate::body::bad;
use auction_domain::auction::{Bid, BidState};
use auction_domain::{Amount, BidId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// One value of each column for each bid, in the order in which they were placed.
#[derive(Serialize, Deserialize)]
pub(super) struct BidColumns {
    /// Each user who ever bid, once.
    bidders: Vec<Uuid>,
    id: Vec<Uuid>,
    /// Index into `bidders`.
    bidder: Vec<u32>,
    amount: Vec<u64>,
    /// Milliseconds after the bid before.
    placed_at: Vec<i64>,
    /// Versions after the bid before.
    reached: Vec<i64>,
    /// Twice the number of the state, and one more if it is doubled.
    state: Vec<u8>,
}

const STATES: [BidState; 4] = [BidState::Live, BidState::Deleted, BidState::Voided, BidState::Retracted];

impl BidColumns {
    pub(super) fn of(bids: &[Bid]) -> BidColumns {
        let (mut bidders, mut known) = (Vec::new(), HashMap::new());
        let mut index_of = |bidder: UserId| {
            *known.entry(bidder).or_insert_with(|| {
                bidders.push(bidder.0);
                // There are no more bidders than bids, which are counted in as many bits.
                u32::try_from(bidders.len() - 1).unwrap_or(u32::MAX)
            })
        };
        BidColumns {
            id: bids.iter().map(|bid| bid.id.0).collect(),
            bidder: bids.iter().map(|bid| index_of(bid.bidder)).collect(),
            amount: bids.iter().map(|bid| bid.amount.minor_units()).collect(),
            placed_at: steps(bids.iter().map(|bid| bid.placed_at.0)),
            reached: steps(bids.iter().map(|bid| bid.reached.cast_signed())),
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
            let bidder = bidders.get(bidder[n] as usize).ok_or_else(|| bad(KIND, "a bid of nobody"))?;
            let known = STATES.get(usize::from(state[n] / 2)).ok_or_else(|| bad(KIND, "an unknown state"))?;
            bids.push(Bid {
                id: BidId(id),
                bidder: UserId(*bidder),
                amount: Amount::new(amount[n]).map_err(|error| bad(KIND, error))?,
                placed_at: Timestamp(at),
                state: *known,
                doubled: state[n] % 2 == 1,
                reached: version.cast_unsigned(),
            });
        }
        Ok(bids)
    }
}

/// How far each number is from the one before: mostly little.
fn steps(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut before = 0;
    numbers.map(|number| number.wrapping_sub(std::mem::replace(&mut before, number))).collect()
}

fn state(bid: &Bid) -> u8 {
    let number = match bid.state {
        BidState::Live => 0,
        BidState::Deleted => 1,
        BidState::Voided => 2,
        BidState::Retracted => 3,
    };
    2 * number + u8::from(bid.doubled)
}
