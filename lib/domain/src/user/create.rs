//! `CreateUser`: creates a user.

use super::{User, UserEvent};
use crate::RefusalClass;
use crate::detail::Refusal;
use thiserror::Error;

/// Creates a user. The id of the command's aggregate is the id of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateUser;

/// Reasons a [`CreateUser`] command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreateUserRefusal {
    /// A user with this id exists or was deleted.
    #[error("a user with this id already exists")]
    UserExists,
}

impl Refusal for CreateUserRefusal {
    fn code(&self) -> &'static str {
        "user_exists"
    }
    fn class(&self) -> RefusalClass {
        RefusalClass::Conflict
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
    fn user_is_created_once() {
        let mut user = None;
        assert_eq!(CreateUser.decide(user.as_ref()), Ok(vec![UserEvent::UserCreated]));
        User::apply(&mut user, &UserEvent::UserCreated);
        assert_eq!(user.unwrap().version(), 1);
        assert_eq!(CreateUser.decide(user.as_ref()), Err(CreateUserRefusal::UserExists));
    }

    #[test]
    fn deleted_user_is_not_created_again() {
        let mut user = None;
        User::apply(&mut user, &UserEvent::UserCreated);
        User::apply(&mut user, &UserEvent::UserDeleted);
        assert_eq!(CreateUser.decide(user.as_ref()), Err(CreateUserRefusal::UserExists));
    }
}
