//! Injects one fault after the other in an order determined by the seed, sometimes two at once, and measures
//! each recovery.

use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::kinds::FaultKind;
use crate::faults::picker::FaultPicker;
use crate::faults::probe::Probe;
use crate::run::progress::note;
use auction_testkit::random::Random;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Probability of two faults at once, per mille.
const PAIR_PERMILLE: u64 = 250;

/// Maximum pause between a recovery and the next fault, in milliseconds.
const MAX_PAUSE_MS: u64 = 1_000;

/// An injected fault and its recovery.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    /// Names of one kind, or of two that were injected at once.
    pub(crate) kinds: Vec<&'static str>,
    /// Component of the affected process; none if several were affected.
    pub(crate) component: Option<&'static str>,
    /// Description with the affected process and the parameters.
    pub(crate) description: String,
    /// Start, in seconds since the run began.
    pub(crate) at_seconds: f64,
    pub(crate) duration_seconds: f64,
    /// Time from the end of the fault to the recovery; none if it exceeded the limit.
    pub(crate) recovery_seconds: Option<f64>,
}

/// Injects faults and measures recoveries.
pub(crate) struct Driver<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) probe: &'a Probe,
    pub(crate) picker: FaultPicker,
    pub(crate) random: Random,
    /// Start of the whole run.
    pub(crate) began: Instant,
    /// Time limit of a recovery.
    pub(crate) max_recovery: Duration,
    pub(crate) faults: Vec<Fault>,
    /// All commands sent before this moment have been decided.
    pub(crate) decided_until: Instant,
    /// Losses of all Redis data during this load.
    pub(crate) flushes: Vec<Flush>,
}

/// A loss of all Redis data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flush {
    /// All commands sent before this moment had been decided.
    pub(crate) decided_until: Instant,
    /// Time of the loss.
    pub(crate) at: Instant,
}

impl Driver<'_> {
    /// Returns the number of injected faults; two at once count as two.
    pub(crate) fn count(&self) -> usize {
        self.faults.iter().map(|fault| fault.kinds.len()).sum()
    }

    /// Injects faults until a time, or until there are `max_faults` in total.
    pub(crate) async fn drive(&mut self, until: Instant, max_faults: usize) -> Result<(), Failure> {
        while Instant::now() < until && self.count() < max_faults {
            let Some(first) = self.picker.pick_next(&mut self.random) else { return Ok(()) };
            let second = match self.random.chance(PAIR_PERMILLE)
                && !first.is_exclusive()
                && self.count() + 1 < max_faults
            {
                true => self.picker.pick_next(&mut self.random),
                false => None,
            };
            match second {
                Some(second) if !second.is_exclusive() => self.fault(&[first, second]).await?,
                Some(second) => {
                    self.fault(&[first]).await?;
                    self.fault(&[second]).await?;
                }
                None => self.fault(&[first]).await?,
            }
            tokio::time::sleep(Duration::from_millis(self.random.below(MAX_PAUSE_MS))).await;
        }
        Ok(())
    }

    /// Waits until the portal has recovered. Returns the time it took, or the conditions that were not met in
    /// time.
    pub(crate) async fn wait_until_recovered(&mut self) -> Result<Duration, String> {
        let began = Instant::now();
        let took = self.probe.wait_until_recovered(self.fleet, self.max_recovery).await?;
        // Partitions decide in order: when the bids of the probe are decided, all earlier commands are, too.
        self.decided_until = began;
        Ok(took)
    }

    async fn fault(&mut self, kinds: &[FaultKind]) -> Result<(), Failure> {
        let at = self.began.elapsed().as_secs_f64();
        let (fleet, random) = (self.fleet, &mut self.random);
        let injections = kinds.iter().map(|kind| {
            let random = Random::new(random.number());
            async move {
                let record = kind.inject(fleet, random).await;
                record.map_err(|error| format!("{kind}: {}", auction_postgres::error_text(&*error)))
            }
        });
        let records = futures_util::future::join_all(injections.collect::<Vec<_>>()).await;
        let ended = self.began.elapsed().as_secs_f64();
        if let Some(at) = fleet.flushed.lock().await.take() {
            self.flushes.push(Flush { decided_until: self.decided_until, at });
        }
        let records = records.into_iter().collect::<Result<Vec<_>, _>>()?;
        let component = if let [record] = &records[..] { record.component } else { None };
        let description =
            records.into_iter().map(|record| record.description).collect::<Vec<_>>().join("; and ");
        let recovery = self.wait_until_recovered().await;
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        let (number, duration_seconds) = (self.count() + 1, ended - at);
        let result = match recovery {
            Ok(took) => format!("recovered after {:.1} s", took.as_secs_f64()),
            Err(ref not_recovered) => format!("NOT RECOVERED after {:?}: {not_recovered}", self.max_recovery),
        };
        note(&format!("{at:>6.1} s, fault {number}: {}: {description}: {result}", kinds.join(" and ")));
        let recovery_seconds = recovery.ok().map(|took| took.as_secs_f64());
        self.faults.push(Fault {
            kinds,
            component,
            description,
            at_seconds: at,
            duration_seconds,
            recovery_seconds,
        });
        Ok(())
    }
}
