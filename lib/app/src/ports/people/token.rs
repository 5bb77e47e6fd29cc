//! Tokens: 256 random bits known only to their owner. The portal stores their hash.

use super::Role;
use crate::ports::Unavailable;
use auction_domain::{Timestamp, UserId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::num::NonZeroU32;
use uuid::Uuid;

/// Length of 32 bytes in base64url.
const LENGTH: usize = 43;

/// Kind of a token, visible in its prefix for people and for secret scanners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Token of a user who signed in.
    Session,
    /// API key of a program.
    ApiKey,
}

impl TokenKind {
    const ALL: [TokenKind; 2] = [TokenKind::Session, TokenKind::ApiKey];

    fn prefix(self) -> &'static str {
        match self {
            TokenKind::Session => "aps_",
            TokenKind::ApiKey => "apk_",
        }
    }
}

/// SHA-256 of a token. A slow hash is not needed: a token has 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Hashes a token; none if the text does not have the format of a token.
    pub fn of(token: &str) -> Option<TokenHash> {
        let rest = TokenKind::ALL.iter().find_map(|kind| token.strip_prefix(kind.prefix()))?;
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (rest.len() == LENGTH && rest.bytes().all(is_base64url))
            .then(|| TokenHash(Sha256::digest(token).into()))
    }
}

impl TokenHash {
    /// Returns the id under which the token is recorded: its first 16 bytes, which do not reveal the token.
    pub fn id(&self) -> Uuid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[..16]);
        Uuid::from_bytes(bytes)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// Creates a random token. Returns it with its hash.
pub fn new_token(kind: TokenKind) -> Result<(String, TokenHash), Unavailable> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Unavailable::new("random numbers", error))?;
    let token = format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes));
    let hash = TokenHash(Sha256::digest(&token).into());
    Ok((token, hash))
}

/// Identity that a token proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenIdentity {
    pub principal: PrincipalKind,
    pub role: Role,
    pub expires_at: Timestamp,
}

/// Owner of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    User(UserId),
    /// A program with an API key. It may act for users.
    Service {
        /// The rate limit of this API key, in requests per second, if it has one.
        per_second: Option<NonZeroU32>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn token_has_256_random_bits_and_matches_its_hash() {
        let mut seen = BTreeSet::new();
        for kind in TokenKind::ALL {
            let (token, hash) = new_token(kind).unwrap();
            let bits = URL_SAFE_NO_PAD.decode(&token[4..]).unwrap();
            assert_eq!((bits.len(), TokenHash::of(&token)), (32, Some(hash)));
            assert!(seen.insert(bits));
        }
    }

    #[test]
    fn malformed_token_has_no_hash() {
        let (token, _) = new_token(TokenKind::Session).unwrap();
        for wrong in
            ["", "aps_", &token[4..], &token[..46], &format!("{token}a"), &token.replace("aps", "apx")]
        {
            assert_eq!(TokenHash::of(wrong), None, "{wrong}");
        }
        assert_eq!(TokenHash::of(&format!("aps_{}", "!".repeat(43))), None);
    }
}
