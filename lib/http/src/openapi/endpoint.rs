//! Builder of an endpoint: handler, access and OpenAPI description in one value.

use super::schemas::{self, in_path, uuid};
use super::{ANONYMOUS, CALLER, OPERATOR, TOKEN};
use crate::access::Access;
use crate::auth::Authorized;
use crate::problem::types::{ProblemType, requests};
use crate::state::SharedState;
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
/// Ids in paths: the part of the path that each ends, its name and its description.
const IDS: [(&str, &str, &str); 5] = [
    ("/auction/{id}", "id", "Auction id."),
    ("/user/{id}", "id", "User id."),
    ("/bid/{bid}", "bid", "Bid id."),
    ("/webhooks/{webhook}", "webhook", "Webhook id."),
    ("/deliveries/{delivery}", "delivery", "Delivery id."),
];

const PROBLEM_JSON: &str = "application/problem+json";

/// Endpoint with its OpenAPI description.
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    pub(crate) method: HttpMethod,
    handler: Box<dyn FnOnce(Access, Option<NonZeroU32>) -> MethodRouter<SharedState>>,
    pub(crate) access: Access,
    /// Number of requests that one call counts as; none if the endpoint is not rate limited.
    rate_cost: Option<NonZeroU32>,
    operation: OperationBuilder,
    responses: BTreeMap<u16, ResponseSpec>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// All responses with one status code.
#[derive(Default)]
struct ResponseSpec {
    descriptions: Vec<String>,
    headers: BTreeMap<&'static str, Header>,
    /// Alternative schemas by media type.
    bodies: BTreeMap<&'static str, Vec<RefOr<Schema>>>,
}

impl Endpoint {
    /// `operation_id` is the name of the operation in generated clients. The path has the form that axum and
    /// OpenAPI share. Without a call of [`Endpoint::access`] only operators have access.
    fn new<H: HandlerFn<T>, T: 'static>(
        operation_id: &'static str,
        method: HttpMethod,
        path: &'static str,
        handler: H,
    ) -> Endpoint {
        let filter = method.to_method_filter();
        let authorized = move |access, rate_cost| {
            MethodRouter::new().on(filter, Authorized { handler, access, rate_cost })
        };
        let operation = OperationBuilder::new().operation_id(Some(operation_id));
        let ids = IDS.iter().filter(|(part, ..)| path.contains(part));
        let operation = ids.fold(operation, |operation, (_, name, description)| {
            operation.parameter(in_path(name, uuid(), description))
        });
        Endpoint {
            path,
            method,
            handler: Box::new(authorized),
            access: Access::Operator,
            rate_cost: Some(NonZeroU32::MIN),
            operation,
            responses: BTreeMap::new(),
            schemas: Vec::new(),
        }
        .problems(&[&requests::INTERNAL_ERROR, &requests::REQUEST_TIMEOUT])
    }

    /// Makes a `GET` endpoint, which also serves `HEAD`.
    pub(crate) fn get<H: HandlerFn<T>, T: 'static>(name: &'static str, path: &'static str, to: H) -> Self {
        Endpoint::new(name, HttpMethod::Get, path, to)
    }

    pub(crate) fn put<H: HandlerFn<T>, T: 'static>(name: &'static str, path: &'static str, to: H) -> Self {
        Endpoint::new(name, HttpMethod::Put, path, to)
    }

    pub(crate) fn post<H: HandlerFn<T>, T: 'static>(name: &'static str, path: &'static str, to: H) -> Self {
        Endpoint::new(name, HttpMethod::Post, path, to)
    }

    pub(crate) fn delete<H: HandlerFn<T>, T: 'static>(name: &'static str, path: &'static str, to: H) -> Self {
        Endpoint::new(name, HttpMethod::Delete, path, to)
    }

    /// Sets the group and the summary: a few words in the imperative, without a period.
    pub(crate) fn summary(mut self, tag: &'static str, summary: &str) -> Self {
        self.operation = self.operation.tag(tag).summary(Some(summary));
        self
    }

    pub(crate) fn description(mut self, description: &str) -> Self {
        self.operation = self.operation.description(Some(description));
        self
    }

    /// Adds a parameter of the path, the query or the headers.
    pub(crate) fn parameter(mut self, parameter: Parameter) -> Self {
        self.operation = self.operation.parameter(parameter);
        self
    }

    /// Sets the type of the JSON body. A body is not required if all its members are optional.
    pub(crate) fn body<T: ToSchema>(mut self, required: bool) -> Self {
        let content = ContentBuilder::new().schema(Some(self.schema_of::<T>())).build();
        let required =
            if required { utoipa::openapi::Required::True } else { utoipa::openapi::Required::False };
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(required)).build();
        self.operation = self.operation.request_body(Some(body));
        self.problems(&[
            &requests::INVALID_REQUEST,
            &requests::BODY_TOO_LARGE,
            &requests::UNSUPPORTED_MEDIA_TYPE,
            &requests::BODY_TIMEOUT,
        ])
    }

    /// Sets who can call the endpoint.
    pub(crate) fn access(self, access: Access) -> Self {
        Endpoint { access, ..self }
    }

    /// Sets how many requests a call counts as in rate limiting. Zero excludes the endpoint from rate
    /// limiting.
    pub(crate) fn rate_cost(self, requests: u32) -> Self {
        Endpoint { rate_cost: NonZeroU32::new(requests), ..self }
    }

    /// Describes what authentication, authorization and rate limiting do: alternative security schemes and
    /// problems.
    fn describe_access(mut self) -> Self {
        let schemes: &[Option<&str>] = match self.access {
            Access::Public => &[],
            Access::OptionalUser => &[ANONYMOUS, TOKEN, CALLER],
            Access::Bidder | Access::Seller => &[TOKEN, CALLER],
            Access::UserOrOperator => &[TOKEN, CALLER, OPERATOR],
            Access::Operator => &[TOKEN, OPERATOR],
            // A trusted gateway can call without any header.
            Access::Service => &[TOKEN, ANONYMOUS],
        };
        for scheme in schemes {
            let requirement = scheme.map_or_else(SecurityRequirement::default, |scheme| {
                SecurityRequirement::new(scheme, Vec::<String>::new())
            });
            self.operation = self.operation.security(requirement);
        }
        let access = self.access;
        if self.rate_cost.is_some() {
            self = self.problems(&[&requests::TOO_MANY_REQUESTS]);
        }
        self.problems(access.problems()).problems(access.role_problem().as_slice())
    }

    /// Adds a response with a JSON body.
    pub(crate) fn response<T: ToSchema>(mut self, status: u16, description: &str) -> Self {
        let schema = self.schema_of::<T>();
        self.add_response(status, description).bodies.entry(JSON).or_default().push(schema);
        self
    }

    /// Adds the schema of a type that only the text of the description mentions.
    pub(crate) fn extra_schema<T: ToSchema>(mut self) -> Self {
        self.schema_of::<T>();
        self
    }

    /// Adds a response with another media type or without a named schema.
    pub(crate) fn response_with_media_type(
        mut self,
        status: u16,
        media_type: &'static str,
        schema: Object,
        description: &str,
    ) -> Self {
        let schema = RefOr::T(Schema::Object(schema));
        self.add_response(status, description).bodies.entry(media_type).or_default().push(schema);
        self
    }

    /// Adds a response without a body.
    pub(crate) fn empty_response(mut self, status: u16, description: &str) -> Self {
        self.add_response(status, description);
        self
    }

    /// Adds a header to the responses with this status.
    pub(crate) fn response_header(mut self, status: u16, name: &'static str, header: Header) -> Self {
        self.responses.entry(status).or_default().headers.insert(name, header);
        self
    }

    /// Adds error responses. `internal_error` and `request_timeout` are part of every endpoint.
    pub(crate) fn problems(mut self, problem_types: &[&'static ProblemType]) -> Self {
        for problem_type in problem_types {
            let status = problem_type.status;
            let (name, schema) = schemas::problem(problem_type);
            if self.schemas.iter().any(|(known, _)| *known == name)
                && self.responses.get(&status).is_some_and(|response| response.describes(problem_type))
            {
                continue;
            }
            self.schemas.push((name.clone(), schema));
            let response = self.add_response(status, &problem_type.description());
            response.bodies.entry(PROBLEM_JSON).or_default().push(Ref::from_schema_name(name).into());
            if status == 503 || status == 429 {
                response.headers.insert("Retry-After", schemas::retry_after());
            }
            if status == 401 {
                response.headers.insert("WWW-Authenticate", schemas::www_authenticate());
            }
        }
        self
    }

    fn add_response(&mut self, status: u16, description: &str) -> &mut ResponseSpec {
        let response = self.responses.entry(status).or_default();
        response.descriptions.push(description.to_owned());
        response
    }

    fn schema_of<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name();
        self.schemas.push((name.to_string(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(name).into()
    }
}

/// Handler that is an async function. All handlers of the portal are.
pub(crate) trait HandlerFn<T>:
    Handler<T, SharedState, Future = Pin<Box<dyn Future<Output = Response> + Send>>>
{
}

impl<H, T> HandlerFn<T> for H where
    H: Handler<T, SharedState, Future = Pin<Box<dyn Future<Output = Response> + Send>>>
{
}

impl ProblemType {
    fn description(&self) -> String {
        format!("`{}`: {}", self.code, self.summary())
    }
}

impl ResponseSpec {
    fn describes(&self, problem_type: &ProblemType) -> bool {
        self.descriptions.contains(&problem_type.description())
    }
}

impl From<Endpoint> for UtoipaMethodRouter<SharedState> {
    fn from(endpoint: Endpoint) -> UtoipaMethodRouter<SharedState> {
        let endpoint = endpoint.describe_access();
        let mut operation = endpoint.operation;
        for (status, spec) in endpoint.responses {
            let description = match &spec.descriptions[..] {
                [only] => only.clone(),
                several => several.iter().map(|description| format!("* {description}\n")).collect(),
            };
            let mut response = ResponseBuilder::new().description(description);
            for (name, header) in spec.headers {
                response = response.header(name, header);
            }
            for (media_type, schemas) in spec.bodies {
                let schema = one_of(schemas);
                response = response.content(media_type, ContentBuilder::new().schema(Some(schema)).build());
            }
            operation = operation.response(status.to_string(), response.build());
        }
        let mut paths = Paths::new();
        paths.add_path_operation(endpoint.path, vec![endpoint.method], operation.build());
        (endpoint.schemas, paths, (endpoint.handler)(endpoint.access, endpoint.rate_cost))
    }
}

fn one_of(mut schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    if schemas.len() == 1 {
        return schemas.remove(0);
    }
    let one_of = schemas.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item);
    Schema::OneOf(one_of.build()).into()
}
