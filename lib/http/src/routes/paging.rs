//! Pages of lists: what can be asked for, and how they are put together.

use crate::conditional;
use crate::openapi::schemas::{in_query, pattern, whole};
use crate::problem::Problem;
use crate::read_model::Representation;
use utoipa::openapi::path::Parameter;

/// So many lines if nobody says how many.
pub(super) const DEFAULT_LIMIT: usize = 50;

/// The most lines of a page.
const MOST: usize = 1000;

/// `limit`, as it is described.
pub(super) fn limit() -> Parameter {
    in_query("limit", whole(1, Some(MOST)), "At most so many on a page; 50 if not said.")
}

/// `cursor`, as it is described.
pub(super) fn cursor() -> Parameter {
    in_query("cursor", pattern("^[A-Za-z0-9_-]+$"), "From `next` of the page before: that page goes on.")
}

/// Names and values of a query.
fn parameters(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Names and values of a query, without what can be asked of every read.
pub(super) fn members(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    parameters(query).filter(|(name, _)| *name != "consistency")
}

/// The value of one member of a query.
pub(crate) fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    parameters(query).find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The value of `limit`.
pub(super) fn read_limit(value: &str) -> Result<usize, Problem> {
    match value.parse() {
        Ok(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        _ => Err(invalid("limit", &format!("must be 1 to {MOST}, is {value:?}"))),
    }
}

/// The number of a partition; there are never more than a hundred.
pub(super) fn read_partition(value: &str) -> Result<u16, Problem> {
    let number = value.parse().ok().filter(|number| *number < 100);
    number.ok_or_else(|| invalid("partition", &format!("must be 0 to 99, is {value:?}")))
}

/// A name as the portal gives them: small letters and underscores.
pub(super) fn read_name<'a>(name: &str, value: &'a str) -> Result<&'a str, Problem> {
    let fits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if fits { Ok(value) } else { Err(invalid(name, "must be small letters and underscores")) }
}

/// One of these words.
pub(super) fn read_one_of<'a>(name: &str, value: &'a str, words: &[&str]) -> Result<&'a str, Problem> {
    if words.contains(&value) { Ok(value) } else { Err(invalid(name, &format!("must be one of {words:?}"))) }
}

/// A member of the query makes no sense.
pub(crate) fn invalid(name: &str, problem: &str) -> Problem {
    Problem::invalid(vec![(format!("query {name}"), problem.to_owned())])
}

/// A member that nobody knows.
pub(super) fn unknown(name: &str, known: &str) -> Problem {
    invalid(name, &format!("is not known here; there are {known}"))
}

/// A page: an object that begins like that, with lines that are JSON already: they are put together without being
/// read.
pub(super) fn page(
    begin: &str,
    lines: impl Iterator<Item = impl AsRef<[u8]>>,
    next: Option<String>,
) -> Representation {
    let mut body = begin.as_bytes().to_vec();
    for (n, line) in lines.enumerate() {
        if n > 0 {
            body.push(b',');
        }
        body.extend_from_slice(line.as_ref());
    }
    body.push(b']');
    if let Some(next) = &next {
        body.extend_from_slice(format!(",\"next\":\"{next}\"").as_bytes());
    }
    body.push(b'}');
    Representation { etag: conditional::etag(None, &body), body: body.into(), next }
}
