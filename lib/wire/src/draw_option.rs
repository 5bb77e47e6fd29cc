//! How an option of draws is written in JSON, for the description of the API. The promoter has the type that reads
//! it, and what each means is said in `config/default.toml`.

use serde_json::json;
use std::borrow::Cow;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One option.
#[derive(Debug)]
pub(crate) struct DrawOption;

/// The shortest and the longest interval of draws, in milliseconds: 100 ms and 31 days.
const INTERVALS: (u64, u64) = (100, 2_678_400_000);

impl PartialSchema for DrawOption {
    fn schema() -> RefOr<Schema> {
        let one = |name: &str, value: serde_json::Value| {
            json!({"type": "object", "properties": {name: value}, "required": [name],
                   "additionalProperties": false})
        };
        let whole = |least: u64, most: u64| json!({"type": "integer", "minimum": least, "maximum": most});
        let schema = json!({"description": "One option of draws.", "oneOf": [
            {"type": "string", "enum": ["never_the_leader", "once_per_bidder"]},
            one("every_ms", whole(INTERVALS.0, INTERVALS.1)),
            one("only_in_last_ms", whole(INTERVALS.0, INTERVALS.1)),
            one("weigh_by", json!({"type": "string", "enum": ["uniform", "amount", "age"]})),
            one("weigh_at_most", whole(1, u64::from(u32::MAX))),
            one("at_most", whole(1, u64::from(u32::MAX))),
            one("chance", whole(1, 1000)),
            one("all", json!({"type": "array", "items": {"$ref": "#/components/schemas/DrawOption"}})),
        ]});
        // It is a schema, as a test shows; anything at all is the best that could be said otherwise.
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
    fn an_option_is_described() {
        let schema = serde_json::to_value(DrawOption::schema()).unwrap();
        assert_eq!(schema["oneOf"][1]["properties"]["every_ms"]["minimum"], json!(100), "{schema}");
    }
}
