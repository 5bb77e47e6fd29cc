//! Actors: users, operators and the portal, who send commands.

use crate::UserId;
use uuid::Uuid;

/// Sender on whose behalf a command was sent. The ingress has authenticated the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    User(UserId),
    /// Person or program that runs the installation, and may end and cancel auctions and void bids.
    Operator(OperatorId),
    /// The portal itself: the auctioneer, the promoter, and the process that follows a user deletion.
    Portal,
}

/// Identity of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorId {
    User(UserId),
    /// Id of the API key of a program.
    ApiKey(Uuid),
    /// A gateway named the role alone, or the command was sent before operators were recorded.
    Unidentified,
}

impl Actor {
    /// Operators and the portal may do what a seller may, on every auction.
    pub(crate) fn is_privileged(self) -> bool {
        matches!(self, Actor::Operator(_) | Actor::Portal)
    }
}
