//! Aliases of bidders: pseudonyms that are the same within one auction and unrelated across auctions. The
//! alias can be computed from the user id, so that users recognize their own bids.

use auction_domain::{AuctionId, UserId};
use uuid::Uuid;

/// Returns the alias of a user in an auction: eight hexadecimal digits, such as `3fa9c1d2`.
pub fn alias(auction: AuctionId, user: UserId) -> String {
    let derived = Uuid::new_v5(&auction.0, user.0.as_bytes());
    format!("{:08x}", derived.as_fields().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alias_is_stable_in_an_auction_and_differs_across_auctions() {
        let user = UserId(Uuid::from_u128(7));
        let (one, two) = (AuctionId(Uuid::from_u128(1)), AuctionId(Uuid::from_u128(2)));
        assert_eq!(alias(one, user), alias(one, user));
        assert_ne!(alias(one, user), alias(two, user));
        assert_eq!(alias(one, user).len(), 8);
    }
}
