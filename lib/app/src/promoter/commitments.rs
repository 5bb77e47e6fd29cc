//! What is promised of an auction's draws when it is created.

use super::CurrentOptions;
use auction_domain::AuctionId;
use auction_domain::auction::{Commitment, Promotion, Seed};
use std::sync::Arc;

/// What the seeds of all auctions are derived from; shared by all processes of a portal.
#[derive(Clone)]
pub struct DrawSecret(Vec<u8>);

impl DrawSecret {
    /// From at least 32 random bytes.
    pub fn new(secret: &[u8]) -> Option<DrawSecret> {
        (secret.len() >= 32).then(|| DrawSecret(secret.to_vec()))
    }
}

/// Makes promises, and knows what it takes to keep them.
#[derive(Clone)]
pub struct DrawCommitments {
    secret: DrawSecret,
    current: Arc<CurrentOptions>,
}

impl DrawCommitments {
    /// With that secret, by the current options.
    pub fn new(secret: DrawSecret, current: Arc<CurrentOptions>) -> DrawCommitments {
        DrawCommitments { secret, current }
    }

    /// The options.
    pub fn current(&self) -> &CurrentOptions {
        &self.current
    }

    /// What is promised of an auction that is created now.
    pub fn of(&self, auction: AuctionId) -> Promotion {
        let commitment = auction_promoter::Seed(self.seed(auction).0).commitment();
        Promotion { every: self.current.now().every(), commitment: Commitment(commitment) }
    }

    /// The seed of an auction. It leaves this process when the auction is over, and not before.
    pub fn seed(&self, auction: AuctionId) -> Seed {
        Seed(auction_promoter::Seed::derived(&self.secret.0, auction.0).0)
    }
}
