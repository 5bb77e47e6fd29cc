//! Commands of the API, which can be sent repeatedly.

use auction_wire::command::create_auction::CreateAuctionRequest;
use auction_wire::command::create_user::CreateUserRequest;
use auction_wire::command::place_bid::PlaceBidRequest;
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
    /// Creates a command without a body, sent as `user` or, without one, as the operator or API key of the client.
    pub(crate) fn new(method: Method, path: impl Into<String>, user: Option<Uuid>, key: String) -> Command {
        Command { method, path: path.into(), user, key, if_version: None, body: None }
    }

    /// Sets the body. Structs with text keys always serialize.
    pub(crate) fn with_body(self, request: &impl Serialize) -> Command {
        Command { body: serde_json::to_string(request).ok(), ..self }
    }

    pub(crate) fn create_user(key: String, request: &CreateUserRequest) -> Command {
        Command::new(Method::POST, "/users", None, key).with_body(request)
    }

    pub(crate) fn create_auction(key: String, seller: Uuid, request: &CreateAuctionRequest) -> Command {
        Command::new(Method::POST, "/auctions", Some(seller), key).with_body(request)
    }

    pub(crate) fn place_bid(key: String, auction: Uuid, bidder: Uuid, request: &PlaceBidRequest) -> Command {
        let path = format!("/auction/{auction}/bid");
        Command::new(Method::PUT, path, Some(bidder), key).with_body(request)
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
