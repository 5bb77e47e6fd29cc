//! `Prefer` by RFC 7240: `wait=N`, `respond-async`, `return=representation`.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// Header with the preferences that were applied.
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Preferences of the client that the portal supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// Seconds to wait for an outcome.
    pub wait: Option<u32>,
    /// Whether not to wait at all; takes precedence over `wait`.
    pub respond_async: bool,
    /// Whether to return the result itself instead of a redirect to it.
    pub representation: bool,
}

impl Prefer {
    /// Reads all `Prefer` headers. The first value of a preference counts; unknown preferences are ignored.
    pub fn from_headers(headers: &HeaderMap) -> Prefer {
        let mut prefer = Prefer::default();
        let values = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| value.split(',')) {
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "wait" => prefer.wait = prefer.wait.or(value.parse().ok()),
                "respond-async" => prefer.respond_async = true,
                "return" => prefer.representation |= value.eq_ignore_ascii_case("representation"),
                _ => {}
            }
        }
        prefer
    }

    /// Returns how long to wait for an outcome, at most `max_wait`. Returns `None` if the client prefers not
    /// to wait.
    pub fn wait(&self, max_wait: Duration) -> Option<Duration> {
        let wait = self.wait.filter(|_| !self.respond_async)?;
        Some(Duration::from_secs(wait.into()).min(max_wait))
    }

    /// Returns the value of [`PREFERENCE_APPLIED`] for the response.
    pub fn applied(&self, max_wait: Duration) -> Option<HeaderValue> {
        let applied = match self.wait(max_wait) {
            Some(wait) => format!("wait={}", wait.as_secs()),
            None if self.respond_async => "respond-async".to_owned(),
            None => return None,
        };
        HeaderValue::from_str(&applied).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefer(values: &[&'static str]) -> Prefer {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", HeaderValue::from_static(value));
        }
        Prefer::from_headers(&headers)
    }

    #[test]
    fn preferences_are_read_from_all_headers() {
        let all = prefer(&["wait=5, handling=lenient", "Return=\"representation\"; foo=1"]);
        assert_eq!(all, Prefer { wait: Some(5), respond_async: false, representation: true });
        assert_eq!(prefer(&["wait=soon"]), Prefer::default());
        assert_eq!(prefer(&[]), Prefer::default());
    }

    #[test]
    fn wait_is_capped_and_respond_async_takes_precedence() {
        let max_wait = Duration::from_secs(30);
        assert_eq!(prefer(&["wait=100"]).wait(max_wait), Some(max_wait));
        assert_eq!(prefer(&["wait=100"]).applied(max_wait).unwrap(), "wait=30");
        assert_eq!(prefer(&["wait=1, respond-async"]).wait(max_wait), None);
    }
}
