//! One draw.

use crate::deterministic_rng::DeterministicRng;
use crate::seed::mac;
use crate::settings::Settings;
use uuid::Uuid;

/// A bid that counts, as a draw sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EligibleBid {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub bidder: Uuid,
    /// What was bid, in minor units.
    pub amount: u64,
    /// When, in milliseconds since 1970.
    pub placed_at: i64,
    /// Whether it was promoted before; then it never is again.
    pub promoted: bool,
    /// Whether its bidder leads.
    pub bidder_leads: bool,
    /// Whether any bid of its bidder in this auction was promoted before.
    pub bidder_promoted: bool,
}

impl EligibleBid {
    /// A bid of no particular time, of a bidder who does not lead and was not promoted.
    pub fn new(id: Uuid, bidder: Uuid, amount: u64) -> EligibleBid {
        EligibleBid {
            id,
            bidder,
            amount,
            placed_at: 0,
            promoted: false,
            bidder_leads: false,
            bidder_promoted: false,
        }
    }
}

/// What a draw looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrawContext<'a> {
    /// The draw's id: another one for each interval of each auction.
    pub draw: Uuid,
    /// The position in history that `bids` are as of, such as the auction's version.
    pub position: u64,
    /// When the draw is due, in milliseconds since 1970.
    pub due_at: i64,
    /// When the auction ends, as of that position.
    pub ends_at: i64,
    /// How many promotions there were in this auction before.
    pub promotions: u32,
    /// All bids that count, always in the same order, such as that in which they were placed.
    pub bids: &'a [EligibleBid],
}

/// What a draw came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawResult {
    /// Binds the draw to everything that it looked at. Can be published at once.
    pub proof: [u8; 32],
    /// Among how many bids was drawn.
    pub eligible: u32,
    /// Who was drawn.
    pub result: Selection,
}

/// Who was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The bid of that id.
    Bid(Uuid),
    /// Nobody, and why.
    Nobody(NoSelection),
}

/// Why nobody was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSelection {
    /// The time before the end in which there are draws has not come.
    NotYet,
    /// The auction has had its promotions.
    Enough,
    /// The lot said: not in this interval.
    NoLuck,
    /// No bid takes part.
    NoneEligible(ExclusionCounts),
}

/// How many bids were left out, and for which reason; the first that applies counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExclusionCounts {
    /// Promoted before.
    pub promoted: u32,
    /// Of whoever leads.
    pub leading: u32,
    /// Of a bidder who was promoted before.
    pub once: u32,
    /// Their weight is zero.
    pub weightless: u32,
}

pub(crate) fn draw(settings: &Settings, round: &DrawContext<'_>) -> DrawResult {
    let mut excluded = ExclusionCounts::default();
    let weigh = settings.weight();
    let weights: Vec<u64> = round
        .bids
        .iter()
        .map(|bid| match reason_to_leave_out(settings, bid, &mut excluded) {
            Some(reason) => {
                *reason += 1;
                0
            }
            None => {
                let weight = weigh(bid, round);
                excluded.weightless += u32::from(weight == 0);
                weight
            }
        })
        .collect();
    let proof = proof(settings, round, &weights);
    let eligible = weights.iter().filter(|weight| **weight > 0).count();
    let mut numbers = DeterministicRng::new(settings.seed(), &proof);
    let result = if !is_in_window(settings, round) {
        Selection::Nobody(NoSelection::NotYet)
    } else if settings.at_most().is_some_and(|most| round.promotions >= most) {
        Selection::Nobody(NoSelection::Enough)
    } else if numbers.below(1000) >= u128::from(settings.chance()) {
        Selection::Nobody(NoSelection::NoLuck)
    } else {
        match choose(&weights, &mut numbers) {
            Some(index) => Selection::Bid(round.bids[index].id),
            None => Selection::Nobody(NoSelection::NoneEligible(excluded)),
        }
    };
    DrawResult { proof, eligible: u32::try_from(eligible).unwrap_or(u32::MAX), result }
}

/// The count of the reason for which a bid does not take part, whatever it weighs.
fn reason_to_leave_out<'a>(
    settings: &Settings,
    bid: &EligibleBid,
    excluded: &'a mut ExclusionCounts,
) -> Option<&'a mut u32> {
    if bid.promoted {
        Some(&mut excluded.promoted)
    } else if settings.never_the_leader() && bid.bidder_leads {
        Some(&mut excluded.leading)
    } else if settings.once_per_bidder() && bid.bidder_promoted {
        Some(&mut excluded.once)
    } else {
        None
    }
}

fn is_in_window(settings: &Settings, round: &DrawContext<'_>) -> bool {
    let left = u128::try_from(round.ends_at.saturating_sub(round.due_at)).unwrap_or_default();
    settings.only_in_last().is_none_or(|window| left <= window.as_millis())
}

/// Everything that the draw depends on, in a form in which no two rounds look alike: all parts have a fixed
/// length, but for the number of bids, which is told first.
fn proof(settings: &Settings, round: &DrawContext<'_>, weights: &[u64]) -> [u8; 32] {
    let mut message = Vec::with_capacity(80 + round.bids.len() * 64);
    message.extend(b"auction-promoter/draw/1");
    message.extend(round.draw.as_bytes());
    message.extend(round.position.to_be_bytes());
    message.extend(round.due_at.to_be_bytes());
    message.extend(round.ends_at.to_be_bytes());
    message.extend(round.promotions.to_be_bytes());
    message.extend((round.bids.len() as u64).to_be_bytes());
    for (bid, weight) in round.bids.iter().zip(weights) {
        message.extend(bid.id.as_bytes());
        message.extend(bid.bidder.as_bytes());
        message.extend(bid.amount.to_be_bytes());
        message.extend(bid.placed_at.to_be_bytes());
        message.push(
            u8::from(bid.promoted) | u8::from(bid.bidder_leads) << 1 | u8::from(bid.bidder_promoted) << 2,
        );
        message.extend(weight.to_be_bytes());
    }
    mac(&settings.seed().0, &[&message])
}

/// An index, each as likely as its weight says; none if all weights are zero.
fn choose(weights: &[u64], numbers: &mut DeterministicRng<'_>) -> Option<usize> {
    let total: u128 = weights.iter().copied().map(u128::from).sum();
    if total == 0 {
        return None;
    }
    let mut at = numbers.below(total);
    weights.iter().position(|weight| {
        let here = at < u128::from(*weight);
        if !here {
            at -= u128::from(*weight);
        }
        here
    })
}
