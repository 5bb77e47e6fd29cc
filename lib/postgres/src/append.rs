//! Appends a batch: one transaction, one message, one round trip.

use crate::append_rows::{EventRow, OutcomeRow};
use crate::connection::Connection;
use crate::inline_projections::{InlineRows, bigint};
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::{AppendBatch, AppendResult, NewEvent};
use auction_domain::Actor;
use auction_wire::Outcome;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

/// Appends a batch and waits for the commit. The row of the result arrives before the commit, and an error of
/// the commit after the row: `try_query` waits for both.
pub(crate) async fn append(
    connection: &mut Connection,
    batch: &AppendBatch,
) -> Result<AppendResult, Unavailable> {
    let rows = InlineRows::fold(&batch.events);
    let events: Vec<EventRow<'_>> = batch.events.iter().map(event_row).collect();
    let outcomes: Vec<OutcomeRow<'_>> = batch.outcomes.iter().map(outcome_row).collect();
    let params: &[&(dyn ToSql + Sync)] = &[
        &(batch.partition.0 as i16), // at most 100 partitions
        &bigint(batch.expected_head),
        &events,
        &outcomes,
        &rows.users.values,
        &rows.deleted_users.values,
        &rows.deletions,
        &rows.bars,
        &rows.auctions.values,
        &rows.changed_auctions.values,
        &rows.bids.values,
        &rows.changed_bids.values,
    ];
    let rows = match connection.try_query(sql!("append_batch"), params).await? {
        Ok(rows) => rows,
        Err(error) => return append_error(error),
    };
    match rows.first().map(|row| row.get(0)) {
        Some("committed") => Ok(AppendResult::Committed),
        Some("head_conflict") => Ok(AppendResult::HeadConflict),
        other => {
            let text = format!("append_batch returned the unknown result {other:?}");
            Err(Unavailable::new("postgres", text))
        }
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

fn event_row(NewEvent { record, actor, .. }: &NewEvent) -> EventRow<'_> {
    EventRow {
        aggregate: record.key,
        version: bigint(record.version),
        kind: &record.kind,
        schema: record.schema.cast_signed(),
        at: record.at.0,
        command_id: record.cause.0,
        actor: match actor {
            Actor::User(user) => Some(user.0),
            Actor::Operator(_) | Actor::Portal => None,
        },
        body: &record.body,
    }
}

fn outcome_row(outcome: &Outcome) -> OutcomeRow<'_> {
    OutcomeRow {
        command_id: outcome.command.0,
        kind: &outcome.kind,
        key: outcome.key,
        fingerprint: outcome.fingerprint.cast_signed(),
        position: bigint(outcome.position),
        at: outcome.at.0,
        outcome: outcome.result.encode(),
    }
}
