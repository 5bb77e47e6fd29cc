//! Every route there is.

mod cancel_auction;
mod change_subscriptions;
mod create_auction;
mod create_user;
mod delete_bid;
mod delete_user;
mod end_auction;
mod health;
mod list_auctions;
mod list_bids;
mod list_notifications;
mod list_user_bids;
mod mark_read;
mod paging;
mod place_bid;
mod promoter_settings;
mod show_auction;
mod show_command;
mod show_subscriptions;
mod show_user;
mod void_bid;

use crate::body::LONGEST;
use crate::portal::{Portal, Ports};
use crate::problem::Problem;
use auction_domain::{Actor, BidId, UserId};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{delete, get, post, put};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use uuid::Uuid;

/// The table.
pub fn router<P: Ports>(portal: Arc<Portal<P>>) -> Router {
    Router::new()
        .route("/users", post(create_user::create_user::<P>))
        .route("/user/{id}", get(show_user::show_user::<P>).delete(delete_user::delete_user::<P>))
        .route(
            "/subscriptions",
            get(show_subscriptions::show_subscriptions::<P>)
                .put(change_subscriptions::change_subscriptions::<P>),
        )
        .route("/notifications", get(list_notifications::list_notifications::<P>))
        .route("/notifications/read", put(mark_read::mark_read::<P>))
        .route("/user/{id}/bids", get(list_user_bids::list_user_bids::<P>))
        .route("/auctions", get(list_auctions::list_auctions::<P>).post(create_auction::create_auction::<P>))
        .route("/auction/{id}", get(show_auction::show_auction::<P>))
        .route("/auction/{id}/bid", put(place_bid::place_bid::<P>))
        .route("/auction/{id}/bids", get(list_bids::list_bids::<P>))
        .route("/auction/{id}/bid/{bid}", delete(delete_bid::delete_bid::<P>))
        .route("/auction/{id}/bid/{bid}/void", post(void_bid::void_bid::<P>))
        .route("/auction/{id}/end", post(end_auction::end_auction::<P>))
        .route("/auction/{id}/cancel", post(cancel_auction::cancel_auction::<P>))
        .route("/command/{handle}", get(show_command::show_command::<P>))
        .route("/promoter/settings", get(promoter_settings::show::<P>).put(promoter_settings::change::<P>))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz::<P>))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(portal)
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::not_found("unknown_route", &format!("there is nothing at {}", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not possible at {}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail)
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
    let unknown = |_| Problem::not_found("unknown_bid", "there is no such bid in this auction");
    Uuid::try_parse(path).map(BidId).map_err(unknown)
}

/// The user in a path, whose account is the business of nobody but himself and the house.
fn user_in(path: &str, actor: Actor) -> Result<UserId, Problem> {
    let user = Uuid::try_parse(path).map(UserId).ok();
    match (actor, user) {
        (Actor::User(caller), user) if user != Some(caller) => {
            let detail = "an account is its user's own business, and the house's";
            Err(Problem::new(StatusCode::FORBIDDEN, "not_your_account", detail))
        }
        (_, user) => user.ok_or_else(unknown_user),
    }
}

fn unknown_user() -> Problem {
    Problem::not_found("unknown_user", "there is no such user")
}

fn unknown_auction() -> Problem {
    Problem::not_found("unknown_auction", "there is no such auction")
}
