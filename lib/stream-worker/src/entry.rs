//! Stream entries with their fields as raw bytes.
//!
//! Fields are not decoded as text, so that one field that is not UTF-8 does not make a whole reply
//! unreadable.

use crate::StreamError;
use bytes::Bytes;
use redis::Value;

pub use worker_runtime::{EntryId, ParseEntryIdError};

/// Field names and values of one entry, in the order of the stream.
pub type RawFields = Vec<(Bytes, Bytes)>;

/// One entry of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Index of the stream in the list of streams that are read.
    pub stream: usize,
    /// Id of the entry within its stream.
    pub id: EntryId,
    /// Fields of the entry. Empty if it was deleted or trimmed while it was pending.
    pub fields: RawFields,
}

impl Entry {
    /// Returns the value of the first field with this name.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| &value[..])
    }

    /// Returns copies of all fields. Use them to keep fields for long: the fields themselves are slices that
    /// keep the whole batch in memory.
    pub fn copied_fields(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    }
}

/// Decodes the reply of `XREADGROUP` or `XREAD`, as parsed by the `redis` crate: streams with their entries,
/// or nil.
///
/// # Errors
///
/// Returns [`StreamError::Redis`] if the reply is an error, and [`StreamError::Unexpected`] if it has another
/// shape.
pub fn read_reply(streams: &[String], reply: Value) -> Result<Vec<Entry>, StreamError> {
    const COMMAND: &str = "XREADGROUP";
    let streams_with_entries = match reply {
        Value::Nil => return Ok(Vec::new()),
        Value::Array(streams_with_entries) => streams_with_entries,
        Value::ServerError(error) => return Err(redis::RedisError::from(error).into()),
        other => return Err(StreamError::unexpected(COMMAND, &other)),
    };
    let mut entries = Vec::new();
    for stream_with_entries in streams_with_entries {
        let Value::Array(pair) = stream_with_entries else {
            return Err(StreamError::unexpected(COMMAND, &stream_with_entries));
        };
        let Ok([Value::BulkString(name), Value::Array(found)]) = <[Value; 2]>::try_from(pair) else {
            return Err(StreamError::unexpected(COMMAND, &Value::Nil));
        };
        let stream = streams.iter().position(|stream| stream.as_bytes() == name).unwrap_or(usize::MAX);
        for entry in found {
            entries.push(read_entry(stream, entry)?);
        }
    }
    Ok(entries)
}

/// Decodes the reply of `XRANGE` or `XREVRANGE`. [`Entry::stream`] is 0.
///
/// # Errors
///
/// Returns [`StreamError::Redis`] if the reply is an error, and [`StreamError::Unexpected`] if it has another
/// shape.
pub fn range_reply(reply: Value) -> Result<Vec<Entry>, StreamError> {
    match reply {
        Value::Array(found) => found.into_iter().map(|entry| read_entry(0, entry)).collect(),
        Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
        other => Err(StreamError::unexpected("XRANGE", &other)),
    }
}

fn read_entry(stream: usize, entry: Value) -> Result<Entry, StreamError> {
    const COMMAND: &str = "an entry";
    let Value::Array(pair) = entry else { return Err(StreamError::unexpected(COMMAND, &entry)) };
    let Ok([Value::BulkString(id), fields]) = <[Value; 2]>::try_from(pair) else {
        return Err(StreamError::unexpected(COMMAND, &Value::Nil));
    };
    let id = std::str::from_utf8(&id).ok().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| StreamError::unexpected(COMMAND, &Value::Nil))?;
    let fields = match fields {
        Value::Nil => Vec::new(),
        Value::Array(flat) => pairs(flat)?,
        other => return Err(StreamError::unexpected(COMMAND, &other)),
    };
    Ok(Entry { stream, id, fields })
}

fn pairs(flat: Vec<Value>) -> Result<RawFields, StreamError> {
    let mut fields = Vec::with_capacity(flat.len() / 2);
    let mut flat = flat.into_iter();
    while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
        match (name, value) {
            (Value::BulkString(name), Value::BulkString(value)) => fields.push((name.into(), value.into())),
            (name, _) => return Err(StreamError::unexpected("an entry", &name)),
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_fields_and_deleted_entries_are_decoded() {
        let text = |text: &str| Value::BulkString(text.into());
        let reply = Value::Array(vec![Value::Array(vec![
            text("s"),
            Value::Array(vec![
                Value::Array(vec![text("1-0"), Value::Array(vec![Value::BulkString(vec![0xff]), text("x")])]),
                Value::Array(vec![text("2-0"), Value::Nil]),
            ]),
        ])]);
        let entries = read_reply(&["s".to_owned()], reply).unwrap();
        assert_eq!(entries[0].fields, vec![(vec![0xff].into(), b"x".to_vec().into())]);
        assert!(entries[1].fields.is_empty());
    }
}
