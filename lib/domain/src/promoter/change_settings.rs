//! `ChangePromoterSettings`: set how bids are drawn from now on.

use super::PromoterEvent;
use crate::detail::Refusal;
use crate::{Actor, PromoterOptions, RefusedClass};
use thiserror::Error;

/// Set how bids are drawn from now on, in all auctions. Whether the options make sense was settled before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePromoterSettings {
    /// All of them.
    pub options: PromoterOptions,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChangePromoterSettingsRefusal {
    /// The sender is not of the house.
    #[error("only an operator sets how bids are drawn")]
    OperatorRoleRequired,
}

impl Refusal for ChangePromoterSettingsRefusal {
    fn code(&self) -> &'static str {
        "operator_role_required"
    }
    fn class(&self) -> RefusedClass {
        RefusedClass::Forbidden
    }
}

impl ChangePromoterSettings {
    pub(super) fn decide(&self, actor: Actor) -> Result<Vec<PromoterEvent>, ChangePromoterSettingsRefusal> {
        if !actor.is_privileged() {
            return Err(ChangePromoterSettingsRefusal::OperatorRoleRequired);
        }
        Ok(vec![PromoterEvent::PromoterSettingsChanged { options: self.options.clone(), by: Some(actor) }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OperatorId, UserId};
    use crate::promoter::PromoterSettings;
    use uuid::Uuid;

    const BY: Actor = Actor::Operator(OperatorId::User(UserId(Uuid::from_u128(2))));

    fn change(options: &str) -> ChangePromoterSettings {
        ChangePromoterSettings { options: PromoterOptions::new(options).unwrap() }
    }

    #[test]
    fn the_house_sets_them_and_nobody_else() {
        let events = change("[]").decide(BY).unwrap();
        let (options, by) = (change("[]").options, Some(BY));
        assert_eq!(events, [PromoterEvent::PromoterSettingsChanged { options, by }]);
        let user = Actor::User(UserId(Uuid::from_u128(1)));
        assert_eq!(change("[]").decide(user), Err(ChangePromoterSettingsRefusal::OperatorRoleRequired));
    }

    #[test]
    fn what_was_set_last_holds() {
        let mut settings = None;
        for options in ["[1]", "[2]"] {
            let events = change(options).decide(BY).unwrap();
            events.iter().for_each(|event| PromoterSettings::apply(&mut settings, event));
        }
        let settings = settings.unwrap();
        assert_eq!((settings.version(), settings.options().as_str()), (2, "[2]"));
    }
}
