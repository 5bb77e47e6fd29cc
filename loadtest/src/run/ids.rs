//! Ids of the users and auctions of a run, by the numbers used in its plan.

use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use auction_app::ingress::command_gateway::{command_id, fingerprint};
use auction_domain::Timestamp;
use auction_wire::CommandId;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Clone)]
pub(crate) struct RunIds {
    pub(crate) users: Vec<Uuid>,
    pub(crate) auctions: Vec<Uuid>,
    /// Start of the load, by the clock of the load generator.
    pub(crate) began: Timestamp,
}

impl RunIds {
    pub(crate) fn user(&self, request: &PlannedRequest) -> Uuid {
        self.users[request.user as usize]
    }

    pub(crate) fn auction(&self, request: &PlannedRequest) -> Uuid {
        self.auctions[request.auction as usize]
    }

    /// Path of the bid resource, as the ingress fingerprints it.
    fn bid_path(&self, request: &PlannedRequest) -> String {
        format!("/auction/{}/bid", self.auction(request))
    }

    /// Returns the id of the bid with the idempotency key of the request.
    pub(crate) fn bid_with_key(&self, request: &PlannedRequest) -> Option<Uuid> {
        let key = (request.key > 0).then(|| key_of_bid(request.key))?;
        Some(command_id(&self.user(request).to_string(), "PUT", &self.bid_path(request), Some(&key)).0)
    }

    /// Returns the id of the command that the request becomes; none if the request has no key and the portal
    /// assigns the id.
    pub(crate) fn command(&self, request: &PlannedRequest) -> Option<CommandId> {
        match request.operation {
            Operation::BidDelete => {
                let path = format!("{}/{}", self.bid_path(request), self.bid_with_key(request)?);
                let key = key_of_deletion(request.key);
                Some(command_id(&self.user(request).to_string(), "DELETE", &path, Some(&key)))
            }
            operation if operation.is_bid() => self.bid_with_key(request).map(CommandId),
            _ => None,
        }
    }

    /// Returns the numbers of the auctions by their ids.
    pub(crate) fn auction_numbers(&self) -> HashMap<Uuid, u32> {
        (0..).zip(&self.auctions).map(|(n, id)| (*id, n)).collect()
    }
}

/// Returns the idempotency key of a bid.
pub(crate) fn key_of_bid(key: u32) -> String {
    format!("bid-{key}")
}

/// Returns the idempotency key of a deletion.
pub(crate) fn key_of_deletion(key: u32) -> String {
    format!("deletion-{key}")
}

/// Returns the fingerprint that the ingress stores with the outcome of a bid of this amount.
pub(crate) fn fingerprint_of(amount: u64) -> u64 {
    fingerprint(format!("{{\"amount\":{amount}}}").as_bytes())
}
