//! Appends a batch: one transaction, one message, one round trip.

use crate::inline_projections::{InlineRows, bigint};
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::{AppendBatch, AppendResult};
use auction_domain::Actor;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

/// Prepared statement of an append.
pub(crate) struct AppendStatement(Statement);

impl AppendStatement {
    pub(crate) async fn prepare(client: &Client) -> Result<AppendStatement, Unavailable> {
        let append = client.prepare(include_str!("../../../sql/queries/append_batch.sql"));
        Ok(AppendStatement(append.await.map_err(unavailable)?))
    }

    /// Appends a batch and waits for the commit. The row of the result arrives before the commit, and an
    /// error of the commit after the row: `query_one` waits for both.
    pub(crate) async fn run(
        &self,
        client: &Client,
        batch: &AppendBatch,
    ) -> Result<AppendResult, Unavailable> {
        let row = match self.append(client, batch, &InlineRows::fold(&batch.events)).await {
            Ok(row) => row,
            Err(error) => return append_error(error),
        };
        match row.get(0) {
            "committed" => Ok(AppendResult::Committed),
            "head_conflict" => Ok(AppendResult::HeadConflict),
            "stale_deletions" => Ok(AppendResult::StaleDeletions),
            other => Err(Unavailable::new(
                "postgres",
                format!("append_batch returned the unknown result {other:?}"),
            )),
        }
    }

    async fn append(&self, client: &Client, batch: &AppendBatch, rows: &InlineRows) -> Result<Row, Error> {
        let (events, outcomes) = (&batch.events, &batch.outcomes);
        let results: Vec<Vec<u8>> = outcomes.iter().map(|outcome| outcome.result.encode()).collect();
        macro_rules! column {
            ($of:expr, $name:ident => $value:expr) => {
                &$of.iter().map(|$name| $value).collect::<Vec<_>>()
            };
        }
        let params: &[&(dyn ToSql + Sync)] = &[
            &(batch.partition.0 as i16), // at most 100 partitions
            &bigint(batch.expected_head),
            &bigint(batch.known_deletions),
            &rows.adds_open_interests,
            column!(events, e => e.record.key),
            column!(events, e => bigint(e.record.version)),
            column!(events, e => e.record.kind.as_str()),
            column!(events, e => e.record.schema as i16), // starts at 1
            column!(events, e => e.record.at.0),
            column!(events, e => e.record.cause.0),
            column!(events, e => user(e.actor)),
            column!(events, e => e.record.body.as_slice()),
            column!(outcomes, o => o.command.0),
            column!(outcomes, o => o.kind.as_str()),
            column!(outcomes, o => o.key),
            column!(outcomes, o => o.fingerprint.cast_signed()),
            column!(outcomes, o => bigint(o.position)),
            column!(outcomes, o => o.at.0),
            column!(results, result => result.as_slice()),
            &rows.users.keys(),
            &rows.users.column(|user| user.0),
            &rows.users.column(|user| user.1),
            &rows.deleted_users.keys(),
            &rows.deleted_users.column(|at| *at),
            &rows.deletions,
            &rows.auctions.keys(),
            &rows.auctions.column(|auction| auction.0),
            &rows.auctions.column(|auction| auction.1),
            &rows.auctions.column(|auction| auction.2),
            &rows.auctions.column(|auction| auction.3),
            &rows.changed_auctions.keys(),
            &rows.changed_auctions.column(|auction| auction.0),
            &rows.changed_auctions.column(|auction| auction.1),
            &rows.changed_auctions.column(|auction| auction.2),
            &rows.bids.keys(),
            &rows.bids.column(|bid| bid.auction),
            &rows.bids.column(|bid| bid.bidder),
            &rows.bids.column(|bid| bid.amount),
            &rows.bids.column(|bid| bid.doubled),
            &rows.bids.column(|bid| bid.state),
            &rows.changed_bids.keys(),
            &rows.changed_bids.column(|bid| bid.0),
            &rows.changed_bids.column(|bid| bid.1),
        ];
        client.query_one(&self.0, params).await
    }
}

/// Converts an error of the append.
///
/// * A unique violation means that another writer stored the command or the events before.
/// * An error in the content of the batch would be the same at the next attempt, so the batch is rejected.
/// * All other errors are retried, forever: a server that is full, restarting or misconfigured must not lose
///   a bid.
fn append_error(error: Error) -> Result<AppendResult, Unavailable> {
    let Some(refused) = error.as_db_error() else { return Err(unavailable(error)) };
    match (refused.code(), refused.constraint()) {
        // The id of a bid is the id of its command.
        (&SqlState::UNIQUE_VIOLATION, Some("command_outcomes_pkey" | "bids_pkey")) => {
            Ok(AppendResult::DuplicateCommand)
        }
        (&SqlState::UNIQUE_VIOLATION, Some("events_pkey" | "events_aggregate_version_key")) => {
            Ok(AppendResult::HeadConflict)
        }
        (code, _) if is_content_error(code) => {
            Ok(AppendResult::Rejected(format!("{}: {refused}", code.code())))
        }
        _ => Err(unavailable(error)),
    }
}

/// Returns true for data exceptions such as a NUL character (class 22), constraint violations (23) and
/// exceeded limits of Postgres (54).
fn is_content_error(code: &SqlState) -> bool {
    ["22", "23", "54"].iter().any(|class| code.code().starts_with(class))
}

fn user(actor: Actor) -> Option<Uuid> {
    match actor {
        Actor::User(user) => Some(user.0),
        Actor::Operator(_) | Actor::Portal => None,
    }
}
