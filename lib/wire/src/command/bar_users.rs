//! `bar_users`: deleted users are barred from a partition.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body;
use crate::text_id::TextId;
use auction_domain::UserId;
use auction_domain::user_bar::BarUsers;
use serde::{Deserialize, Serialize};

pub(super) const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
struct Body {
    /// Ids of the deleted users, whose commands the partition refuses from then on.
    users: Vec<TextId>,
}

pub(super) fn encode(bar: &BarUsers) -> Vec<u8> {
    body::encode(&Body { users: bar.users.iter().map(|user| TextId(user.0)).collect() })
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<BarUsers, DecodeError> {
    let users = encoded.body::<Body>()?.users;
    Ok(BarUsers { users: users.into_iter().map(|user| UserId(user.0)).collect() })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::CommandBody;
    use crate::golden::{self, Sample};
    use auction_domain::Actor;
    use auction_domain::user_bar::BarCommand;

    let bar = BarUsers { users: vec![golden::USER, UserId(golden::id(5))] };
    vec![Sample::of(Actor::Portal, CommandBody::Bar(BarCommand::BarUsers(bar)))]
}
