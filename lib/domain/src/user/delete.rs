//! `DeleteUser`: delete an account for good.

use super::{User, UserEvent};
use crate::RefusedClass;
use crate::detail::Refusal;
use thiserror::Error;

/// Delete the account. Later bids of it are refused; what else follows (live bids retracted, own auctions
/// cancelled) is for commands to the auctions concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeleteUser;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeleteUserRefusal {
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// It was done before.
    #[error("the user was deleted already")]
    AlreadyDeleted,
}

impl Refusal for DeleteUserRefusal {
    fn code(&self) -> &'static str {
        match self {
            DeleteUserRefusal::UnknownUser => "unknown_user",
            DeleteUserRefusal::AlreadyDeleted => "user_already_deleted",
        }
    }
    fn class(&self) -> RefusedClass {
        match self {
            DeleteUserRefusal::UnknownUser => RefusedClass::Unknown,
            DeleteUserRefusal::AlreadyDeleted => RefusedClass::Conflict,
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
    fn deletes_a_user_once() {
        let mut user = None;
        assert_eq!(DeleteUser.decide(user.as_ref()), Err(DeleteUserRefusal::UnknownUser));
        User::apply(&mut user, &UserEvent::UserCreated);
        assert_eq!(DeleteUser.decide(user.as_ref()), Ok(vec![UserEvent::UserDeleted]));
        User::apply(&mut user, &UserEvent::UserDeleted);
        assert_eq!(DeleteUser.decide(user.as_ref()), Err(DeleteUserRefusal::AlreadyDeleted));
    }
}
