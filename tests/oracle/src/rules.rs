//! Rules of each command: the first reason to refuse it, or else its events. The order of the reasons is part of
//! the rules.

use crate::auction::{AuctionModel, SentCommand, effective};
use auction_domain::auction::{
    AuctionCommand, AuctionEvent, Bid, BidState, CancelAuction, CloseAuction, CreateAuction, DeleteBid,
    DoubleBid, Draw, EndAuction, HoldDraw, PlaceBid, RetractBids, RevealSeed, Seed, Status, Terms,
    UnsoldReason, VoidBid, Winner,
};
use auction_domain::{Actor, Amount, BidId, Detail, Details, Timestamp};

/// Code and details of a refusal.
pub type Refusal = (&'static str, Details);

fn refuse_if(refused: bool, code: &'static str, details: &[(&'static str, Detail)]) -> Result<(), Refusal> {
    if refused { Err((code, details.to_vec())) } else { Ok(()) }
}

/// Returns the terms of an auction that is created now.
pub(crate) fn terms_of(create: &CreateAuction, now: Timestamp) -> Terms {
    Terms {
        currency: create.currency,
        opening_bid: create.opening_bid,
        reserve: create.reserve,
        starts_at: create.starts_at.unwrap_or(now),
        ends_at: create.ends_at,
        seller: create.seller,
        soft_close: create.soft_close,
        retraction_lock: create.retraction_lock,
        promotion: create.promotion,
    }
}

pub(crate) fn check_terms(terms: &Terms, now: Timestamp) -> Result<(), Refusal> {
    let Terms { starts_at, ends_at, opening_bid, .. } = *terms;
    let (start, end) = (("starts_at", Detail::Time(starts_at)), ("ends_at", Detail::Time(ends_at)));
    refuse_if(ends_at <= now, "ends_in_the_past", &[end, ("now", Detail::Time(now))])?;
    refuse_if(ends_at <= starts_at, "ends_before_it_starts", &[start, end])?;
    let is_low = terms.reserve.is_some_and(|reserve| reserve <= opening_bid);
    refuse_if(is_low, "reserve_below_opening_bid", &[("opening_bid", Detail::Amount(opening_bid))])
}

impl AuctionModel {
    /// Returns the events of a command without a soft-close extension, or the refusal. Changes nothing.
    pub fn decide(&self, sent: &SentCommand) -> Result<Vec<AuctionEvent>, Refusal> {
        let (at, by) = (sent.at, Some(sent.actor));
        if let AuctionCommand::CreateAuction(_) = &sent.command {
            return Err(("auction_exists", Details::new()));
        }
        let (expected, actual) = (sent.expected_version.unwrap_or(self.version()), self.version());
        let versions =
            [("expected_version", Detail::Count(expected)), ("actual_version", Detail::Count(actual))];
        refuse_if(expected != actual, "version_conflict", &versions)?;
        Ok(match &sent.command {
            AuctionCommand::CreateAuction(_) => Vec::new(), // refused above
            AuctionCommand::PlaceBid(place) => vec![self.place(place, at)?],
            AuctionCommand::DeleteBid(delete) => vec![self.delete(delete.bid, sent.actor, at)?],
            AuctionCommand::DoubleBid(double) => {
                self.must_be_open(at)?;
                let bid = self.must_be_active(double.bid)?;
                refuse_if(bid.doubled, "already_doubled", &[])?;
                vec![doubling(bid)]
            }
            AuctionCommand::HoldDraw(hold) => self.hold(&hold.draw, at)?,
            AuctionCommand::RevealSeed(reveal) => self.reveal(reveal.seed)?,
            AuctionCommand::VoidBid(void) => {
                self.must_not_be_final()?;
                let Bid { id: bid, bidder, .. } = *self.must_be_active(void.bid)?;
                vec![AuctionEvent::BidVoided { bid, bidder, reason: void.reason.clone(), by }]
            }
            AuctionCommand::RetractBids(retract) => {
                self.must_not_be_final()?;
                let bidder = retract.bidder;
                let bids: Vec<_> =
                    self.active().filter(|bid| bid.bidder == bidder).map(|bid| bid.id).collect();
                refuse_if(bids.is_empty(), "no_live_bid", &[])?;
                vec![AuctionEvent::BidsRetracted { bidder, bids }]
            }
            AuctionCommand::EndAuction(_) => {
                self.must_be_managed_by(sent.actor)?;
                self.must_be_open(at)?;
                vec![AuctionEvent::AuctionEnded { ends_at: at, by }]
            }
            AuctionCommand::CancelAuction(_) => {
                self.must_be_managed_by(sent.actor)?;
                self.must_not_be_final()?;
                vec![AuctionEvent::AuctionCancelled { by }]
            }
            AuctionCommand::CloseAuction(_) => {
                self.must_not_be_final()?;
                let ends_at = [("ends_at", Detail::Time(self.ends_at))];
                refuse_if(at < self.ends_at, "too_early_to_close", &ends_at)?;
                vec![self.result()]
            }
        })
    }

    fn must_not_be_final(&self) -> Result<(), Refusal> {
        refuse_if(matches!(self.status, Status::Closed(_)), "auction_closed", &[])?;
        refuse_if(self.status == Status::Cancelled, "auction_cancelled", &[])
    }

    fn must_be_open(&self, at: Timestamp) -> Result<(), Refusal> {
        self.must_not_be_final()?;
        let (starts_at, ends_at) = (self.terms.starts_at, self.ends_at);
        refuse_if(at < starts_at, "auction_not_started", &[("starts_at", Detail::Time(starts_at))])?;
        refuse_if(at >= ends_at, "auction_ended", &[("ends_at", Detail::Time(ends_at))])
    }

    fn must_be_managed_by(&self, actor: Actor) -> Result<(), Refusal> {
        let is_other = matches!(actor, Actor::User(user) if self.terms.seller != Some(user));
        refuse_if(is_other, "not_your_auction", &[])
    }

    fn must_exist(&self, bid: BidId) -> Result<&Bid, Refusal> {
        self.find(bid).ok_or(("unknown_bid", Details::new()))
    }

    fn must_be_active(&self, bid: BidId) -> Result<&Bid, Refusal> {
        let bid = self.must_exist(bid)?;
        refuse_if(bid.state != BidState::Active, "bid_not_live", &[])?;
        Ok(bid)
    }

    fn place(&self, place: &PlaceBid, at: Timestamp) -> Result<AuctionEvent, Refusal> {
        let PlaceBid { bid, bidder, amount } = *place;
        self.must_be_open(at)?;
        refuse_if(self.terms.seller == Some(bidder), "seller_may_not_bid", &[])?;
        refuse_if(self.find(bid).is_some(), "bid_exists", &[])?;
        let opening = self.terms.opening_bid;
        refuse_if(amount < opening, "below_opening_bid", &[("minimum", Detail::Amount(opening))])?;
        if let Some(latest) = self.active().rfind(|bid| bid.bidder == bidder).map(|bid| bid.amount) {
            let minimum = Amount::effective(latest.minor_units() + 1).unwrap();
            let details = [("your_latest", Detail::Amount(latest)), ("minimum", Detail::Amount(minimum))];
            refuse_if(amount <= latest, "not_above_your_latest", &details)?;
        }
        Ok(AuctionEvent::BidPlaced { bid, bidder, amount })
    }

    fn delete(&self, bid: BidId, actor: Actor, at: Timestamp) -> Result<AuctionEvent, Refusal> {
        let Bid { bidder, .. } = *self.must_exist(bid)?;
        refuse_if(actor != Actor::User(bidder), "not_your_bid", &[])?;
        self.must_be_open(at)?;
        self.must_be_active(bid)?;
        let locked_since = self.ends_at - self.terms.retraction_lock;
        let details = [("locked_since", Detail::Time(locked_since)), ("ends_at", Detail::Time(self.ends_at))];
        refuse_if(at >= locked_since, "too_late_to_delete", &details)?;
        Ok(AuctionEvent::BidDeleted { bid, bidder })
    }

    fn hold(&self, draw: &Draw, at: Timestamp) -> Result<Vec<AuctionEvent>, Refusal> {
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

    fn reveal(&self, seed: Seed) -> Result<Vec<AuctionEvent>, Refusal> {
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

    pub(crate) fn extension(&self, at: Timestamp) -> Option<AuctionEvent> {
        let soft_close = self.terms.soft_close?;
        let is_late = at >= self.ends_at - soft_close.within && at < self.ends_at;
        let ends_at = self.ends_at + soft_close.extend_by;
        (is_late && self.extensions < soft_close.max_extensions)
            .then_some(AuctionEvent::AuctionExtended { ends_at })
    }

    fn result(&self) -> AuctionEvent {
        match self.leader() {
            None => AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::NoBids },
            Some(_) if !self.reserve_met() => {
                AuctionEvent::AuctionClosedUnsold { reason: UnsoldReason::ReserveNotMet }
            }
            Some(best) => AuctionEvent::WinnerAnnounced(Winner {
                bid: best.id,
                bidder: best.bidder,
                price: best.amount,
                effective: Amount::effective(effective(best)).unwrap(),
            }),
        }
    }
}

fn doubling(bid: &Bid) -> AuctionEvent {
    let effective = Amount::effective(2 * bid.amount.minor_units()).unwrap();
    AuctionEvent::BidDoubled { bid: bid.id, bidder: bid.bidder, effective }
}

/// Returns the command that causes the event; `None` if only another event causes it.
pub(crate) fn command_of(event: &AuctionEvent) -> Option<AuctionCommand> {
    Some(match event.clone() {
        AuctionEvent::BidPlaced { bid, bidder, amount } => {
            AuctionCommand::PlaceBid(PlaceBid { bid, bidder, amount })
        }
        AuctionEvent::BidDeleted { bid, .. } => AuctionCommand::DeleteBid(DeleteBid { bid }),
        AuctionEvent::BidDoubled { bid, .. } => AuctionCommand::DoubleBid(DoubleBid { bid }),
        AuctionEvent::DrawHeld(draw) => AuctionCommand::HoldDraw(HoldDraw { draw }),
        AuctionEvent::SeedRevealed { seed } => AuctionCommand::RevealSeed(RevealSeed { seed }),
        AuctionEvent::BidVoided { bid, reason, .. } => AuctionCommand::VoidBid(VoidBid { bid, reason }),
        AuctionEvent::BidsRetracted { bidder, .. } => AuctionCommand::RetractBids(RetractBids { bidder }),
        AuctionEvent::AuctionEnded { .. } => AuctionCommand::EndAuction(EndAuction),
        AuctionEvent::AuctionCancelled { .. } => AuctionCommand::CancelAuction(CancelAuction),
        AuctionEvent::WinnerAnnounced(_) | AuctionEvent::AuctionClosedUnsold { .. } => {
            AuctionCommand::CloseAuction(CloseAuction)
        }
        AuctionEvent::AuctionCreated { .. }
        | AuctionEvent::AuctionExtended { .. }
        | AuctionEvent::DrawsMissed { .. } => return None,
    })
}

/// Returns the sender of the command that causes the event.
pub(crate) fn sender_of(event: &AuctionEvent) -> Actor {
    match event {
        AuctionEvent::BidPlaced { bidder, .. } | AuctionEvent::BidDeleted { bidder, .. } => {
            Actor::User(*bidder)
        }
        AuctionEvent::BidVoided { by: Some(by), .. }
        | AuctionEvent::AuctionEnded { by: Some(by), .. }
        | AuctionEvent::AuctionCancelled { by: Some(by) } => *by,
        _ => Actor::Portal,
    }
}
