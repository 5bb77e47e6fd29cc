//! Ranking of thousands of bids against the sorted list of the model. Ranks and removals must be right across the nodes of
//! the tree while it grows, shrinks, is emptied and grows again.

use crate::config;
use crate::moves::bid_id;
use crate::run::{Run, creation};
use auction_domain::auction::{AuctionCommand, DeleteBid, DoubleBid, PlaceBid};
use auction_domain::{Actor, Amount, OperatorId, Timestamp, UserId};
use auction_oracle::auction::SentCommand;
use proptest::prelude::*;
use proptest::sample::Index;

/// Bid in the order of placement, or the amount of a new bid, and a percentage that decides what is done.
type Op = (Index, u64, u32);

/// Returns operations, with amounts from nearly all ties to few ties.
fn ops(count: usize) -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![Just(3u64), Just(300), Just(1 << 40)]
        .prop_flat_map(move |most| prop::collection::vec((any::<Index>(), 1..=most, 0..100u32), count))
}

/// Auction in which every bid has a bidder of its own, so that no bid is refused as below the bidder's latest.
#[derive(Default)]
struct Large {
    run: Run,
    placed: usize,
}

impl Large {
    fn new() -> Large {
        let mut large = Large::default();
        let create = Box::new(creation(Amount::new(1).unwrap(), Timestamp(1_000)));
        let operator = Actor::Operator(OperatorId::Unidentified);
        large.send(AuctionCommand::CreateAuction(create), operator).unwrap();
        large
    }

    fn send(&mut self, command: AuctionCommand, actor: Actor) -> Result<(), TestCaseError> {
        let sent = SentCommand { command, actor, expected_version: None, at: Timestamp(0) };
        let outcome = self.run.send(&sent)?;
        prop_assert!(outcome.is_ok(), "{:?}", outcome);
        let (auction, model) = (self.run.auction.as_ref().unwrap(), self.run.model.as_ref().unwrap());
        prop_assert_eq!(auction.leader(), model.leader());
        Ok(())
    }

    fn active(&self) -> usize {
        self.run.auction.as_ref().unwrap().active_bid_count()
    }

    fn place(&mut self, value: u64) -> Result<(), TestCaseError> {
        let id = bid_id(self.placed);
        self.placed += 1;
        let place = PlaceBid { bid: id, bidder: UserId(id.0), amount: Amount::new(value).unwrap() };
        self.send(AuctionCommand::PlaceBid(place), Actor::User(place.bidder))
    }

    /// Deletes the active bid with this number in the order of placement.
    fn delete(&mut self, number: usize) -> Result<(), TestCaseError> {
        let bid = *self.run.model.as_ref().unwrap().active().nth(number).unwrap();
        self.send(AuctionCommand::DeleteBid(DeleteBid { bid: bid.id }), Actor::User(bid.bidder))
    }

    fn double(&mut self, number: usize) -> Result<(), TestCaseError> {
        let bid = *self.run.model.as_ref().unwrap().active().nth(number).unwrap();
        if bid.doubled {
            return Ok(());
        }
        self.send(AuctionCommand::DoubleBid(DoubleBid { bid: bid.id }), Actor::Portal)
    }

    /// Places a bid, deletes one or doubles one, with these percentages of places and deletions.
    fn apply(&mut self, (bid, value, percent): &Op, places: u32, deletes: u32) -> Result<(), TestCaseError> {
        match self.active() {
            0 => self.place(*value),
            _ if *percent < places => self.place(*value),
            active if *percent < places + deletes => self.delete(bid.index(active)),
            active => self.double(bid.index(active)),
        }
    }
}

/// Makes the ranking grow, shrink and grow again, then removes all bids and makes it grow once more.
fn check_ranking(ops: &[Op]) -> Result<(), TestCaseError> {
    let mut large = Large::new();
    for (step, op) in ops.iter().enumerate() {
        let shrinks = (2 * ops.len()..4 * ops.len()).contains(&(5 * step));
        let (places, deletes) = if shrinks { (15, 70) } else { (75, 10) };
        large.apply(op, places, deletes)?;
        if step.is_multiple_of(200) {
            large.run.check()?;
        }
    }
    large.run.check()?;
    // Removes all bids in scattered order, then grows again.
    while large.active() > 0 {
        let active = large.active();
        large.delete(active.wrapping_mul(2_654_435_761) % 100_003 % active)?;
        if active.is_multiple_of(200) {
            large.run.check()?;
        }
    }
    (1..=300).try_for_each(|value| large.place(value % 40 + 1))?;
    large.run.check()
}

proptest! {
    #![proptest_config(config(20))]

    #[test]
    fn ranking_of_thousands_matches_a_sorted_list(ops in ops(5_000)) {
        check_ranking(&ops)?;
    }
}

proptest! {
    #![proptest_config(config(200))]

    /// About the size of one node to a few nodes.
    #[test]
    fn ranking_of_hundreds_matches_a_sorted_list(ops in ops(550)) {
        check_ranking(&ops)?;
    }
}

#[test]
fn ranking_holds_when_bids_come_in_order() {
    for ascending in [true, false] {
        let mut large = Large::new();
        for n in 1..=2_000 {
            large.place(if ascending { n } else { 2_001 - n }).unwrap();
        }
        large.run.check().unwrap();
        for n in 0..1_500 {
            large.delete(if n % 2 == 0 { 0 } else { large.active() - 1 }).unwrap();
        }
        large.run.check().unwrap();
    }
}
