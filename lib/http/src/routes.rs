//! Every route there is.

mod cancel_auction;
mod change_subscriptions;
mod create_auction;
mod create_user;
mod create_webhook;
mod cursor;
mod dead_letters;
mod delete_bid;
mod delete_user;
mod delete_webhook;
mod end_auction;
mod health;
mod list_auctions;
mod list_bids;
mod list_deliveries;
mod list_notifications;
mod list_user_bids;
mod list_webhooks;
mod listen_to_auction;
mod listen_to_notifications;
mod mark_read;
pub(crate) mod paging;
mod parked;
mod place_bid;
mod promoter_settings;
mod replay_delivery;
mod rotate_webhook;
mod show_auction;
mod show_command;
mod show_description;
mod show_docs;
mod show_problems;
mod show_streams;
mod show_subscriptions;
mod show_user;
mod void_bid;
mod webhooks;

use crate::body::{BodyWithin, LONGEST};
use crate::cors;
use crate::description;
use crate::guard::{Deadlines, guarded};
use crate::portal::{Portal, Ports, SharedPortal};
use crate::problem::Problem;
use crate::problem::kinds::{refusals, requests};
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

/// What the portal's clock said when it was asked: compare `ends_at` with it.
pub(crate) const SERVER_TIME: HeaderName = HeaderName::from_static("server-time");

/// Shorter answers are not compressed.
const COMPRESSED_FROM: u16 = 1024;

/// The table, and its description.
pub fn router<P: Ports>(portal: Arc<Portal<P>>) -> Router {
    let (router, described) = table().split_for_parts();
    let settings = &portal.settings;
    let described = show_description::Described::new(description::with_settings(described, settings));
    let worth_it = SizeAbove::new(COMPRESSED_FROM).and(NotForContentType::SSE);
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it);
    let around_all = ServiceBuilder::new()
        .option_layer(cors::layer(&settings.cors_origins))
        .layer(from_fn_with_state(Deadlines::of(settings), guarded))
        .layer(compression)
        .layer(Extension(described))
        .layer(Extension(BodyWithin(settings.body_within)))
        .layer(DefaultBodyLimit::max(LONGEST));
    router
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(around_all)
        .with_state(portal)
}

fn table<P: Ports>() -> OpenApiRouter<SharedPortal<P>> {
    OpenApiRouter::with_openapi(description::portal())
        .routes(create_user::endpoint().into())
        .routes(show_user::endpoint().into())
        .routes(delete_user::endpoint().into())
        .routes(list_user_bids::endpoint().into())
        .routes(show_subscriptions::endpoint().into())
        .routes(change_subscriptions::endpoint().into())
        .routes(list_notifications::endpoint().into())
        .routes(listen_to_notifications::endpoint().into())
        .routes(mark_read::endpoint().into())
        .routes(create_webhook::endpoint().into())
        .routes(list_webhooks::endpoint().into())
        .routes(delete_webhook::endpoint().into())
        .routes(rotate_webhook::endpoint().into())
        .routes(list_deliveries::endpoint().into())
        .routes(replay_delivery::endpoint().into())
        .routes(create_auction::endpoint().into())
        .routes(list_auctions::endpoint().into())
        .routes(show_auction::endpoint().into())
        .routes(listen_to_auction::endpoint().into())
        .routes(place_bid::endpoint().into())
        .routes(list_bids::endpoint().into())
        .routes(delete_bid::endpoint().into())
        .routes(void_bid::endpoint().into())
        .routes(end_auction::endpoint().into())
        .routes(cancel_auction::endpoint().into())
        .routes(show_command::endpoint().into())
        .routes(promoter_settings::show_endpoint().into())
        .routes(promoter_settings::change_endpoint().into())
        .routes(dead_letters::list_endpoint().into())
        .routes(dead_letters::show_endpoint().into())
        .routes(dead_letters::requeue_endpoint().into())
        .routes(dead_letters::drop_endpoint().into())
        .routes(parked::list_endpoint().into())
        .routes(parked::show_endpoint().into())
        .routes(parked::retry_endpoint().into())
        .routes(parked::drop_endpoint().into())
        .routes(show_streams::endpoint().into())
        .routes(health::livez_endpoint().into())
        .routes(health::readyz_endpoint().into())
        .routes(show_description::endpoint().into())
        .routes(show_problems::index_endpoint().into())
        .routes(show_problems::page_endpoint().into())
        .routes(show_docs::page_endpoint().into())
        .routes(show_docs::file_endpoint().into())
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(&requests::UNKNOWN_ROUTE, format!("there is nothing at {}", uri.path()))
}

/// What is possible is said in `Allow`, which is added by the table. Who asks for that alone gets nothing else.
async fn wrong_method(method: Method, uri: Uri) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = format!("{method} is not possible at {}", uri.path());
    Problem::new(&requests::WRONG_METHOD, detail).into_response()
}

/// What stands in a path; what is not even text is nowhere.
struct InPath<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<InPath<T>, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(found)) => Ok(InPath(found)),
            Err(_) => Err(unknown_route(parts.uri.clone()).await),
        }
    }
}

/// The id in a path; what is no id is the id of nothing.
fn auction_in(path: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(path).map_err(|_| unknown_auction())
}

/// The same of a bid.
fn bid_in(path: &str) -> Result<BidId, Problem> {
    let unknown = |_| Problem::of(&refusals::UNKNOWN_BID);
    Uuid::try_parse(path).map(BidId).map_err(unknown)
}

/// The user in a path, whose account is the business of nobody but himself and the house.
fn user_in(path: &str, actor: Actor) -> Result<UserId, Problem> {
    let user = Uuid::try_parse(path).map(UserId).ok();
    match (actor, user) {
        (Actor::User(caller), user) if user != Some(caller) => {
            let detail = "an account is its user's own business, and the house's";
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
