//! `Idempotency-Key` by draft-ietf-httpapi-idempotency-key-header-07: a String of Structured Fields (RFC
//! 9651), such as `"8e03978e-40d5-43dd-bc93-6894a57f9324"`. Most clients omit the quotes, so the bare text is
//! accepted as the same key.

use crate::body;
use crate::problem::Problem;
use auction_domain::Actor;
use axum::http::HeaderMap;

/// Minimum length of a key from an anonymous caller. Two anonymous callers with the same short key would get
/// the same account.
const MIN_ANONYMOUS_LENGTH: usize = 32;

const MAX_LENGTH: usize = 255;

/// Returns the key, if there is one: 1 to 255 visible characters, and at least 32 from an anonymous caller.
pub fn idempotency_key(headers: &HeaderMap, actor: Actor) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(value) = given.next() else { return Ok(None) };
    let key = value.to_str().ok().and_then(|text| read(text.trim()));
    let min_length = if matches!(actor, Actor::Portal) { MIN_ANONYMOUS_LENGTH } else { 1 };
    match key {
        Some(key) if (min_length..=MAX_LENGTH).contains(&key.len()) && given.next().is_none() => {
            Ok(Some(key))
        }
        _ => {
            let problem = format!(
                "must be one string of {min_length} to {MAX_LENGTH} visible ASCII characters, such as a UUID in double \
                 quotes"
            );
            Err(body::invalid("header Idempotency-Key", problem))
        }
    }
}

/// Reads a String of Structured Fields, or a bare text without quotes, backslashes, commas and semicolons.
fn read(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ',' | ';');
        return text.chars().all(is_plain).then(|| text.to_owned());
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
    use auction_domain::OperatorId;
    use axum::http::HeaderValue;

    fn key(values: &[&'static str]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("idempotency-key", HeaderValue::from_static(value));
        }
        idempotency_key(&headers, Actor::Operator(OperatorId::Unidentified))
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn keys_are_the_same_with_and_without_quotes() {
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["8e03978e"]), Ok(Some("8e03978e".to_owned())));
        assert_eq!(key(&["\"8e03978e\""]), Ok(Some("8e03978e".to_owned())));
        assert_eq!(key(&[r#""a\"b\\c""#]), Ok(Some(r#"a"b\c"#.to_owned())), "escaped");
    }

    #[test]
    fn invalid_keys_are_refused() {
        let wrong =
            ["", "\"\"", "\"a", "a\"", "\"a\"b\"", r#""a\b""#, r#""a\""#, "a b", "\"a b\"", "a,b", "\"a\";x"];
        for wrong in wrong {
            assert_eq!(key(&[wrong]), Err(400), "{wrong}");
        }
        assert_eq!(key(&["a", "b"]), Err(400), "two headers");
    }

    #[test]
    fn anonymous_callers_need_a_long_key() {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", HeaderValue::from_static("short"));
        assert!(idempotency_key(&headers, Actor::Portal).is_err());
        headers.insert("idempotency-key", HeaderValue::from_static("8e03978e-40d5-43dd-bc93-6894a57f9324"));
        assert!(idempotency_key(&headers, Actor::Portal).is_ok());
    }
}
