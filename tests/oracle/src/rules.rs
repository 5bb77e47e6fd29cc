//! Rules of each command and event: the first reason to refuse a command, or else its events; and what an event
//! changes. The order of the reasons is part of the rules.

use crate::auction::{SentCommand, effective};
use crate::draws::doubling;
use auction_domain::auction::{
    AuctionCommand, AuctionEvent, Bid, BidState, CancelAuction, CloseAuction, CreateAuction, DeleteBid,
    DoubleBid, EndAuction, HoldDraw, PlaceBid, RetractBids, RevealSeed, Status, Terms, UnsoldReason, VoidBid,
    Winner,
};
use auction_domain::{Actor, Amount, BidId, Detail, Details, Timestamp};
use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub struct AuctionModel {
    pub terms: Terms,
    /// End of bidding, including extensions.
    pub ends_at: Timestamp,
    pub status: Status,
    /// All bids, in the order of placement.
    pub bids: Vec<Bid>,
    /// Number of the last draw that was held or missed.
    pub draws: u64,
    pub is_revealed: bool,
    extensions: u32,
    pub(crate) cancelled_at: Option<Timestamp>,
    /// Time of each event.
    pub(crate) times: Vec<Timestamp>,
    /// Events that must follow, because the last command has caused them.
    pub(crate) following: VecDeque<AuctionEvent>,
}

/// Code and details of a refusal.
pub type Refusal = (&'static str, Details);

pub(crate) fn refuse_if(
    refused: bool,
    code: &'static str,
    details: &[(&'static str, Detail)],
) -> Result<(), Refusal> {
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
    /// Returns the model after the first event of an auction; `None` after any other event.
    pub(crate) fn of(created: &AuctionEvent, at: Timestamp) -> Option<AuctionModel> {
        let AuctionEvent::AuctionCreated { terms, .. } = created else { return None };
        Some(AuctionModel {
            ends_at: terms.ends_at,
            terms: terms.clone(),
            status: Status::Open,
            bids: Vec::new(),
            draws: 0,
            is_revealed: false,
            extensions: 0,
            cancelled_at: None,
            times: vec![at],
            following: VecDeque::new(),
        })
    }

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

    pub(crate) fn must_be_open(&self, at: Timestamp) -> Result<(), Refusal> {
        self.must_not_be_final()?;
        let (starts_at, ends_at) = (self.terms.starts_at, self.ends_at);
        refuse_if(at < starts_at, "auction_not_started", &[("starts_at", Detail::Time(starts_at))])?;
        refuse_if(at >= ends_at, "auction_ended", &[("ends_at", Detail::Time(ends_at))])
    }

    fn must_be_managed_by(&self, actor: Actor) -> Result<(), Refusal> {
        let is_other = matches!(actor, Actor::User(user) if self.terms.seller != Some(user));
        refuse_if(is_other, "not_your_auction", &[])
    }

    pub(crate) fn must_exist(&self, bid: BidId) -> Result<&Bid, Refusal> {
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

    /// Applies an event without checking it.
    pub(crate) fn fold(&mut self, event: &AuctionEvent, at: Timestamp) {
        self.times.push(at);
        let version = self.version();
        match event {
            AuctionEvent::AuctionCreated { .. } => {}
            AuctionEvent::BidPlaced { bid, bidder, amount } => self.bids.push(Bid {
                id: *bid,
                bidder: *bidder,
                amount: *amount,
                placed_at: at,
                state: BidState::Active,
                doubled: false,
                effective_since: version,
            }),
            AuctionEvent::BidDeleted { bid, .. } => self.change(&[*bid], |bid| bid.state = BidState::Deleted),
            AuctionEvent::BidVoided { bid, .. } => self.change(&[*bid], |bid| bid.state = BidState::Voided),
            AuctionEvent::BidsRetracted { bids, .. } => {
                self.change(bids, |bid| bid.state = BidState::Retracted);
            }
            AuctionEvent::BidDoubled { bid, .. } => self.change(&[*bid], |bid| {
                (bid.doubled, bid.effective_since) = (true, version);
            }),
            AuctionEvent::DrawHeld(draw) => self.draws = draw.number,
            AuctionEvent::DrawsMissed { last, .. } => self.draws = *last,
            AuctionEvent::SeedRevealed { .. } => self.is_revealed = true,
            AuctionEvent::AuctionExtended { ends_at } => {
                self.ends_at = *ends_at;
                self.extensions += 1;
            }
            AuctionEvent::AuctionEnded { ends_at, .. } => self.ends_at = *ends_at,
            AuctionEvent::AuctionCancelled { .. } => {
                self.status = Status::Cancelled;
                self.cancelled_at = Some(at);
            }
            AuctionEvent::WinnerAnnounced(winner) => self.status = Status::Closed(Some(*winner)),
            AuctionEvent::AuctionClosedUnsold { .. } => self.status = Status::Closed(None),
        }
    }

    fn change(&mut self, ids: &[BidId], change: impl Fn(&mut Bid)) {
        self.bids.iter_mut().filter(|bid| ids.contains(&bid.id)).for_each(change);
    }
}

/// Returns the command that causes the event, and its sender; `None` if only another event causes it.
pub(crate) fn cause_of(event: &AuctionEvent) -> Option<(AuctionCommand, Actor)> {
    let by_portal = |command| (command, Actor::Portal);
    let by_sender = |command, by: Option<Actor>| (command, by.unwrap_or(Actor::Portal));
    Some(match event.clone() {
        AuctionEvent::BidPlaced { bid, bidder, amount } => {
            (AuctionCommand::PlaceBid(PlaceBid { bid, bidder, amount }), Actor::User(bidder))
        }
        AuctionEvent::BidDeleted { bid, bidder } => {
            (AuctionCommand::DeleteBid(DeleteBid { bid }), Actor::User(bidder))
        }
        AuctionEvent::BidVoided { bid, reason, by, .. } => {
            by_sender(AuctionCommand::VoidBid(VoidBid { bid, reason }), by)
        }
        AuctionEvent::AuctionEnded { by, .. } => by_sender(AuctionCommand::EndAuction(EndAuction), by),
        AuctionEvent::AuctionCancelled { by } => by_sender(AuctionCommand::CancelAuction(CancelAuction), by),
        AuctionEvent::BidDoubled { bid, .. } => by_portal(AuctionCommand::DoubleBid(DoubleBid { bid })),
        AuctionEvent::DrawHeld(draw) => by_portal(AuctionCommand::HoldDraw(HoldDraw { draw })),
        AuctionEvent::SeedRevealed { seed } => by_portal(AuctionCommand::RevealSeed(RevealSeed { seed })),
        AuctionEvent::BidsRetracted { bidder, .. } => {
            by_portal(AuctionCommand::RetractBids(RetractBids { bidder }))
        }
        AuctionEvent::WinnerAnnounced(_) | AuctionEvent::AuctionClosedUnsold { .. } => {
            by_portal(AuctionCommand::CloseAuction(CloseAuction))
        }
        AuctionEvent::AuctionCreated { .. }
        | AuctionEvent::AuctionExtended { .. }
        | AuctionEvent::DrawsMissed { .. } => return None,
    })
}
