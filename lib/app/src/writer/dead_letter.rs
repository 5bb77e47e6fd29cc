//! Commands that cannot be processed: their outcome is `failed`, and they are dead-lettered.

use crate::ports::commands::command_stream::{
    Failure, FailureReason, NewDeadLetter, RawFields, ReceivedCommand,
};
use auction_wire::{Command, CommandHeader, CommandId, Outcome, OutcomeResult};
use std::any::Any;
use std::borrow::Cow;
use uuid::Uuid;
use worker_runtime::panic_message;

/// The parts of a command that its outcome needs, also of a command that is only partly readable.
pub(super) struct CommandInfo<'a> {
    pub(super) id: CommandId,
    pub(super) kind: Cow<'a, str>,
    pub(super) key: Uuid,
    pub(super) fingerprint: u64,
    pub(super) reply: Cow<'a, str>,
}

impl CommandInfo<'_> {
    /// Reads the parts; `None` if a poison message does not have them.
    pub(super) fn of(delivery: &ReceivedCommand) -> Option<CommandInfo<'_>> {
        match &delivery.command {
            Ok(command) => Some(CommandInfo {
                id: command.id,
                kind: command.body.kind().into(),
                key: command.key,
                fingerprint: command.fingerprint,
                reply: command.reply.as_str().into(),
            }),
            Err(poison) => CommandHeader::of(&poison.fields).map(|header| CommandInfo {
                id: header.id,
                kind: header.kind.into(),
                key: header.key,
                fingerprint: header.fingerprint,
                reply: header.reply.into(),
            }),
        }
    }
}

/// Returns the outcome of a command that cannot be processed.
pub(super) fn failure(failure: &Failure) -> OutcomeResult {
    OutcomeResult::Failed { reason: failure.reason.name().to_owned(), error: failure.error.clone() }
}

/// Returns the failure for a panic, with its message.
pub(super) fn panic_failure(panic: &(dyn Any + Send)) -> Failure {
    Failure { reason: FailureReason::Panicked, error: panic_message(panic) }
}

/// Returns the dead letter of a command that is unreadable or has failed; `None` for others.
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
