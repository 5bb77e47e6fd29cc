//! Who and what takes part: the ids behind the numbers of a plan.

use crate::run::mix::Operation;
use crate::run::plan::PlannedRequest;
use auction_app::ingress::command_gateway::{command_id, fingerprint};
use auction_domain::Timestamp;
use auction_wire::CommandId;
use std::collections::HashMap;
use uuid::Uuid;

/// Users and auctions of a run.
pub(crate) struct RunIds {
    pub(crate) users: Vec<Uuid>,
    pub(crate) auctions: Vec<Uuid>,
    /// When the load began, by our clock.
    pub(crate) began: Timestamp,
}

impl RunIds {
    pub(crate) fn user(&self, ask: &PlannedRequest) -> Uuid {
        self.users[ask.user as usize]
    }

    pub(crate) fn auction(&self, ask: &PlannedRequest) -> Uuid {
        self.auctions[ask.auction as usize]
    }

    /// The path of a bid on the auction, as the ingress has it.
    fn bid_path(&self, ask: &PlannedRequest) -> String {
        format!("/auction/{}/bid", self.auction(ask))
    }

    /// The id of the bid that has the key of a request.
    pub(crate) fn bid_with_key(&self, ask: &PlannedRequest) -> Option<Uuid> {
        let key = (ask.key > 0).then(|| key_of_bid(ask.key))?;
        Some(command_id(&self.user(ask).to_string(), "PUT", &self.bid_path(ask), Some(&key)).0)
    }

    /// The id of the command that a request becomes, if it can be known beforehand.
    pub(crate) fn command(&self, ask: &PlannedRequest) -> Option<CommandId> {
        match ask.what {
            Operation::Deletion => {
                let path = format!("{}/{}", self.bid_path(ask), self.bid_with_key(ask)?);
                let key = key_of_deletion(ask.key);
                Some(command_id(&self.user(ask).to_string(), "DELETE", &path, Some(&key)))
            }
            what if what.places() => self.bid_with_key(ask).map(CommandId),
            _ => None,
        }
    }

    /// By id.
    pub(crate) fn auction_numbers(&self) -> HashMap<Uuid, u32> {
        (0..).zip(&self.auctions).map(|(n, id)| (*id, n)).collect()
    }
}

/// How the key of a bid is written.
pub(crate) fn key_of_bid(key: u32) -> String {
    format!("bid-{key}")
}

/// How the key of a deletion is written.
pub(crate) fn key_of_deletion(key: u32) -> String {
    format!("deletion-{key}")
}

/// The fingerprint of a bid of so much, which the ingress stores with its outcome.
pub(crate) fn fingerprint_of(amount: u64) -> u64 {
    fingerprint(format!("{{\"amount\":{amount}}}").as_bytes())
}
