//! `CreateUser`: open an account.

use super::{User, UserEvent};
use crate::RefusedClass;
use crate::detail::Refusal;
use thiserror::Error;

/// Open an account; the id in the envelope is the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateUser;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreateUserRefusal {
    /// There is, or was, a user of that id.
    #[error("a user of this id exists already")]
    UserExists,
}

impl Refusal for CreateUserRefusal {
    fn code(&self) -> &'static str {
        "user_exists"
    }
    fn class(&self) -> RefusedClass {
        RefusedClass::Conflict
    }
}

impl CreateUser {
    pub(super) fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, CreateUserRefusal> {
        match user {
            Some(_) => Err(CreateUserRefusal::UserExists),
            None => Ok(vec![UserEvent::UserCreated]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_a_user_once() {
        let mut user = None;
        assert_eq!(CreateUser.decide(user.as_ref()), Ok(vec![UserEvent::UserCreated]));
        User::apply(&mut user, &UserEvent::UserCreated);
        assert_eq!(user.unwrap().version(), 1);
        assert_eq!(CreateUser.decide(user.as_ref()), Err(CreateUserRefusal::UserExists));
    }

    #[test]
    fn a_deleted_user_does_not_come_back() {
        let mut user = None;
        User::apply(&mut user, &UserEvent::UserCreated);
        User::apply(&mut user, &UserEvent::UserDeleted);
        assert_eq!(CreateUser.decide(user.as_ref()), Err(CreateUserRefusal::UserExists));
    }
}
