//! A connection with statements that are prepared at their first use.

use crate::{error_text, unavailable};
use auction_app::ports::Unavailable;
use std::collections::HashMap;
use std::time::Duration;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement};

/// After an error, drop it and open another one.
pub(crate) struct Connection {
    client: Client,
    statements: HashMap<&'static str, Statement>,
    deadline: Duration,
}

impl Connection {
    /// Connects, with a time limit for this and for every request. The effect of a request that exceeds it is
    /// unknown.
    pub(crate) async fn open(config: &Config, deadline: Duration) -> Result<Connection, Unavailable> {
        within(deadline, async {
            let (client, connection) = config.connect(NoTls).await.map_err(unavailable)?;
            tokio::spawn(run_connection(connection));
            Ok(Connection { client, statements: HashMap::new(), deadline })
        })
        .await
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn query(
        &mut self,
        statement: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Unavailable> {
        self.try_query(statement, params).await?.map_err(unavailable)
    }

    /// Runs a statement and returns its rows. The inner error is the server's refusal of the statement, for
    /// example a unique violation.
    pub(crate) async fn try_query(
        &mut self,
        text: &'static str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Result<Vec<Row>, Error>, Unavailable> {
        within(self.deadline, async {
            if !self.statements.contains_key(text) {
                self.statements.insert(text, self.client.prepare(text).await.map_err(unavailable)?);
            }
            Ok(self.client.query(&self.statements[text], params).await)
        })
        .await
    }
}

/// Receives the messages of a connection until the client is dropped. The next request of the client fails if
/// the connection ends before, but without the reason.
pub(crate) async fn run_connection(connection: impl Future<Output = Result<(), Error>>) {
    if let Err(error) = connection.await {
        tracing::info!(error = error_text(&error), "Postgres connection ended");
    }
}

/// Runs a request with a time limit on the client's side: a server that does not answer does not apply its
/// own timeouts.
pub(crate) async fn within<T>(
    deadline: Duration,
    request: impl Future<Output = Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    let timed_out = || Unavailable::new("postgres", format!("no answer within {} s", deadline.as_secs()));
    tokio::time::timeout(deadline, request).await.unwrap_or_else(|_| Err(timed_out()))
}
