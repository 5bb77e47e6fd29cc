//! What the lots of one auction are drawn with.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// Goes before the id in what a seed is derived from, so that the same secret can serve other ends.
const PURPOSE: &[u8] = b"auction-promoter/seed/1";

/// 32 bytes that nobody knows before the end of the auction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// The seed of one auction: HMAC-SHA-256 of its id, with a secret of the house as key.
    ///
    /// ```
    /// use auction_promoter::Seed;
    /// use uuid::Uuid;
    ///
    /// let seed = Seed::derived(b"a secret of the house", Uuid::from_u128(1));
    /// assert_eq!(seed, Seed::derived(b"a secret of the house", Uuid::from_u128(1)));
    /// assert_ne!(seed, Seed::derived(b"a secret of the house", Uuid::from_u128(2)));
    /// ```
    pub fn derived(secret: &[u8], auction: Uuid) -> Seed {
        Seed(mac(secret, &[PURPOSE, auction.as_bytes()]))
    }

    /// Its SHA-256, which can be shown before: it tells nothing, and no other seed has it.
    pub fn commitment(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// A seed is a secret until it is published on purpose, and logs are not the place.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// HMAC-SHA-256 of several parts, one behind the other.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { unreachable!("any key will do") };
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
    fn hmac_is_that_of_the_standard() {
        // RFC 4231, test case 2.
        let mac = mac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_commitment_is_the_sha256_of_the_seed() {
        // Of 32 zero bytes, as any other program says.
        let zeros = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(hex(&Seed([0; 32]).commitment()), zeros);
    }

    #[test]
    fn a_seed_does_not_show_in_logs() {
        assert_eq!(format!("{:?}", Seed([7; 32])), "Seed(..)");
    }
}
