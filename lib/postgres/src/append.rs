//! The append of a batch: one transaction, one round trip.

use crate::rows::{Rows, bigint};
use crate::unavailable;
use auction_app::ports::Unavailable;
use auction_app::ports::event_store::{Append, Appended};
use auction_domain::Actor;
use futures_util::join;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

/// Ours among the advisory locks of a database: bids and offers share it, deletions of users take it alone.
const STAKES_AND_DELETIONS: i64 = 0x6175_6374_696f_6e02;

/// The prepared statements of an append.
pub(crate) struct AppendStatements {
    append: Statement,
    lock_stakes: Statement,
    lock_deletion: Statement,
}

impl AppendStatements {
    pub(crate) async fn prepare(client: &Client) -> Result<AppendStatements, Unavailable> {
        let (append, lock_stakes, lock_deletion) = join!(
            client.prepare(include_str!("../../../sql/queries/append_batch.sql")),
            client.prepare(include_str!("../../../sql/queries/lock_stakes.sql")),
            client.prepare(include_str!("../../../sql/queries/lock_deletion.sql")),
        );
        Ok(AppendStatements {
            append: append.map_err(unavailable)?,
            lock_stakes: lock_stakes.map_err(unavailable)?,
            lock_deletion: lock_deletion.map_err(unavailable)?,
        })
    }

    pub(crate) async fn run(&self, client: &Client, batch: &Append) -> Result<Appended, Unavailable> {
        let rows = Rows::fold(&batch.events);
        // The lock is a statement of its own: in one statement the snapshot would be older than the lock.
        let lock = match (rows.deletions.is_empty(), rows.adds_stakes) {
            (false, _) => Some(&self.lock_deletion),
            (true, true) => Some(&self.lock_stakes),
            (true, false) => None,
        };
        let take_lock = async {
            match lock {
                Some(lock) => client.execute(lock, &[&STAKES_AND_DELETIONS]).await.map(drop),
                None => Ok(()),
            }
        };
        // All are sent at once, in this order, each with a Sync of its own; the row is what counts, since
        // COMMIT "succeeds" as a rollback after an error.
        let (begun, locked, appended, committed) = join!(
            client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
            take_lock,
            self.append(client, batch, &rows),
            client.batch_execute("COMMIT"),
        );
        begun.map_err(unavailable)?;
        locked.map_err(unavailable)?;
        let row = match appended {
            Ok(row) => row,
            Err(error) => return judge(error),
        };
        if row.get("hit") {
            committed.map_err(unavailable)?;
            return Ok(Appended::Done);
        }
        Ok(if row.get("deletions_unknown") { Appended::DeletionsUnknown } else { Appended::HeadMoved })
    }

    async fn append(&self, client: &Client, batch: &Append, rows: &Rows) -> Result<Row, Error> {
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
            &bigint(events.len() as u64),
            &bigint(batch.known_deletions),
            column!(events, e => e.record.key),
            column!(events, e => bigint(e.record.version)),
            column!(events, e => e.record.kind.as_str()),
            column!(events, e => e.record.schema as i16), // counts up from 1
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
            &rows.changed_auctions.keys(),
            &rows.changed_auctions.column(|auction| auction.0),
            &rows.changed_auctions.column(|auction| auction.1),
            &rows.bids.keys(),
            &rows.bids.column(|bid| bid.auction),
            &rows.bids.column(|bid| bid.bidder),
            &rows.bids.column(|bid| bid.amount),
            &rows.bids.column(|bid| bid.doubled),
            &rows.bids.column(|bid| bid.state),
            &rows.changed_bids.keys(),
            &rows.changed_bids.column(|bid| bid.0),
            &rows.changed_bids.column(|bid| bid.1),
            &rows.auctions.column(|auction| auction.3),
            &rows.changed_auctions.column(|auction| auction.2),
        ];
        client.query_one(&self.append, params).await
    }
}

/// What an error says of the batch. A unique violation: somebody was there before. An error of the content
/// will be the same at the next try. Anything else is for another try, for ever: a server that is full,
/// restarting or misconfigured must not cost a bid.
fn judge(error: Error) -> Result<Appended, Unavailable> {
    let Some(refused) = error.as_db_error() else { return Err(unavailable(error)) };
    match (refused.code(), refused.constraint()) {
        // A bid bears the id of its command, and Postgres may insert it before the outcome.
        (&SqlState::UNIQUE_VIOLATION, Some("commands_pkey" | "bids_pkey")) => Ok(Appended::DecidedBefore),
        (&SqlState::UNIQUE_VIOLATION, Some("events_pkey" | "events_aggregate_version_key")) => {
            Ok(Appended::HeadMoved)
        }
        (code, _) if is_of_the_content(code) => Ok(Appended::Rejected(format!("{}: {refused}", code.code()))),
        _ => Err(unavailable(error)),
    }
}

/// Data exceptions (a NUL in a text), violated constraints, and what is too large or too complex.
fn is_of_the_content(code: &SqlState) -> bool {
    ["22", "23", "54"].iter().any(|class| code.code().starts_with(class))
}

fn user(actor: Actor) -> Option<Uuid> {
    match actor {
        Actor::User(user) => Some(user.0),
        Actor::Operator | Actor::Portal => None,
    }
}
