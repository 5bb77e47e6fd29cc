//! `RevealSeed`: publishes the seed of the draws.

use super::refusal::*;
use super::{Auction, AuctionEvent, Decision, Seed, Status};

/// Publishes the seed after the auction is closed or cancelled, so that everyone can verify the draws. Sent
/// by the promoter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevealSeed {
    pub seed: Seed,
}

refusals! {
    for RevealSeed: UnknownAuction, VersionConflict, NotPromoted;
    AuctionNotOver = Conflict("auction_not_over",
        "the seed of the draws can be revealed only after the auction is closed or cancelled",
        INTERNAL_COMMAND);
    SeedAlreadyRevealed = Conflict("seed_already_revealed", "the seed of the draws is already revealed",
        INTERNAL_COMMAND);
    SeedMismatch = Conflict("seed_mismatch",
        "the seed does not match the commitment that the auction was created with", INTERNAL_COMMAND);
}

impl RevealSeed {
    pub(super) fn decide(&self, auction: &Auction) -> Decision {
        let promotion = auction.terms.promotion.ok_or(NotPromoted)?;
        if auction.status == Status::Open {
            return Err(AuctionNotOver.into());
        }
        if auction.draws.seed.is_some() {
            return Err(SeedAlreadyRevealed.into());
        }
        if !promotion.commitment.commits_to(&self.seed) {
            return Err(SeedMismatch.into());
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
        assert_eq!(REVEAL.decide(&after(&[])), Err(AuctionNotOver.into()));
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
        assert_eq!(wrong.decide(&auction), Err(SeedMismatch.into()));
    }

    #[test]
    fn seed_is_revealed_once_and_only_if_there_are_draws() {
        let auction = after(&[(DurationMs::seconds(60), closed()), (DurationMs::seconds(61), revealed())]);
        assert_eq!(REVEAL.decide(&auction), Err(SeedAlreadyRevealed.into()));
        assert_eq!(REVEAL.decide(&given(&[closed()])), Err(NotPromoted.into()));
    }
}
