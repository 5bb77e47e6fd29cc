//! `create_user`: a user is created with the id of the command.

use auction_domain::user::CreateUser;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use super::EncodedCommand;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode(_: &CreateUser) -> Vec<u8> {
    body::empty()
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<CreateUser, DecodeError> {
    encoded.body::<EmptyBody>()?;
    Ok(CreateUser)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use auction_domain::user::UserCommand;
    use crate::golden::Sample;

    vec![Sample::of_user(UserCommand::CreateUser(CreateUser))]
}
