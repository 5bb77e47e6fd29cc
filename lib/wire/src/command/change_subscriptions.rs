//! `change_subscriptions`: a user chooses the notifications to receive.

use super::EncodedCommand;
use crate::DecodeError;
use crate::body::{self, SubscriptionsBody};
use crate::notification::KindName;
use auction_domain::user::ChangeNotificationPreferences;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::openapi::schema::{AdditionalProperties, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Body of `PUT /subscriptions` and answer to `GET /subscriptions`: the caller's notification preferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<KindName, bool>", into = "BTreeMap<KindName, bool>")]
pub struct SubscriptionsRequest(pub NotificationPreferences);

impl From<BTreeMap<KindName, bool>> for SubscriptionsRequest {
    fn from(kinds: BTreeMap<KindName, bool>) -> SubscriptionsRequest {
        let with =
            |set: NotificationPreferences, (name, included): (KindName, bool)| set.with(name.0, included);
        SubscriptionsRequest(kinds.into_iter().fold(NotificationPreferences::default(), with))
    }
}

impl From<SubscriptionsRequest> for BTreeMap<KindName, bool> {
    fn from(SubscriptionsRequest(set): SubscriptionsRequest) -> BTreeMap<KindName, bool> {
        NotificationKind::ALL.iter().map(|kind| (KindName(*kind), set.includes(*kind))).collect()
    }
}

impl PartialSchema for SubscriptionsRequest {
    fn schema() -> RefOr<Schema> {
        let with = |object: ObjectBuilder, kind: &NotificationKind| {
            let switch = ObjectBuilder::new().schema_type(Type::Boolean);
            let switch = switch.default(Some(kind.is_on_by_default().into()));
            object.property(kind.name(), switch.description(Some(kind.description())))
        };
        let object = NotificationKind::ALL.iter().fold(ObjectBuilder::new(), with);
        let description = "Kinds of notifications, and whether the caller receives them. `PUT` replaces all \
                           preferences; a kind that is left out is as for a new user.";
        let closed = AdditionalProperties::FreeForm(false);
        object.description(Some(description)).additional_properties(Some(closed)).into()
    }
}

impl ToSchema for SubscriptionsRequest {
    fn name() -> Cow<'static, str> {
        "SubscriptionsRequest".into()
    }
}

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
