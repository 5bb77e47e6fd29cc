//! `ChangeSubscriptions`: choose what to be told.

use super::{NotificationPreferences, User, UserEvent};
use crate::RefusedClass;
use crate::detail::Refusal;
use thiserror::Error;

/// Be told this and nothing else from now on. A choice that is in force already is accepted and changes
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeNotificationPreferences {
    /// The whole choice.
    pub to: NotificationPreferences,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChangeSubscriptionsRefusal {
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// There was.
    #[error("the user was deleted")]
    UserDeleted,
}

impl Refusal for ChangeSubscriptionsRefusal {
    fn code(&self) -> &'static str {
        match self {
            ChangeSubscriptionsRefusal::UnknownUser => "unknown_user",
            ChangeSubscriptionsRefusal::UserDeleted => "user_deleted",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            ChangeSubscriptionsRefusal::UnknownUser => RefusedClass::Unknown,
            ChangeSubscriptionsRefusal::UserDeleted => RefusedClass::Conflict,
        }
    }
}

impl ChangeNotificationPreferences {
    pub(super) fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, ChangeSubscriptionsRefusal> {
        match user {
            None => Err(ChangeSubscriptionsRefusal::UnknownUser),
            Some(user) if user.is_deleted() => Err(ChangeSubscriptionsRefusal::UserDeleted),
            Some(user) if user.subscriptions() == self.to => Ok(Vec::new()),
            Some(_) => Ok(vec![UserEvent::SubscriptionsChanged(self.to)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: ChangeNotificationPreferences = ChangeNotificationPreferences {
        to: NotificationPreferences { auction_won: true, highest_bid: false, bid_doubled: true },
    };

    fn user(events: &[UserEvent]) -> Option<User> {
        let mut user = None;
        events.iter().for_each(|event| User::apply(&mut user, event));
        user
    }

    #[test]
    fn a_choice_is_in_force_until_the_next() {
        let mut ada = user(&[UserEvent::UserCreated]);
        assert_eq!(ada.unwrap().subscriptions(), NotificationPreferences::default());
        let events = CHANGE.decide(ada.as_ref()).unwrap();
        assert_eq!(events, vec![UserEvent::SubscriptionsChanged(CHANGE.to)]);
        User::apply(&mut ada, &events[0]);
        assert_eq!((ada.unwrap().subscriptions(), ada.unwrap().version()), (CHANGE.to, 2));
    }

    #[test]
    fn the_same_choice_again_is_accepted_and_changes_nothing() {
        let ada = user(&[UserEvent::UserCreated, UserEvent::SubscriptionsChanged(CHANGE.to)]);
        assert_eq!(CHANGE.decide(ada.as_ref()), Ok(Vec::new()));
    }

    #[test]
    fn who_does_not_exist_chooses_nothing() {
        assert_eq!(CHANGE.decide(None), Err(ChangeSubscriptionsRefusal::UnknownUser));
        let gone = user(&[UserEvent::UserCreated, UserEvent::UserDeleted]);
        assert_eq!(CHANGE.decide(gone.as_ref()), Err(ChangeSubscriptionsRefusal::UserDeleted));
        assert_eq!(gone.unwrap().subscriptions(), NotificationPreferences::NONE);
    }
}
