//! Promotion: in each interval one live bid may be drawn by lot, and counts twice from then on.
//!
//! The house cannot choose. Before the first bid it commits itself to a secret seed; which bids a draw looks
//! at follows from its number; every interval leaves an event; and when the auction is over the seed is
//! shown. How a bid is drawn from all that is the promoter's business, and anybody can do it again.

use crate::{BidId, DurationMs, PromoterOptions, Timestamp};
use sha2::{Digest, Sha256};
use std::fmt;

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// From 64 hexadecimal digits.
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
    /// What all draws of one auction are held with. A secret until the auction is over.
    Seed
);
bytes!(
    /// The SHA-256 of a seed: with it nobody can take another seed later, or guess this one.
    Commitment
);
bytes!(
    /// Binds one draw to everything that it looked at.
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
    /// Whether that is the seed.
    pub fn is_to(&self, seed: &Seed) -> bool {
        Sha256::digest(seed.0)[..] == self.0
    }
}

/// Agreed when an auction is created: how often there is a draw, and that nobody can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// How long an interval is. Draw 1 is due one interval after the start, draw 2 after two, and so on.
    pub every: DurationMs,
    /// To the seed of all draws.
    pub commitment: Commitment,
}

impl Promotion {
    /// In milliseconds, never zero.
    pub(super) fn interval(&self) -> u64 {
        u64::from(self.every.0.max(1))
    }
}

/// One draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Its number in its auction, from 1.
    pub number: u64,
    /// The version of the auction that it looked at: the one when it was due.
    pub at_version: u64,
    /// The options that it was held with.
    pub options: PromoterOptions,
    /// The version of the promoter's settings that they are from; zero if from no operator.
    pub settings_version: u64,
    /// Among how many bids was drawn.
    pub eligible: u32,
    /// Which bid was drawn, if any.
    pub chosen: Option<BidId>,
    /// Binds it to what it looked at.
    pub proof: Proof,
}

/// What an auction knows of its draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draws {
    /// Up to which number draws are held, or known to be missed.
    pub recorded: u64,
    /// Which draw was the last to become due before the newest event.
    pub due: u64,
    /// The version of the auction when it did.
    pub due_at_version: u64,
    /// When the auction was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// The seed, once it is revealed.
    pub seed: Option<Seed>,
}

impl Draws {
    /// Another event follows on `version`, at a time when `due` draws are due.
    pub(super) fn pass(&mut self, due: u64, version: u64) {
        if due > self.due {
            self.due = due;
            self.due_at_version = version;
        }
    }
}

impl super::Auction {
    /// The version that a draw looks at which is the last to be due by now.
    pub(super) fn version_when_due(&self, draw: u64) -> u64 {
        if draw == self.draws.due { self.draws.due_at_version } else { self.version }
    }

    /// How many draws there should have been, when the auction is final.
    pub fn draws_in_all(&self) -> u64 {
        let over_at = self.draws.cancelled_at.map_or(self.ends_at, |at| at.min(self.ends_at));
        // A draw that is due at the very end is none: bidding is over.
        self.terms.draws_due(over_at - DurationMs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_is_to_one_seed() {
        // SHA-256 of 32 zero bytes, as any other program says.
        let zeros = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        let commitment = Commitment::from_hex(zeros).unwrap();
        assert!(commitment.is_to(&Seed([0; 32])));
        assert!(!commitment.is_to(&Seed([1; 32])));
        assert_eq!(commitment.to_string(), zeros);
    }

    #[test]
    fn only_64_hexadecimal_digits_are_read() {
        for wrong in ["", "0", &"0".repeat(63), &"g".repeat(64), &"é".repeat(32), &"+f".repeat(32)] {
            assert_eq!(Seed::from_hex(wrong), None, "{wrong}");
        }
    }
}
