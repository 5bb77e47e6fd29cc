//! Commitments to the draws of an auction, made when it is created.

use super::CurrentOptions;
use auction_domain::AuctionId;
use auction_domain::auction::{Commitment, Promotion, Seed};
use std::sync::Arc;

/// Key that the seeds of all auctions are derived from. All processes of a portal share it.
#[derive(Clone)]
pub struct DrawSecret(Vec<u8>);

impl DrawSecret {
    /// Creates the key from at least 32 random bytes; `None` if there are fewer.
    pub fn new(secret: &[u8]) -> Option<DrawSecret> {
        (secret.len() >= 32).then(|| DrawSecret(secret.to_vec()))
    }
}

/// Creates the commitments of auctions, and derives their seeds.
#[derive(Clone)]
pub struct DrawCommitments {
    secret: DrawSecret,
    current: Arc<CurrentOptions>,
}

impl DrawCommitments {
    pub fn new(secret: DrawSecret, current: Arc<CurrentOptions>) -> DrawCommitments {
        DrawCommitments { secret, current }
    }

    pub fn current(&self) -> &CurrentOptions {
        &self.current
    }

    /// Returns the promotion of an auction that is created now.
    pub fn of(&self, auction: AuctionId) -> Promotion {
        let commitment = auction_promoter::Seed(self.seed(auction).0).commitment();
        Promotion { interval: self.current.now().interval(), commitment: Commitment(commitment) }
    }

    /// Returns the seed of an auction. It must not leave this process before the auction is over.
    pub fn seed(&self, auction: AuctionId) -> Seed {
        Seed(auction_promoter::Seed::derived(&self.secret.0, auction.0).0)
    }
}
