//! Fields of the bodies of commands and events, from their declarations in `lib/wire/src`. The documentation of a
//! field is its text on the page of the wire format.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Body of a golden sample.
pub(super) type Sample = Map<String, Value>;

/// Declared field of a body. A map has one field without a name, which stands for all of its keys.
#[derive(Debug, Default, PartialEq)]
struct Field {
    name: String,
    rust_type: String,
    text: String,
    /// The field is left out when it has no value.
    is_optional: bool,
}

/// Declared fields of one body, in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Body(Vec<Field>);

impl Body {
    /// Checks that every declared field has a text and is in a sample, and every field of the samples is declared.
    pub(super) fn check(&self, samples: &[Sample]) -> Result<(), String> {
        for Field { name, text, .. } in &self.0 {
            if text.is_empty() {
                return Err(format!("field `{name}` has no text: document it with its unit"));
            }
            if !name.is_empty() && !samples.iter().any(|sample| sample.contains_key(name)) {
                return Err(format!("no golden sample has the field `{name}`: add one to `samples`"));
            }
        }
        let undeclared = samples.iter().flat_map(Map::keys).find(|name| self.field(name).is_none());
        undeclared.map_or(Ok(()), |name| Err(format!("field `{name}` of a sample is not declared")))
    }

    /// Returns the field with this name, or the one of a map.
    fn field(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.name == name || field.name.is_empty())
    }
}

/// Bodies by the names of their structs.
pub(super) struct Bodies(BTreeMap<String, Body>);

impl Bodies {
    /// Reads the structs of these sources whose names end with `Body`. The sources are formatted by rustfmt.
    pub(super) fn of(sources: &[&str]) -> Bodies {
        let mut bodies = BTreeMap::new();
        for source in sources {
            let (mut name, mut field) = (None, Field::default());
            for line in source.lines().map(str::trim) {
                let declared = line.split_once("struct ").filter(|(_, rest)| rest.contains("Body"));
                if let Some((_, rest)) = declared {
                    let found = rest.split([' ', '(']).next().unwrap().to_owned();
                    bodies.insert(found.clone(), Body::default());
                    name = (!line.ends_with('}')).then_some(found);
                } else if let Some(body) = name.as_ref().and_then(|name| bodies.get_mut(name)) {
                    match line {
                        "}" | ");" => name = None,
                        _ if line.starts_with("///") => {
                            field.text = format!("{} {}", field.text, line.trim_start_matches("///").trim());
                        }
                        _ if line.starts_with("#[") => {
                            field.is_optional |= line.contains("skip_serializing_if");
                        }
                        _ => {
                            let (name, rust_type) = line.split_once(": ").unwrap_or(("", line));
                            field.name = name.to_owned();
                            field.rust_type = rust_type.trim_end_matches(',').to_owned();
                            field.text = field.text.trim().trim_end_matches('.').to_owned();
                            body.0.push(std::mem::take(&mut field));
                        }
                    }
                }
            }
        }
        Bodies(bodies)
    }

    /// Returns the body that the source of a kind encodes: its own, or the shared one that it names.
    pub(super) fn used_in(&self, source: &str) -> &Body {
        let code = || source.lines().filter(|line| !line.trim_start().starts_with("//"));
        let words = || code().flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
        let own = words().find(|word| *word == "Body");
        let named = own.or_else(|| words().find(|word| word.ends_with("Body")));
        let named = named.unwrap_or_else(|| panic!("no body is named in:\n{source}"));
        self.0.get(named).unwrap_or_else(|| panic!("{named} is not declared"))
    }

    /// Returns a row for each field of these samples: name, type, text and an example. Fields of a map in a field
    /// follow it.
    pub(super) fn rows(&self, body: &Body, samples: &[Sample]) -> Vec<[String; 4]> {
        let mut rows = Vec::new();
        for field in &body.0 {
            let keys = samples.iter().flat_map(Map::keys);
            let mut names: Vec<&String> = keys.filter(|name| body.field(name) == Some(field)).collect();
            names.sort();
            names.dedup();
            for name in names {
                self.add_rows(&mut rows, field, name, samples);
            }
        }
        rows
    }

    fn add_rows(&self, rows: &mut Vec<[String; 4]>, field: &Field, name: &str, samples: &[Sample]) {
        let values = || samples.iter().filter_map(|sample| sample.get(name));
        let example = values().find(|value| !value.is_null()).or_else(|| values().next());
        let declared = &field.rust_type;
        let inner = declared.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>'));
        let missing = match (inner, field.is_optional) {
            (None, _) => "",
            (_, true) => ", optional",
            (_, false) => " or null",
        };
        let inner = inner.unwrap_or(declared);
        let example = match self.0.contains_key(inner) {
            true => String::new(),
            false => example.map(|value| format!("`{value}`")).unwrap_or_default(),
        };
        let type_text = format!("{}{missing}", self.type_text(inner));
        rows.push([format!("`{name}`"), type_text, field.text.clone(), example]);
        if let Some(body) = self.0.get(inner) {
            let maps: Vec<Sample> = values().filter_map(Value::as_object).cloned().collect();
            body.check(&maps).unwrap_or_else(|error| panic!("{inner}: {error}"));
            let inner = self.rows(body, &maps).into_iter();
            rows.extend(inner.map(|[inner, rest @ ..]| {
                let [type_text, text, example] = rest;
                [format!("`{name}.{}`", inner.trim_matches('`')), type_text, text, example]
            }));
        }
    }

    fn type_text(&self, rust_type: &str) -> String {
        match rust_type {
            "String" => "text".to_owned(),
            "TextId" => "UUID text".to_owned(),
            "bool" | "BTreeMap<String, bool>" => "boolean".to_owned(),
            "u16" | "u32" | "u64" | "i64" => "integer".to_owned(),
            _ if self.0.contains_key(rust_type) => "map".to_owned(),
            _ => match rust_type.strip_prefix("Vec<").and_then(|inner| inner.strip_suffix('>')) {
                Some(inner) => format!("list of {}", self.type_text(inner)),
                None => panic!("the page of the wire format has no words for the type {rust_type}"),
            },
        }
    }
}

const SOURCE: &str = r#"#[derive(Serialize)]
struct Body {
    /// Amount in minor units,
    /// after doubling.
    amount: u64,
    #[serde(skip_serializing_if = "x")]
    by: Option<TextId>,
}
"#;

fn sample(value: Value) -> Vec<Sample> {
    vec![value.as_object().unwrap().clone()]
}

#[test]
fn body_field_without_a_text_is_reported() {
    let samples = sample(json!({"amount": 1, "by": "x"}));
    let bodies = Bodies::of(&[SOURCE]);
    let error = bodies.used_in(SOURCE).check(&samples).unwrap_err();
    assert_eq!(error, "field `by` has no text: document it with its unit");
    let described = SOURCE.replace("    #[serde", "    /// Id of the sender.\n    #[serde");
    let bodies = Bodies::of(&[&described]);
    assert_eq!(bodies.used_in(&described).check(&samples), Ok(()));
    let rows = bodies.rows(bodies.used_in(&described), &samples);
    assert_eq!(rows[0], ["`amount`", "integer", "Amount in minor units, after doubling", "`1`"]);
    assert_eq!(rows[1], ["`by`", "UUID text, optional", "Id of the sender", "`\"x\"`"]);
}

#[test]
fn body_field_without_a_sample_or_declaration_is_reported() {
    let source = "struct Body {\n    /// Number of the draw.\n    draw: u64,\n}\n";
    let bodies = Bodies::of(&[source]);
    let check = |value| bodies.used_in(source).check(&sample(value)).unwrap_err();
    assert!(check(json!({})).contains("no golden sample"));
    assert!(check(json!({"draw": 1, "other": 2})).contains("`other` of a sample is not declared"));
}
