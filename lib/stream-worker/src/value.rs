//! Accessors for raw replies: strings, numbers, and lists of names and values, as Redis 7.0 sends them.

use crate::{EntryId, StreamError};
use redis::Value;

/// Turns an error reply into an error and passes every other reply on.
///
/// # Errors
///
/// Returns [`StreamError::Redis`] if the reply is an error.
pub fn ok(value: Value) -> Result<Value, StreamError> {
    match value {
        Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
        value => Ok(value),
    }
}

/// Returns the text of a string reply; `None` if it is another type or not UTF-8.
pub fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// Returns the number in a reply, sent as an integer or as decimal text.
pub fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        other => text(other)?.parse().ok(),
    }
}

/// Returns the value of `name` in a reply that alternates names and values, such as that of `XINFO`.
pub fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Array(flat) = value else { return None };
    flat.chunks_exact(2).find(|pair| text(&pair[0]) == Some(name)).map(|pair| &pair[1])
}

/// Returns the `last-generated-id` of an `XINFO STREAM` reply; [`EntryId::ZERO`] if the stream does not
/// exist.
///
/// # Errors
///
/// Returns [`StreamError::Redis`] for any other error reply, and [`StreamError::Unexpected`] if the reply has
/// no valid id.
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
