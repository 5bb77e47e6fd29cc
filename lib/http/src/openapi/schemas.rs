//! JSON schemas that are written by hand: problems, parameters, headers.

use crate::problem::types::{ProblemType, requests};
use auction_domain::refusal::ValueType;
use auction_wire::api::Money;
use serde_json::Value;
use utoipa::PartialSchema;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required};

pub(crate) fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

pub(crate) fn object() -> Object {
    ObjectBuilder::new().schema_type(Type::Object).build()
}

/// Returns the schema of an id of a user, auction or bid.
pub(crate) fn uuid() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// Returns the schema of an RFC 3339 time.
pub(crate) fn time() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// Returns the schema of an integer between `min` and `max`, both included.
pub(crate) fn whole(min: usize, max: Option<usize>) -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(max).build()
}

/// Returns the schema of a string that matches a regular expression.
pub(crate) fn pattern(pattern: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

/// Returns the schema of an enumeration of strings.
pub(crate) fn one_of(words: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).build()
}

/// Returns a required path parameter.
pub(crate) fn in_path(name: &str, schema: Object, description: &str) -> Parameter {
    parameter(ParameterIn::Path, name, schema, description)
}

/// Returns an optional query parameter.
pub(crate) fn in_query(name: &str, schema: Object, description: &str) -> Parameter {
    parameter(ParameterIn::Query, name, schema, description)
}

/// Returns an optional request header.
pub(crate) fn in_header(name: &str, schema: Object, description: &str) -> Parameter {
    parameter(ParameterIn::Header, name, schema, description)
}

fn parameter(location: ParameterIn, name: &str, schema: Object, description: &str) -> Parameter {
    let required = if location == ParameterIn::Path { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().name(name).parameter_in(location).required(required);
    parameter.description(Some(description)).schema(Some(Schema::Object(schema))).build()
}

/// Returns a response header.
pub(crate) fn header(schema: Object, description: &str) -> Header {
    HeaderBuilder::new().schema(Some(Schema::Object(schema))).description(Some(description)).build()
}

/// Returns the response header `Retry-After`.
pub(crate) fn retry_after() -> Header {
    header(whole(0, None), "Seconds to wait before the next attempt.")
}

/// Returns the response header `WWW-Authenticate`.
pub(crate) fn www_authenticate() -> Header {
    header(text(), "`Bearer` by RFC 6750, with `error` if the token of the request is invalid.")
}

/// Returns the name and the schema of a problem type.
pub(super) fn problem(problem_type: &ProblemType) -> (String, RefOr<Schema>) {
    let constant = |value: Value| ObjectBuilder::new().enum_values(Some([value]));
    let mut object = ObjectBuilder::new()
        .description(Some(problem_type.summary()))
        .property("type", constant(problem_type.uri().into()).schema_type(Type::String))
        .property("title", constant(problem_type.title().into()).schema_type(Type::String))
        .property("status", constant(problem_type.status.into()).schema_type(Type::Integer))
        .property("detail", ObjectBuilder::new().schema_type(Type::String))
        .property("code", constant(problem_type.code.into()).schema_type(Type::String));
    for name in ["type", "title", "status", "detail", "code"] {
        object = object.required(name);
    }
    for member in problem_type.members {
        object =
            object.property(member.name, with_description(member_schema(member.value), member.description));
    }
    if problem_type == &requests::INVALID_REQUEST {
        let error = ObjectBuilder::new()
            .property("at", text())
            .property("problem", text())
            .required("at")
            .required("problem");
        object =
            object.property("errors", ArrayBuilder::new().items(error).description(Some("Invalid fields")));
    }
    (format!("Problem.{}", problem_type.code), Schema::Object(object.build()).into())
}

fn member_schema(value: ValueType) -> RefOr<Schema> {
    match value {
        ValueType::Amount => Money::schema(),
        ValueType::Time => Schema::Object(time()).into(),
        ValueType::Count => Schema::Object(whole(0, None)).into(),
    }
}

fn with_description(mut schema: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        object.description = Some(description.to_owned());
    }
    schema
}
