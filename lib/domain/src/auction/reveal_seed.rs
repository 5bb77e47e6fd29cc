//! `RevealSeed`: show what the draws of an auction that is over were held with.

use super::{Auction, AuctionEvent, Seed, Status};
use crate::RefusedClass;
use crate::detail::Refusal;
use thiserror::Error;

/// Show the seed. Sent by the promoter when the auction is closed or cancelled; from then on everybody can
/// hold its draws again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevealSeed {
    /// The one that the auction was created with.
    pub seed: Seed,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RevealSeedRefusal {
    /// There are no draws in this auction.
    #[error("there are no draws in this auction")]
    NotPromoted,
    /// Whoever knew the seed could foresee the draws to come.
    #[error("the seed is shown when the auction is closed or cancelled")]
    NotOver,
    /// It is known already.
    #[error("the seed was shown before")]
    AlreadyRevealed,
    /// It is not the seed that the auction was created with.
    #[error("this is not the seed that the auction was created with")]
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
    fn class(&self) -> RefusedClass {
        RefusedClass::Conflict
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
        if !promotion.commitment.is_to(&self.seed) {
            return Err(RevealSeedRefusal::SeedMismatch);
        }
        // From now on something is known of every draw there should have been.
        let missed = auction.missed(auction.draws_in_all());
        Ok(missed.into_iter().chain([AuctionEvent::SeedRevealed { seed: self.seed }]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DurationMs;
    use crate::auction::Unsold;
    use crate::auction::fixtures::*;

    const REVEAL: RevealSeed = RevealSeed { seed: SEED };

    fn closed() -> AuctionEvent {
        AuctionEvent::AuctionClosedUnsold { because: Unsold::NoBids }
    }

    fn missed(first: u64, last: u64) -> AuctionEvent {
        AuctionEvent::DrawsMissed { first, last }
    }

    fn revealed() -> AuctionEvent {
        AuctionEvent::SeedRevealed { seed: SEED }
    }

    fn after(events: &[(DurationMs, AuctionEvent)]) -> Auction {
        let mut auction = Some(given_terms(&promoted(), &[]));
        events.iter().for_each(|(after, event)| Auction::apply(&mut auction, event, AT + *after));
        auction.unwrap()
    }

    #[test]
    fn the_seed_is_shown_when_the_auction_is_over_and_not_before() {
        assert_eq!(REVEAL.decide(&after(&[])), Err(RevealSeedRefusal::NotOver));
        let held = AuctionEvent::DrawHeld(Box::new(draw(5, 1, None)));
        let auction = after(&[(DurationMs::seconds(50), held), (DurationMs::seconds(60), closed())]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![revealed()]));
    }

    #[test]
    fn what_was_not_drawn_is_recorded_with_it() {
        let auction = after(&[(DurationMs::seconds(60), closed())]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![missed(1, 5), revealed()]));
        // Closed late: the draws ended with the bidding.
        let auction = after(&[(DurationMs::seconds(600), closed())]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![missed(1, 5), revealed()]));
    }

    #[test]
    fn a_cancelled_auction_had_its_draws_until_it_was_cancelled() {
        let auction = after(&[(DurationMs::seconds(25), AuctionEvent::AuctionCancelled { by: None })]);
        assert_eq!(REVEAL.decide(&auction), Ok(vec![missed(1, 2), revealed()]));
    }

    #[test]
    fn no_other_seed_passes_for_it() {
        let other = RevealSeed { seed: Seed([9; 32]) };
        let auction = after(&[(DurationMs::seconds(60), closed())]);
        assert_eq!(other.decide(&auction), Err(RevealSeedRefusal::SeedMismatch));
    }

    #[test]
    fn it_is_shown_once_and_only_where_there_are_draws() {
        let auction = after(&[(DurationMs::seconds(60), closed()), (DurationMs::seconds(61), revealed())]);
        assert_eq!(REVEAL.decide(&auction), Err(RevealSeedRefusal::AlreadyRevealed));
        assert_eq!(REVEAL.decide(&given(&[closed()])), Err(RevealSeedRefusal::NotPromoted));
    }
}
