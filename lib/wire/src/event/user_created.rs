//! `user_created`: a user was created.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body::{self, EmptyBody};
use auction_domain::user::UserEvent;

pub(super) const VERSION: u16 = 1;

pub(super) fn encode() -> Vec<u8> {
    body::empty()
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<UserEvent, DecodeError> {
    encoded.body::<EmptyBody>()?;
    Ok(UserEvent::UserCreated)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::EventSample;

    vec![EventSample::user(UserEvent::UserCreated)]
}
