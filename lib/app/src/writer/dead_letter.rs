//! Commands that cannot be handled: their outcome is `failed`, and they go to the dead letters.

use crate::ports::commands::command_stream::{
    Failure, FailureReason, NewDeadLetter, RawFields, ReceivedCommand,
};
use auction_wire::{Command, CommandHeader, CommandId, Outcome, OutcomeResult};
use std::any::Any;
use std::borrow::Cow;
use uuid::Uuid;

/// Who is to be told what.
pub(super) struct CommandInfo<'a> {
    pub(super) id: CommandId,
    pub(super) kind: Cow<'a, str>,
    pub(super) key: Uuid,
    pub(super) fingerprint: u64,
    pub(super) reply: Cow<'a, str>,
}

impl CommandInfo<'_> {
    /// Of a delivery; none if it does not say so much.
    pub(super) fn of(delivery: &ReceivedCommand) -> Option<CommandInfo<'_>> {
        match &delivery.command {
            Ok(command) => Some(CommandInfo {
                id: command.id,
                kind: command.body.kind().into(),
                key: command.key,
                fingerprint: command.fingerprint,
                reply: command.reply.as_str().into(),
            }),
            Err(poison) => CommandHeader::of(&poison.fields).map(|envelope| CommandInfo {
                id: envelope.id,
                kind: envelope.kind.into(),
                key: envelope.key,
                fingerprint: envelope.fingerprint,
                reply: envelope.reply.into(),
            }),
        }
    }
}

/// The outcome of a command that cannot be handled.
pub(super) fn failure(failure: &Failure) -> OutcomeResult {
    OutcomeResult::Failed { reason: failure.reason.name().to_owned(), error: failure.error.clone() }
}

/// What a panic said.
pub(crate) fn panic_failure(panic: &Box<dyn Any + Send>) -> Failure {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Failure {
        reason: FailureReason::Panicked,
        error: text.unwrap_or_else(|| "a panic without words".to_owned()),
    }
}

/// The dead letter of a delivery: if it could not be read, or has failed.
pub(super) fn dead_letter(delivery: &ReceivedCommand, outcome: Option<&Outcome>) -> Option<NewDeadLetter> {
    let (reason, error, fields) = match (&delivery.command, outcome.map(|outcome| &outcome.result)) {
        (Err(poison), _) => {
            (poison.failure.reason.name().to_owned(), poison.failure.error.clone(), poison.fields.clone())
        }
        (Ok(command), Some(OutcomeResult::Failed { reason, error })) => {
            (reason.clone(), error.clone(), raw_fields(command))
        }
        (Ok(_), _) => return None,
    };
    Some(NewDeadLetter { channel: delivery.channel, entry: delivery.entry, reason, error, fields })
}

fn raw_fields(command: &Command) -> RawFields {
    command.to_fields().into_iter().map(|(name, value)| (name.into(), value)).collect()
}
