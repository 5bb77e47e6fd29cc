//! Bars of deleted users. A bar is the point in the order of a partition from which the partition refuses the
//! bids and auctions of these users.
//!
//! A user and the auctions they bid in are usually in different partitions, which share no transaction. So a
//! deletion reaches each partition as a command of its own. What the users did before the bar is removed after
//! it. Each bar is an aggregate with one event, so that every bar changes the head of its partition: a writer that
//! does not know the bar cannot append anything after it.

mod bar_users;

pub use bar_users::BarUsers;

use crate::{Details, RefusalInfo, UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BarEvent {
    UsersBarred { users: Vec<UserId> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BarCommand {
    BarUsers(BarUsers),
}

/// State of a bar: it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserBar;

impl BarCommand {
    pub fn decide(&self, bar: Option<&UserBar>) -> Result<Vec<BarEvent>, RefusalInfo> {
        match self {
            BarCommand::BarUsers(command) => command.decide(bar),
        }
    }

    /// Returns the details of the accepted command's outcome: none.
    pub fn details(&self) -> Details {
        Details::new()
    }
}

impl UserBar {
    /// Applies the only event of a bar.
    pub fn apply(bar: &mut Option<UserBar>, BarEvent::UsersBarred { .. }: &BarEvent) {
        *bar = Some(UserBar);
    }

    /// Returns the number of events: one.
    pub fn version(&self) -> u64 {
        1
    }
}
