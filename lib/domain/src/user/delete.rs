//! `DeleteUser`: deletes a user.

use super::{UnknownUser, User, UserEvent};
use crate::RefusalInfo;
use crate::refusal::refusals;

/// Deletes the user, which is final. Later bids of the user are refused. Commands of the portal then retract
/// the user's active bids and cancel their auctions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteUser;

refusals! {
    for DeleteUser: UnknownUser;
    UserAlreadyDeleted = Conflict("user_already_deleted", "the user is already deleted",
        "No action is needed.");
}

impl DeleteUser {
    pub(super) fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, RefusalInfo> {
        match user {
            None => Err(UnknownUser.into()),
            Some(user) if user.is_deleted() => Err(UserAlreadyDeleted.into()),
            Some(_) => Ok(vec![UserEvent::UserDeleted]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_is_deleted_once() {
        let mut user = None;
        assert_eq!(DeleteUser.decide(user.as_ref()), Err(UnknownUser.into()));
        User::apply(&mut user, &UserEvent::UserCreated);
        assert_eq!(DeleteUser.decide(user.as_ref()), Ok(vec![UserEvent::UserDeleted]));
        User::apply(&mut user, &UserEvent::UserDeleted);
        assert_eq!(DeleteUser.decide(user.as_ref()), Err(UserAlreadyDeleted.into()));
    }
}
