//! Adapters for Postgres, the source of truth.
//!
//! * [`migrate`] brings a database to the current schema.
//! * [`PostgresStoreConnector`] opens the event store connections of the partition writers and event
//!   consumers.
//! * [`lock`] provides the optional partition locks.
//! * [`queries`] runs everything else on a connection pool.
//! * [`retention`] deletes expired outcomes and deliveries.
//!
//! Statements are in `sql/queries`, one per file, migrations in `sql/migrations`.

/// Text of a statement in `sql/queries`.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("../../../sql/queries/", $name, ".sql"))
    };
}

pub mod account_admin;
mod accounts;
mod append;
mod append_rows;
mod connection;
mod durability;
mod error;
mod inline_projections;
pub mod lock;
pub mod migrate;
pub mod notifications;
mod outbox;
mod parked_events;
pub mod placement;
pub mod queries;
pub mod retention;
mod rows;
mod store;
mod user_deletions;
mod webhooks;

pub use error::{error_text, unavailable};
pub use store::{PostgresStore, PostgresStoreConnector};

/// Error of an invalid database URL.
pub type UrlError = tokio_postgres::Error;
