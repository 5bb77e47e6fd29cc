//! JSON schema of a draw option, built from the promoter's descriptions of its options.

use auction_promoter::{OptionDescription, OptionSpec, OptionValue};
use serde_json::{Value, json};
use std::borrow::Cow;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Schema `DrawOption`, to which the promoter settings refer.
pub(crate) struct DrawOption;

impl PartialSchema for DrawOption {
    fn schema() -> RefOr<Schema> {
        let options: Vec<Value> = OptionSpec::DESCRIPTIONS.iter().map(option).collect();
        let schema = json!({"description": "Draw option.", "oneOf": options});
        // A test shows that this is a valid schema; the fallback is never used.
        serde_json::from_value(schema).map_or_else(|_| Schema::default().into(), RefOr::T)
    }
}

impl ToSchema for DrawOption {
    fn name() -> Cow<'static, str> {
        "DrawOption".into()
    }
}

fn option(option: &OptionDescription) -> Value {
    let OptionDescription { name, value, description } = option;
    let value = match value {
        OptionValue::Absent => return json!({"type": "string", "enum": [name], "description": description}),
        OptionValue::Integer { minimum, maximum } => {
            json!({"type": "integer", "minimum": minimum, "maximum": maximum})
        }
        OptionValue::Choice(names) => json!({"type": "string", "enum": names}),
        OptionValue::Options => {
            json!({"type": "array", "items": {"$ref": "#/components/schemas/DrawOption"}})
        }
    };
    json!({"type": "object", "properties": {*name: value}, "required": [name], "additionalProperties": false,
           "description": description})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draw_option_schema_contains_every_option_with_its_limits() {
        let schema = serde_json::to_value(DrawOption::schema()).unwrap();
        let options = schema["oneOf"].as_array().unwrap();
        assert_eq!(options.len(), OptionSpec::DESCRIPTIONS.len(), "{schema}");
        let interval = &options[0]["properties"]["interval_ms"];
        assert_eq!((&interval["minimum"], &interval["maximum"]), (&json!(100), &json!(2_678_400_000_u64)));
    }
}
