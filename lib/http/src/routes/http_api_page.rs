//! The page of the HTTP API, `docs/reference/http-api.md`: the OpenAPI document in a form to read.

use super::permissions_page::method;
use super::{endpoints, routed};
use crate::access::Access;
use crate::openapi::Endpoint;
use auction_testkit::reference_page::ReferencePage;
use serde_json::Value;

/// Renders the page from the OpenAPI document and the access rules of the endpoints.
fn render() -> ReferencePage {
    let document = serde_json::to_value(routed().to_openapi()).unwrap();
    let endpoints = endpoints();
    let mut page = ReferencePage::new(
        "http-api.md",
        "HTTP API",
        "Which requests does the portal accept, and what does it answer? A running portal serves the same \
         as `/openapi.json`, and for trying out as `/docs`.",
        "the endpoints in `lib/http/src/routes.rs`",
    );
    page.paragraph(
        "[Permissions](permissions.md) lists every role for every endpoint, and [problems](problems.md) explains \
         the codes of errors.",
    );
    for tag in list(&document["tags"]) {
        page.heading(2, &capitalized(text(&tag["name"])));
        page.paragraph(text(&tag["description"]));
        for endpoint in &endpoints {
            let operation = &document["paths"][endpoint.path][method(endpoint).to_lowercase()];
            if operation["tags"][0] == tag["name"] {
                add_endpoint(&mut page, endpoint, operation);
            }
        }
    }
    page.heading(2, "Types");
    page.paragraph("Types of the bodies. Times are RFC 3339 texts in UTC. Amounts are whole minor units.");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas.iter().filter(|(name, _)| !name.starts_with("Problem.")) {
        page.heading(3, name);
        page.paragraph(text(&schema["description"]));
        if schema.get("properties").is_some() {
            add_fields(&mut page, schema);
        } else {
            page.paragraph(&format!("Type: {}.", type_of(schema)));
        }
    }
    page
}

fn add_endpoint(page: &mut ReferencePage, endpoint: &Endpoint, operation: &Value) {
    page.heading(3, &format!("{} {}", method(endpoint), endpoint.path));
    page.paragraph(&format!("{}. {}", text(&operation["summary"]), text(&operation["description"])));
    page.paragraph(&format!("Callers: {}.", callers(endpoint.access)));
    page.table(
        ["parameter", "in", "type", "meaning"],
        list(&operation["parameters"]).iter().map(|parameter| {
            let name = format!("`{}`", text(&parameter["name"]));
            let place = text(&parameter["in"]).to_owned();
            [name, place, type_of(&parameter["schema"]), text(&parameter["description"]).to_owned()]
        }),
    );
    if let Some(body) = operation.get("requestBody") {
        let optional = if body["required"] == true { "" } else { ", optional" };
        page.paragraph(&format!("Body: {}{optional}.", content(&body["content"])));
    }
    let responses = operation["responses"].as_object().unwrap();
    let is_problem = |response: &Value| response["content"].get("application/problem+json").is_some();
    let successes = responses.iter().filter(|(_, response)| !is_problem(response));
    page.list(successes.map(|(status, response)| answer(status, response)));
    let problems =
        responses.iter().filter(|(_, response)| is_problem(response)).flat_map(|(status, response)| {
            let schema = &response["content"]["application/problem+json"]["schema"];
            let alternatives =
                schema.get("oneOf").map_or_else(|| vec![schema], |several| list(several).iter().collect());
            alternatives.into_iter().map(move |schema| {
                let code = text(&schema["$ref"]).rsplit('.').next().unwrap().to_owned();
                format!("`{code}` ({status})")
            })
        });
    page.paragraph(&format!("Problems: {}.", problems.collect::<Vec<_>>().join(", ")));
}

/// Returns what a response contains, with its headers as a list.
fn answer(status: &str, response: &Value) -> String {
    let description = text(&response["description"]).trim();
    // Several descriptions are a list already.
    let (start, next) = if description.starts_with("* ") { ("\n", "\n* ") } else { (" ", " ") };
    let body = response.get("content").map(content).filter(|body| !body.is_empty());
    let body = body.map_or_else(String::new, |body| format!("{next}Body: {body}."));
    let headers = response["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, header)| format!("\n* `{name}`: {}", text(&header["description"])));
    format!("{status}:{start}{description}{body}{}", headers.collect::<String>())
}

fn add_fields(page: &mut ReferencePage, schema: &Value) {
    let required = list(&schema["required"]);
    let fields = schema["properties"].as_object().unwrap().iter();
    page.table(
        ["field", "type", "meaning"],
        fields.map(|(name, field)| {
            let optional = if required.iter().any(|one| one == name) { "" } else { ", optional" };
            let kind = format!("{}{optional}", type_of(field));
            [format!("`{name}`"), kind, text(&field["description"]).to_owned()]
        }),
    );
}

/// Returns who may call an endpoint.
fn callers(access: Access) -> &'static str {
    match access {
        Access::Public => "all; credentials are ignored",
        Access::OptionalUser => "all; credentials are checked if the request has any",
        Access::Bidder => "all users",
        Access::Seller => "users with the role seller or operator",
        Access::UserOrOperator => "all users, and operators without a user id",
        Access::Operator => "operators",
        Access::Service => "programs with an API key, trusted gateways and operators",
    }
}

/// Returns the types of a body, by media type.
fn content(content: &Value) -> String {
    let types = content.as_object().into_iter().flatten().map(|(media_type, content)| {
        let of = type_of(&content["schema"]);
        if media_type == "application/json" { of } else { format!("`{media_type}`, {of}") }
    });
    types.collect::<Vec<_>>().join(", or ")
}

/// Returns the type that a JSON schema describes, in a few words.
fn type_of(schema: &Value) -> String {
    let or = |schemas: &Value| list(schemas).iter().map(type_of).collect::<Vec<_>>().join(" or ");
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(several) = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema.get(*key)) {
        return or(several);
    }
    if let Some(values) = schema.get("enum") {
        return list(values).iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" or ");
    }
    if let Some(names) = schema["type"].as_array() {
        let with_type = |name: &Value| {
            let mut one = schema.clone();
            one["type"] = name.clone();
            type_of(&one)
        };
        return names.iter().map(with_type).collect::<Vec<_>>().join(" or ");
    }
    let limit = |key: &str, word: &str| schema.get(key).map(|limit| format!(" {word} {limit}"));
    match text(&schema["type"]) {
        "array" => format!("list of {}", type_of(&schema["items"])),
        "object" if schema.get("properties").is_some() => {
            let fields = schema["properties"].as_object().unwrap().iter();
            let fields = fields.map(|(name, field)| format!("`{name}`: {}", type_of(field)));
            format!("object with {}", fields.collect::<Vec<_>>().join(", "))
        }
        "integer" => {
            let limits = [limit("minimum", "from"), limit("maximum", "to")];
            format!("integer{}", limits.into_iter().flatten().collect::<String>())
        }
        "string" => match schema["format"].as_str() {
            Some(format) => format.to_owned(),
            None => "text".to_owned(),
        },
        "" => "any".to_owned(),
        other => other.to_owned(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn http_api_reference_page_is_current() {
    render().assert_current();
}
