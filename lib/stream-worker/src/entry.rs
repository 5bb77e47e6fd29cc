//! Stream entries as raw bytes: one field name that is not UTF-8 must not make a whole reply unreadable.

use crate::StreamError;
use bytes::Bytes;
use redis::Value;

pub use worker_runtime::{EntryId, ParseEntryIdError};

/// Names and values of one entry, as they came.
pub type RawFields = Vec<(Bytes, Bytes)>;

/// One entry of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which stream, by its place in the list of streams that are read.
    pub stream: usize,
    /// Its id.
    pub id: EntryId,
    /// Its fields; none if it was deleted or trimmed while it was pending.
    pub fields: RawFields,
}

impl Entry {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| &value[..])
    }

    /// Copies of all fields, for whoever keeps them: the fields themselves keep the whole batch that was read.
    pub fn copied_fields(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    }
}

/// Reads the reply of `XREADGROUP` or `XREAD` as the `redis` crate gives it: streams with their entries, or nil.
pub fn read_reply(streams: &[String], reply: Value) -> Result<Vec<Entry>, StreamError> {
    const COMMAND: &str = "XREADGROUP";
    let of_streams = match reply {
        Value::Nil => return Ok(Vec::new()),
        Value::Array(of_streams) => of_streams,
        Value::ServerError(error) => return Err(redis::RedisError::from(error).into()),
        other => return Err(StreamError::unexpected(COMMAND, &other)),
    };
    let mut entries = Vec::new();
    for of_stream in of_streams {
        let Value::Array(pair) = of_stream else { return Err(StreamError::unexpected(COMMAND, &of_stream)) };
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

/// Reads the reply of `XRANGE` and its like.
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
    fn a_field_that_is_not_text_and_a_deleted_entry_are_read() {
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
