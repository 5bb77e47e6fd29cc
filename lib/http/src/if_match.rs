//! `If-Match` (RFC 9110) of commands for an auction, and the `ETag` of an auction. The `ETag` is a strong
//! validator that begins with the version, such as `"17-8d3ef20a91c4b657"`. In `If-Match`, `"17"` is
//! sufficient. Proxies that change the bytes of a response, such as by compression, make the tag weak (`W/`): it
//! still has the version, which is all that a command depends on.

use crate::body;
use crate::conditional;
use crate::problem::Problem;
use crate::problem::types::refusals;
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, HeaderValue};

/// Returns the version that the auction must have. Returns `None` without the header, and for `*`, which only
/// requires that the auction exists; a command for an unknown auction is refused in any case.
pub fn expected_version(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let mut versions = Vec::new();
    let mut given = headers.get_all(IF_MATCH).into_iter().peekable();
    if given.peek().is_none() {
        return Ok(None);
    }
    for value in given {
        let text = value.to_str().map_err(|_| malformed())?;
        if text.trim() == "*" {
            return Ok(None);
        }
        for tag in conditional::tags(text) {
            versions.extend(version(tag)?);
        }
    }
    match versions[..] {
        [version] => Ok(Some(version)),
        [] => {
            // Tags of other resources never match.
            let detail = "If-Match contains no version of an auction: send the ETag of GET /auction/{id}";
            Err(Problem::new(&refusals::VERSION_CONFLICT, detail))
        }
        _ => Err(invalid("must contain one version, not several")),
    }
}

/// Returns the version that an entity tag begins with; `None` if it is not the tag of an auction. The hash
/// after the version is ignored: a command depends on the version only.
fn version(tag: &str) -> Result<Option<u64>, Problem> {
    let opaque = tag.strip_prefix("W/").unwrap_or(tag);
    let opaque =
        opaque.strip_prefix('"').and_then(|opaque| opaque.strip_suffix('"')).ok_or_else(malformed)?;
    if opaque.contains(['"', ' ']) {
        return Err(malformed());
    }
    let opaque = opaque.split_once('-').map_or(opaque, |(version, _)| version);
    let is_number = opaque.bytes().all(|byte| byte.is_ascii_digit());
    Ok(opaque.parse().ok().filter(|_| is_number))
}

fn malformed() -> Problem {
    invalid("must be `*` or an entity tag in double quotes, such as \"17\"")
}

fn invalid(problem: &str) -> Problem {
    body::invalid("header If-Match", problem)
}

/// Returns the `ETag` of an auction in the JSON of the projector: its version and a hash of the bytes. The
/// hash keeps the tag strong when another release writes the same version differently. The version is read
/// without parsing the JSON: it is the last member. Returns `None` for other JSON.
pub fn etag(auction: &[u8]) -> Option<HeaderValue> {
    let end = auction.strip_suffix(b"}")?;
    let digits = end.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, version) = end.split_at(end.len() - digits);
    let found = digits > 0 && before.ends_with(b"\"version\":");
    found.then(|| conditional::etag(Some(version), auction)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::Timestamp;
    use auction_wire::api::Money;
    use auction_wire::view::{AuctionStatus, AuctionView};

    fn read(values: &[&'static str]) -> Result<Option<u64>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_static(value));
        }
        expected_version(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn if_match_takes_the_version_of_the_one_strong_tag() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["*"]), Ok(None));
        assert_eq!(read(&["\"17\""]), Ok(Some(17)));
        assert_eq!(read(&["\"17-8d3ef20a91c4b657\""]), Ok(Some(17)), "a complete tag");
        assert_eq!(read(&["\"17-8d3ef20a91c4b657-gzip\""]), Ok(Some(17)), "the tag of a compressed response");
        assert_eq!(read(&["\"a,b\", \"17\""]), Ok(Some(17)), "a comma within quotes is part of the tag");
        assert_eq!(read(&["\"abc\""]), Err(412), "well-formed, but not of an auction");
    }

    #[test]
    fn weak_tag_of_an_auction_has_its_version() {
        assert_eq!(read(&["W/\"17\""]), Ok(Some(17)));
        assert_eq!(read(&["W/\"17-8d3ef20a91c4b657\""]), Ok(Some(17)), "a proxy compressed the response");
        assert_eq!(read(&["W/\"abc\""]), Err(412));
        assert_eq!(read(&["W/\"16\", \"17\""]), Err(400), "two versions");
    }

    #[test]
    fn malformed_tags_are_refused() {
        for wrong in ["17", "\"17", "17\"", "\"1\"7\"", "W/17", "\"16\", \"17\"", "W/\"16\", \"17\"", "* 17"]
        {
            assert_eq!(read(&[wrong]), Err(400), "{wrong}");
        }
    }

    #[test]
    fn etag_begins_with_the_version_and_changes_with_the_bytes() {
        let money = Money { amount: 1, currency: "USD".to_owned() };
        let mut view = AuctionView {
            id: uuid::Uuid::nil(),
            title: "}\"version\":3}".to_owned(),
            description: String::new(),
            status: AuctionStatus::Open,
            currency: "USD".to_owned(),
            opening_bid: money,
            reserve_met: None,
            starts_at: Timestamp(0).into(),
            ends_at: Timestamp(0).into(),
            seller: None,
            bids: 0,
            bidders: 0,
            top_bids: Vec::new(),
            winner: None,
            unsold_reason: None,
            promotion: None,
            created_at: Timestamp(0).into(),
            version: 17,
        };
        let body = serde_json::to_vec(&view).unwrap();
        let tag = etag(&body).unwrap();
        assert_eq!(version(tag.to_str().unwrap()), Ok(Some(17)));
        view.description = "other bytes".to_owned();
        assert_ne!(etag(&serde_json::to_vec(&view).unwrap()).unwrap(), tag);
        assert_eq!(etag(b"{}"), None);
    }
}
