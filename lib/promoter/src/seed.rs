//! Seed of an auction's draws.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// Precedes the id in the input of the derivation, so that the same secret can be used for other purposes.
const PURPOSE: &[u8] = b"auction-promoter/seed/1";

/// Secret of one auction from which all its draws are computed: 32 bytes.
///
/// Publish the [`commitment`](Seed::commitment) before the first bid, and the seed after the auction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// Derives the seed of one auction: HMAC-SHA-256 of its id, keyed with a long-lived secret.
    ///
    /// ```
    /// use auction_promoter::Seed;
    /// use uuid::Uuid;
    ///
    /// let seed = Seed::derived(b"long-lived secret", Uuid::from_u128(1));
    /// assert_eq!(seed, Seed::derived(b"long-lived secret", Uuid::from_u128(1)));
    /// assert_ne!(seed, Seed::derived(b"long-lived secret", Uuid::from_u128(2)));
    /// ```
    pub fn derived(secret: &[u8], auction: Uuid) -> Seed {
        Seed(mac(secret, &[PURPOSE, auction.as_bytes()]))
    }

    /// Returns the SHA-256 of the seed. Safe to publish early: it does not reveal the seed, and no other seed
    /// matches it.
    pub fn commitment(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// Hides the bytes, so that the seed does not leak into logs.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Computes the HMAC-SHA-256 of the concatenated parts.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC accepts keys of any length")
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn hmac_matches_the_standard() {
        // RFC 4231, test case 2.
        let mac = mac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn commitment_is_the_sha256_of_the_seed() {
        // SHA-256 of 32 zero bytes, computed by another program.
        let zeros = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(hex(&Seed([0; 32]).commitment()), zeros);
    }

    #[test]
    fn debug_output_hides_the_seed() {
        assert_eq!(format!("{:?}", Seed([7; 32])), "Seed(..)");
    }
}
