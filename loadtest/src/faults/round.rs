//! One load with its faults: people and auctions of its own, and a judge at its end, when the weather is clear again.

use crate::Failure;
use crate::checker::CheckReport;
use crate::checker::backends::Stores;
use crate::faults::driver::{Driver, Flush};
use crate::faults::fleet::Fleet;
use crate::run::history::{OperationLog, Record};
use crate::run::ids::RunIds;
use crate::run::mix::{Class, Operation};
use crate::run::plan::{Plan, PlannedRequest};
use crate::run::progress::{Counts, note};
use crate::run::queue::Queue;
use crate::run::target::http::Http;
use auction_domain::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Setting up takes about so long, for each user and auction and in all.
const SET_UP_EACH: Duration = Duration::from_millis(3);
const SET_UP: Duration = Duration::from_secs(4);

/// The last fault is over so long before the load is.
const CALM: Duration = Duration::from_secs(2);

/// Connections: most of them wait while nothing is decided.
const CONNECTIONS: usize = 400;

/// Keys of requests that had none: above all that plans give out.
const KEYS: u32 = 1 << 30;

/// What came of one.
pub(crate) struct FaultRound {
    pub(crate) verdict: CheckReport,
    pub(crate) requests: u64,
    /// Commands that were answered with a 2xx: taken, or decided.
    pub(crate) accepted: u64,
    /// Those of them that were gone with all of Redis before they were decided, and were given again.
    pub(crate) given_again: u64,
    /// Bids that were drawn by lot.
    pub(crate) doubled: u64,
    /// The longest time in which nobody was told an outcome, in seconds.
    pub(crate) longest_pause: f64,
    /// Until everything was decided and told after the last request was answered, in seconds.
    pub(crate) settled: f64,
}

/// Runs it.
pub(crate) async fn run(
    fleet: &Fleet,
    http: &Http,
    driver: &mut Driver<'_>,
    most: usize,
    plan: Plan,
) -> Result<FaultRound, Failure> {
    let stores = Stores::connect(&fleet.redis_url, &fleet.database_url).await?;
    let since = stores.heads().await?;
    drop(stores);
    let made = u32::try_from(plan.offers.len())?.saturating_add(plan.users);
    let start = SystemTime::now() + SET_UP + SET_UP_EACH * made;
    let at = Timestamp(i64::try_from(start.duration_since(UNIX_EPOCH)?.as_millis())?);
    let world = Arc::new(http.set_up(plan.users, &plan.offers, at).await?);
    // Ends of auctions count from the start.
    tokio::time::sleep(start.duration_since(SystemTime::now()).unwrap_or_default()).await;
    let until_closed = plan.until_closed;
    let began = Instant::now();
    (driver.decided_until, driver.flushes) = (began, Vec::new());
    let mut journal = load(http, driver, most, plan, &world, began).await?;
    let cleared = Instant::now();
    note("the weather is clear; settling and judging");
    let stores = Stores::connect(&fleet.redis_url, &fleet.database_url).await?;
    if let Err(ill) = driver.is_well().await {
        return Err(format!("not well although nothing is wrong any more: {ill}").into());
    }
    let gone: Vec<Gone> = driver.flushes.iter().map(|flush| Gone::of(*flush, began)).collect();
    let given_again = give_again(http, &stores, &world, &mut journal, &gone).await?;
    stores.decided(&world, &journal, until_closed).await?;
    let settled = cleared.elapsed();
    let verdict = stores.judge(&world, &journal, &since, until_closed).await?;
    Ok(FaultRound {
        verdict,
        requests: journal.records.len() as u64,
        accepted: journal.records.iter().filter(|record| is_accepted(record)).count() as u64,
        given_again,
        doubled: stores.doubled(&world).await?,
        longest_pause: longest_pause(&journal),
        settled: settled.as_secs_f64(),
    })
}

async fn load(
    http: &Http,
    driver: &mut Driver<'_>,
    most: usize,
    plan: Plan,
    world: &Arc<RunIds>,
    began: Instant,
) -> Result<OperationLog, Failure> {
    let queue = Arc::new(Queue::new(began.into()));
    let counts = Arc::new(Counts::default());
    let (tell, stop) = watch::channel(false);
    let mut journal = OperationLog::default();
    let until = Instant::now() + Duration::from_secs_f64(plan.seconds).saturating_sub(CALM);
    let asks = plan.asks.scan(KEYS, |keys, ask| Some(with_a_key(ask, keys)));
    let is_short = !plan.until_closed;
    let drive = async {
        let drove = driver.drive(until, most).await;
        // What has no end of its own ends with the last fault.
        if is_short || drove.is_err() {
            tokio::time::sleep(CALM).await;
            let _ = tell.send(true);
        }
        drove
    };
    let work = http.work(&queue, world, &mut journal, &counts, CONNECTIONS);
    let (drove, _, worked) = tokio::join!(drive, queue.feed(asks, CONNECTIONS, &stop), work);
    drove?;
    worked?;
    Ok(journal)
}

/// Everybody has a key, and so can ask again what was not answered.
fn with_a_key(ask: PlannedRequest, keys: &mut u32) -> PlannedRequest {
    if ask.key > 0 || !matches!(ask.what, Operation::Bid | Operation::Unwaited | Operation::Lower) {
        return ask;
    }
    *keys += 1;
    PlannedRequest { key: *keys, ..ask }
}

fn is_accepted(record: &Record) -> bool {
    matches!(record.status, 200..=202) && !record.command.is_nil()
}

/// When Redis lost everything, in microseconds of a load.
#[derive(Clone, Copy, Debug)]
struct Gone {
    decided_until: u64,
    at: u64,
}

impl Gone {
    fn of(flush: Flush, began: Instant) -> Gone {
        let since = |moment: Instant| u64::try_from((moment - began).as_micros()).unwrap_or(u64::MAX);
        Gone { decided_until: since(flush.decided_until), at: since(flush.at) }
    }

    /// Whether something that was taken may have been in Redis alone then: it was sent before, and was not among what was
    /// known to be decided.
    fn may_have_had(self, record: &Record) -> bool {
        let Record { ask, held, took, .. } = record;
        ask.due + u64::from(*held) <= self.at && ask.due + u64::from(*took) >= self.decided_until
    }
}

/// What was not decided yet when Redis lost everything was in Redis alone: whoever was told no outcome asks again with his
/// key. How many had to.
async fn give_again(
    http: &Http,
    stores: &Stores,
    world: &Arc<RunIds>,
    journal: &mut OperationLog,
    gone: &[Gone],
) -> Result<u64, Failure> {
    let may_be_gone = |record: &&Record| {
        record.status == 202 && !record.command.is_nil() && gone.iter().any(|gone| gone.may_have_had(record))
    };
    let candidates: Vec<Record> = journal.records.iter().filter(may_be_gone).copied().collect();
    let undecided = stores.undecided(candidates.iter().map(|record| record.command).collect()).await?;
    let mut again: Vec<PlannedRequest> = Vec::new();
    for record in candidates.iter().filter(|record| undecided.contains(&record.command)) {
        again.push(PlannedRequest { due: 0, ..record.ask });
    }
    let count = again.len() as u64;
    if count > 0 {
        let queue = Arc::new(Queue::new(tokio::time::Instant::now()));
        let (_tell, stop) = watch::channel(false);
        let (mut answers, counts) = (OperationLog::default(), Arc::new(Counts::default()));
        answers.codes = std::mem::take(&mut journal.codes);
        let work = http.work(&queue, world, &mut answers, &counts, 1);
        tokio::join!(queue.feed(again.into_iter(), 1, &stop), work).1?;
        journal.codes = answers.codes;
        journal.records.extend(answers.records);
    }
    Ok(count)
}

/// The longest time between two outcomes that were told.
fn longest_pause(journal: &OperationLog) -> f64 {
    let told = |record: &&Record| {
        record.ask.what.class() == Class::Outcome && !matches!(record.status, 0 | 202 | 429 | 500..)
    };
    let mut times: Vec<u64> =
        journal.records.iter().filter(told).map(|record| record.ask.due + u64::from(record.took)).collect();
    times.sort_unstable();
    let pauses = times.windows(2).map(|two| two[1] - two[0]);
    pauses.max().unwrap_or_default() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_what_was_sent_before_redis_lost_everything_and_may_have_been_undecided_is_excused() {
        let ask =
            PlannedRequest { due: 1_000, what: Operation::Unwaited, user: 0, auction: 0, amount: 1, key: 1 };
        let record = |sent: u64, answered: u64| Record {
            ask,
            held: (sent - ask.due) as u32,
            took: (answered - ask.due) as u32,
            status: 202,
            code: 0,
            version: 0,
            command: Uuid::nil(),
        };
        let gone = Gone { decided_until: 5_000, at: 7_000 };
        assert!(gone.may_have_had(&record(6_000, 6_100)));
        assert!(gone.may_have_had(&record(4_000, 7_100)), "asked again in between");
        assert!(!gone.may_have_had(&record(1_000, 4_900)), "it was decided");
        assert!(!gone.may_have_had(&record(7_001, 7_100)), "it came afterwards");
    }
}
