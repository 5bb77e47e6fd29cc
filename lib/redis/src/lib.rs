//! The streams and the read models in Redis. All keys are in [`keys`].
//!
//! * [`command_queue`]: commands onto their streams, many in one round trip (ingress);
//! * [`command_stream`]: a writer's lane (commands in, events out);
//! * [`event_stream`]: a service's feed of events;
//! * [`reply`]: outcomes back to the ingress that waits;
//! * [`dead_letters`]: commands that could not be handled;
//! * [`functions`]: how people read streams in redis-cli;
//! * [`stream_stats`]: how far everybody is, for operators;
//! * [`rate_limit`]: how often somebody calls, counted for all ingress processes;
//! * [`revocations`]: which tokens are not good any more, told to every ingress;
//! * [`retention`]: old entries of commands and events go;
//! * [`inbox`]: copies of inboxes, delivered to by the notifier and read by users;
//! * [`views`]: ready-made answers, written by the projector and read by everybody.

pub mod command_queue;
pub mod command_stream;
pub mod dead_letters;
mod durability;
pub mod event_stream;
pub mod event_tail;
pub mod functions;
pub mod inbox;
pub mod keys;
pub mod load;
mod pubsub;
pub mod pubsub_messages;
pub mod rate_limit;
pub mod reply;
pub mod retention;
pub mod revocations;
mod server;
pub mod stream_info;
pub mod stream_stats;
pub mod views;

pub use server::{RedisServer, SocketFactory};

use auction_app::ports::Unavailable;
use stream_worker::StreamError;

/// An error of Redis, as the ports have it.
pub(crate) fn unavailable(error: StreamError) -> Unavailable {
    Unavailable::new("redis", error)
}

/// The same for errors of the client library.
pub(crate) fn client_error(error: impl std::error::Error + Send + Sync + 'static) -> Unavailable {
    Unavailable::new("redis", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_once_that_it_was_redis() {
        let refused = StreamError::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert_eq!(unavailable(refused).to_string(), "redis: connection refused");
    }
}
