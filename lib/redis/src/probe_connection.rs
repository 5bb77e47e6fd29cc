//! Connection of a probe, kept between its samples.

use crate::{RedisServer, unavailable};
use auction_app::ports::Unavailable;
use redis::{Pipeline, Value};
use std::time::{Duration, Instant};
use stream_worker::DedicatedConnection;

/// Longest time to wait for a reply.
const DEADLINE: Duration = Duration::from_secs(5);

/// Connection that is opened at the first sample, and again after an error or a failover.
pub(crate) struct ProbeConnection {
    server: RedisServer,
    /// Connection, and the time when it was opened.
    open: Option<(DedicatedConnection, Instant)>,
}

impl ProbeConnection {
    pub(crate) fn new(server: RedisServer) -> ProbeConnection {
        ProbeConnection { server, open: None }
    }

    /// Sends commands and returns their replies.
    pub(crate) async fn send(&mut self, commands: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        // A replica would answer with streams that are too old.
        let idle = self.open.take().filter(|(_, opened)| self.server.check_current(*opened).is_ok());
        let (mut connection, opened) = match idle {
            Some(open) => open,
            None => {
                let opened = Instant::now();
                (self.server.connect(DEADLINE).await?, opened)
            }
        };
        let replies = connection.send(commands).await.map_err(unavailable)?;
        self.open = Some((connection, opened));
        Ok(replies)
    }
}
