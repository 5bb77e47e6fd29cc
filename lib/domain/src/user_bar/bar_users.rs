//! `BarUsers`: bars deleted users from one partition.

use super::{BarEvent, UserBar};
use crate::refusal::{IdInUse, refusals};
use crate::{RefusalInfo, UserId};

/// Bars deleted users from the partition of the command. The portal sends it to every partition after a user was
/// deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarUsers {
    pub users: Vec<UserId>,
}

refusals! {
    for BarUsers: ;
}

impl BarUsers {
    pub(super) fn decide(&self, bar: Option<&UserBar>) -> Result<Vec<BarEvent>, RefusalInfo> {
        match bar {
            Some(_) => Err(IdInUse.into()),
            None => Ok(vec![BarEvent::UsersBarred { users: self.users.clone() }]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn bar_has_one_event() {
        let users = vec![UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2))];
        let events = BarUsers { users: users.clone() }.decide(None).unwrap();
        assert_eq!(events, [BarEvent::UsersBarred { users: users.clone() }]);
        let mut bar = None;
        UserBar::apply(&mut bar, &events[0]);
        assert_eq!(bar.map(|bar| bar.version()), Some(1));
        assert_eq!(BarUsers { users }.decide(bar.as_ref()), Err(IdInUse.into()));
    }
}
