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
    pub(crate) fn create_user(key: String, request: &CreateUserRequest) -> Command {
        Command {
            method: Method::POST,
            path: "/users".to_owned(),
            user: None,
            key,
            if_version: None,
            body: json(request),
        }
    }

    /// `DELETE /user/{id}`, by the user or, if the client is one, an operator.
    pub(crate) fn delete_user(key: String, user: Uuid) -> Command {
        let path = format!("/user/{user}");
        Command { method: Method::DELETE, path, user: Some(user), key, if_version: None, body: None }
    }

    pub(crate) fn create_auction(key: String, seller: Uuid, request: &CreateAuctionRequest) -> Command {
        let path = "/auctions".to_owned();
        Command { method: Method::POST, path, user: Some(seller), key, if_version: None, body: json(request) }
    }

    pub(crate) fn place_bid(key: String, auction: Uuid, bidder: Uuid, request: &PlaceBidRequest) -> Command {
        let path = format!("/auction/{auction}/bid");
        Command { method: Method::PUT, path, user: Some(bidder), key, if_version: None, body: json(request) }
    }

    pub(crate) fn end_auction(key: String, auction: Uuid, seller: Uuid) -> Command {
        let path = format!("/auction/{auction}/end");
        Command { method: Method::POST, path, user: Some(seller), key, if_version: None, body: None }
    }

    /// `POST /auction/{id}/cancel`, by the seller or, without a seller, an operator.
    pub(crate) fn cancel_auction(key: String, auction: Uuid, seller: Option<Uuid>) -> Command {
        let path = format!("/auction/{auction}/cancel");
        Command { method: Method::POST, path, user: seller, key, if_version: None, body: None }
    }

    /// `POST /auction/{id}/bid/{bid}/void`, by an operator.
    pub(crate) fn void_bid(key: String, auction: Uuid, bid: Uuid, request: &VoidBidRequest) -> Command {
        let path = format!("/auction/{auction}/bid/{bid}/void");
        Command { method: Method::POST, path, user: None, key, if_version: None, body: json(request) }
    }

    /// Makes the command conditional on the version of the auction.
    pub(crate) fn if_version(self, version: Option<u64>) -> Command {
        Command { if_version: version, ..self }
    }

    pub(super) fn if_match(&self) -> Option<u64> {
        self.if_version
    }

    pub(crate) fn change_subscriptions(key: String, user: Uuid, request: &SubscriptionsRequest) -> Command {
        let path = "/subscriptions".to_owned();
        Command { method: Method::PUT, path, user: Some(user), key, if_version: None, body: json(request) }
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

/// Serializes a request. Structs with text keys always serialize.
fn json(request: &impl Serialize) -> Option<String> {
    serde_json::to_string(request).ok()
}
