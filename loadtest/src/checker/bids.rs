//! Checks that every accepted bid is stored once and unchanged, and that no other bids are stored.

use super::{Check, RunEvidence};
use crate::run::history::Record;
use auction_domain::auction::AuctionEvent;
use auction_wire::Event;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A stored bid and the number of events that placed it.
struct Placed {
    auction: Uuid,
    bidder: Uuid,
    amount: u64,
    times: u32,
}

pub(super) fn checks(evidence: &RunEvidence<'_>) -> Vec<Check> {
    let mut placed: HashMap<Uuid, Placed> = HashMap::new();
    let mut stored_once = Check::new("every accepted bid is stored once and unchanged");
    for record in evidence.events() {
        if let Ok(Event::Auction(AuctionEvent::BidPlaced { bid, bidder, amount })) = record.event() {
            let new =
                Placed { auction: record.key, bidder: bidder.0, amount: amount.minor_units(), times: 0 };
            placed.entry(bid.0).or_insert(new).times += 1;
        }
    }
    let mut sent_ids = HashSet::new();
    for record in evidence.log.records.iter().filter(|record| record.request.operation.is_bid()) {
        sent_ids.insert(record.command);
        if record.status == 201 {
            accepted(evidence, record, placed.get(&record.command), &mut stored_once);
        }
    }
    for (bid, found) in &placed {
        if found.times > 1 {
            stored_once
                .fail(|| format!("bid {bid} of auction {} is stored {} times", found.auction, found.times));
        }
    }
    vec![stored_once, no_unknown_bids(evidence, &placed, &sent_ids)]
}

fn accepted(evidence: &RunEvidence<'_>, record: &Record, found: Option<&Placed>, stored_once: &mut Check) {
    let describe = || evidence.log.describe(record);
    let Some(found) = found else {
        return stored_once.verify(false, || format!("bid {} is missing: {}", record.command, describe()));
    };
    let (auction, bidder) =
        (evidence.run_ids.auction(&record.request), evidence.run_ids.user(&record.request));
    let is_same = found.auction == auction && found.bidder == bidder && found.amount == record.request.amount;
    stored_once.verify(is_same, || {
        let Placed { auction, bidder, amount, .. } = found;
        format!(
            "bid {} is stored with other data, {amount} by {bidder} in {auction}: {}",
            record.command,
            describe()
        )
    });
}

/// Checks that the auctions of the run contain only bids of the run. Requests without a response may have
/// placed a bid.
fn no_unknown_bids(
    evidence: &RunEvidence<'_>,
    placed: &HashMap<Uuid, Placed>,
    sent_ids: &HashSet<Uuid>,
) -> Check {
    let mut check = Check::new("all stored bids were requested");
    let ours: HashSet<Uuid> = evidence.run_ids.auctions.iter().copied().collect();
    let unanswered = |record: &&Record| record.request.operation.is_bid() && record.command.is_nil();
    let mut possible = evidence.log.records.iter().filter(unanswered).filter(|record| {
        // The outcome of these requests is unknown.
        !record.has_response() || record.status >= 500 || record.status == 202
    });
    for (bid, found) in placed.iter().filter(|(_, found)| ours.contains(&found.auction)) {
        let was_requested = sent_ids.contains(bid) || possible.next().is_some();
        check.verify(was_requested, || {
            format!("bid {bid} of {} in auction {} was never requested", found.amount, found.auction)
        });
    }
    check
}
