//! Problem details returned by the portal (RFC 9457).

use crate::money;
use auction_wire::api::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// Problem details of a response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// Stable code, such as `not_above_your_latest`.
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Problem {
    /// Returns the name under which refusals are counted: the code, otherwise the status.
    pub(crate) fn reason(&self) -> String {
        if self.code.is_empty() { format!("status_{}", self.status) } else { self.code.clone() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = [&self.detail, &self.title, &self.code].into_iter().find(|text| !text.is_empty());
        f.write_str(sentence.map_or("no reason given", String::as_str))?;
        if !self.code.is_empty() && sentence != Some(&self.code) {
            write!(f, " ({})", self.code)?;
        }
        let errors = self.members.get("errors").and_then(Value::as_array);
        for error in errors.into_iter().flatten() {
            write!(f, "\n  {}", show(error))?;
        }
        let shown = self.members.iter().filter(|(name, _)| !matches!(&***name, "errors" | "instance"));
        for (name, value) in shown {
            write!(f, "\n  {}: {}", name.replace('_', " "), show(value))?;
        }
        Ok(())
    }
}

/// Formats a value as text: money with its currency, text without quotes, members joined.
fn show(value: &Value) -> String {
    if let Ok(money) = Money::deserialize(value) {
        return money::show(&money);
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => members.values().map(show).collect::<Vec<_>>().join(": "),
        Value::Array(values) => values.iter().map(show).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(problem: Value) -> String {
        serde_json::from_value::<Problem>(problem).unwrap().to_string()
    }

    #[test]
    fn problem_is_shown_with_its_members() {
        let problem = json!({
            "type": "/problems/not-above-your-latest", "title": "Not above your latest bid", "status": 409,
            "detail": "the bid must be above your latest", "code": "not_above_your_latest",
            "minimum": {"amount": 20002, "currency": "USD"}, "ends_at": "2026-11-22T18:30:00.000Z",
        });
        let text = message(problem);
        assert!(text.starts_with("the bid must be above your latest (not_above_your_latest)\n"), "{text}");
        assert!(text.contains("\n  minimum: 200.02 USD"), "{text}");
        assert!(text.contains("\n  ends at: 2026-11-22T18:30:00.000Z"), "{text}");
    }

    #[test]
    fn invalid_request_is_shown_with_all_errors() {
        let problem = json!({"title": "Invalid", "status": 400, "code": "invalid",
            "errors": [{"pointer": "/title", "detail": "must not be empty"}, "ends_at is missing"]});
        let text = message(problem);
        assert!(text.contains("must not be empty") && text.contains("/title"), "{text}");
        assert!(text.contains("\n  ends_at is missing"), "{text}");
    }
}
