//! `CreateUser`: creates a user.

use super::{User, UserEvent};
use crate::RefusalInfo;
use crate::refusal::refusals;

/// Creates a user. The id of the command's aggregate is the id of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateUser;

refusals! {
    for CreateUser: ;
    UserExists = Conflict("user_exists", "a user with this id exists or was deleted",
        "Send the request with a new Idempotency-Key.");
}

impl CreateUser {
    pub(super) fn decide(&self, user: Option<&User>) -> Result<Vec<UserEvent>, RefusalInfo> {
        match user {
            Some(_) => Err(UserExists.into()),
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
        assert_eq!(CreateUser.decide(user.as_ref()), Err(UserExists.into()));
    }

    #[test]
    fn deleted_user_is_not_created_again() {
        let mut user = None;
        User::apply(&mut user, &UserEvent::UserCreated);
        User::apply(&mut user, &UserEvent::UserDeleted);
        assert_eq!(CreateUser.decide(user.as_ref()), Err(UserExists.into()));
    }
}
