//! `RevealSeed`: publishes the seed of the draws.

use super::{Auction, AuctionEvent, Seed, Status};
use crate::RefusalClass;
use crate::detail::Refusal;
use thiserror::Error;

/// Publishes the seed after the auction is closed or cancelled, so that everyone can verify the draws. Sent
/// by the promoter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevealSeed {
    pub seed: Seed,
}

/// Reasons a [`RevealSeed`] command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RevealSeedRefusal {
    #[error("the auction has no draws")]
    NotPromoted,
    /// The seed would predict the draws that are still to come.
    #[error("the seed can be revealed only after the auction is closed or cancelled")]
    NotOver,
    #[error("the seed is already revealed")]
    AlreadyRevealed,
    /// The seed does not match the commitment of the auction.
    #[error("the seed does not match the commitment of the auction")]
    SeedMismatch,
}

impl Refusal for RevealSeedRefusal {
    fn code(&self) -> &'static str {
        match self {
            RevealSeedRefusal::NotPromoted => "not_promoted",
            RevealSeedRefusal::NotOver => "auction_not_over",
            RevealSeedRefusal::AlreadyRevealed => "seed_already_revealed",
            RevealSeedRefusal::SeedMismatch => "seed_mismatch",
        }
    }
    fn class(&self) -> RefusalClass {
        RefusalClass::Conflict
    }
}

impl RevealSeed {
    pub(super) fn decide(&self, auction: &Auction) -> Result<Vec<AuctionEvent>, RevealSeedRefusal> {
        let promotion = auction.terms.promotion.ok_or(RevealSeedRefusal::NotPromoted)?;
        if auction.status == Status::Open {
            return Err(RevealSeedRefusal::NotOver);
        }
        if auction.draws.seed.is_some() {
            return Err(RevealSeedRefusal::AlreadyRevealed);
        }
        if !promotion.commitment.commits_to(&self.seed) {
            return Err(RevealSeedRefusal::SeedMismatch);
        }
        // After this, every draw of the auction is recorded, as held or missed.
        let missed = auction.missed_draws(auction.total_draws());
        Ok(missed.into_iter().chain([AuctionEvent::SeedRevealed { seed: self.seed }]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::auction::UnsoldReason;
    use crate::auction::fixtures::*;

    const REVEAL: RevealSeed = RevealSeed { seed: SEED };

    fn closed() -> AuctionEvent {
        AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::NoBids }
    }

    fn missed(first: u64, last: u64) -> AuctionEvent {
        AuctionEvent::DrawsMissed { first, last }
    }

    fn revealed() -> AuctionEvent {
        AuctionEvent::SeedRevealed { seed: SEED }
    }

    fn after(events: &[(DurationMs, AuctionEvent)]) -> Auction {
        let mut auction = Some(given_terms(&create_promoted(), &[]));
        events.iter().for_each(|(after, event)| Auction::apply(&mut auction, event, AT + *after));
        auction.unwrap()
    }

    #[test]
    fn seed_is_revealed_only_after_the_auction() {
        assert_eq!(REVEAL.decide(&after(&[])), Err(RevealSeedRefusal::NotOver));
        let held = AuctionEvent::DrawHeld(Box::new(draw(5, 1, None)));
        let auction = after(&[(DurationMs::seconds(50), held), (DurationMs::seconds(60), closed())]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![revealed()]));
    }

    #[test]
    fn unrecorded_draws_are_missed_when_the_seed_is_revealed() {
        let auction = after(&[(DurationMs::seconds(60), closed())]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![missed(1, 5), revealed()]));
        // The auction is closed late: draws end with the bidding.
        let auction = after(&[(DurationMs::seconds(600), closed())]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![missed(1, 5), revealed()]));
    }

    #[test]
    fn draws_of_a_cancelled_auction_end_at_the_cancellation() {
        let auction = after(&[(DurationMs::seconds(25), AuctionEvent::AuctionCancelled { by: None })]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![missed(1, 2), revealed()]));
    }

    #[test]
    fn seed_must_match_the_commitment() {
        let wrong = RevealSeed { seed: Seed([9; 32]) };
        let auction = after(&[(DurationMs::seconds(60), closed())]);
        assert_eq!(wrong.decide(&auction), Err(RevealSeedRefusal::SeedMismatch));
    }

    #[test]
    fn seed_is_revealed_once_and_only_if_there_are_draws() {
        let auction = after(&[(DurationMs::seconds(60), closed()), (DurationMs::seconds(61), revealed())]);
        assert_eq!(REVEAL.decide(&auction), Err(RevealSeedRefusal::AlreadyRevealed));
        assert_eq!(REVEAL.decide(&given(&[closed()])), Err(RevealSeedRefusal::NotPromoted));
    }
}
