//! `ChangeNotificationPreferences`: chooses the notifications that a user receives.

use super::{NotificationPreferences, UnknownUser, User, UserEvent};
use crate::RefusalInfo;
use crate::refusal::refusals;

/// Replaces the user's preferences. Preferences equal to the current ones are accepted without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeNotificationPreferences {
    /// Replaces all preferences of the user.
    pub preferences: NotificationPreferences,
}

refusals! {
    for ChangeNotificationPreferences: UnknownUser;
    UserDeleted = Conflict("user_deleted", "the user was deleted",
        "Do not repeat the request: deletion is permanent.");
}

impl ChangeNotificationPreferences {
    pub(super) fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, RefusalInfo> {
        match user {
            None => Err(UnknownUser.into()),
            Some(user) if user.is_deleted() => Err(UserDeleted.into()),
            Some(user) if user.notification_preferences() == self.preferences => Ok(Vec::new()),
            Some(_) => Ok(vec![UserEvent::NotificationPreferencesChanged(self.preferences)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::NotificationKind;

    fn change() -> ChangeNotificationPreferences {
        let preferences = NotificationPreferences::default().with(NotificationKind::HighestBid, false);
        ChangeNotificationPreferences { preferences }
    }

    fn user(events: &[UserEvent]) -> Option<User> {
        let mut user = None;
        events.iter().for_each(|event| User::apply(&mut user, event));
        user
    }

    #[test]
    fn notification_preferences_apply_until_changed() {
        let mut ada = user(&[UserEvent::UserCreated]);
        assert_eq!(ada.unwrap().notification_preferences(), NotificationPreferences::default());
        let events = change().decide(ada.as_ref()).unwrap();
        assert_eq!(events, vec![UserEvent::NotificationPreferencesChanged(change().preferences)]);
        User::apply(&mut ada, &events[0]);
        assert_eq!(
            (ada.unwrap().notification_preferences(), ada.unwrap().version()),
            (change().preferences, 2)
        );
    }

    #[test]
    fn repeated_notification_preferences_cause_no_event() {
        let ada =
            user(&[UserEvent::UserCreated, UserEvent::NotificationPreferencesChanged(change().preferences)]);
        assert_eq!(change().decide(ada.as_ref()), Ok(Vec::new()));
    }

    #[test]
    fn unknown_or_deleted_users_have_no_notification_preferences() {
        assert_eq!(change().decide(None), Err(UnknownUser.into()));
        let deleted = user(&[UserEvent::UserCreated, UserEvent::UserDeleted]);
        assert_eq!(change().decide(deleted.as_ref()), Err(UserDeleted.into()));
        assert_eq!(deleted.unwrap().notification_preferences(), NotificationPreferences::NONE);
    }
}
