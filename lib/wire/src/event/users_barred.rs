//! `users_barred`: deleted users were barred from the partition.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body;
use crate::text_id::TextId;
use auction_domain::UserId;
use auction_domain::user_bar::BarEvent;
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Ids of the deleted users, whose commands the partition refuses from now on.
    users: Vec<TextId>,
}

pub(super) fn encode(users: &[UserId]) -> Vec<u8> {
    body::encode(&Body { users: users.iter().map(|user| TextId(user.0)).collect() })
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<BarEvent, DecodeError> {
    let users = encoded.body::<Body>()?.users;
    Ok(BarEvent::UsersBarred { users: users.into_iter().map(|user| UserId(user.0)).collect() })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    let users = vec![golden::USER, UserId(golden::id(5))];
    vec![EventSample::of(crate::Event::Bar(BarEvent::UsersBarred { users }))]
}
