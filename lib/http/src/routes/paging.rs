//! Query parameters of lists, and pages of stored JSON.

use crate::conditional;
use crate::openapi::schemas::{in_query, pattern, whole};
use crate::problem::Problem;
use crate::read_model::Representation;
use utoipa::openapi::path::Parameter;
use uuid::Uuid;

/// Number of entries per page without `limit`.
pub(super) const DEFAULT_LIMIT: usize = 50;

const MAX_LIMIT: usize = 1000;

/// Returns the description of `limit`.
pub(super) fn limit() -> Parameter {
    in_query("limit", whole(1, Some(MAX_LIMIT)), "Maximum number of entries per page. Default: 50.")
}

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
pub(super) fn parameters(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
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
    Problem::invalid(vec![(format!("query {name}"), problem.to_owned())])
}

/// Returns the problem of a query parameter that the endpoint does not have.
pub(super) fn unknown(name: &str, known: &str) -> Problem {
    invalid(name, &format!("is not a parameter of this endpoint; use {known}"))
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
