//! `DeleteUser`: deletes a user.

use super::{User, UserEvent};
use crate::RefusalClass;
use crate::detail::Refusal;
use thiserror::Error;

/// Deletes the user, which is final. Later bids of the user are refused. Commands of the portal then retract
/// the user's active bids and cancel their auctions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteUser;

/// Reasons a [`DeleteUser`] command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeleteUserRefusal {
    #[error("there is no such user")]
    UnknownUser,
    #[error("the user is already deleted")]
    AlreadyDeleted,
}

impl Refusal for DeleteUserRefusal {
    fn code(&self) -> &'static str {
        match self {
            DeleteUserRefusal::UnknownUser => "unknown_user",
            DeleteUserRefusal::AlreadyDeleted => "user_already_deleted",
        }
    }
    fn class(&self) -> RefusalClass {
        match self {
            DeleteUserRefusal::UnknownUser => RefusalClass::Unknown,
            DeleteUserRefusal::AlreadyDeleted => RefusalClass::Conflict,
        }
    }
}

impl DeleteUser {
    pub(super) fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, DeleteUserRefusal> {
        match user {
            None => Err(DeleteUserRefusal::UnknownUser),
            Some(user) if user.is_deleted() => Err(DeleteUserRefusal::AlreadyDeleted),
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
        assert_eq!(DeleteUser.decide(user.as_ref()), Err(DeleteUserRefusal::UnknownUser));
        User::apply(&mut user, &UserEvent::UserCreated);
        assert_eq!(DeleteUser.decide(user.as_ref()), Ok(vec![UserEvent::UserDeleted]));
        User::apply(&mut user, &UserEvent::UserDeleted);
        assert_eq!(DeleteUser.decide(user.as_ref()), Err(DeleteUserRefusal::AlreadyDeleted));
    }
}
