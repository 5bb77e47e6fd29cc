//! What all commands have in common.

use super::Endpoint;
use super::reads::decided;
use super::schemas::{header, in_header, pattern, retry_after, text};
use crate::access::Access;
use crate::auth::Authenticator;
use crate::problem::types::{refusals, requests};
use auction_wire::api::{CommandDone, CommandFailed, CommandPending};

/// What comes of an accepted command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Something new.
    Creates,
    /// A change of what there is.
    Changes,
}

impl<S: Authenticator> Endpoint<S> {
    /// Whoever it is may call, and nobody looks who it is.
    pub(crate) fn by_everybody(self) -> Self {
        self.may(Access::Public)
    }

    /// A user may call, and anybody else.
    pub(crate) fn by_anybody(self) -> Self {
        self.may(Access::OptionalUser)
    }

    /// A user has to call.
    pub(crate) fn by_a_user(self) -> Self {
        self.may(Access::Bidder)
    }

    /// A user has to call who may offer things.
    pub(crate) fn by_a_seller(self) -> Self {
        self.may(Access::Seller)
    }

    /// A user or an operator has to call.
    pub(crate) fn by_a_user_or_an_operator(self) -> Self {
        self.may(Access::UserOrOperator)
    }

    /// An operator has to call.
    pub(crate) fn by_an_operator(self) -> Self {
        self.may(Access::Operator)
    }

    /// Somebody has to call who may act for users, or an operator.
    pub(crate) fn by_a_service(self) -> Self {
        self.may(Access::Service)
    }

    /// It needs Redis or Postgres.
    pub(crate) fn needs_servers(self) -> Self {
        self.problems(&[&requests::TEMPORARILY_UNAVAILABLE])
    }

    /// It sends a command.
    pub(crate) fn command(self, effect: Effect) -> Self {
        self.command_with(effect, KEY)
    }

    /// It sends a command of somebody who has no name yet.
    pub(crate) fn command_of_nobody(self, effect: Effect) -> Self {
        self.command_with(effect, LONG_KEY)
    }

    fn command_with(self, effect: Effect, key_looks: &str) -> Self {
        let (status, about) = match effect {
            Effect::Creates => (201, "It was decided while the client waited: it is there."),
            Effect::Changes => (200, "It was decided while the client waited: it is done."),
        };
        let key = "Makes it safe to repeat the request: one effect, and one outcome that all of them are answered \
                   with, also while the first is pending. The same key with another payload is refused. Known for \
                   as long as outcomes are kept. Visible characters, with double quotes around them or without.";
        let trace = "W3C Trace Context; goes along with the command and its events.";
        let known = "What the client has seen; passed on in the token of the answer.";
        self.takes(in_header("Consistency-Token", pattern("^[A-Za-z0-9_, -]+$"), known))
            .takes(in_header("Idempotency-Key", pattern(key_looks), key))
            .takes(in_header("Prefer", text(), PREFER))
            .takes(in_header("traceparent", text(), trace))
            .answers::<CommandPending>(202, "It is on disk, and will be decided.")
            .answers::<CommandFailed>(202, "It could not be handled, and had no effect.")
            .with_header(202, "Location", header(text(), "Where to ask what became of it."))
            .with_header(202, "Retry-After", retry_after())
            .with_header(202, "Preference-Applied", applied())
            .answers::<CommandDone>(status, about)
            .with_header(status, "Location", header(text(), "Where the effect is to be seen."))
            .with_header(status, "Consistency-Token", decided())
            .with_header(status, "Preference-Applied", applied())
            .problems(&[
                &requests::INVALID_REQUEST,
                &requests::IDEMPOTENCY_KEY_REUSED,
                &refusals::ID_IN_USE,
                &requests::OVERLOADED,
            ])
            .needs_servers()
    }

    /// It sends a command for an auction that exists.
    pub(crate) fn command_for_auction(self, effect: Effect) -> Self {
        let if_match = "The version that the sender saw, as `ETag` of the auction: if it has moved on, the command is \
                        refused with both versions.";
        self.command(effect).takes(in_header("If-Match", text(), if_match)).problems(&[
            &refusals::UNKNOWN_AUCTION,
            &refusals::VERSION_MOVED,
            &refusals::AUCTION_NOT_STARTED,
            &refusals::AUCTION_ENDED,
            &refusals::AUCTION_CLOSED,
            &refusals::AUCTION_CANCELLED,
        ])
    }
}

/// Visible characters; bare, those that mean nothing in a header.
const KEY: &str = r#"^([!#-+\-.-:<-\[\]-~]{1,255}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#;

/// The same, where it must be nobody else's.
const LONG_KEY: &str = r#"^([!#-+\-.-:<-\[\]-~]{32,255}|"([!#-\[\]-~]|\\["\\]){32,255}")$"#;

/// What `Prefer` can say, for commands.
const PREFER: &str = "`wait=N`: answer with the outcome if it comes within N seconds (there is a longest wait). \
                      `respond-async`: do not wait.";

/// `Preference-Applied`.
pub(crate) fn applied() -> utoipa::openapi::header::Header {
    header(text(), "The preference that was followed; absent if none was.")
}
