//! The errors that end a connection to Redis: the one rule for dedicated connections and for pools.

use redis::{ErrorKind, RedisError, Value};

/// Codes of error replies of a server that is not the one to use, or not any more: a replica after a failover,
/// a server that still loads its data, or a node of a cluster that does not own the key. `UNBLOCKED` ends a
/// blocking command when the server becomes a replica.
const WRONG_SERVER: [&str; 8] =
    ["READONLY", "MOVED", "ASK", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "CROSSSLOT", "UNBLOCKED"];

/// Reason a connection must not be used again. A new connection resolves the address of the server again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEnd {
    /// The connection is closed or broken, did not answer in time, or its replies cannot be read.
    Broken,
    /// The connection works, but the server is not the one to use. Other connections that were opened before
    /// lead to the same server.
    WrongServer,
}

/// Returns whether an error ends its connection, and why. `None` for errors of a single command.
pub fn ends_connection(error: &RedisError) -> Option<ConnectionEnd> {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse => return Some(ConnectionEnd::Broken),
        _ => {}
    }
    // A pipeline or transaction has several errors; its kind is that of the first.
    let errors = error.clone().into_server_errors()?;
    let wrong_server = errors.iter().any(|(_, error)| WRONG_SERVER.contains(&error.code()));
    wrong_server.then_some(ConnectionEnd::WrongServer)
}

/// Returns the error of a reply if it ends its connection.
pub fn ending_reply(reply: &Value) -> Option<RedisError> {
    let Value::ServerError(error) = reply else { return None };
    WRONG_SERVER.contains(&error.code()).then(|| RedisError::from(error.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::parse_redis_value;
    use std::io;

    fn reply(line: &str) -> Value {
        parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap()
    }

    fn error(line: &str) -> RedisError {
        reply(line).extract_error().unwrap_err()
    }

    #[test]
    fn replies_of_a_wrong_server_end_the_connection() {
        for line in [
            "READONLY You can't write against a read only replica.",
            "MOVED 3999 127.0.0.1:6381",
            "ASK 3999 127.0.0.1:6381",
            "LOADING Redis is loading the dataset in memory",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "CLUSTERDOWN Hash slot not served",
            "CROSSSLOT Keys in request don't hash to the same slot",
            "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
        ] {
            assert_eq!(ends_connection(&error(line)), Some(ConnectionEnd::WrongServer), "{line}");
            assert!(ending_reply(&reply(line)).is_some(), "{line}");
        }
    }

    #[test]
    fn broken_connections_end_at_any_error_of_the_socket() {
        for kind in [
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::TimedOut,
        ] {
            let broken = RedisError::from(io::Error::from(kind));
            assert_eq!(ends_connection(&broken), Some(ConnectionEnd::Broken), "{kind}");
        }
        let unreadable = parse_redis_value(b"?\r\n").map(|_| ()).unwrap_err();
        assert_eq!(ends_connection(&unreadable), Some(ConnectionEnd::Broken));
    }

    #[test]
    fn errors_of_a_command_do_not_end_the_connection() {
        for line in [
            "ERR unknown command 'NONSENSE'",
            // The primary is the right server, and its replicas are not there.
            "NOREPLICAS Not enough good replicas to write.",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
            "NOGROUP No such key 's' or consumer group 'g'",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "NOPERM this user has no permissions to run the 'config|get' command",
            "MISCONF Errors writing to the AOF file: No space left on device",
        ] {
            assert_eq!(ends_connection(&error(line)), None, "{line}");
            assert!(ending_reply(&reply(line)).is_none(), "{line}");
        }
    }
}
