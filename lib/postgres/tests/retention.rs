//! Outcomes are deleted at the end of their retention, not earlier, in short steps.

use auction_app::ports::commands::outcomes::OutcomeReader;
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::events::retention::OutcomeRetention;
use auction_domain::Timestamp;
use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::fixtures::{P, batch, refusal};
use auction_testkit::local_servers::{connect, database};
use auction_wire::{CommandId, Outcome};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

struct Fixture {
    url: String,
    queries: PostgresQueries,
}

impl Fixture {
    async fn new() -> Fixture {
        let url = database().await;
        let stores = PostgresStoreConnector::new(&url).unwrap();
        Fixture { queries: PostgresQueries::new(&stores, 2).unwrap(), url }
    }

    /// Stores outcomes of commands that were received at these times.
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

    /// Runs steps over the whole table. Returns the number of deleted outcomes and of steps.
    async fn delete_before(&self, before: i64, retention: Duration) -> (u64, u64) {
        let (mut deleted, mut steps, mut from) = (0, 0, 0);
        loop {
            let step = self.queries.delete_outcomes(Timestamp(before), retention, from).await.unwrap();
            deleted += step.deleted;
            steps += 1;
            from = step.next;
            if from == 0 {
                return (deleted, steps);
            }
        }
    }

    async fn exists(&self, command: CommandId) -> bool {
        self.queries.outcome(command, Some(P)).await.unwrap().is_some()
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn outcome_is_kept_until_the_end_of_its_retention() {
    let fixture = Fixture::new().await;
    let received = now() - 40 * 24 * 60 * 60 * 1000;
    let commands = fixture.store(&[received - 1, received, received + 1]).await;
    assert_eq!(fixture.delete_before(received, RETENTION).await.0, 1);
    assert!(!fixture.exists(commands[0]).await);
    let outcome = fixture.queries.outcome(commands[1], Some(P)).await.unwrap().unwrap();
    assert_eq!((outcome.command, outcome.at), (commands[1], Timestamp(received)));
    assert_eq!(fixture.delete_before(received + 1, RETENTION).await.0, 1);
    assert!(!fixture.exists(commands[1]).await && fixture.exists(commands[2]).await);
}

#[tokio::test]
async fn clock_jump_ahead_deletes_no_outcome_early() {
    let fixture = Fixture::new().await;
    let nearly = now() - i64::try_from(RETENTION.as_millis()).unwrap() + 60_000;
    let commands = fixture.store(&[nearly, nearly - 120_000]).await;
    let next_year = now() + 365 * 24 * 60 * 60 * 1000;
    assert_eq!(fixture.delete_before(next_year, RETENTION).await.0, 1);
    assert!(fixture.exists(commands[0]).await && !fixture.exists(commands[1]).await);
}

#[tokio::test]
async fn concurrent_deletions_in_steps_do_not_interfere() {
    let fixture = Fixture::new().await;
    let received = now() - 40 * 24 * 60 * 60 * 1000;
    let times: Vec<i64> = (0..20_000).map(|n| received + n).collect();
    let commands = fixture.store(&times).await;
    let before = received + 15_000;
    let (one, other) =
        tokio::join!(fixture.delete_before(before, RETENTION), fixture.delete_before(before, RETENTION));
    assert_eq!(one.0 + other.0, 15_000);
    assert!(one.1 > 1, "{one:?}");
    assert!(!fixture.exists(commands[14_999]).await && fixture.exists(commands[15_000]).await);
    assert_eq!(fixture.delete_before(before, RETENTION).await.0, 0);
}

/// The step does not depend on the number of rows, nor on rows that were deleted before.
#[tokio::test]
async fn deletion_step_reads_only_its_own_pages() {
    let fixture = Fixture::new().await;
    let statement = include_str!("../../../sql/queries/delete_outcomes.sql");
    let statement = ["$1", "$2", "$3", "$4"]
        .iter()
        .fold(statement.to_owned(), |text, parameter| text.replace(&format!("{parameter}::"), "7::"));
    let explain = format!("EXPLAIN {statement}");
    let plan = connect(&fixture.url).await.query(&explain, &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(plan.iter().any(|line| line.contains("Tid Range Scan on command_outcomes")), "{plan:#?}");
}
