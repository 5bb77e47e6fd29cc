//! Keeping house, on ports that write down what is asked of them.

use auction_app::ports::Unavailable;
use auction_app::ports::events::retention::{
    DeletedOutcomes, DeliveryRetention, OutcomeRetention, StreamRetention, Trimmed, TrimmedCommands,
};
use auction_app::ports::people::accounts::{AccountRetention, SweepReport};
use auction_app::writer::retention::{RetentionPolicy, run_retention};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use worker_runtime::health::Health;
use worker_runtime::shutdown::shutdown_pair;

const NOW: i64 = 1_000_000_000;

const RETENTION: RetentionPolicy = RetentionPolicy {
    commands: Duration::from_secs(10),
    events: Duration::from_secs(20),
    outcomes: Duration::from_secs(3600),
    deliveries: Duration::from_secs(7200),
    sign_ups: Duration::from_secs(60),
    every: Duration::from_secs(5),
};

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Commands(u16, i64),
    Events(u16, i64),
    Deliveries,
    Outcomes(i64, u64),
    Accounts(i64, i64),
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    /// So many steps have more behind them.
    more: usize,
    /// So many calls fail.
    failures: usize,
    oldest_undecided: Option<i64>,
    /// So many steps of deleting deliveries delete any.
    deliveries: u64,
    /// Steps that it takes to look through all outcomes.
    steps: u64,
}

#[derive(Clone, Default)]
struct House(Arc<Mutex<State>>);

impl House {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn ask(&self, asked: Asked) -> Result<MutexGuard<'_, State>, Unavailable> {
        let mut state = self.state();
        if state.failures > 0 {
            state.failures -= 1;
            return Err(Unavailable::new("redis", "away"));
        }
        state.asked.push(asked);
        Ok(state)
    }
}

impl StreamRetention for House {
    async fn now(&mut self) -> Result<Timestamp, Unavailable> {
        Ok(Timestamp(NOW))
    }

    async fn trim_commands(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> Result<TrimmedCommands, Unavailable> {
        let state = self.ask(Asked::Commands(partition.0, older_than.0))?;
        let oldest_undecided = state.oldest_undecided.filter(|_| partition.0 == 1).map(Timestamp);
        Ok(TrimmedCommands { oldest_undecided, ..TrimmedCommands::default() })
    }

    async fn trim_events(
        &mut self,
        partition: PartitionId,
        older_than: Timestamp,
    ) -> Result<Trimmed, Unavailable> {
        let mut state = self.ask(Asked::Events(partition.0, older_than.0))?;
        let more = state.more > 0;
        state.more = state.more.saturating_sub(1);
        Ok(Trimmed { removed: 7, more })
    }
}

impl OutcomeRetention for House {
    async fn delete_outcomes(
        &self,
        before: Timestamp,
        retention: Duration,
        from: u64,
    ) -> Result<DeletedOutcomes, Unavailable> {
        assert_eq!(retention, RETENTION.outcomes);
        let state = self.ask(Asked::Outcomes(before.0, from))?;
        let next = if from + 1 < state.steps { from + 1 } else { 0 };
        Ok(DeletedOutcomes { deleted: 1, next, steps: state.steps })
    }
}

impl DeliveryRetention for House {
    async fn delete_deliveries(&self, keep: Duration) -> Result<u64, Unavailable> {
        assert_eq!(keep, RETENTION.deliveries);
        let mut state = self.ask(Asked::Deliveries)?;
        let more = state.deliveries;
        state.deliveries = more.saturating_sub(1);
        Ok(more)
    }
}

impl AccountRetention for House {
    async fn sweep(&self, now: Timestamp, undecided_since: Timestamp) -> Result<SweepReport, Unavailable> {
        self.ask(Asked::Accounts(now.0, undecided_since.0)).map(|_| SweepReport::default())
    }
}

/// What is asked for in so much time.
async fn kept(house: House, time: Duration) -> Vec<Asked> {
    let (stopper, stop) = shutdown_pair();
    let partitions = vec![PartitionId(0), PartitionId(1)];
    let health = Health::default().register("keeping house");
    let keeping =
        tokio::spawn(run_retention(house.clone(), house.clone(), partitions, RETENTION, health, stop));
    tokio::time::sleep(time).await;
    stopper.stop();
    keeping.await.unwrap();
    std::mem::take(&mut house.state().asked)
}

fn streams() -> Vec<Asked> {
    let of = |partition| [Asked::Commands(partition, NOW - 10_000), Asked::Events(partition, NOW - 20_000)];
    [of(0), of(1)].into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn everything_goes_at_its_age_again_and_again() {
    let asked = kept(House::default(), Duration::from_secs(6)).await;
    let round = || {
        let rest =
            [Asked::Deliveries, Asked::Outcomes(NOW - 3_600_000, 0), Asked::Accounts(NOW, NOW - 60_000)];
        streams().into_iter().chain(rest)
    };
    assert_eq!(asked, round().chain(round()).collect::<Vec<_>>());
}

/// It may be the repeat of a command whose outcome is as old as the retention: it has to find it.
#[tokio::test(start_paused = true)]
async fn an_outcome_stays_while_a_command_waits_that_was_given_within_its_retention() {
    let house = House::default();
    house.state().oldest_undecided = Some(NOW - 86_400_000);
    let asked = kept(house, Duration::from_secs(1)).await;
    assert!(asked.contains(&Asked::Outcomes(NOW - 86_400_000 - 3_600_000, 0)), "{asked:?}");
}

/// Without Postgres, or without writers, nothing is decided for a long time: that is no reason to forget who signed
/// up meanwhile.
#[tokio::test(start_paused = true)]
async fn an_account_stays_while_the_command_may_wait_that_makes_its_user() {
    let house = House::default();
    house.state().oldest_undecided = Some(NOW - 86_400_000);
    let asked = kept(house, Duration::from_secs(1)).await;
    assert_eq!(asked.last(), Some(&Asked::Accounts(NOW, NOW - 86_400_000 - 60_000)));
}

#[tokio::test(start_paused = true)]
async fn what_one_step_leaves_is_taken_by_the_next_ones() {
    let house = House::default();
    house.state().more = 3;
    house.state().deliveries = 5;
    let asked = kept(house, Duration::from_secs(4)).await;
    assert_eq!(asked.iter().filter(|asked| **asked == Asked::Events(0, NOW - 20_000)).count(), 3);
    assert_eq!(asked.iter().filter(|asked| **asked == Asked::Deliveries).count(), 6);
    assert_eq!(asked.iter().filter(|asked| matches!(asked, Asked::Outcomes(..))).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_large_table_is_looked_through_in_as_many_rounds_as_a_smaller_one() {
    let house = House::default();
    house.state().steps = 1024;
    let asked = kept(house, Duration::from_secs(6 * 258)).await;
    let mut places = asked.iter().filter_map(|asked| match asked {
        Asked::Outcomes(_, from) => Some(*from),
        _ => None,
    });
    assert!((0..1024).eq(places.by_ref().take(1024)), "each part in turn");
    assert_eq!(places.next(), Some(0), "and then again");
}

#[tokio::test(start_paused = true)]
async fn servers_that_are_away_are_waited_for() {
    let house = House::default();
    house.state().failures = 8;
    let asked = kept(house, Duration::from_secs(60)).await;
    assert!(asked.iter().any(|asked| matches!(asked, Asked::Outcomes(..))), "{asked:?}");
}
