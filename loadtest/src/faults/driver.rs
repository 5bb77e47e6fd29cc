//! One fault after the other, as the seed has it, and now and then two at once; how long each takes to be got over.

use crate::Failure;
use crate::faults::fleet::Fleet;
use crate::faults::kinds::{FaultKind, FaultPicker};
use crate::faults::probe::Probe;
use crate::run::progress::note;
use auction_testkit::random::Random;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Two at once, so many times out of a thousand.
const TWO: u64 = 250;

/// From one fault that is got over to the next, at most, in milliseconds.
const PAUSE: u64 = 1_000;

/// What happened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    /// The kinds: one, or two at once.
    pub(crate) kinds: Vec<&'static str>,
    /// The role of the process that it happened to, if it was one alone.
    pub(crate) role: Option<&'static str>,
    /// What was done to whom.
    pub(crate) what: String,
    /// Since the run began, in seconds.
    pub(crate) at: f64,
    /// How long it lasted, in seconds.
    pub(crate) lasted: f64,
    /// How long after its end all was well again, in seconds; none if that took too long.
    pub(crate) recovered: Option<f64>,
}

/// Does it.
pub(crate) struct Driver<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) probe: &'a Probe,
    pub(crate) deck: FaultPicker,
    pub(crate) random: Random,
    /// Of the whole run.
    pub(crate) began: Instant,
    /// Recovery takes no longer.
    pub(crate) bound: Duration,
    pub(crate) faults: Vec<Fault>,
    /// What was given before that moment was decided: all was well with what was given after it.
    pub(crate) decided_until: Instant,
    /// When everything was gone from Redis, in this load.
    pub(crate) flushes: Vec<Flush>,
}

/// Everything was gone from Redis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flush {
    /// What was given before had been decided.
    pub(crate) decided_until: Instant,
    /// When it was gone.
    pub(crate) at: Instant,
}

impl Driver<'_> {
    /// How many there were; two at once are two.
    pub(crate) fn count(&self) -> usize {
        self.faults.iter().map(|fault| fault.kinds.len()).sum()
    }

    /// Faults until that time, or until there were so many.
    pub(crate) async fn drive(&mut self, until: Instant, most: usize) -> Result<(), Failure> {
        while Instant::now() < until && self.count() < most {
            let Some(first) = self.deck.draw(&mut self.random) else { return Ok(()) };
            let second = match self.random.chance(TWO) && !first.is_alone() && self.count() + 1 < most {
                true => self.deck.draw(&mut self.random),
                false => None,
            };
            match second {
                Some(second) if !second.is_alone() => self.fault(&[first, second]).await?,
                Some(second) => {
                    self.fault(&[first]).await?;
                    self.fault(&[second]).await?;
                }
                None => self.fault(&[first]).await?,
            }
            tokio::time::sleep(Duration::from_millis(self.random.below(PAUSE))).await;
        }
        Ok(())
    }

    /// Waits until all is well: how long it took, or who is not.
    pub(crate) async fn is_well(&mut self) -> Result<Duration, String> {
        let began = Instant::now();
        let took = self.probe.is_recovered(self.fleet, self.bound).await?;
        // Partitions decide in order: when the probe's bids are decided, what was given before them is.
        self.decided_until = began;
        Ok(took)
    }

    async fn fault(&mut self, kinds: &[FaultKind]) -> Result<(), Failure> {
        let at = self.began.elapsed().as_secs_f64();
        let (fleet, random) = (self.fleet, &mut self.random);
        let happen = kinds.iter().map(|kind| {
            let random = Random::new(random.number());
            async move {
                let happened = kind.happen(fleet, random).await;
                happened.map_err(|error| format!("{kind}: {error}"))
            }
        });
        let happened = futures_util::future::join_all(happen.collect::<Vec<_>>()).await;
        let ended = self.began.elapsed().as_secs_f64();
        if let Some(at) = fleet.flushed.lock().await.take() {
            self.flushes.push(Flush { decided_until: self.decided_until, at });
        }
        let happened = happened.into_iter().collect::<Result<Vec<_>, _>>()?;
        let role = if let [alone] = &happened[..] { alone.role } else { None };
        let what = happened.into_iter().map(|happened| happened.what).collect::<Vec<_>>().join("; and ");
        let recovered = self.is_well().await;
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        let (number, lasted) = (self.count() + 1, ended - at);
        let told = match recovered {
            Ok(took) => format!("well after {:.1} s", took.as_secs_f64()),
            Err(ref ill) => format!("NOT WELL after {:?}: {ill}", self.bound),
        };
        note(&format!("{at:>6.1} s, fault {number}: {}: {what}: {told}", kinds.join(" and ")));
        let recovered = recovered.ok().map(|took| took.as_secs_f64());
        self.faults.push(Fault { kinds, role, what, at, lasted, recovered });
        Ok(())
    }
}
