//! A round: one load with its own users and auctions, the faults during it, and the checks at its end without
//! faults.

use crate::Failure;
use crate::checker::CheckReport;
use crate::checker::backends::Backends;
use crate::faults::draws;
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

/// Estimated set-up time for each user or auction, and fixed part.
const SET_UP_EACH: Duration = Duration::from_millis(3);
const SET_UP: Duration = Duration::from_secs(4);

/// Time without faults at the end of a load.
const QUIET_PERIOD: Duration = Duration::from_secs(2);

/// Number of connections; most of them wait while the portal does not respond.
const CONNECTIONS: usize = 400;

/// First idempotency key for requests that had none; higher than the keys of plans.
const FIRST_GENERATED_KEY: u32 = 1 << 30;

/// Results of a round.
pub(crate) struct FaultRound {
    pub(crate) check_report: CheckReport,
    pub(crate) requests: u64,
    /// Commands with a 2xx response: accepted or decided.
    pub(crate) accepted: u64,
    /// Accepted commands that were lost with all Redis data before they were decided, and were resubmitted.
    pub(crate) resubmitted: u64,
    /// Bids that were drawn and doubled.
    pub(crate) doubled: u64,
    /// Longest time without an outcome in seconds.
    pub(crate) longest_outcome_gap: f64,
    /// Time from the last response until all commands were decided and notified, in seconds.
    pub(crate) settle_seconds: f64,
}

/// Runs a round: at most `max_faults` faults in total, then the checks.
pub(crate) async fn run(
    fleet: &Fleet,
    http: &Http,
    driver: &mut Driver<'_>,
    max_faults: usize,
    plan: Plan,
) -> Result<FaultRound, Failure> {
    let backends = Backends::connect(&fleet.redis_url, &fleet.database_url).await?;
    let since = backends.heads().await?;
    drop(backends);
    let entities = u32::try_from(plan.planned_auctions.len())?.saturating_add(plan.users);
    let start = SystemTime::now() + SET_UP + SET_UP_EACH * entities;
    let at = Timestamp(i64::try_from(start.duration_since(UNIX_EPOCH)?.as_millis())?);
    let run_ids = Arc::new(http.set_up(plan.users, &plan.planned_auctions, at).await?);
    // The ends of auctions are relative to the start.
    tokio::time::sleep(start.duration_since(SystemTime::now()).unwrap_or_default()).await;
    let until_closed = plan.until_closed;
    let began = Instant::now();
    (driver.decided_until, driver.flushes) = (began, Vec::new());
    let mut log = load(http, driver, max_faults, plan, &run_ids, began).await?;
    let load_ended = Instant::now();
    note("faults ended; settling and checking");
    let backends = Backends::connect(&fleet.redis_url, &fleet.database_url).await?;
    if let Err(not_recovered) = driver.wait_until_recovered().await {
        return Err(format!("not recovered although no fault is active: {not_recovered}").into());
    }
    let loss: Vec<RedisLoss> = driver.flushes.iter().map(|flush| RedisLoss::of(*flush, began)).collect();
    let resubmitted = resubmit_lost(http, &backends, &run_ids, &mut log, &loss).await?;
    backends.wait_until_decided(&run_ids, &log, until_closed).await?;
    let settle_seconds = load_ended.elapsed();
    let mut check_report = backends.check(&run_ids, &log, &since, until_closed).await?;
    if until_closed && check_report.passed() {
        check_report.checks.push(draws::check(&fleet.database_url, &run_ids.auctions).await?);
    }
    Ok(FaultRound {
        check_report,
        requests: log.records.len() as u64,
        accepted: log.records.iter().filter(|record| is_accepted(record)).count() as u64,
        resubmitted,
        doubled: backends.doubled(&run_ids).await?,
        longest_outcome_gap: longest_outcome_gap(&log),
        settle_seconds: settle_seconds.as_secs_f64(),
    })
}

async fn load(
    http: &Http,
    driver: &mut Driver<'_>,
    max_faults: usize,
    plan: Plan,
    run_ids: &Arc<RunIds>,
    began: Instant,
) -> Result<OperationLog, Failure> {
    let queue = Arc::new(Queue::new(began.into()));
    let counts = Arc::new(Counts::default());
    let (stop_sender, stop) = watch::channel(false);
    let mut log = OperationLog::default();
    let until = Instant::now() + Duration::from_secs_f64(plan.seconds).saturating_sub(QUIET_PERIOD);
    let requests = plan.requests.scan(FIRST_GENERATED_KEY, |keys, request| Some(with_key(request, keys)));
    let ends_with_last_fault = !plan.until_closed;
    let drive = async {
        let driven = driver.drive(until, max_faults).await;
        // A load without closing auctions ends with the last fault.
        if ends_with_last_fault || driven.is_err() {
            tokio::time::sleep(QUIET_PERIOD).await;
            let _ = stop_sender.send(true);
        }
        driven
    };
    let work = http.work(&queue, run_ids, &mut log, &counts, CONNECTIONS);
    let (driven, _, sent) = tokio::join!(drive, queue.enqueue_when_due(requests, &stop), work);
    driven?;
    sent?;
    Ok(log)
}

/// Adds an idempotency key to a bid without one, so that it can be retried after a missing response.
fn with_key(request: PlannedRequest, keys: &mut u32) -> PlannedRequest {
    if request.key > 0
        || !matches!(request.operation, Operation::Bid | Operation::BidAsync | Operation::BidNotLeading)
    {
        return request;
    }
    *keys += 1;
    PlannedRequest { key: *keys, ..request }
}

fn is_accepted(record: &Record) -> bool {
    matches!(record.status, 200..=202) && !record.command.is_nil()
}

/// A loss of all Redis data, in microseconds from the start of the load.
#[derive(Clone, Copy, Debug)]
struct RedisLoss {
    decided_until: u64,
    at: u64,
}

impl RedisLoss {
    fn of(flush: Flush, began: Instant) -> RedisLoss {
        let since = |moment: Instant| u64::try_from((moment - began).as_micros()).unwrap_or(u64::MAX);
        RedisLoss { decided_until: since(flush.decided_until), at: since(flush.at) }
    }

    /// Whether an accepted command may have been stored in Redis only at the loss: it was sent before the
    /// loss and was not known to be decided.
    fn may_have_lost(self, record: &Record) -> bool {
        let Record { request, queued_us, latency_us, .. } = record;
        let (sent, answered) = (request.due + u64::from(*queued_us), request.due + u64::from(*latency_us));
        sent <= self.at && answered >= self.decided_until
    }
}

/// Resubmits accepted commands that were lost with Redis before they were decided, with their idempotency
/// keys, as their senders would. Returns their number.
async fn resubmit_lost(
    http: &Http,
    backends: &Backends,
    run_ids: &Arc<RunIds>,
    log: &mut OperationLog,
    loss: &[RedisLoss],
) -> Result<u64, Failure> {
    let may_be_lost = |record: &&Record| {
        record.status == 202 && !record.command.is_nil() && loss.iter().any(|loss| loss.may_have_lost(record))
    };
    let candidates: Vec<Record> = log.records.iter().filter(may_be_lost).copied().collect();
    let undecided = backends.undecided(candidates.iter().map(|record| record.command).collect()).await?;
    let mut resubmissions: Vec<PlannedRequest> = Vec::new();
    for record in candidates.iter().filter(|record| undecided.contains(&record.command)) {
        resubmissions.push(PlannedRequest { due: 0, ..record.request });
    }
    let count = resubmissions.len() as u64;
    if count > 0 {
        let queue = Arc::new(Queue::new(tokio::time::Instant::now()));
        let (_stop_sender, stop) = watch::channel(false);
        let (mut resubmission_log, counts) = (OperationLog::default(), Arc::new(Counts::default()));
        resubmission_log.codes = std::mem::take(&mut log.codes);
        let work = http.work(&queue, run_ids, &mut resubmission_log, &counts, 1);
        tokio::join!(queue.enqueue_when_due(resubmissions.into_iter(), &stop), work).1?;
        log.codes = resubmission_log.codes;
        log.records.extend(resubmission_log.records);
    }
    Ok(count)
}

/// Returns the longest time between two outcomes, in seconds.
fn longest_outcome_gap(log: &OperationLog) -> f64 {
    let has_outcome = |record: &&Record| {
        record.request.operation.class() == Class::Outcome && !matches!(record.status, 0 | 202 | 429 | 500..)
    };
    let mut times: Vec<u64> = log
        .records
        .iter()
        .filter(has_outcome)
        .map(|record| record.request.due + u64::from(record.latency_us))
        .collect();
    times.sort_unstable();
    let pauses = times.windows(2).map(|two| two[1] - two[0]);
    pauses.max().unwrap_or_default() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_undecided_commands_sent_before_the_loss_may_be_lost() {
        let request = PlannedRequest {
            due: 1_000,
            operation: Operation::BidAsync,
            user: 0,
            auction: 0,
            amount: 1,
            key: 1,
        };
        let record = |sent: u64, answered: u64| Record {
            request,
            queued_us: (sent - request.due) as u32,
            latency_us: (answered - request.due) as u32,
            status: 202,
            code: 0,
            version: 0,
            command: Uuid::nil(),
        };
        let loss = RedisLoss { decided_until: 5_000, at: 7_000 };
        assert!(loss.may_have_lost(&record(6_000, 6_100)));
        assert!(loss.may_have_lost(&record(4_000, 7_100)), "retried across the loss");
        assert!(!loss.may_have_lost(&record(1_000, 4_900)), "already decided");
        assert!(!loss.may_have_lost(&record(7_001, 7_100)), "sent after the loss");
    }
}
