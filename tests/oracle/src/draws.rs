//! Rules of the draws: when a draw is due, and what it causes.

use crate::rules::{AuctionModel, Refusal, refuse_if};
use auction_domain::auction::{AuctionEvent, Bid, BidState, Draw, Seed, Status};
use auction_domain::{Amount, Detail, Details, Timestamp};

impl AuctionModel {
    pub(crate) fn hold(&self, draw: &Draw, at: Timestamp) -> Result<Vec<AuctionEvent>, Refusal> {
        refuse_if(self.terms.promotion.is_none(), "not_promoted", &[])?;
        self.must_be_open(at)?;
        let due = self.draws_due(at);
        refuse_if(draw.number <= self.draws, "draw_already_held", &[])?;
        let due_at = Detail::Time(self.draw_due_at(draw.number));
        refuse_if(draw.number > due, "draw_too_early", &[("due_at", due_at)])?;
        refuse_if(draw.number < due, "draw_too_late", &[("due", Detail::Count(due))])?;
        let due_at_version = self.version_when_due(due);
        let versions = [("at_version", draw.at_version), ("due_at_version", due_at_version)];
        let versions = versions.map(|(name, version)| (name, Detail::Count(version)));
        refuse_if(draw.at_version != due_at_version, "draw_of_another_version", &versions)?;
        let chosen = draw.chosen.map(|bid| self.must_exist(bid)).transpose()?;
        let chosen = chosen.filter(|bid| bid.state == BidState::Active && !bid.doubled);
        let held = AuctionEvent::DrawHeld(Box::new(draw.clone()));
        Ok(self.missed_draws(due - 1).into_iter().chain([held]).chain(chosen.map(doubling)).collect())
    }

    pub(crate) fn reveal(&self, seed: Seed) -> Result<Vec<AuctionEvent>, Refusal> {
        let promotion = self.terms.promotion.ok_or(("not_promoted", Details::new()))?;
        refuse_if(self.status == Status::Open, "auction_not_over", &[])?;
        refuse_if(self.is_revealed, "seed_already_revealed", &[])?;
        refuse_if(!promotion.commitment.commits_to(&seed), "seed_mismatch", &[])?;
        let missed = self.missed_draws(self.total_draws());
        Ok(missed.into_iter().chain([AuctionEvent::SeedRevealed { seed }]).collect())
    }

    fn interval(&self) -> i64 {
        self.terms.promotion.map_or(i64::MAX, |promotion| i64::from(promotion.interval.0.max(1)))
    }

    /// Returns the number of draws that are due.
    pub fn draws_due(&self, at: Timestamp) -> u64 {
        u64::try_from((at.0 - self.terms.starts_at.0) / self.interval()).unwrap_or_default()
    }

    fn draw_due_at(&self, draw: u64) -> Timestamp {
        Timestamp(self.terms.starts_at.0 + self.interval() * draw as i64)
    }

    /// Returns the version of the auction just before a draw was due, at least that of its creation.
    pub fn version_when_due(&self, draw: u64) -> u64 {
        let due_at = self.draw_due_at(draw);
        let before = self.times.iter().take_while(|at| **at < due_at).count();
        before.max(1) as u64
    }

    /// Returns the number of draws of a final auction. A draw that is due at the very end is not held.
    fn total_draws(&self) -> u64 {
        let over_at = self.cancelled_at.map_or(self.ends_at, |at| at.min(self.ends_at));
        self.draws_due(Timestamp(over_at.0 - 1))
    }

    fn missed_draws(&self, last: u64) -> Option<AuctionEvent> {
        let first = self.draws + 1;
        (first <= last).then_some(AuctionEvent::DrawsMissed { first, last })
    }

    /// Returns the missed draws that a draw held or a seed revealed now records.
    pub(crate) fn missed_draws_at(&self, at: Timestamp) -> Option<AuctionEvent> {
        let is_open = self.status == Status::Open;
        self.missed_draws(if is_open { self.draws_due(at).saturating_sub(1) } else { self.total_draws() })
    }
}

pub(crate) fn doubling(bid: &Bid) -> AuctionEvent {
    let effective = Amount::effective(2 * bid.amount.minor_units()).unwrap();
    AuctionEvent::BidDoubled { bid: bid.id, bidder: bid.bidder, effective }
}
