//! Query parameters of lists, and pages of stored JSON.

use crate::body;
use crate::conditional;
use crate::openapi::schemas::{in_query, pattern};
use crate::problem::Problem;
use crate::read_model::Representation;
use axum::http::{HeaderMap, HeaderValue, header};
use utoipa::openapi::path::Parameter;
use uuid::Uuid;

/// Number of entries per page without `limit`.
pub(super) const DEFAULT_LIMIT: usize = 50;

/// Maximum number of entries per page.
pub(crate) const MAX_LIMIT: usize = 1000;

/// Sequence numbers are below this, because Lua represents integers exactly only up to here.
pub(super) const SEQUENCE_LIMIT: u64 = 1 << 53;

/// Returns the description of `cursor`.
pub(super) fn cursor() -> Parameter {
    in_query("cursor", pattern("^[A-Za-z0-9_-]+$"), "Cursor from `next` of the previous page.")
}

/// Returns the names and values of a query.
fn all_parameters(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Returns the names and values of a query without `consistency`, which [`crate::consistency`] reads.
pub(crate) fn parameters(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    all_parameters(query).filter(|(name, _)| *name != "consistency")
}

/// Returns the value of a query parameter.
pub(crate) fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    all_parameters(query).find(|(found, _)| *found == name).map(|(_, value)| value)
}

pub(super) fn read_limit(value: &str) -> Result<usize, Problem> {
    match value.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        _ => Err(invalid("limit", &format!("must be 1 to {MAX_LIMIT}, is {value:?}"))),
    }
}

/// Reads a partition number. There are at most 100 partitions.
pub(super) fn read_partition(value: &str) -> Result<u16, Problem> {
    let number = value.parse().ok().filter(|number| *number < 100);
    number.ok_or_else(|| invalid("partition", &format!("must be 0 to 99, is {value:?}")))
}

/// Reads the name of a component or a kind: lower-case letters and underscores.
pub(super) fn read_name<'a>(name: &str, value: &'a str) -> Result<&'a str, Problem> {
    let fits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if fits { Ok(value) } else { Err(invalid(name, "must consist of lower-case letters and underscores")) }
}

/// Reads the id of a user, an auction or a command.
pub(super) fn read_uuid(name: &str, value: &str) -> Result<Uuid, Problem> {
    value.parse().map_err(|_| invalid(name, &format!("must be a UUID, is {value:?}")))
}

pub(super) fn read_one_of<'a>(name: &str, value: &'a str, words: &[&str]) -> Result<&'a str, Problem> {
    if words.contains(&value) {
        Ok(value)
    } else {
        Err(invalid(name, &format!("must be one of {words:?}, is {value:?}")))
    }
}

/// Returns the problem of an invalid query parameter.
pub(crate) fn invalid(name: &str, problem: &str) -> Problem {
    body::invalid(&format!("query {name}"), problem)
}

/// Returns the problem of a query parameter that the endpoint does not have.
pub(crate) fn unknown(name: &str, known: &str) -> Problem {
    invalid(name, &format!("is not a parameter of this endpoint; use {known}"))
}

/// Returns the header `Link` to the next page; no header on the last page.
pub(crate) fn next_link(next: Option<&str>) -> HeaderMap {
    // The path has ids, numbers and base64url only, which are always valid in a header.
    let link = next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok());
    link.map(|link| (header::LINK, link)).into_iter().collect()
}

/// Writes a cursor of a list by sequence number: a letter for the list, and the number.
pub(super) fn write_sequence(list: char, sequence: u64) -> String {
    format!("{list}{sequence:x}")
}

/// Reads a cursor that [`write_sequence`] wrote.
pub(super) fn read_sequence(list: char, cursor: &str) -> Option<u64> {
    let digits = cursor.strip_prefix(list).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok().filter(|sequence| *sequence < SEQUENCE_LIMIT)
}

/// Builds a page: a JSON object of `prefix`, which ends with the `[` of the list, and stored JSON entries,
/// which are copied without parsing.
pub(super) fn page(
    prefix: &str,
    entries: impl Iterator<Item = impl AsRef<[u8]>>,
    next: Option<String>,
) -> Representation {
    let mut body = prefix.as_bytes().to_vec();
    for (n, entry) in entries.enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(entry.as_ref());
    }
    body.push(b']');
    if let Some(next) = &next {
        body.extend_from_slice(format!(",\"next\":\"{next}\"").as_bytes());
    }
    body.push(b'}');
    Representation { etag: conditional::etag(None, &body), body: body.into(), next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_other_texts_are_invalid() {
        assert_eq!(read_sequence('n', &write_sequence('n', 0x2a)), Some(0x2a));
        for other in ["", "n", "2a", "d2a", "n+2a", "nxyz", "n20000000000000", "nffffffffffffffffff"] {
            assert_eq!(read_sequence('n', other), None, "{other}");
        }
    }
}
