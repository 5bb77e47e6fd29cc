//! The event store in Postgres: the source of truth.
//!
//! [`migrate`] brings a database to the present schema, [`PostgresStoreConnector`] makes the connections of the
//! writers' lanes, [`lock`] makes them take turns if that is wanted, [`queries`] answers the ingress from a
//! pool, [`retention`] deletes old outcomes. Statements are in `sql/queries`, one a file, migrations in
//! `sql/migrations`.

mod account_admin;
mod accounts;
mod append;
mod durability;
mod error;
mod inline_projections;
pub mod lock;
pub mod migrate;
pub mod notifications;
mod outbox;
mod parked_events;
pub mod queries;
pub mod retention;
mod store;
mod user_deletions;
mod webhooks;

pub use error::unavailable;
pub use store::{PostgresStore, PostgresStoreConnector};

/// The address of a database makes no sense.
pub type UrlError = tokio_postgres::Error;
