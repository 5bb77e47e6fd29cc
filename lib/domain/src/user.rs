//! The user: an account that bids and sells. No name, no address: personal data never enters an event.

mod change_notification_preferences;
mod create;
mod delete;
mod notification_preferences;

pub use change_notification_preferences::{ChangeNotificationPreferences, ChangeSubscriptionsRefusal};
pub use create::{CreateUser, CreateUserRefusal};
pub use delete::{DeleteUser, DeleteUserRefusal};
pub use notification_preferences::{NotificationKind, NotificationPreferences};

use crate::{Details, Refused};

/// What happened to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserEvent {
    /// The account exists.
    UserCreated,
    /// The account is gone for good.
    UserDeleted,
    /// He wants to be told this, and nothing else.
    SubscriptionsChanged(NotificationPreferences),
}

/// A user as his events tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    version: u64,
    deleted: bool,
    subscriptions: NotificationPreferences,
}

/// Everything that can be asked of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCommand {
    /// Open an account.
    CreateUser(CreateUser),
    /// Delete it.
    DeleteUser(DeleteUser),
    /// Choose what to be told.
    ChangeSubscriptions(ChangeNotificationPreferences),
}

impl UserCommand {
    /// Decides the command on the user as he is now (`None`: there is none of that id).
    pub fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, Refused> {
        match self {
            UserCommand::CreateUser(command) => Ok(command.decide(user)?),
            UserCommand::DeleteUser(command) => Ok(command.decide(user)?),
            UserCommand::ChangeSubscriptions(command) => Ok(command.decide(user)?),
        }
    }

    /// What the sender of an accepted command is told besides ids and version.
    pub fn facts(&self) -> Details {
        Details::new()
    }
}

impl User {
    /// Folds one event into the state. `None` stands for a user that does not exist yet.
    pub fn apply(user: &mut Option<User>, event: &UserEvent) {
        let new = User { version: 0, deleted: false, subscriptions: NotificationPreferences::default() };
        let user = user.get_or_insert(new);
        user.version += 1;
        match event {
            UserEvent::UserCreated => {}
            UserEvent::UserDeleted => {
                (user.deleted, user.subscriptions) = (true, NotificationPreferences::NONE)
            }
            UserEvent::SubscriptionsChanged(to) => user.subscriptions = *to,
        }
    }

    /// How many events there have been.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What he wants to be told.
    pub fn subscriptions(&self) -> NotificationPreferences {
        self.subscriptions
    }

    /// Whether the account was deleted.
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }
}
