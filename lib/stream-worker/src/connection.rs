//! Connections of one owner each: for blocking reads, which would hold up everybody behind them, and for
//! `WATCH`, which belongs to its connection.

use crate::StreamError;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, Value};
use std::time::Duration;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// A connection that nobody else uses. It is not reopened: after an error it is dropped, since an answer
/// may have been lost on it.
pub struct DedicatedConnection(MultiplexedConnection);

impl DedicatedConnection {
    /// Connects. An answer that takes longer than `deadline` is an error; for a blocking read it must be
    /// longer than its `BLOCK` (the crate's own default of 500 ms loses what the server still delivers).
    pub async fn open(client: &Client, deadline: Duration) -> Result<DedicatedConnection, StreamError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(deadline));
        Ok(DedicatedConnection(client.get_multiplexed_async_connection_with_config(&config).await?))
    }

    /// Sends all commands in one round trip and returns their raw replies in order; an error of a single
    /// command is among them as [`Value::ServerError`].
    pub async fn send(&mut self, commands: &Pipeline) -> Result<Vec<Value>, StreamError> {
        let count = commands.cmd_iter().count();
        let replies = self.0.send_packed_commands(commands, 0, count).await?;
        if replies.len() != count {
            return Err(StreamError::unexpected("a pipeline", &Value::Int(replies.len() as i64)));
        }
        Ok(replies)
    }

    /// Sends one command; its error is an error.
    pub async fn send_one(&mut self, command: &redis::Cmd) -> Result<Value, StreamError> {
        Ok(self.0.send_packed_command(command).await?.extract_error()?)
    }
}
