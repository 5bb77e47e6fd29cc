//! Routing table of the ingress.

mod bids;
mod create_auction;
mod cursor;
mod dead_letters;
mod deliveries;
mod documents;
mod end_auction;
mod health;
#[cfg(test)]
mod http_api_page;
mod list_auctions;
mod list_bids;
mod list_user_bids;
mod notifications;
pub(crate) mod paging;
mod parked_events;
#[cfg(test)]
mod permissions_page;
mod promoter_settings;
mod sessions;
mod show_auction;
mod show_command;
mod show_streams;
mod sign_up;
mod stream_auction;
mod stream_notifications;
mod subscriptions;
mod users;
mod webhooks;

use crate::body::{BodyTimeout, MAX_BODY_BYTES};
use crate::cors;
use crate::middleware::{Timeouts, request_middleware};
use crate::openapi::{self, Endpoint};
use crate::problem::Problem;
use crate::problem::types::{refusals, requests};
use crate::state::{IngressState, SharedState};
use auction_domain::{Actor, BidId, UserId};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

/// Response header with the time of the portal, with which clients compare `ends_at`.
pub(crate) const SERVER_TIME: HeaderName = HeaderName::from_static("server-time");

/// Minimum size of compressed responses in bytes.
const MIN_COMPRESSED_BYTES: u16 = 1024;

/// Returns the router with all endpoints and the OpenAPI document.
pub fn router(portal: Arc<IngressState>) -> Router {
    let (router, document) = routed().split_for_parts();
    let settings = &portal.settings;
    let document = documents::OpenApiDocument::new(openapi::with_settings(document, settings));
    let is_compressed = SizeAbove::new(MIN_COMPRESSED_BYTES).and(NotForContentType::SSE);
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_compressed);
    let layers = ServiceBuilder::new()
        .option_layer(cors::layer(&settings.cors_origins))
        .layer(from_fn_with_state(Timeouts::of(settings), request_middleware))
        .layer(compression)
        .layer(Extension(document))
        .layer(Extension(BodyTimeout(settings.body_timeout)))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    router.fallback(unknown_route).method_not_allowed_fallback(wrong_method).layer(layers).with_state(portal)
}

/// Returns the endpoints as a router, with their OpenAPI document.
fn routed() -> OpenApiRouter<SharedState> {
    let routed = OpenApiRouter::with_openapi(openapi::document());
    endpoints().into_iter().fold(routed, |routed, endpoint| routed.routes(endpoint.into()))
}

/// Returns all endpoints, in the order of the OpenAPI document.
fn endpoints() -> Vec<Endpoint> {
    vec![
        sign_up::endpoint(),
        sessions::sign_in_endpoint(),
        sessions::sign_out_endpoint(),
        sessions::account_endpoint(),
        users::create_endpoint(),
        users::show_endpoint(),
        users::delete_endpoint(),
        list_user_bids::endpoint(),
        subscriptions::show_endpoint(),
        subscriptions::change_endpoint(),
        notifications::list_endpoint(),
        stream_notifications::endpoint(),
        notifications::mark_read_endpoint(),
        webhooks::create_endpoint(),
        webhooks::list_endpoint(),
        webhooks::delete_endpoint(),
        webhooks::rotate_endpoint(),
        deliveries::list_endpoint(),
        deliveries::replay_endpoint(),
        create_auction::endpoint(),
        list_auctions::endpoint(),
        show_auction::endpoint(),
        stream_auction::endpoint(),
        bids::place_endpoint(),
        list_bids::endpoint(),
        bids::delete_endpoint(),
        bids::void_endpoint(),
        end_auction::end_endpoint(),
        end_auction::cancel_endpoint(),
        show_command::endpoint(),
        promoter_settings::show_endpoint(),
        promoter_settings::change_endpoint(),
        dead_letters::list_endpoint(),
        dead_letters::show_endpoint(),
        dead_letters::requeue_endpoint(),
        dead_letters::delete_endpoint(),
        parked_events::list_endpoint(),
        parked_events::show_endpoint(),
        parked_events::retry_endpoint(),
        parked_events::drop_endpoint(),
        show_streams::endpoint(),
        health::livez_endpoint(),
        health::readyz_endpoint(),
        documents::openapi_endpoint(),
        documents::problems_endpoint(),
        documents::problem_endpoint(),
        documents::docs_endpoint(),
        documents::docs_file_endpoint(),
    ]
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(&requests::UNKNOWN_ROUTE, format!("no endpoint has the path {}", uri.path()))
}

/// Handles methods that an endpoint does not have. The router adds `Allow`, which is all that `OPTIONS` asks
/// for.
async fn wrong_method(method: Method, uri: Uri) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = format!("{} does not support {method}", uri.path());
    Problem::new(&requests::WRONG_METHOD, detail).into_response()
}

/// Extractor of path parameters. A path that is not valid UTF-8 is an unknown route.
struct InPath<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<InPath<T>, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(parameters)) => Ok(InPath(parameters)),
            Err(_) => Err(unknown_route(parts.uri.clone()).await),
        }
    }
}

/// Reads the id of an auction from a path. An invalid id is the id of an unknown auction.
fn auction_in(path: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(path).map_err(|_| unknown_auction())
}

fn bid_in(path: &str) -> Result<BidId, Problem> {
    let unknown = |_| Problem::of(&refusals::UNKNOWN_BID);
    Uuid::try_parse(path).map(BidId).map_err(unknown)
}

/// Reads the id of a user from a path. Users have access only to their own account, operators to all.
fn user_in(path: &str, actor: Actor) -> Result<UserId, Problem> {
    let user = Uuid::try_parse(path).map(UserId).ok();
    match (actor, user) {
        (Actor::User(caller), user) if user != Some(caller) => {
            let detail = "only the user and operators can access this account";
            Err(Problem::new(&requests::NOT_YOUR_ACCOUNT, detail))
        }
        (_, user) => user.ok_or_else(unknown_user),
    }
}

fn unknown_user() -> Problem {
    Problem::of(&refusals::UNKNOWN_USER)
}

fn unknown_auction() -> Problem {
    Problem::of(&refusals::UNKNOWN_AUCTION)
}
