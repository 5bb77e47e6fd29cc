//! Stored samples: the plain fields as text, the body in hexadecimal, and the decoded body for human readers.

use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Fields of a stream entry, in order.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn owned(fields: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Fields {
    fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file(name: &str) -> PathBuf {
    directory().join(format!("{name}.json"))
}

/// Returns the sample for these fields. The order of the fields is part of it.
pub(crate) fn sample(fields: &Fields) -> Value {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut plain = Vec::new();
    let mut sample = Map::new();
    for (name, value) in fields {
        if name == b"body" {
            sample.insert("body".to_owned(), hex(value).into());
            sample.insert("body_for_the_eye".to_owned(), readable(value));
        } else {
            plain.push(json!([text(name), text(value)]));
        }
    }
    sample.insert("fields".to_owned(), plain.into());
    sample.into()
}

/// Decodes MessagePack as JSON. Fails on `bin` values, which are not readable as text.
pub(crate) fn readable(body: &[u8]) -> Value {
    rmp_serde::from_slice(body).unwrap()
}

/// Reads a stored sample. With `UPDATE_GOLDEN=1`, a missing sample is written first. An existing sample is
/// never changed: it represents entries on streams and in databases.
pub(crate) fn stored(name: &str, example: &Fields) -> Value {
    let file = file(name);
    if !file.exists() && std::env::var_os("UPDATE_GOLDEN").is_some_and(|update| update == "1") {
        fs::write(&file, serde_json::to_string_pretty(&sample(example)).unwrap() + "\n").unwrap();
    }
    let text = fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; set UPDATE_GOLDEN=1 to write it", file.display()));
    serde_json::from_str(&text).unwrap()
}

/// Returns the fields of a stored sample, as read from a stream. The body is the last field.
pub(crate) fn fields_of(sample: &Value) -> Fields {
    let mut fields: Fields = sample["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap().into(), pair[1].as_str().unwrap().into()))
        .collect();
    fields.push((b"body".to_vec(), unhex(sample["body"].as_str().unwrap())));
    fields
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
