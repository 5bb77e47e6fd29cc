//! One endpoint: its handler, and all that is said of it, in one place, so that neither goes without the other.

use super::schemas;
use super::{CALLER, NOBODY, OPERATOR, TOKEN};
use crate::access::{Access, AccessRow};
use crate::auth::{Authenticator, Authorized};
use crate::problem::types::{ProblemType, requests};
use axum::handler::Handler;
use axum::response::Response;
use axum::routing::MethodRouter;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::pin::Pin;
use utoipa::ToSchema;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Object, OneOfBuilder, Schema};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa_axum::PathItemExt;
use utoipa_axum::router::UtoipaMethodRouter;

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";

/// An endpoint, with what it answers.
pub(crate) struct Endpoint<S> {
    path: &'static str,
    method: HttpMethod,
    handler: Box<dyn FnOnce(Access, Option<NonZeroU32>) -> MethodRouter<S>>,
    may: Access,
    cost: Option<NonZeroU32>,
    operation: OperationBuilder,
    answers: BTreeMap<u16, Answer>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// What is answered with one status.
#[derive(Default)]
struct Answer {
    about: Vec<String>,
    headers: BTreeMap<&'static str, Header>,
    /// By media type; several are alternatives.
    bodies: BTreeMap<&'static str, Vec<RefOr<Schema>>>,
}

impl<S: Authenticator> Endpoint<S> {
    /// `name` is what generated clients call it. The path is in the form of axum, which is that of OpenAPI. Who may
    /// call is to be said: until then it is nobody but the house.
    fn new<H: HandlerFn<T, S>, T: 'static>(
        name: &'static str,
        method: HttpMethod,
        path: &'static str,
        handler: H,
    ) -> Endpoint<S> {
        let filter = method.to_method_filter();
        let guarded = move |may, cost| MethodRouter::new().on(filter, Authorized { handler, may, cost });
        let operation = OperationBuilder::new().operation_id(Some(name));
        let (handler, may, cost) = (Box::new(guarded), Access::Operator, Some(NonZeroU32::MIN));
        Endpoint {
            path,
            method,
            handler,
            may,
            cost,
            operation,
            answers: BTreeMap::new(),
            schemas: Vec::new(),
        }
        .problems(&[&requests::INTERNAL_ERROR, &requests::TOOK_TOO_LONG])
    }

    /// `GET`, and `HEAD` with it.
    pub(crate) fn get<H: HandlerFn<T, S>, T: 'static>(name: &'static str, path: &'static str, to: H) -> Self {
        Endpoint::new(name, HttpMethod::Get, path, to)
    }

    /// `PUT`.
    pub(crate) fn put<H: HandlerFn<T, S>, T: 'static>(name: &'static str, path: &'static str, to: H) -> Self {
        Endpoint::new(name, HttpMethod::Put, path, to)
    }

    /// `POST`.
    pub(crate) fn post<H: HandlerFn<T, S>, T: 'static>(
        name: &'static str,
        path: &'static str,
        to: H,
    ) -> Self {
        Endpoint::new(name, HttpMethod::Post, path, to)
    }

    /// `DELETE`.
    pub(crate) fn delete<H: HandlerFn<T, S>, T: 'static>(
        name: &'static str,
        path: &'static str,
        to: H,
    ) -> Self {
        Endpoint::new(name, HttpMethod::Delete, path, to)
    }

    /// A few words, and the group it is shown in.
    pub(crate) fn summary(mut self, tag: &'static str, summary: &str) -> Self {
        self.operation = self.operation.tag(tag).summary(Some(summary));
        self
    }

    /// More about it.
    pub(crate) fn about(mut self, about: &str) -> Self {
        self.operation = self.operation.description(Some(about));
        self
    }

    /// What it takes in its path, query or headers.
    pub(crate) fn takes(mut self, parameter: Parameter) -> Self {
        self.operation = self.operation.parameter(parameter);
        self
    }

    /// A JSON body. Where all members may be left out, so may be the body.
    pub(crate) fn body<T: ToSchema>(mut self, required: bool) -> Self {
        let content = ContentBuilder::new().schema(Some(self.schema_of::<T>())).build();
        let required =
            if required { utoipa::openapi::Required::True } else { utoipa::openapi::Required::False };
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(required)).build();
        self.operation = self.operation.request_body(Some(body));
        self.problems(&[
            &requests::INVALID_REQUEST,
            &requests::TOO_LARGE,
            &requests::UNSUPPORTED_MEDIA_TYPE,
            &requests::BODY_TOO_SLOW,
        ])
    }

    /// Who may call.
    pub(crate) fn may(self, may: Access) -> Self {
        Endpoint { may, ..self }
    }

    /// It counts for so many requests; zero: it is not counted.
    pub(crate) fn costs(self, requests: u32) -> Self {
        Endpoint { cost: NonZeroU32::new(requests), ..self }
    }

    /// Its row in the table of who may do what.
    pub(crate) fn row(&self) -> AccessRow {
        let method = match self.method {
            HttpMethod::Get => "GET",
            HttpMethod::Put => "PUT",
            HttpMethod::Post => "POST",
            HttpMethod::Delete => "DELETE",
            // There is no way to make one.
            _ => "?",
        };
        AccessRow { method, path: self.path, may: self.may }
    }

    /// What its guard does is described: one of the security schemes has to be fulfilled.
    fn guarded(mut self) -> Self {
        let schemes: &[Option<&str>] = match self.may {
            Access::Public => &[],
            Access::OptionalUser => &[NOBODY, TOKEN, CALLER],
            Access::Bidder | Access::Seller => &[TOKEN, CALLER],
            Access::UserOrOperator => &[TOKEN, CALLER, OPERATOR],
            Access::Operator => &[TOKEN, OPERATOR],
            // Nobody: a gateway that is trusted may call for itself.
            Access::Service => &[TOKEN, NOBODY],
        };
        for scheme in schemes {
            let requirement = scheme.map_or_else(SecurityRequirement::default, |scheme| {
                SecurityRequirement::new(scheme, Vec::<String>::new())
            });
            self.operation = self.operation.security(requirement);
        }
        let may = self.may;
        if self.cost.is_some() {
            self = self.problems(&[&requests::TOO_MANY_REQUESTS]);
        }
        self.problems(may.problems()).problems(may.role_problem().as_slice())
    }

    /// It answers with that JSON.
    pub(crate) fn answers<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let schema = self.schema_of::<T>();
        self.answer(status, about).bodies.entry(JSON).or_default().push(schema);
        self
    }

    /// What it answers with is described in words, and those speak of that.
    pub(crate) fn mentions<T: ToSchema>(mut self) -> Self {
        self.schema_of::<T>();
        self
    }

    /// It answers with something of that media type, which has no schema with a name.
    pub(crate) fn answers_with(
        mut self,
        status: u16,
        media_type: &'static str,
        schema: Object,
        about: &str,
    ) -> Self {
        let schema = RefOr::T(Schema::Object(schema));
        self.answer(status, about).bodies.entry(media_type).or_default().push(schema);
        self
    }

    /// It answers without a body.
    pub(crate) fn answers_with_nothing(mut self, status: u16, about: &str) -> Self {
        self.answer(status, about);
        self
    }

    /// An answer of that status, which is there already, carries a header.
    pub(crate) fn with_header(mut self, status: u16, name: &'static str, header: Header) -> Self {
        self.answers.entry(status).or_default().headers.insert(name, header);
        self
    }

    /// Problems that it answers with, besides those that every endpoint has.
    pub(crate) fn problems(mut self, kinds: &[&'static ProblemType]) -> Self {
        for kind in kinds {
            let (name, schema) = schemas::problem(kind);
            if self.schemas.iter().any(|(known, _)| *known == name)
                && self.answers.get(&kind.status).is_some_and(|answer| answer.has(kind))
            {
                continue;
            }
            self.schemas.push((name.clone(), schema));
            let answer = self.answer(kind.status, &kind.about());
            answer.bodies.entry(PROBLEM_JSON).or_default().push(Ref::from_schema_name(name).into());
            if kind.status == 503 || kind.status == 429 {
                answer.headers.insert("Retry-After", schemas::retry_after());
            }
            if kind.status == 401 {
                answer.headers.insert("WWW-Authenticate", schemas::www_authenticate());
            }
        }
        self
    }

    fn answer(&mut self, status: u16, about: &str) -> &mut Answer {
        let answer = self.answers.entry(status).or_default();
        answer.about.push(about.to_owned());
        answer
    }

    fn schema_of<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name();
        self.schemas.push((name.to_string(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(name).into()
    }
}

/// Handlers that are functions, which all of ours are.
pub(crate) trait HandlerFn<T, S>:
    Handler<T, S, Future = Pin<Box<dyn Future<Output = Response> + Send>>>
{
}

impl<H, T, S> HandlerFn<T, S> for H where
    H: Handler<T, S, Future = Pin<Box<dyn Future<Output = Response> + Send>>>
{
}

impl ProblemType {
    fn about(&self) -> String {
        format!("`{}`: {}", self.code, self.happened)
    }
}

impl Answer {
    fn has(&self, kind: &ProblemType) -> bool {
        self.about.contains(&kind.about())
    }
}

impl<S: Authenticator> From<Endpoint<S>> for UtoipaMethodRouter<S> {
    fn from(endpoint: Endpoint<S>) -> UtoipaMethodRouter<S> {
        let endpoint = endpoint.guarded();
        let mut operation = endpoint.operation;
        for (status, answer) in endpoint.answers {
            let about = match &answer.about[..] {
                [only] => only.clone(),
                several => several.iter().map(|about| format!("* {about}\n")).collect(),
            };
            let mut response = ResponseBuilder::new().description(about);
            for (name, header) in answer.headers {
                response = response.header(name, header);
            }
            for (media_type, schemas) in answer.bodies {
                let schema = one_of(schemas);
                response = response.content(media_type, ContentBuilder::new().schema(Some(schema)).build());
            }
            operation = operation.response(status.to_string(), response.build());
        }
        let mut paths = Paths::new();
        paths.add_path_operation(endpoint.path, vec![endpoint.method], operation.build());
        (endpoint.schemas, paths, (endpoint.handler)(endpoint.may, endpoint.cost))
    }
}

fn one_of(mut schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    if schemas.len() == 1 {
        return schemas.remove(0);
    }
    let one_of = schemas.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
    Schema::OneOf(one_of.build()).into()
}
