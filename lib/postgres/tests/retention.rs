//! Outcomes are deleted at the end of their retention and not a moment before, in short steps.

use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::events::retention::OutcomeRetention;
use auction_domain::Timestamp;
use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::fixtures::{batch, refusal};
use auction_testkit::local_servers::{connect, database};
use auction_wire::{CommandId, Outcome};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

struct Bench {
    url: String,
    lookup: PostgresQueries,
}

impl Bench {
    async fn new() -> Bench {
        let url = database().await;
        let stores = PostgresStoreConnector::new(&url).unwrap();
        Bench { lookup: PostgresQueries::new(&stores, 2).unwrap(), url }
    }

    /// Stores so many outcomes of commands that were received then.
    async fn store(&self, at: &[i64]) -> Vec<CommandId> {
        let mut refusals = batch(0, Vec::new());
        refusals.outcomes = at
            .iter()
            .map(|at| Outcome { at: Timestamp(*at), ..refusal(CommandId(Uuid::new_v4()), 0) })
            .collect();
        let mut store = PostgresStoreConnector::new(&self.url).unwrap().open().await.unwrap();
        assert_eq!(store.append(&refusals).await.unwrap(), AppendResult::Committed);
        refusals.outcomes.iter().map(|outcome| outcome.command).collect()
    }

    /// Looks through everything once; returns how many are gone, and in how many steps.
    async fn delete_before(&self, before: i64, retention: Duration) -> (u64, u64) {
        let (mut deleted, mut steps, mut from) = (0, 0, 0);
        loop {
            let step = self.lookup.delete_outcomes(Timestamp(before), retention, from).await.unwrap();
            deleted += step.deleted;
            steps += 1;
            from = step.next;
            if from == 0 {
                return (deleted, steps);
            }
        }
    }

    async fn is_there(&self, command: CommandId) -> bool {
        self.lookup.outcome(command).await.unwrap().is_some()
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn at_the_last_moment_of_its_retention_an_outcome_is_there_and_then_it_goes() {
    let bench = Bench::new().await;
    let received = now() - 40 * 24 * 60 * 60 * 1000;
    let commands = bench.store(&[received - 1, received, received + 1]).await;
    assert_eq!(bench.delete_before(received, RETENTION).await.0, 1);
    assert!(!bench.is_there(commands[0]).await);
    let answer = bench.lookup.outcome(commands[1]).await.unwrap().unwrap();
    assert_eq!((answer.command, answer.at), (commands[1], Timestamp(received)));
    assert_eq!(bench.delete_before(received + 1, RETENTION).await.0, 1);
    assert!(!bench.is_there(commands[1]).await && bench.is_there(commands[2]).await);
}

#[tokio::test]
async fn a_clock_that_jumped_ahead_deletes_nothing_early() {
    let bench = Bench::new().await;
    let nearly = now() - i64::try_from(RETENTION.as_millis()).unwrap() + 60_000;
    let commands = bench.store(&[nearly, nearly - 120_000]).await;
    let next_year = now() + 365 * 24 * 60 * 60 * 1000;
    assert_eq!(bench.delete_before(next_year, RETENTION).await.0, 1);
    assert!(bench.is_there(commands[0]).await && !bench.is_there(commands[1]).await);
}

#[tokio::test]
async fn many_go_in_steps_and_whoever_else_deletes_does_no_harm() {
    let bench = Bench::new().await;
    let received = now() - 40 * 24 * 60 * 60 * 1000;
    let times: Vec<i64> = (0..20_000).map(|n| received + n).collect();
    let commands = bench.store(&times).await;
    let before = received + 15_000;
    let (one, other) =
        tokio::join!(bench.delete_before(before, RETENTION), bench.delete_before(before, RETENTION));
    assert_eq!(one.0 + other.0, 15_000);
    assert!(one.1 > 1, "{one:?}");
    assert!(!bench.is_there(commands[14_999]).await && bench.is_there(commands[15_000]).await);
    assert_eq!(bench.delete_before(before, RETENTION).await.0, 0);
}

/// However many rows there are, and however many were deleted before.
#[tokio::test]
async fn a_step_reads_its_own_pages_alone() {
    let bench = Bench::new().await;
    let statement = include_str!("../../../sql/queries/delete_outcomes.sql");
    let statement = ["$1", "$2", "$3", "$4"]
        .iter()
        .fold(statement.to_owned(), |text, parameter| text.replace(&format!("{parameter}::"), "7::"));
    let explain = format!("EXPLAIN {statement}");
    let plan = connect(&bench.url).await.query(&explain, &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(plan.iter().any(|line| line.contains("Tid Range Scan on commands")), "{plan:#?}");
}
