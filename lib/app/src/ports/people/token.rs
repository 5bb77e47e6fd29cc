//! Tokens: 256 random bits that their owner alone has. Everybody else has their hash.

use super::Role;
use crate::ports::Unavailable;
use auction_domain::{Timestamp, UserId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::num::NonZeroU32;

/// 32 bytes in base64url.
const LENGTH: usize = 43;

/// What it is for, so that people, and programs that look for secrets in places where none should be, can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Of a person who signed in.
    Session,
    /// Of a program.
    ServiceKey,
}

impl TokenKind {
    const ALL: [TokenKind; 2] = [TokenKind::Session, TokenKind::ServiceKey];

    fn prefix(self) -> &'static str {
        match self {
            TokenKind::Session => "aps_",
            TokenKind::ServiceKey => "apk_",
        }
    }
}

/// SHA-256 of a token. It has all the randomness that there is, so that nothing slower is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Of a token as it was given; none if it cannot be one of ours, whatever is stored.
    pub fn of(token: &str) -> Option<TokenHash> {
        let rest = TokenKind::ALL.iter().find_map(|kind| token.strip_prefix(kind.prefix()))?;
        let ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (rest.len() == LENGTH && rest.bytes().all(ours)).then(|| TokenHash(Sha256::digest(token).into()))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// A token that nobody had before, and its hash.
pub fn fresh(kind: TokenKind) -> Result<(String, TokenHash), Unavailable> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Unavailable::new("random numbers", error))?;
    let token = format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(bytes));
    let hash = TokenHash(Sha256::digest(&token).into());
    Ok((token, hash))
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenIdentity {
    /// Whose it is.
    pub who: PrincipalKind,
    /// What he may do.
    pub role: Role,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Who has a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A user.
    User(UserId),
    /// A program, which may act for users.
    Service {
        /// So many requests a second are its own limit, if it has one.
        per_second: Option<NonZeroU32>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_token_has_256_random_bits_and_is_known_by_its_hash() {
        let mut seen = BTreeSet::new();
        for kind in TokenKind::ALL {
            let (token, hash) = fresh(kind).unwrap();
            let bits = URL_SAFE_NO_PAD.decode(&token[4..]).unwrap();
            assert_eq!((bits.len(), TokenHash::of(&token)), (32, Some(hash)));
            assert!(seen.insert(bits));
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_up() {
        let (token, _) = fresh(TokenKind::Session).unwrap();
        for wrong in
            ["", "aps_", &token[4..], &token[..46], &format!("{token}a"), &token.replace("aps", "apx")]
        {
            assert_eq!(TokenHash::of(wrong), None, "{wrong}");
        }
        assert_eq!(TokenHash::of(&format!("aps_{}", "!".repeat(43))), None);
    }
}
