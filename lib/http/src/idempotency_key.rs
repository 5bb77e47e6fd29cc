//! `Idempotency-Key` by draft-ietf-httpapi-idempotency-key-header-07: a String of Structured Fields (RFC 9651), such
//! as `"8e03978e-40d5-43dd-bc93-6894a57f9324"`. Since hardly any client writes the quotes, the bare text is taken as
//! well, and is the same key.

use crate::problem::Problem;
use auction_domain::Actor;
use axum::http::HeaderMap;

/// A shorter key of a caller without a name could be somebody else's, too: he would get that one's account.
const SHORTEST_NAMELESS: usize = 32;

/// The longest.
const LONGEST: usize = 255;

/// The key, if there is one: 1 to 255 visible characters, at least 32 from a caller without a name.
pub fn idempotency_key(headers: &HeaderMap, actor: Actor) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(value) = given.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| read(text.trim()));
    let shortest = if matches!(actor, Actor::Portal) { SHORTEST_NAMELESS } else { 1 };
    match key {
        Some(key) if (shortest..=LONGEST).contains(&key.len()) && given.next().is_none() => Ok(Some(key)),
        _ => {
            let problem = format!(
                "must be one string of {shortest} to {LONGEST} visible ASCII characters, such as a UUID in double \
                 quotes"
            );
            Err(Problem::invalid(vec![("header Idempotency-Key".to_owned(), problem)]))
        }
    }
}

/// A String of Structured Fields, or a bare text without quotes, backslashes, commas and semicolons.
fn read(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ',' | ';');
        return text.chars().all(plain).then(|| text.to_owned());
    };
    let (mut key, mut rest) = (String::new(), quoted.strip_suffix('"')?.chars());
    while let Some(c) = rest.next() {
        match c {
            '\\' => key.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            '"' => return None,
            c if c.is_ascii_graphic() => key.push(c),
            _ => return None,
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn key(values: &[&'static str]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("idempotency-key", HeaderValue::from_static(value));
        }
        idempotency_key(&headers, Actor::Operator).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_key_is_the_same_with_quotes_and_without() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["8e03978e"]), Ok(Some("8e03978e".to_owned())));
        assert_eq!(key(&["\"8e03978e\""]), Ok(Some("8e03978e".to_owned())));
        assert_eq!(key(&[r#""a\"b\\c""#]), Ok(Some(r#"a"b\c"#.to_owned())), "escaped");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let wrong =
            ["", "\"\"", "\"a", "a\"", "\"a\"b\"", r#""a\b""#, r#""a\""#, "a b", "\"a b\"", "a,b", "\"a\";x"];
        for wrong in wrong {
            assert_eq!(key(&[wrong]), Err(400), "{wrong}");
        }
        assert_eq!(key(&["a", "b"]), Err(400), "two of them");
    }

    #[test]
    fn a_caller_without_a_name_needs_a_long_one() {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", HeaderValue::from_static("short"));
        assert!(idempotency_key(&headers, Actor::Portal).is_err());
        headers.insert("idempotency-key", HeaderValue::from_static("8e03978e-40d5-43dd-bc93-6894a57f9324"));
        assert!(idempotency_key(&headers, Actor::Portal).is_ok());
    }
}
