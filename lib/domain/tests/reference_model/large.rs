//! Ranking of thousands of bids against a sorted list. Ranks and removals must be right across the nodes of
//! the tree while it grows, shrinks, is emptied and grows again.

use crate::compare::rank;
use crate::model::Sent;
use crate::moves::bid_id;
use crate::{Run, config};
use auction_domain::auction::{AuctionCommand, CreateAuction, DeleteBid, DoubleBid, PlaceBid};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, Detail, Details, DurationMs, OperatorId, Timestamp, Title,
    UserId,
};
use proptest::prelude::*;
use proptest::sample::Index;

#[derive(Clone, Debug)]
enum Op {
    Place(u64),
    Delete(Index),
    Double(Index),
}

/// Returns operations; `places` and `deletes` are percentages, the rest are doublings.
fn ops(count: usize, places: u32, deletes: u32, most: u64) -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        places => (1..=most).prop_map(Op::Place),
        deletes => any::<Index>().prop_map(Op::Delete),
        100 - places - deletes => any::<Index>().prop_map(Op::Double),
    ];
    prop::collection::vec(op, count)
}

/// Returns operations that make the ranking grow, shrink and grow again.
fn growing_and_shrinking(phase: usize) -> impl Strategy<Value = Vec<Op>> {
    // From nearly all ties to few ties.
    prop_oneof![Just(3u64), Just(300), Just(1 << 40)].prop_flat_map(move |most| {
        (ops(2 * phase, 75, 10, most), ops(2 * phase, 15, 70, most), ops(phase, 70, 15, most))
            .prop_map(|(growth, shrinkage, regrowth)| [growth, shrinkage, regrowth].concat())
    })
}

/// Active bid in the sorted list. Every bid has a bidder of its own, so that no bid is refused as below the
/// bidder's latest.
#[derive(Clone, Copy, Debug)]
struct Entry {
    value: u64,
    /// Version since which the bid has its value.
    since: u64,
    id: BidId,
    doubled: bool,
}

struct Large {
    run: Run,
    sorted: Vec<Entry>,
    placed: usize,
}

impl Large {
    fn new() -> Large {
        let mut large = Large { run: Run::default(), sorted: Vec::new(), placed: 0 };
        let create = AuctionCommand::CreateAuction(Box::new(CreateAuction {
            title: Title::new("A thing").unwrap(),
            description: Description::new("").unwrap(),
            currency: Currency::new("EUR").unwrap(),
            opening_bid: Amount::new(1).unwrap(),
            reserve: None,
            starts_at: None,
            ends_at: Timestamp(1_000),
            seller: None,
            soft_close: None,
            retraction_lock: DurationMs(0),
            promotion: None,
        }));
        large.send(create, Actor::Operator(OperatorId::Unidentified));
        large
    }

    fn send(&mut self, command: AuctionCommand, actor: Actor) -> Details {
        self.run.send(&Sent { command, actor, expected: None, at: 0 }).unwrap()
    }

    fn version(&self) -> u64 {
        self.run.auction.as_ref().unwrap().version()
    }

    /// Inserts after all bids with at least the same value.
    fn insert(&mut self, entry: Entry) -> usize {
        let position = self.sorted.partition_point(|other| other.value >= entry.value);
        self.sorted.insert(position, entry);
        position
    }

    fn place(&mut self, value: u64) -> Result<(), TestCaseError> {
        let id = bid_id(self.placed);
        self.placed += 1;
        let place = PlaceBid { bid: id, bidder: UserId(id.0), amount: Amount::new(value).unwrap() };
        let details = self.send(AuctionCommand::PlaceBid(place), Actor::User(place.bidder));
        let position = self.insert(Entry { value, since: self.version(), id, doubled: false });
        prop_assert!(
            details.contains(&("rank", Detail::Count(position as u64 + 1))),
            "{:?} at {}",
            details,
            position
        );
        Ok(())
    }

    fn delete(&mut self, position: usize) {
        let Entry { id, .. } = self.sorted.remove(position);
        self.send(AuctionCommand::DeleteBid(DeleteBid { bid: id }), Actor::User(UserId(id.0)));
    }

    fn double(&mut self, position: usize) -> Result<(), TestCaseError> {
        let before = self.sorted[position];
        if before.doubled {
            return Ok(());
        }
        self.sorted.remove(position);
        self.send(AuctionCommand::DoubleBid(DoubleBid { bid: before.id }), Actor::Portal);
        let since = self.version();
        let position = self.insert(Entry { value: 2 * before.value, since, doubled: true, ..before });
        prop_assert_eq!(rank(self.run.auction.as_ref().unwrap(), before.id), position as u64 + 1);
        Ok(())
    }

    fn apply(&mut self, op: &Op) -> Result<(), TestCaseError> {
        let active = self.sorted.len();
        match op {
            Op::Place(value) => self.place(*value)?,
            Op::Delete(bid) if active > 0 => self.delete(bid.index(active)),
            Op::Double(bid) if active > 0 => self.double(bid.index(active))?,
            Op::Delete(_) | Op::Double(_) => {}
        }
        let auction = self.run.auction.as_ref().unwrap();
        prop_assert_eq!(auction.active_bid_count(), self.sorted.len());
        prop_assert_eq!(auction.leader().map(|bid| bid.id), self.sorted.first().map(|entry| entry.id));
        Ok(())
    }

    /// Checks the complete ranking with every rank.
    fn check(&self) -> Result<(), TestCaseError> {
        let auction = self.run.auction.as_ref().unwrap();
        let is_sorted = self.sorted.is_sorted_by_key(|entry| (u64::MAX - entry.value, entry.since));
        prop_assert!(is_sorted, "the list itself is out of order");
        let expected: Vec<_> = self.sorted.iter().map(|entry| (entry.id, entry.value)).collect();
        let shown: Vec<_> = auction.ranking().map(|bid| (bid.id, bid.effective().minor_units())).collect();
        prop_assert!(shown == expected, "the ranking of {} bids differs", expected.len());
        for (position, entry) in self.sorted.iter().enumerate() {
            prop_assert_eq!(rank(auction, entry.id), position as u64 + 1);
        }
        Ok(())
    }
}

fn check_ranking(ops: &[Op]) -> Result<(), TestCaseError> {
    let mut large = Large::new();
    for (step, op) in ops.iter().enumerate() {
        large.apply(op)?;
        if step.is_multiple_of(200) {
            large.check()?;
        }
    }
    large.check()?;
    // Removes all bids in scattered order, then grows again.
    while !large.sorted.is_empty() {
        let active = large.sorted.len();
        large.delete(active.wrapping_mul(2_654_435_761) % 100_003 % active);
        if active.is_multiple_of(200) {
            large.check()?;
        }
    }
    (1..=300).try_for_each(|value| large.place(value % 40 + 1))?;
    large.check()
}

proptest! {
    #![proptest_config(config(20))]

    #[test]
    fn ranking_of_thousands_matches_a_sorted_list(ops in growing_and_shrinking(1_000)) {
        check_ranking(&ops)?;
    }
}

proptest! {
    #![proptest_config(config(200))]

    /// About the size of one node to a few nodes.
    #[test]
    fn ranking_of_hundreds_matches_a_sorted_list(ops in growing_and_shrinking(110)) {
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
        large.check().unwrap();
        for n in 0..1_500 {
            large.delete(if n % 2 == 0 { 0 } else { large.sorted.len() - 1 });
        }
        large.check().unwrap();
    }
}
