//! Grounds on which a command is refused. The model returns all of them, because the rules do not define
//! which of several grounds the refusal names.

use crate::model::{Model, Sent};
use crate::moves::SEED;
use auction_domain::auction::{AuctionCommand, CreateAuction, Draw, Status};
use auction_domain::{Actor, Amount, BidId, Detail, Details, Timestamp, UserId};

/// Ground of a refusal: its code and its details.
pub(crate) type Ground = (&'static str, Details);

pub(crate) fn against_creation(create: &CreateAuction, exists: bool, now: i64) -> Vec<Ground> {
    let ends_at = create.ends_at.0;
    let starts_at = create.starts_at.map_or(now, |start| start.0);
    let opening = create.opening_bid.minor_units();
    let mut grounds: Vec<Ground> = Vec::new();
    if exists {
        grounds.push(("auction_exists", vec![]));
    }
    if ends_at <= now {
        grounds.push(("ends_in_the_past", vec![("ends_at", time(ends_at)), ("now", time(now))]));
    }
    if ends_at <= starts_at {
        let details = vec![("starts_at", time(starts_at)), ("ends_at", time(ends_at))];
        grounds.push(("ends_before_it_starts", details));
    }
    if create.reserve.is_some_and(|reserve| reserve.minor_units() <= opening) {
        grounds.push(("reserve_below_opening_bid", vec![("opening_bid", money(opening))]));
    }
    grounds
}

fn time(ms: i64) -> Detail {
    Detail::Time(Timestamp(ms))
}

/// Amounts of the model are small, so that doubled amounts are valid, too.
pub(crate) fn money(minor_units: u64) -> Detail {
    Detail::Amount(Amount::new(minor_units).unwrap())
}

impl Model {
    fn already_final(&self) -> Option<Ground> {
        match self.status {
            Status::Open => None,
            Status::Closed(_) => Some(("auction_closed", vec![])),
            Status::Cancelled => Some(("auction_cancelled", vec![])),
        }
    }

    fn not_open(&self, now: i64) -> Option<Ground> {
        if let Some(ground) = self.already_final() {
            Some(ground)
        } else if now < self.starts_at {
            Some(("auction_not_started", vec![("starts_at", time(self.starts_at))]))
        } else if now >= self.ends_at {
            Some(("auction_ended", vec![("ends_at", time(self.ends_at))]))
        } else {
            None
        }
    }

    fn not_your_auction(&self, actor: Actor) -> Option<Ground> {
        let is_yours = match actor {
            Actor::Operator(_) | Actor::Portal => true,
            Actor::User(user) => self.seller == Some(user),
        };
        (!is_yours).then(|| ("not_your_auction", vec![]))
    }

    fn not_active(&self, id: BidId) -> Option<Ground> {
        match self.find(id) {
            None => Some(("unknown_bid", vec![])),
            Some(bid) if !bid.is_active() => Some(("bid_not_live", vec![])),
            Some(_) => None,
        }
    }

    /// Returns every ground on which the command is refused; none if it is accepted.
    pub(crate) fn against(&self, sent: &Sent) -> Vec<Ground> {
        let now = sent.at;
        match &sent.command {
            AuctionCommand::CreateAuction(_) => vec![],
            AuctionCommand::PlaceBid(bid) => self.against_bid(bid.bidder, bid.amount.minor_units(), now),
            AuctionCommand::DeleteBid(delete) => self.against_deletion(delete.bid, sent.actor, now),
            AuctionCommand::DoubleBid(double) => {
                let twice = self.find(double.bid).is_some_and(|bid| bid.doubled);
                let twice = twice.then(|| ("already_doubled", vec![]));
                [self.not_open(now), self.not_active(double.bid), twice].into_iter().flatten().collect()
            }
            AuctionCommand::HoldDraw(hold) => self.against_draw(&hold.draw, now),
            AuctionCommand::RevealSeed(reveal) => {
                let promoted = self.interval.is_some();
                let grounds = [
                    (!promoted).then(|| ("not_promoted", vec![])),
                    (self.status == Status::Open).then(|| ("auction_not_over", vec![])),
                    self.revealed.then(|| ("seed_already_revealed", vec![])),
                    (reveal.seed != SEED).then(|| ("seed_mismatch", vec![])),
                ];
                grounds.into_iter().flatten().collect()
            }
            AuctionCommand::VoidBid(void) => {
                [self.already_final(), self.not_active(void.bid)].into_iter().flatten().collect()
            }
            AuctionCommand::RetractBids(retract) => {
                let any = self.bids.iter().any(|bid| bid.bidder == retract.bidder && bid.is_active());
                let none = (!any).then(|| ("no_live_bid", vec![]));
                [self.already_final(), none].into_iter().flatten().collect()
            }
            AuctionCommand::EndAuction(_) => {
                [self.not_your_auction(sent.actor), self.not_open(now)].into_iter().flatten().collect()
            }
            AuctionCommand::CancelAuction(_) => {
                [self.not_your_auction(sent.actor), self.already_final()].into_iter().flatten().collect()
            }
            AuctionCommand::CloseAuction(_) => match self.already_final() {
                Some(ground) => vec![ground],
                None if now < self.ends_at => {
                    vec![("too_early_to_close", vec![("ends_at", time(self.ends_at))])]
                }
                None => vec![],
            },
        }
    }

    fn against_bid(&self, bidder: UserId, amount: u64, now: i64) -> Vec<Ground> {
        let mut grounds: Vec<Ground> = self.not_open(now).into_iter().collect();
        if self.seller == Some(bidder) {
            grounds.push(("seller_may_not_bid", vec![]));
        }
        if amount < self.opening_bid {
            grounds.push(("below_opening_bid", vec![("minimum", money(self.opening_bid))]));
        }
        let own = self.bids.iter().rfind(|bid| bid.bidder == bidder && bid.is_active());
        if let Some(latest) = own.map(|bid| bid.face).filter(|latest| amount <= *latest) {
            let details = vec![("your_latest", money(latest)), ("minimum", money(latest + 1))];
            grounds.push(("not_above_your_latest", details));
        }
        grounds
    }

    fn against_draw(&self, draw: &Draw, now: i64) -> Vec<Ground> {
        let mut grounds: Vec<Ground> = self.not_open(now).into_iter().collect();
        let Some(interval) = self.interval else {
            grounds.push(("not_promoted", vec![]));
            return grounds;
        };
        let (due, number) = (self.draws_due(now), draw.number);
        if number <= self.draws.len() as u64 {
            grounds.push(("draw_already_held", vec![]));
        }
        if number > due {
            let due_at = self.starts_at + interval * number as i64;
            grounds.push(("draw_too_early", vec![("due_at", time(due_at))]));
        }
        if number < due {
            grounds.push(("draw_too_late", vec![("due", Detail::Count(due))]));
        }
        let due_at_version = self.version_when_due(due);
        if draw.at_version != due_at_version {
            let details = [("at_version", draw.at_version), ("due_at_version", due_at_version)];
            let details = details.map(|(name, version)| (name, Detail::Count(version))).into();
            grounds.push(("draw_of_another_version", details));
        }
        if draw.chosen.is_some_and(|bid| self.find(bid).is_none()) {
            grounds.push(("unknown_bid", vec![]));
        }
        grounds
    }

    fn against_deletion(&self, id: BidId, actor: Actor, now: i64) -> Vec<Ground> {
        let mut grounds: Vec<Ground> = self.not_open(now).into_iter().chain(self.not_active(id)).collect();
        if self.find(id).is_some_and(|bid| actor != Actor::User(bid.bidder)) {
            grounds.push(("not_your_bid", vec![]));
        }
        let locked_since = self.ends_at - self.lock;
        if now >= locked_since {
            let details = vec![("locked_since", time(locked_since)), ("ends_at", time(self.ends_at))];
            grounds.push(("too_late_to_delete", details));
        }
        grounds
    }
}
