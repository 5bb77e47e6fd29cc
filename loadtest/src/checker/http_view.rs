//! Checks what a portal shows by HTTP, for runs without access to its backends.

use super::{Check, CheckReport};
use crate::Failure;
use crate::run::history::OperationLog;
use crate::run::ids::RunIds;
use crate::run::mix::Operation;
use crate::run::target::client::Client;
use crate::run::target::http::Http;
use auction_wire::view::{AuctionStatus, AuctionView, BidItem, BidItemState, BidList};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Time limit for deciding a command and closing an auction.
const TIMEOUT: Duration = Duration::from_secs(120);

const POLL_INTERVAL: Duration = Duration::from_millis(100);

const PAGE_SIZE: usize = 100;

#[derive(Deserialize)]
struct StatusReply {
    status: serde_json::Value,
    code: Option<String>,
}

/// Runs all checks that need only HTTP.
pub(crate) async fn check(
    http: &Http,
    run_ids: &RunIds,
    log: &OperationLog,
    until_closed: bool,
) -> Result<CheckReport, Failure> {
    let mut client = Client::connect(&http.address).await?;
    let mut accepted = HashMap::new();
    for record in
        log.records.iter().filter(|record| record.request.operation.is_bid() && record.status == 201)
    {
        accepted.insert(record.command, record.request);
    }
    let outcomes = handles(http, &mut client, run_ids, log, &mut accepted).await?;
    let mut bids = Check::new("every accepted bid is shown once in its auction, unchanged");
    let mut ranking_check = Check::new("the highest bid and the winner agree with the listed bids");
    for (number, auction) in (0_u32..).zip(&run_ids.auctions) {
        let accepted_bids: HashMap<Uuid, u64> = accepted
            .iter()
            .filter(|(_, request)| request.auction == number)
            .map(|(bid, request)| (*bid, request.amount))
            .collect();
        let listed = all_bids(http, &mut client, *auction).await?;
        compare(*auction, &accepted_bids, &listed, &mut bids);
        let view = view(http, &mut client, *auction, until_closed).await?;
        check_ranking(&view, &listed, &mut ranking_check);
        if until_closed {
            ranking_check
                .verify(view.status == AuctionStatus::Closed, || format!("auction {auction} has no result"));
        }
    }
    let not_checked = [
        "refusals, positions, event streams, event store and notifications: add --redis-url and --database-url to --url, \
         or use --local",
    ];
    Ok(CheckReport {
        checks: vec![outcomes, bids, ranking_check],
        not_checked: not_checked.map(str::to_owned).to_vec(),
    })
}

/// Checks that every command handle has an outcome, and adds the accepted bids.
async fn handles(
    http: &Http,
    client: &mut Client,
    run_ids: &RunIds,
    log: &OperationLog,
    accepted: &mut HashMap<Uuid, crate::run::plan::PlannedRequest>,
) -> Result<Check, Failure> {
    let mut check = Check::new("every command handle has an outcome");
    let began = Instant::now();
    for (number, handle) in &log.handles {
        let record = &log.records[*number];
        let user = (record.request.operation != Operation::SignUp).then(|| run_ids.user(&record.request));
        loop {
            let (status, body) = http.get(client, &format!("/command/{handle}"), user).await?;
            let reply: StatusReply = serde_json::from_slice(&body)?;
            if reply.status == "pending" && began.elapsed() < TIMEOUT {
                tokio::time::sleep(POLL_INTERVAL).await;
                continue;
            }
            let is_done = reply.status == "done";
            // The status of a refusal is a number, and it has a code.
            let is_refused = reply.status.is_u64() && reply.code.as_deref() != Some("unknown_command");
            check.verify(is_done || is_refused, || {
                format!("{status} {}: {}", String::from_utf8_lossy(&body), log.describe(record))
            });
            if is_done && record.request.operation.is_bid() {
                accepted.insert(record.command, record.request);
            }
            break;
        }
    }
    Ok(check)
}

/// Returns the current versions of all auctions.
pub(crate) async fn versions(http: &Http, run_ids: &RunIds) -> Result<Vec<u64>, Failure> {
    let mut client = Client::connect(&http.address).await?;
    let mut versions = Vec::with_capacity(run_ids.auctions.len());
    for auction in &run_ids.auctions {
        versions.push(view(http, &mut client, *auction, false).await?.version);
    }
    Ok(versions)
}

async fn all_bids(http: &Http, client: &mut Client, auction: Uuid) -> Result<Vec<BidItem>, Failure> {
    let (mut all, mut page) = (Vec::new(), format!("/auction/{auction}/bids?limit={PAGE_SIZE}"));
    loop {
        let path = format!("{page}&consistency=latest");
        let (status, body) = http.get(client, &path, None).await?;
        if status != 200 {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into());
        }
        let list: BidList = serde_json::from_slice(&body)?;
        all.extend(list.bids);
        match list.next {
            Some(next) => page = next,
            None => return Ok(all),
        }
    }
}

fn compare(auction: Uuid, accepted_bids: &HashMap<Uuid, u64>, listed: &[BidItem], check: &mut Check) {
    let mut amounts = HashMap::new();
    for bid in listed {
        let is_new = amounts.insert(bid.id, bid.amount.amount).is_none();
        if !is_new {
            check.fail(|| format!("bid {} of auction {auction} is shown twice", bid.id));
        }
    }
    for (bid, amount) in accepted_bids {
        let found = amounts.get(bid).copied();
        check.verify(found == Some(*amount), || {
            format!("bid {bid} of {amount} in auction {auction} is shown with amount {found:?}")
        });
    }
}

async fn view(
    http: &Http,
    client: &mut Client,
    auction: Uuid,
    until_closed: bool,
) -> Result<AuctionView, Failure> {
    let (path, began) = (format!("/auction/{auction}?consistency=latest"), Instant::now());
    loop {
        let (status, body) = http.get(client, &path, None).await?;
        if status != 200 {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into());
        }
        let view: AuctionView = serde_json::from_slice(&body)?;
        if !until_closed || view.status != AuctionStatus::Open || began.elapsed() > TIMEOUT {
            return Ok(view);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Checks the highest bid and the winner against the listed bids. Bids with the same effective amount are
/// equally good for this check.
fn check_ranking(view: &AuctionView, listed: &[BidItem], check: &mut Check) {
    let counts_for = |bid: &BidItem| bid.amount.amount * if bid.doubled { 2 } else { 1 };
    let active: Vec<&BidItem> = listed.iter().filter(|bid| bid.state == BidItemState::Live).collect();
    let highest = active.iter().map(|bid| counts_for(bid)).max();
    let shown_highest = view.top_bids.first().map(|best| best.amount.amount);
    check.verify(shown_highest == highest, || {
        format!("auction {}: the highest bid is shown as {shown_highest:?}, expected {highest:?}", view.id)
    });
    let best: HashSet<Uuid> =
        active.iter().filter(|bid| Some(counts_for(bid)) == highest).map(|bid| bid.id).collect();
    if let Some(winner) = &view.winner {
        check.verify(best.contains(&winner.bid), || {
            format!("auction {}: bid {} wins, the best bids are {best:?}", view.id, winner.bid)
        });
    } else if view.status == AuctionStatus::Closed && view.unsold_reason.as_deref() == Some("no_bids") {
        check.verify(active.is_empty(), || {
            format!("auction {}: unsold without bids, but {} bids are active", view.id, active.len())
        });
    }
}
