//! `delete_user`: a user is deleted.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use auction_domain::user::DeleteUser;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(_: &DeleteUser) -> Vec<u8> {
    body::empty()
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<DeleteUser, DecodeError> {
    encoded.body::<EmptyBody>()?;
    Ok(DeleteUser)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::Sample;
    use auction_domain::user::UserCommand;

    vec![Sample::of_user(UserCommand::DeleteUser(DeleteUser))]
}
