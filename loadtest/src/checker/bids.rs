//! Every bid that was accepted is in the events, once, as it was placed; and no other is.

use super::{Check, RunEvidence};
use crate::run::history::Record;
use auction_domain::auction::AuctionEvent;
use auction_wire::Event;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A bid as it is stored.
struct Placed {
    auction: Uuid,
    bidder: Uuid,
    amount: u64,
    times: u32,
}

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut placed: HashMap<Uuid, Placed> = HashMap::new();
    let mut once = Check::new("every accepted bid is in the events once, as it was placed");
    for record in evidence.events() {
        if let Ok(Event::Auction(AuctionEvent::BidPlaced { bid, bidder, amount })) = record.event() {
            let new =
                Placed { auction: record.key, bidder: bidder.0, amount: amount.minor_units(), times: 0 };
            placed.entry(bid.0).or_insert(new).times += 1;
        }
    }
    let mut asked = HashSet::new();
    for record in evidence.journal.records.iter().filter(|record| record.ask.what.places()) {
        asked.insert(record.command);
        if record.status == 201 {
            accepted(evidence, record, placed.get(&record.command), &mut once);
        }
    }
    for (bid, found) in &placed {
        if found.times > 1 {
            once.wrong(|| format!("bid {bid} of auction {} is there {} times", found.auction, found.times));
        }
    }
    vec![once, nobody_elses(evidence, &placed, &asked)]
}

fn accepted(evidence: &RunEvidence<'_>, record: &Record, found: Option<&Placed>, once: &mut Check) {
    let tell = || evidence.journal.tell(record);
    let Some(found) = found else {
        return once.look(false, || format!("bid {} is lost: {}", record.command, tell()));
    };
    let (auction, bidder) = (evidence.world.auction(&record.ask), evidence.world.user(&record.ask));
    let is_right = found.auction == auction && found.bidder == bidder && found.amount == record.ask.amount;
    once.look(is_right, || {
        let Placed { auction, bidder, amount, .. } = found;
        format!("bid {} is another one, {amount} by {bidder} in {auction}: {}", record.command, tell())
    });
}

/// In the auctions of the run there are no bids but its own. Requests without an answer may have placed one.
fn nobody_elses(evidence: &RunEvidence<'_>, placed: &HashMap<Uuid, Placed>, asked: &HashSet<Uuid>) -> Check {
    let mut check = Check::new("there are no bids that nobody placed");
    let ours: HashSet<Uuid> = evidence.world.auctions.iter().copied().collect();
    let unanswered = |record: &&Record| record.ask.what.places() && record.command.is_nil();
    let mut excused = evidence.journal.records.iter().filter(unanswered).filter(|record| {
        // Too late, or never answered: what became of it is not known.
        !record.is_answered() || record.status >= 500 || record.status == 202
    });
    for (bid, found) in placed.iter().filter(|(_, found)| ours.contains(&found.auction)) {
        let is_known = asked.contains(bid) || excused.next().is_some();
        check.look(is_known, || format!("bid {bid} of {} in auction {}", found.amount, found.auction));
    }
    check
}
