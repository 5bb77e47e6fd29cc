//! Who asks.

use crate::UserId;

/// On whose behalf a command was sent. Whether the sender may call himself that was settled before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person with an account.
    User(UserId),
    /// Somebody of the house, who may end, cancel and void.
    Operator,
    /// The portal itself: the auctioneer, the promoter, the sequel of a deleted account.
    Portal,
}

impl Actor {
    /// The house may do what a seller may, and more.
    pub(crate) fn is_house(self) -> bool {
        matches!(self, Actor::Operator | Actor::Portal)
    }
}
