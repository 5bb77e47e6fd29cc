//! `change_subscriptions`: a user chooses the notifications to receive.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, SubscriptionsBody};
use auction_domain::user::ChangeNotificationPreferences;

/// Version 2 holds only the kinds that are not as they are by default.
pub(super) const VERSION: u16 = 2;

pub(super) fn encode(change: &ChangeNotificationPreferences) -> Vec<u8> {
    body::encode(&SubscriptionsBody::from(change.preferences))
}

pub(super) fn decode(encoded: &EncodedCommand) -> Result<ChangeNotificationPreferences, DecodeError> {
    Ok(ChangeNotificationPreferences { preferences: encoded.body::<SubscriptionsBody>()?.into() })
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::Sample> {
    use crate::golden::{self, Sample};
    use auction_domain::user::UserCommand;

    let change = ChangeNotificationPreferences { preferences: golden::subscriptions() };
    vec![Sample::of_user(UserCommand::ChangeNotificationPreferences(change))]
}
