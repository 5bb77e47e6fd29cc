//! Reading raw replies: maps, numbers and texts as Redis 7.0 sends them.

use crate::{EntryId, StreamError};
use redis::Value;

/// An error inside a reply becomes an error.
pub fn ok(value: Value) -> Result<Value, StreamError> {
    match value {
        Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
        value => Ok(value),
    }
}

/// The text of a reply, if it is one.
pub fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// The number of a reply, if it is one.
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        other => text(other)?.parse().ok(),
    }
}

/// A value of a reply that lists names and values in turn.
pub fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Array(flat) = value else { return None };
    flat.chunks_exact(2).find(|pair| text(&pair[0]) == Some(name)).map(|pair| &pair[1])
}

/// `last-generated-id` of an `XINFO STREAM` reply; zero if there is no such stream.
pub fn last_generated_id(value: &Value) -> Result<EntryId, StreamError> {
    if let Value::ServerError(error) = value {
        return match error.details() {
            Some(details) if details.contains("no such key") => Ok(EntryId::ZERO),
            _ => Err(redis::RedisError::from(error.clone()).into()),
        };
    }
    let id = member(value, "last-generated-id").and_then(text).and_then(|id| id.parse().ok());
    id.ok_or_else(|| StreamError::unexpected("XINFO STREAM", value))
}
