//! JSON schema of a draw option, for the OpenAPI document. The type that reads the options is in the
//! promoter; `config/default.toml` explains each option.

use serde_json::json;
use std::borrow::Cow;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Draw option, in the OpenAPI document only.
#[derive(Debug)]
pub(crate) struct DrawOption;

/// Minimum and maximum of an interval in milliseconds: 100 ms and 31 days.
const INTERVAL_MS: (u64, u64) = (100, 2_678_400_000);

impl PartialSchema for DrawOption {
    fn schema() -> RefOr<Schema> {
        let object = |name: &str, value: serde_json::Value| {
            json!({"type": "object", "properties": {name: value}, "required": [name],
                   "additionalProperties": false})
        };
        let integer = |min: u64, max: u64| json!({"type": "integer", "minimum": min, "maximum": max});
        let schema = json!({"description": "Draw option.", "oneOf": [
            {"type": "string", "enum": ["exclude_leader", "once_per_bidder"]},
            object("interval_ms", integer(INTERVAL_MS.0, INTERVAL_MS.1)),
            object("only_in_last_ms", integer(INTERVAL_MS.0, INTERVAL_MS.1)),
            object("weigh_by", json!({"type": "string", "enum": ["uniform", "amount", "age"]})),
            object("max_weight", integer(1, u64::from(u32::MAX))),
            object("max_doublings", integer(1, u64::from(u32::MAX))),
            object("probability_permille", integer(1, 1000)),
            object("all", json!({"type": "array", "items": {"$ref": "#/components/schemas/DrawOption"}})),
        ]});
        // A test shows that this is a valid schema; the fallback is never used.
        serde_json::from_value(schema).map_or_else(|_| Schema::default().into(), RefOr::T)
    }
}

impl ToSchema for DrawOption {
    fn name() -> Cow<'static, str> {
        "DrawOption".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_limits_the_interval() {
        let schema = serde_json::to_value(DrawOption::schema()).unwrap();
        assert_eq!(schema["oneOf"][1]["properties"]["interval_ms"]["minimum"], json!(100), "{schema}");
    }
}
