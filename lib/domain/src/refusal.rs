//! Refusals: a command was decided, a business rule refused it, and nothing changed.
//!
//! Each refusal is declared once, by `refusals!` in the file of its command: a type whose fields are the
//! details. Status codes, problem pages, the OpenAPI document and `docs/reference/problems.md` are derived
//! from the declaration.

use crate::Details;

/// Kind of a refusal; the ingress derives the HTTP status from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// The user, auction or bid does not exist.
    Unknown,
    /// The sender must not do this.
    Forbidden,
    /// The command is valid, but not in the current state.
    Conflict,
    /// The command is invalid in any state.
    Invalid,
    /// The sender expected another version of the auction.
    VersionConflict,
}

/// Declaration of a refusal.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusalType {
    /// Stable name in snake case, such as `not_above_your_latest`. It is stored: it must not change.
    pub code: &'static str,
    pub class: RefusalClass,
    /// What happened, as a clause without a period. Names of details in braces stand for their values.
    pub message: &'static str,
    /// What the sender should do, in sentences.
    pub resolution: &'static str,
    pub details: &'static [DetailType],
}

/// Declaration of a value in a refusal.
#[derive(Debug, PartialEq, Eq)]
pub struct DetailType {
    /// Name in snake case. It is stored: it must not change.
    pub name: &'static str,
    pub value: ValueType,
    /// Noun phrase without a period.
    pub description: &'static str,
}

/// Type of a declared value. There is one for each variant of [`Detail`](crate::Detail) that refusals use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Amount,
    Time,
    Count,
}

/// Refusal in the form that is stored and sent, the same for all commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalInfo {
    pub code: &'static str,
    pub class: RefusalClass,
    pub message: String,
    pub details: Details,
}

/// Refusal with its values.
pub trait Refusal {
    const TYPE: &'static RefusalType;

    /// Returns the message and the details.
    fn values(self) -> (String, Details);
}

impl<R: Refusal> From<R> for RefusalInfo {
    fn from(refusal: R) -> RefusalInfo {
        let (message, details) = refusal.values();
        RefusalInfo { code: R::TYPE.code, class: R::TYPE.class, message, details }
    }
}

/// Rust types of the values, under the names of [`ValueType`] and [`Detail`](crate::Detail).
pub(crate) mod values {
    pub(crate) type Amount = crate::Amount;
    pub(crate) type Time = crate::Timestamp;
    pub(crate) type Count = u64;
}

/// Declares refusals: `<Type> = <class>(<code>, <message>, <resolution>)`, then the details, if any, as
/// `{ <name>: <value type> = <description> }`.
///
/// After `for <command>: <refusals of other declarations>;` the refusals belong to that command, and its
/// constant `REFUSALS` lists them all. It includes [`IdInUse`], with which every command can be refused.
macro_rules! refusals {
    (for $command:ident: $($shared:ident),*;
     $($name:ident = $class:ident $texts:tt $({ $($details:tt)+ })?;)*) => {
        impl $command {
            /// Reasons the command is refused.
            pub const REFUSALS: &[&$crate::refusal::RefusalType] = &[
                <$crate::refusal::IdInUse as $crate::refusal::Refusal>::TYPE,
                $(<$shared as $crate::refusal::Refusal>::TYPE,)*
                $(<$name as $crate::refusal::Refusal>::TYPE,)*
            ];
        }
        $($crate::refusal::refusals!($name = $class $texts $({ $($details)+ })?;);)*
    };
    ($name:ident = $class:ident($code:literal, $message:literal, $resolution:expr);) => {
        #[doc = concat!("Refusal: ", $message, ".")]
        #[allow(unreachable_pub)] // only some are exported
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        $crate::refusal::refusals!(impl $name = $class($code, $message, $resolution) {});
    };
    ($name:ident = $class:ident($code:literal, $message:literal, $resolution:expr)
     { $($detail:ident: $value:ident = $description:literal),+ $(,)? };) => {
        #[doc = concat!("Refusal: ", $message, ".")]
        #[allow(unreachable_pub)] // only some are exported
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = $description] pub $detail: $crate::refusal::values::$value,)+
        }

        $crate::refusal::refusals!(
            impl $name = $class($code, $message, $resolution) { $($detail: $value = $description),+ }
        );
    };
    ($($name:ident = $class:ident $texts:tt $({ $($details:tt)+ })?;)+) => {
        $($crate::refusal::refusals!($name = $class $texts $({ $($details)+ })?;);)+
    };
    (impl $name:ident = $class:ident($code:literal, $message:literal, $resolution:expr)
     { $($detail:ident: $value:ident = $description:literal),* }) => {
        impl $crate::refusal::Refusal for $name {
            const TYPE: &'static $crate::refusal::RefusalType = &$crate::refusal::RefusalType {
                code: $code,
                class: $crate::refusal::RefusalClass::$class,
                message: $message,
                resolution: $resolution,
                details: &[$($crate::refusal::DetailType {
                    name: stringify!($detail),
                    value: $crate::refusal::ValueType::$value,
                    description: $description,
                }),*],
            };

            fn values(self) -> (String, $crate::Details) {
                let $name { $($detail),* } = self;
                (format!($message), vec![$((stringify!($detail), $crate::Detail::$value($detail))),*])
            }
        }
    };
}
pub(crate) use refusals;

/// Resolution of refusals that no client can cause or fix.
pub(crate) const INTERNAL_COMMAND: &str = "Only the portal sends this command. No action is needed.";

refusals! {
    IdInUse = Conflict("id_in_use", "this id is in use for something else",
        "Check the id. It belongs to another kind of object, for example to a user instead of an auction.");
    UnknownSender = Forbidden("unknown_sender", "there is no user of this id, or the account was deleted",
        "Create an account and wait for the outcome of that command before you send others.");
}
