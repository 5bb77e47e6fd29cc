//! Promotion: in each interval, a draw can select one active bid and double it.
//!
//! Draws are verifiable. The portal commits itself to a secret seed before the first bid, and publishes the
//! seed after the auction. Until then it cannot influence a draw: the number of the draw determines the
//! version of the auction that it uses, and every interval is recorded, as held or missed. The crate
//! `auction-promoter` computes the drawn bid from the seed, so that everyone can repeat the draw.

use crate::{BidId, DurationMs, PromoterOptions, Timestamp};
use sha2::{Digest, Sha256};
use std::fmt;

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// Parses 64 hexadecimal digits.
            pub fn from_hex(text: &str) -> Option<$name> {
                from_hex(text).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

bytes!(
    /// Source of randomness of all draws of one auction. Secret until the auction is over.
    Seed
);
bytes!(
    /// SHA-256 of a seed. It hides the seed, and no other seed matches it.
    Commitment
);
bytes!(
    /// Message authentication code of a draw's complete input, keyed with the seed.
    Proof
);

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl Commitment {
    /// Whether this is the commitment to `seed`.
    pub fn commits_to(&self, seed: &Seed) -> bool {
        Sha256::digest(seed.0)[..] == self.0
    }
}

/// Draws of an auction, fixed when the auction is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// Time between draws. Draw 1 is due one interval after the start of bidding.
    pub interval: DurationMs,
    /// Commitment to the seed of all draws.
    pub commitment: Commitment,
}

impl Promotion {
    /// Returns the interval in milliseconds, never zero.
    pub(super) fn interval_ms(&self) -> u64 {
        u64::from(self.interval.0.max(1))
    }
}

/// Draw that was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Number of the draw in its auction, from 1.
    pub number: u64,
    /// Version of the auction that the draw used: the version at which the draw became due.
    pub at_version: u64,
    /// Options of the promoter.
    pub options: PromoterOptions,
    /// Version of the promoter settings that contain the options; zero for those of the settings file.
    pub settings_version: u64,
    /// Number of bids that could be drawn.
    pub eligible: u32,
    /// Drawn bid; `None` if the draw selected no bid.
    pub chosen: Option<BidId>,
    pub proof: Proof,
}

/// State of an auction's draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draws {
    /// Number of the last draw that was held or recorded as missed.
    pub recorded: u64,
    /// Number of the last draw that was due at the time of the newest event.
    pub due: u64,
    /// Version of the auction at which that draw became due.
    pub due_at_version: u64,
    pub cancelled_at: Option<Timestamp>,
    /// Seed, once it is revealed.
    pub seed: Option<Seed>,
}

impl Draws {
    /// Called before each event with the number of draws due at its time and the version before it.
    pub(super) fn advance(&mut self, due: u64, version: u64) {
        if due > self.due {
            self.due = due;
            self.due_at_version = version;
        }
    }
}

impl super::Auction {
    /// Returns the version at which a draw became due. `draw` must be the last draw that is due.
    pub(super) fn version_when_due(&self, draw: u64) -> u64 {
        if draw == self.draws.due { self.draws.due_at_version } else { self.version }
    }

    /// Returns the number of draws that a final auction should have had.
    pub fn total_draws(&self) -> u64 {
        let over_at = self.draws.cancelled_at.map_or(self.ends_at, |at| at.min(self.ends_at));
        // A draw due at the very end is not held: bidding is over then.
        self.terms.draws_due(over_at - DurationMs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitment_matches_one_seed_only() {
        // SHA-256 of 32 zero bytes, computed by another program.
        let zeros = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        let commitment = Commitment::from_hex(zeros).unwrap();
        assert!(commitment.commits_to(&Seed([0; 32])));
        assert!(!commitment.commits_to(&Seed([1; 32])));
        assert_eq!(commitment.to_string(), zeros);
    }

    #[test]
    fn only_64_hexadecimal_digits_are_parsed() {
        for wrong in ["", "0", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32), &"+f".repeat(32)] {
            assert_eq!(Seed::from_hex(wrong), None, "{wrong}");
        }
    }
}
