//! `create_user`: a user is created with the id of the command.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use auction_domain::user::CreateUser;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /users`. Empty: names and addresses are personal data and never enter a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUserRequest {}

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
    use crate::golden::Sample;
    use auction_domain::user::UserCommand;

    vec![Sample::of_user(UserCommand::CreateUser(CreateUser))]
}
