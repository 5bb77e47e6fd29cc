//! Sessions of a real Postgres that end, are read-only, or report errors.

use auction_app::ports::Unavailable;
use auction_app::ports::backend::Backend;
use auction_app::ports::notifications::webhooks::{CreateResult, WebhookStore};
use auction_domain::UserId;
use auction_durability::Durability;
use auction_postgres::queries::PostgresQueries;
use auction_postgres::{PostgresStoreConnector, error_text};
use auction_testkit::local_servers::{connect, database};
use std::error::Error;
use tokio_postgres::Client;
use uuid::Uuid;

const READ_ONLY: &str = "default_transaction_read_only";

fn queries(url: &str) -> PostgresQueries {
    let connector = PostgresStoreConnector::new(url).unwrap().checked(Durability::allowing([]));
    PostgresQueries::new(&connector, 4).unwrap()
}

/// Changes a setting of the database for new sessions, and ends all others.
async fn alter_database(admin: &Client, change: &str) {
    let name: String = admin.query_one("SELECT current_database()", &[]).await.unwrap().get(0);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    admin.batch_execute(&format!("ALTER DATABASE {name} {change}; {end}")).await.unwrap();
}

/// Runs a statement that writes.
async fn write(queries: &PostgresQueries) -> Result<CreateResult, Unavailable> {
    queries.create(UserId(Uuid::new_v4()), Uuid::new_v4(), "https://example.org", 1).await
}

#[tokio::test]
async fn ended_sessions_cost_no_query() {
    let url = database().await;
    let (queries, admin) = (queries(&url), connect(&url).await);
    for _ in 0..10 {
        assert!(matches!(write(&queries).await, Ok(CreateResult::NoUser)));
        alter_database(&admin, "SET statement_timeout = 0").await;
        assert!(matches!(write(&queries).await, Ok(CreateResult::NoUser)));
        alter_database(&admin, "SET statement_timeout = 0").await;
        queries.ping().await.unwrap();
    }
}

#[tokio::test]
async fn read_only_sessions_are_refused_and_replaced() {
    let url = database().await;
    let (queries, admin) = (queries(&url), connect(&url).await);
    write(&queries).await.unwrap();
    // Sessions that are open become read-only, as those that are opened during maintenance.
    alter_database(&admin, &format!("SET {READ_ONLY} = on")).await;
    let unchecked = PostgresQueries::new(&PostgresStoreConnector::new(&url).unwrap(), 1).unwrap();
    let refused = write(&unchecked).await.unwrap_err();
    assert!(refused.to_string().contains("(SQLSTATE 25006)"), "{refused}");
    let refused = write(&queries).await.unwrap_err();
    assert!(refused.to_string().starts_with("postgres: the server is read-only"), "{refused}");
    assert!(queries.ping().await.is_err());

    admin.batch_execute(&format!("SET {READ_ONLY} = off")).await.unwrap();
    let name: String = admin.query_one("SELECT current_database()", &[]).await.unwrap().get(0);
    admin.batch_execute(&format!("ALTER DATABASE {name} RESET {READ_ONLY}")).await.unwrap();
    write(&queries).await.unwrap();
    write(&unchecked).await.unwrap();
    queries.ping().await.unwrap();
}

#[tokio::test]
async fn changed_types_of_results_cost_no_query() {
    let url = database().await;
    let (queries, admin) = (queries(&url), connect(&url).await);
    let secret = queries.secret("draws").await.unwrap();
    // As a migration does, while sessions have prepared a statement on the table.
    let change = "CREATE DOMAIN secret AS bytea; ALTER TABLE secrets ALTER COLUMN value TYPE secret";
    admin.batch_execute(change).await.unwrap();
    assert_eq!(queries.secret("draws").await.unwrap(), secret);
}

#[tokio::test]
async fn errors_have_message_sqlstate_and_detail() {
    let admin = connect(&database().await).await;
    let duplicate = "INSERT INTO partitions (id) VALUES (0)";
    let error = admin.batch_execute(duplicate).await.unwrap_err();
    let text = error_text(&error);
    assert!(text.starts_with("duplicate key value violates unique constraint"), "{text}");
    assert!(text.ends_with("(SQLSTATE 23505, detail: Key (id)=(0) already exists.)"), "{text}");
    let wrapped: Box<dyn Error + Send + Sync> = Box::new(error);
    assert!(!auction_postgres::unavailable(std::io::Error::other(wrapped)).to_string().contains("db error"));
}
