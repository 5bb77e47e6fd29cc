//! Random moves. Bids and times are relative to the current state, so that shortened sequences stay meaningful
//! and moves hit the boundaries of the rules often.

use crate::run::creation;
use auction_domain::auction::{
    AuctionCommand, Bid, CancelAuction, CloseAuction, Commitment, CreateAuction, DeleteBid, DoubleBid, Draw,
    EndAuction, HoldDraw, PlaceBid, Promotion, Proof, RetractBids, RevealSeed, Seed, SoftClose, VoidBid,
};
use auction_domain::{
    Actor, Amount, BidId, DurationMs, OperatorId, PromoterOptions, Reason, Timestamp, UserId,
};
use auction_oracle::auction::{AuctionModel, SentCommand};
use proptest::prelude::*;
use std::ops::Range;
use uuid::Uuid;

pub(crate) const USERS: u8 = 5;
pub(crate) const FIRST_TIME: Timestamp = Timestamp(1_000_000);
const OPERATOR: Actor = Actor::Operator(OperatorId::Unidentified);

/// Seed of all draws.
const SEED: Seed = Seed([0; 32]);
/// SHA-256 of [`SEED`] in hexadecimal digits.
const COMMITMENT: &str = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";

/// Source of the random numbers of one move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move(u64);

/// Returns the moves of one auction.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec(any::<u64>().prop_map(Move), 1..90)
}

pub(crate) fn user(n: u8) -> UserId {
    UserId(Uuid::from_u128(0x5EED + u128::from(n)))
}

/// Returns scattered ids, so that their order differs from the order of placement.
pub(crate) fn bid_id(n: usize) -> BidId {
    BidId(Uuid::from_u128((n as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)))
}

impl Move {
    /// Returns the next number in a range (SplitMix64).
    fn number(&mut self, range: Range<i64>) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let count = (range.end - range.start) as u64;
        range.start + ((mixed ^ (mixed >> 31)) % count) as i64
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.number(0..100) < percent
    }

    /// Returns zero most of the time, else a small number.
    fn deviation(&mut self) -> i64 {
        if self.chance(92) { 0 } else { self.number(-2..3) }
    }

    fn duration(&mut self, range: Range<i64>) -> DurationMs {
        DurationMs(self.number(range) as u32)
    }

    fn user(&mut self) -> UserId {
        user(self.number(0..i64::from(USERS)) as u8)
    }

    /// Returns a bid; sometimes none.
    fn bid(&mut self, model: Option<&AuctionModel>) -> Option<Bid> {
        let bids = model.map_or(&[][..], |model| &model.bids);
        let exists = self.chance(95) && !bids.is_empty();
        exists.then(|| bids[self.number(0..bids.len() as i64) as usize])
    }

    /// Returns the id of a bid; sometimes of a bid that does not exist.
    fn bid_id(&mut self, model: Option<&AuctionModel>) -> BidId {
        self.bid(model).map_or(bid_id(usize::MAX), |bid| bid.id)
    }

    /// Returns the owner of a bid or an auction most of the time.
    fn actor(&mut self, owner: Option<UserId>) -> Actor {
        match self.number(0..9) {
            0 => OPERATOR,
            1 => Actor::Portal,
            2 | 3 => Actor::User(self.user()),
            _ => owner.map_or(OPERATOR, Actor::User),
        }
    }

    /// Returns the command for the current state.
    pub(crate) fn sent(mut self, model: Option<&AuctionModel>, serial: usize, now: Timestamp) -> SentCommand {
        let at = self.time(model, now);
        let version = model.map_or(0, AuctionModel::version);
        let expected_version = match self.number(0..19) {
            0 => Some(version.saturating_add_signed(self.number(-2..3))),
            1 | 2 => Some(version),
            _ => None,
        };
        let (command, actor) = if serial == 0 && self.chance(95) {
            (self.creation(at), OPERATOR)
        } else {
            self.command(model, serial, at)
        };
        SentCommand { command, actor, expected_version, at }
    }

    /// Returns the time of the command, never before `now`: shortly after, or about a boundary of the rules.
    fn time(&mut self, model: Option<&AuctionModel>, now: Timestamp) -> Timestamp {
        let Some(model) = model.filter(|_| self.chance(8)) else {
            return Timestamp(now.0 + self.number(0..4));
        };
        let within = model.terms.soft_close.map_or(DurationMs(0), |soft_close| soft_close.within);
        let boundary = match self.number(0..10) {
            0..4 => model.terms.starts_at,
            4 => model.ends_at,
            5..8 => model.ends_at - within,
            _ => model.ends_at - model.terms.retraction_lock,
        };
        now.max(Timestamp(boundary.0 + self.number(-1..2)))
    }

    fn command(
        &mut self,
        model: Option<&AuctionModel>,
        serial: usize,
        at: Timestamp,
    ) -> (AuctionCommand, Actor) {
        let seller = model.and_then(|model| model.terms.seller);
        match self.number(0..123) {
            0..60 => {
                // Few amounts, for ties, amounts not above the bidder's latest, and some below the opening bid.
                let (bidder, amount) = (self.user(), Amount::new(self.number(2..22) as u64).unwrap());
                let place = PlaceBid { bid: bid_id(serial), bidder, amount };
                (AuctionCommand::PlaceBid(place), Actor::User(bidder))
            }
            60..76 => {
                let bid = self.bid(model);
                let id = bid.map_or(bid_id(usize::MAX), |bid| bid.id);
                let actor = self.actor(bid.map(|bid| bid.bidder));
                (AuctionCommand::DeleteBid(DeleteBid { bid: id }), actor)
            }
            76..90 => (AuctionCommand::DoubleBid(DoubleBid { bid: self.bid_id(model) }), Actor::Portal),
            90..102 => (AuctionCommand::HoldDraw(self.draw(model, at)), Actor::Portal),
            102..108 => {
                let reason = Reason::new("by the model").unwrap();
                (AuctionCommand::VoidBid(VoidBid { bid: self.bid_id(model), reason }), OPERATOR)
            }
            108..112 => (AuctionCommand::RetractBids(RetractBids { bidder: self.user() }), Actor::Portal),
            112..116 => (AuctionCommand::CloseAuction(CloseAuction), Actor::Portal),
            116..119 => {
                let seed = if self.chance(80) { SEED } else { Seed([7; 32]) };
                (AuctionCommand::RevealSeed(RevealSeed { seed }), Actor::Portal)
            }
            119 => (AuctionCommand::EndAuction(EndAuction), self.actor(seller)),
            120 => (AuctionCommand::CancelAuction(CancelAuction), self.actor(seller)),
            _ => (self.creation(at), OPERATOR),
        }
    }

    /// Returns the draw that is due, or nearly that draw.
    fn draw(&mut self, model: Option<&AuctionModel>, at: Timestamp) -> HoldDraw {
        let due = model.map_or(1, |model| model.draws_due(at));
        let at_version = model.map_or(1, |model| model.version_when_due(due));
        let draw = Draw {
            number: due.saturating_add_signed(self.deviation()).max(1),
            at_version: at_version.saturating_add_signed(self.deviation()),
            options: PromoterOptions::new("[]").unwrap(),
            settings_version: 0,
            eligible: 1,
            chosen: self.chance(80).then(|| self.bid_id(model)),
            proof: Proof([1; 32]),
        };
        HoldDraw { draw: Box::new(draw) }
    }

    fn creation(&mut self, at: Timestamp) -> AuctionCommand {
        let opening_bid = self.number(3..8);
        let above = if self.chance(91) { self.number(1..20) } else { self.number(-1..1) };
        let reserve = Amount::new((opening_bid + above) as u64).unwrap();
        let ends_in = if self.chance(95) { self.number(20..150) } else { self.number(-2..3) };
        AuctionCommand::CreateAuction(Box::new(CreateAuction {
            reserve: self.chance(50).then_some(reserve),
            starts_at: self.chance(30).then(|| Timestamp(at.0 + self.number(-3..30))),
            seller: self.chance(50).then(|| self.user()),
            soft_close: self.chance(70).then(|| SoftClose {
                extend_by: self.duration(0..20),
                within: self.duration(0..40),
                max_extensions: self.number(0..4) as u32,
            }),
            retraction_lock: if self.chance(50) { self.duration(0..40) } else { DurationMs(0) },
            promotion: self.chance(70).then(|| Promotion {
                interval: self.duration(1..12),
                commitment: Commitment::from_hex(COMMITMENT).unwrap(),
            }),
            ..creation(Amount::new(opening_bid as u64).unwrap(), Timestamp(at.0 + ends_in))
        }))
    }
}
