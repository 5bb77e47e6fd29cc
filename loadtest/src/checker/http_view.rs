//! What a portal shows by HTTP beside what it answered: all that can be judged where its servers are out of reach.

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

/// How long a command may take to be decided, and an auction to be closed.
const PATIENCE: Duration = Duration::from_secs(120);

const LOOK: Duration = Duration::from_millis(100);

/// Bids on a page.
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Told {
    status: serde_json::Value,
    code: Option<String>,
}

/// Judges by HTTP alone.
pub(crate) async fn judge(
    http: &Http,
    world: &RunIds,
    journal: &OperationLog,
    until_closed: bool,
) -> Result<CheckReport, Failure> {
    let mut client = Client::connect(&http.address).await?;
    let mut accepted = HashMap::new();
    for record in journal.records.iter().filter(|record| record.ask.what.places() && record.status == 201) {
        accepted.insert(record.command, record.ask);
    }
    let outcomes = handles(http, &mut client, world, journal, &mut accepted).await?;
    let mut bids = Check::new("every accepted bid is shown in its auction once, as it was placed");
    let mut standings = Check::new("the highest bid and the winner are those of the bids that are shown");
    for (number, auction) in (0_u32..).zip(&world.auctions) {
        let ours: HashMap<Uuid, u64> = accepted
            .iter()
            .filter(|(_, ask)| ask.auction == number)
            .map(|(bid, ask)| (*bid, ask.amount))
            .collect();
        let shown = all_bids(http, &mut client, *auction).await?;
        compare(*auction, &ours, &shown, &mut bids);
        let view = view(http, &mut client, *auction, until_closed).await?;
        standing(&view, &shown, &mut standings);
        if until_closed {
            standings
                .look(view.status == AuctionStatus::Closed, || format!("auction {auction} has no result"));
        }
    }
    let not_checked = [
        "refusals against the model of the rules, positions, streams and stores, notifications: they are checked with \
         --redis-url and --database-url beside --url, or with --self",
    ];
    Ok(CheckReport {
        checks: vec![outcomes, bids, standings],
        not_checked: not_checked.map(str::to_owned).to_vec(),
    })
}

/// Each handle leads to one outcome.
async fn handles(
    http: &Http,
    client: &mut Client,
    world: &RunIds,
    journal: &OperationLog,
    accepted: &mut HashMap<Uuid, crate::run::plan::PlannedRequest>,
) -> Result<Check, Failure> {
    let mut check = Check::new("every handle leads to one outcome");
    let began = Instant::now();
    for (number, handle) in &journal.handles {
        let record = &journal.records[*number];
        let user = (record.ask.what != Operation::SignUp).then(|| world.user(&record.ask));
        loop {
            let (status, body) = http.get(client, &format!("/command/{handle}"), user).await?;
            let told: Told = serde_json::from_slice(&body)?;
            if told.status == "pending" && began.elapsed() < PATIENCE {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            let is_done = told.status == "done";
            // A refusal has its status in numbers, and a reason.
            let is_refused = told.status.is_u64() && told.code.as_deref() != Some("unknown_command");
            check.look(is_done || is_refused, || {
                format!("{status} {}: {}", String::from_utf8_lossy(&body), journal.tell(record))
            });
            if is_done && record.ask.what.places() {
                accepted.insert(record.command, record.ask);
            }
            break;
        }
    }
    Ok(check)
}

/// The versions at which all auctions are.
pub(crate) async fn versions(http: &Http, world: &RunIds) -> Result<Vec<u64>, Failure> {
    let mut client = Client::connect(&http.address).await?;
    let mut versions = Vec::with_capacity(world.auctions.len());
    for auction in &world.auctions {
        versions.push(view(http, &mut client, *auction, false).await?.version);
    }
    Ok(versions)
}

async fn all_bids(http: &Http, client: &mut Client, auction: Uuid) -> Result<Vec<BidItem>, Failure> {
    let (mut all, mut page) = (Vec::new(), format!("/auction/{auction}/bids?limit={PAGE}"));
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

fn compare(auction: Uuid, ours: &HashMap<Uuid, u64>, shown: &[BidItem], check: &mut Check) {
    let mut seen = HashMap::new();
    for bid in shown {
        let is_new = seen.insert(bid.id, bid.amount.amount).is_none();
        if !is_new {
            check.wrong(|| format!("bid {} of auction {auction} is shown twice", bid.id));
        }
    }
    for (bid, amount) in ours {
        let found = seen.get(bid).copied();
        check.look(found == Some(*amount), || {
            format!("bid {bid} of {amount} in auction {auction} is shown as {found:?}")
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
        if !until_closed || view.status != AuctionStatus::Open || began.elapsed() > PATIENCE {
            return Ok(view);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Shown bids are the newest first: of two alike the later one in the list came first, and is better.
fn standing(view: &AuctionView, shown: &[BidItem], check: &mut Check) {
    let counts_for = |bid: &BidItem| bid.amount.amount * if bid.doubled { 2 } else { 1 };
    let live: Vec<&BidItem> = shown.iter().filter(|bid| bid.state == BidItemState::Live).collect();
    let highest = live.iter().map(|bid| counts_for(bid)).max();
    let told = view.top_bids.first().map(|best| best.amount.amount);
    check.look(told == highest, || {
        format!("auction {}: the highest is shown as {told:?}, it is {highest:?}", view.id)
    });
    let best: HashSet<Uuid> =
        live.iter().filter(|bid| Some(counts_for(bid)) == highest).map(|bid| bid.id).collect();
    if let Some(winner) = &view.winner {
        check.look(best.contains(&winner.bid), || {
            format!("auction {}: {} wins, the best is {best:?}", view.id, winner.bid)
        });
    } else if view.status == AuctionStatus::Closed && view.unsold_because.as_deref() == Some("no_bids") {
        check.look(live.is_empty(), || format!("auction {}: unsold with {} bids", view.id, live.len()));
    }
}
