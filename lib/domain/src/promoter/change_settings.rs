//! `ChangePromoterSettings`: replaces the options of draws.

use super::PromoterEvent;
use crate::refusal::refusals;
use crate::{Actor, PromoterOptions, RefusalInfo};

/// Replaces the options of all later draws, in all auctions. The ingress has validated the options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePromoterSettings {
    /// The complete options. An option that is left out has its default.
    pub options: PromoterOptions,
}

refusals! {
    for ChangePromoterSettings: ;
    OperatorRoleRequired = Forbidden("operator_role_required", "this requires the role operator",
        "Use the token of an operator. Through a trusted gateway, send X-User-Role: operator.");
}

impl ChangePromoterSettings {
    pub(super) fn decide(&self, actor: Actor) -> Result<Vec<PromoterEvent>, RefusalInfo> {
        if !actor.is_privileged() {
            return Err(OperatorRoleRequired.into());
        }
        Ok(vec![PromoterEvent::PromoterSettingsChanged { options: self.options.clone(), by: Some(actor) }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promoter::PromoterSettings;
    use crate::{OperatorId, UserId};
    use uuid::Uuid;

    const OPERATOR: Actor = Actor::Operator(OperatorId::User(UserId(Uuid::from_u128(2))));

    fn change(options: &str) -> ChangePromoterSettings {
        ChangePromoterSettings { options: PromoterOptions::new(options).unwrap() }
    }

    #[test]
    fn promoter_settings_are_changed_by_operators_only() {
        let events = change("[]").decide(OPERATOR).unwrap();
        let (options, by) = (change("[]").options, Some(OPERATOR));
        assert_eq!(events, [PromoterEvent::PromoterSettingsChanged { options, by }]);
        let user = Actor::User(UserId(Uuid::from_u128(1)));
        assert_eq!(change("[]").decide(user), Err(OperatorRoleRequired.into()));
    }

    #[test]
    fn latest_promoter_settings_apply() {
        let mut settings = None;
        for options in ["[1]", "[2]"] {
            let events = change(options).decide(OPERATOR).unwrap();
            events.iter().for_each(|event| PromoterSettings::apply(&mut settings, event));
        }
        let settings = settings.unwrap();
        assert_eq!((settings.version(), settings.options().as_str()), (2, "[2]"));
    }
}
