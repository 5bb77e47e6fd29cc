//! Users: accounts that bid and sell. Names and addresses are personal data and never enter an event.

mod change_notification_preferences;
mod create;
mod delete;
mod notification_preferences;

pub use change_notification_preferences::ChangeNotificationPreferences;
pub use create::CreateUser;
pub use delete::DeleteUser;
pub use notification_preferences::{NotificationKind, NotificationPreferences};

use crate::refusal::refusals;
use crate::{Details, RefusalInfo};

refusals! {
    UnknownUser = Unknown("unknown_user", "there is no such user",
        "Check the id. An account that was just created may not be visible yet: send the Consistency-Token of \
         the command.");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserEvent {
    UserCreated,
    /// The user was deleted. Final: the id is never used again.
    UserDeleted,
    /// The complete preferences from now on.
    NotificationPreferencesChanged(NotificationPreferences),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    version: u64,
    deleted: bool,
    notification_preferences: NotificationPreferences,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCommand {
    CreateUser(CreateUser),
    DeleteUser(DeleteUser),
    ChangeNotificationPreferences(ChangeNotificationPreferences),
}

impl UserCommand {
    /// Decides the command on the current state; `None` stands for a user that does not exist.
    pub fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, RefusalInfo> {
        match self {
            UserCommand::CreateUser(command) => command.decide(user),
            UserCommand::DeleteUser(command) => command.decide(user),
            UserCommand::ChangeNotificationPreferences(command) => command.decide(user),
        }
    }

    /// Returns the details of the accepted command's outcome: none.
    pub fn details(&self) -> Details {
        Details::new()
    }
}

impl User {
    /// Applies one event. `None` stands for a user that does not exist yet.
    pub fn apply(user: &mut Option<User>, event: &UserEvent) {
        let user = user.get_or_insert(User {
            version: 0,
            deleted: false,
            notification_preferences: NotificationPreferences::default(),
        });
        user.version += 1;
        match event {
            UserEvent::UserCreated => {}
            UserEvent::UserDeleted => {
                user.deleted = true;
                user.notification_preferences = NotificationPreferences::NONE;
            }
            UserEvent::NotificationPreferencesChanged(preferences) => {
                user.notification_preferences = *preferences;
            }
        }
    }

    /// Returns the number of events of this user.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn notification_preferences(&self) -> NotificationPreferences {
        self.notification_preferences
    }

    pub fn is_deleted(&self) -> bool {
        self.deleted
    }
}
