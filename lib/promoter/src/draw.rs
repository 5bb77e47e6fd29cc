//! Draws: the selection of one bid.

use crate::deterministic_rng::DeterministicRng;
use crate::seed::mac;
use crate::settings::Settings;
use uuid::Uuid;

/// Active bid of the auction, as the input of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandidateBid {
    /// Id of the bid.
    pub id: Uuid,
    /// Id of the bidder.
    pub bidder: Uuid,
    /// Amount in minor units.
    pub amount: u64,
    /// Time of the bid, in milliseconds since 1970.
    pub placed_at: i64,
    /// Whether the bid is already doubled. It is then never drawn again.
    pub doubled: bool,
    /// Whether the bidder leads the auction, with this or another bid.
    pub bidder_leads: bool,
    /// Whether any bid of the bidder in this auction is already doubled.
    pub bidder_doubled: bool,
}

impl CandidateBid {
    /// Makes a bid with time zero, of a bidder who does not lead and has no doubled bid.
    pub fn new(id: Uuid, bidder: Uuid, amount: u64) -> CandidateBid {
        CandidateBid {
            id,
            bidder,
            amount,
            placed_at: 0,
            doubled: false,
            bidder_leads: false,
            bidder_doubled: false,
        }
    }
}

/// Input of a draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrawContext<'a> {
    /// Id of the draw, different for each interval of each auction.
    pub draw: Uuid,
    /// Position in the history at which `bids` were read, such as the version of the auction.
    pub position: u64,
    /// Time when the draw is due, in milliseconds since 1970.
    pub due_at: i64,
    /// End of the auction as of `position`, in milliseconds since 1970.
    pub ends_at: i64,
    /// Number of doubled bids in this auction so far.
    pub doublings: u32,
    /// All active bids, always in the same order, such as the order of placement.
    pub bids: &'a [CandidateBid],
}

/// Result of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawResult {
    /// Message authentication code of the complete input, keyed with the seed. Can be published at once.
    pub proof: [u8; 32],
    /// Number of bids that could be drawn.
    pub eligible: u32,
    /// Drawn bid, or the reason there is none.
    pub selection: Selection,
}

/// Bid that a draw selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The bid with this id.
    Bid(Uuid),
    /// No bid was drawn.
    NoBid(NoBidReason),
}

/// Reasons a draw selects no bid, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBidReason {
    /// The window of [`crate::only_in_last`] is not open yet.
    WindowNotOpen,
    /// The auction has reached [`crate::max_doublings`].
    MaxDoublingsReached,
    /// This interval was skipped at random: [`crate::probability_permille`].
    IntervalSkipped,
    /// No bid can be drawn.
    NoEligibleBid(ExclusionCounts),
}

/// Numbers of excluded bids by reason. A bid is counted once, under the first reason that applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExclusionCounts {
    /// Bids that are already doubled.
    pub doubled: u32,
    /// Bids of the leading bidder: [`crate::exclude_leader`].
    pub leading: u32,
    /// Bids of bidders with a doubled bid: [`crate::once_per_bidder`].
    pub bidder_doubled: u32,
    /// Bids of weight zero: [`crate::weigh_by`].
    pub zero_weight: u32,
}

pub(crate) fn draw(settings: &Settings, context: &DrawContext<'_>) -> DrawResult {
    let mut excluded = ExclusionCounts::default();
    let weigh = settings.weight();
    let weights: Vec<u64> = context
        .bids
        .iter()
        .map(|bid| match exclusion(settings, bid, &mut excluded) {
            Some(count) => {
                *count += 1;
                0
            }
            None => {
                let weight = weigh(bid, context);
                excluded.zero_weight += u32::from(weight == 0);
                weight
            }
        })
        .collect();
    let proof = proof(settings, context, &weights);
    let eligible = weights.iter().filter(|weight| **weight > 0).count();
    let mut numbers = DeterministicRng::new(settings.seed(), &proof);
    let selection = if !is_in_window(settings, context) {
        Selection::NoBid(NoBidReason::WindowNotOpen)
    } else if settings.max_doublings().is_some_and(|limit| context.doublings >= limit) {
        Selection::NoBid(NoBidReason::MaxDoublingsReached)
    } else if numbers.below(1000) >= u128::from(settings.probability_permille()) {
        Selection::NoBid(NoBidReason::IntervalSkipped)
    } else {
        match choose(&weights, &mut numbers) {
            Some(index) => Selection::Bid(context.bids[index].id),
            None => Selection::NoBid(NoBidReason::NoEligibleBid(excluded)),
        }
    };
    DrawResult { proof, eligible: u32::try_from(eligible).unwrap_or(u32::MAX), selection }
}

/// Returns the counter of the reason the bid is excluded, regardless of its weight; `None` if it takes part.
fn exclusion<'a>(
    settings: &Settings,
    bid: &CandidateBid,
    excluded: &'a mut ExclusionCounts,
) -> Option<&'a mut u32> {
    if bid.doubled {
        Some(&mut excluded.doubled)
    } else if settings.exclude_leader() && bid.bidder_leads {
        Some(&mut excluded.leading)
    } else if settings.once_per_bidder() && bid.bidder_doubled {
        Some(&mut excluded.bidder_doubled)
    } else {
        None
    }
}

fn is_in_window(settings: &Settings, context: &DrawContext<'_>) -> bool {
    let remaining = u128::try_from(context.ends_at.saturating_sub(context.due_at)).unwrap_or_default();
    settings.only_in_last().is_none_or(|window| remaining <= window.as_millis())
}

/// Computes the proof from everything that the draw depends on. The encoding is unambiguous: the number of
/// bids precedes them, and all other parts have a fixed length.
fn proof(settings: &Settings, context: &DrawContext<'_>, weights: &[u64]) -> [u8; 32] {
    let mut message = Vec::with_capacity(80 + context.bids.len() * 64);
    message.extend(b"auction-promoter/draw/1");
    message.extend(context.draw.as_bytes());
    message.extend(context.position.to_be_bytes());
    message.extend(context.due_at.to_be_bytes());
    message.extend(context.ends_at.to_be_bytes());
    message.extend(context.doublings.to_be_bytes());
    message.extend((context.bids.len() as u64).to_be_bytes());
    for (bid, weight) in context.bids.iter().zip(weights) {
        message.extend(bid.id.as_bytes());
        message.extend(bid.bidder.as_bytes());
        message.extend(bid.amount.to_be_bytes());
        message.extend(bid.placed_at.to_be_bytes());
        message.push(
            u8::from(bid.doubled) | u8::from(bid.bidder_leads) << 1 | u8::from(bid.bidder_doubled) << 2,
        );
        message.extend(weight.to_be_bytes());
    }
    mac(&settings.seed().0, &[&message])
}

/// Returns an index with a probability proportional to its weight; `None` if all weights are zero.
fn choose(weights: &[u64], numbers: &mut DeterministicRng<'_>) -> Option<usize> {
    let total: u128 = weights.iter().copied().map(u128::from).sum();
    if total == 0 {
        return None;
    }
    let mut offset = numbers.below(total);
    weights.iter().position(|weight| {
        let is_chosen = offset < u128::from(*weight);
        if !is_chosen {
            offset -= u128::from(*weight);
        }
        is_chosen
    })
}
