//! Actors as text, in the field `actor` of commands and in the bodies of events.

use auction_domain::{Actor, OperatorId, UserId};
use uuid::Uuid;

const OPERATOR: &str = "operator";
const PORTAL: &str = "portal";
const OPERATOR_USER: &str = "operator:";
const API_KEY: &str = "api-key:";

/// Returns an actor as text: the id of a user, `operator:<user id>`, `api-key:<key id>`, `operator` for an
/// unidentified one, or `portal`.
pub fn actor_text(actor: Actor) -> String {
    match actor {
        Actor::User(user) => user.to_string(),
        Actor::Operator(OperatorId::User(user)) => format!("{OPERATOR_USER}{user}"),
        Actor::Operator(OperatorId::ApiKey(key)) => format!("{API_KEY}{key}"),
        Actor::Operator(OperatorId::Unidentified) => OPERATOR.to_owned(),
        Actor::Portal => PORTAL.to_owned(),
    }
}

/// Reads the text of an actor; the error says what is wrong.
pub(crate) fn parse_actor(text: &str) -> Result<Actor, String> {
    let parsed = match text {
        OPERATOR => Some(Actor::Operator(OperatorId::Unidentified)),
        PORTAL => Some(Actor::Portal),
        _ => {
            let id = |text: &str| Uuid::try_parse(text).ok();
            if let Some(user) = text.strip_prefix(OPERATOR_USER) {
                id(user).map(|user| Actor::Operator(OperatorId::User(UserId(user))))
            } else if let Some(key) = text.strip_prefix(API_KEY) {
                id(key).map(|key| Actor::Operator(OperatorId::ApiKey(key)))
            } else {
                id(text).map(|user| Actor::User(UserId(user)))
            }
        }
    };
    parsed.ok_or_else(|| {
        format!("{text:?} is no actor: a user's id, `operator:<user id>`, `api-key:<key id>`, `operator` or `portal`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_round_trip_as_text() {
        let id = Uuid::from_u128(0x0192_f5d0_1c00_7000_8000_0000_0000_0003);
        let operators = [OperatorId::User(UserId(id)), OperatorId::ApiKey(id), OperatorId::Unidentified];
        let all = operators.map(Actor::Operator).into_iter().chain([Actor::User(UserId(id)), Actor::Portal]);
        for actor in all {
            assert_eq!(parse_actor(&actor_text(actor)), Ok(actor));
        }
        for text in ["", "operators", "operator:", "operator:x", "api-key:portal"] {
            assert!(parse_actor(text).is_err(), "{text:?}");
        }
    }
}
