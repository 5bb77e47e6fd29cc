//! Shapes that are said by hand: problems, parameters, headers.

use crate::problem::types::{MemberType, ProblemType};
use auction_wire::api::Money;
use serde_json::Value;
use utoipa::PartialSchema;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Required};

/// Any text.
pub(crate) fn text() -> Object {
    ObjectBuilder::new().schema_type(Type::String).build()
}

/// Any object.
pub(crate) fn object() -> Object {
    ObjectBuilder::new().schema_type(Type::Object).build()
}

/// The id of a user, an auction or a bid.
pub(crate) fn uuid() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// A point in time.
pub(crate) fn time() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// A whole number of that range.
pub(crate) fn whole(least: usize, most: Option<usize>) -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(most).build()
}

/// A text of that form.
pub(crate) fn pattern(pattern: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

/// One of these words.
pub(crate) fn one_of(words: &[&str]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).build()
}

/// A part of a path.
pub(crate) fn in_path(name: &str, schema: Object, about: &str) -> Parameter {
    parameter(ParameterIn::Path, name, schema, about)
}

/// A member of a query.
pub(crate) fn in_query(name: &str, schema: Object, about: &str) -> Parameter {
    parameter(ParameterIn::Query, name, schema, about)
}

/// A header of a request.
pub(crate) fn in_header(name: &str, schema: Object, about: &str) -> Parameter {
    parameter(ParameterIn::Header, name, schema, about)
}

fn parameter(place: ParameterIn, name: &str, schema: Object, about: &str) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
    parameter.description(Some(about)).schema(Some(Schema::Object(schema))).build()
}

/// A header of an answer.
pub(crate) fn header(schema: Object, about: &str) -> Header {
    HeaderBuilder::new().schema(Some(Schema::Object(schema))).description(Some(about)).build()
}

/// `Retry-After`.
pub(crate) fn retry_after() -> Header {
    header(whole(0, None), "Ask again after so many seconds.")
}

/// `WWW-Authenticate`.
pub(crate) fn www_authenticate() -> Header {
    header(text(), "`Bearer`, by RFC 6750; with `error` if a token was given that is not good.")
}

/// The name and the shape of a problem.
pub(super) fn problem(kind: &ProblemType) -> (String, RefOr<Schema>) {
    let only = |value: Value| ObjectBuilder::new().enum_values(Some([value]));
    let mut object = ObjectBuilder::new()
        .description(Some(kind.happened))
        .property("type", only(kind.uri().into()).schema_type(Type::String))
        .property("title", only(kind.title.into()).schema_type(Type::String))
        .property("status", only(kind.status.into()).schema_type(Type::Integer))
        .property("detail", ObjectBuilder::new().schema_type(Type::String))
        .property("code", only(kind.code.into()).schema_type(Type::String));
    for name in ["type", "title", "status", "detail", "code"] {
        object = object.required(name);
    }
    for member in kind.members {
        object = object.property(member.name, described(shape(member.shape), member.about));
    }
    (format!("Problem.{}", kind.code), Schema::Object(object.build()).into())
}

fn shape(shape: MemberType) -> RefOr<Schema> {
    match shape {
        MemberType::Money => Money::schema(),
        MemberType::Time => Schema::Object(time()).into(),
        MemberType::Count => Schema::Object(whole(0, None)).into(),
        MemberType::Errors => {
            let error = ObjectBuilder::new()
                .property("at", text())
                .property("problem", text())
                .required("at")
                .required("problem");
            Schema::Array(ArrayBuilder::new().items(RefOr::T(Schema::Object(error.build()))).build()).into()
        }
    }
}

fn described(mut schema: RefOr<Schema>, about: &str) -> RefOr<Schema> {
    match &mut schema {
        RefOr::T(Schema::Object(object)) => object.description = Some(about.to_owned()),
        RefOr::T(Schema::Array(array)) => array.description = Some(about.to_owned()),
        _ => {}
    }
    schema
}
