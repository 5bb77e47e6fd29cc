//! Commands of the API, which can be sent repeatedly.

use auction_wire::api::{
    CreateAuctionRequest, CreateUserRequest, PlaceBidRequest, SubscriptionsRequest, VoidBidRequest,
};
use reqwest::Method;
use serde::Serialize;
use uuid::Uuid;

/// Command request with its idempotency key.
pub(crate) struct Command {
    method: Method,
    path: String,
    user: Option<Uuid>,
    key: String,
    if_version: Option<u64>,
    body: Option<String>,
}

/// Returns a random idempotency key.
pub(crate) fn new_idempotency_key() -> String {
    Uuid::new_v4().to_string()
}

impl Command {
    fn new(method: Method, path: impl Into<String>, user: Option<Uuid>, key: String) -> Command {
        Command { method, path: path.into(), user, key, if_version: None, body: None }
    }

    /// Sets the body. Structs with text keys always serialize.
    fn with_body(self, request: &impl Serialize) -> Command {
        Command { body: serde_json::to_string(request).ok(), ..self }
    }

    pub(crate) fn create_user(key: String, request: &CreateUserRequest) -> Command {
        Command::new(Method::POST, "/users", None, key).with_body(request)
    }

    /// `DELETE /user/{id}`, by the user or, if the client is one, an operator.
    pub(crate) fn delete_user(key: String, user: Uuid) -> Command {
        Command::new(Method::DELETE, format!("/user/{user}"), Some(user), key)
    }

    pub(crate) fn create_auction(key: String, seller: Uuid, request: &CreateAuctionRequest) -> Command {
        Command::new(Method::POST, "/auctions", Some(seller), key).with_body(request)
    }

    pub(crate) fn place_bid(key: String, auction: Uuid, bidder: Uuid, request: &PlaceBidRequest) -> Command {
        let path = format!("/auction/{auction}/bid");
        Command::new(Method::PUT, path, Some(bidder), key).with_body(request)
    }

    pub(crate) fn end_auction(key: String, auction: Uuid, seller: Uuid) -> Command {
        Command::new(Method::POST, format!("/auction/{auction}/end"), Some(seller), key)
    }

    /// `POST /auction/{id}/cancel`, by the seller or, without a seller, an operator.
    pub(crate) fn cancel_auction(key: String, auction: Uuid, seller: Option<Uuid>) -> Command {
        Command::new(Method::POST, format!("/auction/{auction}/cancel"), seller, key)
    }

    /// `POST /auction/{id}/bid/{bid}/void`, by an operator.
    pub(crate) fn void_bid(key: String, auction: Uuid, bid: Uuid, request: &VoidBidRequest) -> Command {
        let path = format!("/auction/{auction}/bid/{bid}/void");
        Command::new(Method::POST, path, None, key).with_body(request)
    }

    pub(crate) fn change_subscriptions(key: String, user: Uuid, request: &SubscriptionsRequest) -> Command {
        Command::new(Method::PUT, "/subscriptions", Some(user), key).with_body(request)
    }

    /// Makes the command conditional on the version of the auction.
    pub(crate) fn if_version(self, version: Option<u64>) -> Command {
        Command { if_version: version, ..self }
    }

    pub(super) fn if_match(&self) -> Option<u64> {
        self.if_version
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn user(&self) -> Option<Uuid> {
        self.user
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }
}
