//! The streams and the read models in Redis. All keys are in [`keys`].
//!
//! * [`command_queue`]: adds commands to their streams, many in one round trip (ingress);
//! * [`command_stream`]: reads commands of a partition, publishes events and acknowledges (writer);
//! * [`event_stream`]: reads the events of a partition (event consumers);
//! * [`event_tail`]: reads new events of all partitions (live updates);
//! * [`reply`]: delivers outcomes to the ingress that waits for them;
//! * [`pubsub_messages`]: announces decided commands and notified users to every ingress;
//! * [`placement_signals`]: announces outgoing notifications to every notifier;
//! * [`dead_letters`]: commands that cannot be processed;
//! * [`decisions`]: whether writers read and decide commands, for readiness;
//! * [`functions`]: Redis functions that display streams in redis-cli;
//! * [`stream_stats`]: progress and lag of all consumer groups, for operators;
//! * [`stream_info`]: reads event streams outside of a consumer group;
//! * [`stream_repair`]: moves command streams back whose ids are ahead of the clock;
//! * [`load`]: command backlog and memory use, for load shedding;
//! * [`rate_limit`]: counts requests per user and per IP address over all ingress processes;
//! * [`revocations`]: announces revoked tokens to every ingress;
//! * [`retention`]: removes old commands and events from their streams;
//! * [`inbox`]: caches inboxes; the notifier adds to them, and users read them;
//! * [`views`]: read models, written by the projector;
//! * [`pool`]: connections for short requests;
//! * [`ownership`]: the id of the portal that a Redis belongs to.

pub mod command_queue;
pub mod command_stream;
pub mod dead_letters;
pub mod decisions;
mod durability;
pub mod event_stream;
pub mod event_tail;
pub mod functions;
pub mod inbox;
pub mod keys;
pub mod load;
pub mod ownership;
pub mod placement_signals;
pub mod pool;
mod probe_connection;
mod pubsub;
pub mod pubsub_messages;
pub mod rate_limit;
pub mod reply;
pub mod retention;
pub mod revocations;
mod server;
pub mod stream_info;
pub mod stream_repair;
pub mod stream_stats;
pub mod views;

pub use ownership::{ForeignRedis, Ownership};
pub use pool::{PooledConnection, RedisPool};
pub use server::{RedisServer, SocketFactory};

use auction_app::ports::Unavailable;
use stream_worker::StreamError;

/// Converts an error of Redis to the error of the ports.
pub(crate) fn unavailable(error: StreamError) -> Unavailable {
    Unavailable::new("redis", error)
}

/// Converts an error of the client library to the error of the ports.
pub(crate) fn client_error(error: impl std::error::Error + Send + Sync + 'static) -> Unavailable {
    Unavailable::new("redis", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_redis_once() {
        let refused = StreamError::from(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
        assert_eq!(unavailable(refused).to_string(), "redis: connection refused");
    }
}
