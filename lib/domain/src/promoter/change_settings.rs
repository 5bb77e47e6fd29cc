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
    OperatorsOnly,
}

impl Refusal for ChangePromoterSettingsRefusal {
    fn code(&self) -> &'static str {
        "operators_only"
    }
    fn class(&self) -> RefusedClass {
        RefusedClass::Forbidden
    }
}

impl ChangePromoterSettings {
    pub(super) fn decide(&self, actor: Actor) -> Result<Vec<PromoterEvent>, ChangePromoterSettingsRefusal> {
        if !actor.is_house() {
            return Err(ChangePromoterSettingsRefusal::OperatorsOnly);
        }
        Ok(vec![PromoterEvent::PromoterSettingsChanged { options: self.options.clone() }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserId;
    use crate::promoter::PromoterSettings;
    use uuid::Uuid;

    fn change(options: &str) -> ChangePromoterSettings {
        ChangePromoterSettings { options: PromoterOptions::new(options).unwrap() }
    }

    #[test]
    fn the_house_sets_them_and_nobody_else() {
        let events = change("[]").decide(Actor::Operator).unwrap();
        assert_eq!(events, [PromoterEvent::PromoterSettingsChanged { options: change("[]").options }]);
        let user = Actor::User(UserId(Uuid::from_u128(1)));
        assert_eq!(change("[]").decide(user), Err(ChangePromoterSettingsRefusal::OperatorsOnly));
    }

    #[test]
    fn what_was_set_last_holds() {
        let mut settings = None;
        for options in ["[1]", "[2]"] {
            let events = change(options).decide(Actor::Operator).unwrap();
            events.iter().for_each(|event| PromoterSettings::apply(&mut settings, event));
        }
        let settings = settings.unwrap();
        assert_eq!((settings.version(), settings.options().as_str()), (2, "[2]"));
    }
}
