//! `subscriptions_changed`: a user chose the notifications to receive.

use super::EncodedEvent;
use crate::DecodeError;
use crate::body::{self, SubscriptionsBody};
use auction_domain::user::{NotificationPreferences, UserEvent};

/// Version 2 holds only the kinds that are not as they are by default.
pub(super) const VERSION: u16 = 2;

pub(super) fn encode(preferences: NotificationPreferences) -> Vec<u8> {
    body::encode(&SubscriptionsBody::from(preferences))
}

pub(super) fn decode(encoded: &EncodedEvent) -> Result<UserEvent, DecodeError> {
    Ok(UserEvent::NotificationPreferencesChanged(encoded.body::<SubscriptionsBody>()?.into()))
}

#[cfg(test)]
pub(super) fn samples() -> Vec<crate::golden::EventSample> {
    use crate::golden::{self, EventSample};

    vec![EventSample::user(UserEvent::NotificationPreferencesChanged(golden::subscriptions()))]
}
