//! A request becomes a command on a stream, and its sender gets a handle to ask with.

mod handle;
mod outcome_waiters;
mod recent_handles;

pub use handle::{CommandHandle, HandleKey};
pub use outcome_waiters::{OutcomeWaiter, OutcomeWaiters, WaitResult, WakeSource};

use recent_handles::RecentHandles;

use crate::instrumentation;
use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::commands::outcomes::OutcomeReader;
use auction_domain::{Actor, Timestamp};
use auction_wire::{Command, CommandBody, CommandId, Outcome};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::shutdown::ShutdownSignal;

/// Namespace of command ids that derive from an idempotency key.
const BY_IDEMPOTENCY_KEY: Uuid = Uuid::from_u128(0x5d0d_8c63_3d2b_5c1b_9a50_6a2f_0f5e_8d01);

/// How long requests go on waiting when it is time to stop.
const WAIT_WHEN_STOPPING: Duration = Duration::from_secs(2);

/// The way of commands in, and of outcomes back.
pub struct CommandGateway<Q, O> {
    queue: Q,
    outcomes: O,
    waiters: Arc<OutcomeWaiters>,
    secret: HandleKey,
    ingress: String,
    stop: ShutdownSignal,
    recent: RecentHandles,
}

/// A request that passed all checks.
#[derive(Clone, Debug)]
pub struct CommandRequest {
    /// See [`command_id`].
    pub id: CommandId,
    /// The user or auction it is for.
    pub key: Uuid,
    /// Who asks.
    pub actor: Actor,
    /// The version of the auction that the sender insists on.
    pub expect: Option<u64>,
    /// See [`fingerprint`].
    pub fingerprint: u64,
    /// Whether its id derives from an idempotency key, so that it may come again.
    pub repeatable: bool,
    /// W3C traceparent; may be empty.
    pub trace: String,
    /// When it came in.
    pub received_at: Timestamp,
    /// What is asked.
    pub body: CommandBody,
}

/// What is known of a command.
#[derive(Clone, Debug)]
pub enum CommandStatus {
    /// Not decided yet.
    Pending,
    /// Decided.
    Decided(Outcome),
    /// The same idempotency key was used for another request.
    KeyReused,
}

/// The id of a command: fresh, or always the same for the same caller, request and idempotency key.
pub fn command_id(caller: &str, method: &str, path: &str, idempotency_key: Option<&str>) -> CommandId {
    CommandId(match idempotency_key {
        None => Uuid::now_v7(),
        // A line break is in none of the parts but the last.
        Some(key) => {
            Uuid::new_v5(&BY_IDEMPOTENCY_KEY, format!("{caller}\n{method}\n{path}\n{key}").as_bytes())
        }
    })
}

/// A fingerprint of a request's payload: the same key with another one is another request.
pub fn fingerprint(payload: &[u8]) -> u64 {
    let digest = Sha256::digest(payload);
    u64::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
    ])
}

impl<Q: CommandQueue, O: OutcomeReader> CommandGateway<Q, O> {
    /// For the ingress of that name, to which writers send outcomes. When it is time to stop, requests
    /// that wait are answered soon.
    pub fn new(
        queue: Q,
        outcomes: O,
        waiters: Arc<OutcomeWaiters>,
        secret: HandleKey,
        ingress: String,
        stop: ShutdownSignal,
    ) -> CommandGateway<Q, O> {
        CommandGateway { queue, outcomes, waiters, secret, ingress, stop, recent: RecentHandles::default() }
    }

    /// Puts the command on its stream. It is on disk when this returns. With `wait` the outcome is waited
    /// for so long.
    pub async fn submit(
        &self,
        request: CommandRequest,
        wait: Option<Duration>,
    ) -> Result<(CommandHandle, CommandStatus), Unavailable> {
        let mut handle = CommandHandle {
            command: request.id,
            received_at: request.received_at,
            fingerprint: request.fingerprint,
        };
        if request.repeatable
            && let Some(first) = self.recent.find(request.id, request.received_at)
        {
            if first.fingerprint == handle.fingerprint {
                handle = first;
            } else if let Some(known) = self.whose(&handle, wait).await {
                return Ok((handle, known));
            }
        }
        // Before the command is sent: its outcome may be here before we are.
        let waiting = wait.map(|wait| (wait, self.waiters.wait_for(request.id, WakeSource::Replies)));
        let reply = if waiting.is_some() { self.ingress.clone() } else { String::new() };
        let command = Command {
            id: request.id,
            key: request.key,
            actor: request.actor,
            expect: request.expect,
            fingerprint: request.fingerprint,
            reply,
            trace: request.trace,
            body: request.body,
        };
        let kind = command.body.kind();
        self.queue.submit(command).await?;
        instrumentation::accepted(kind);
        if request.repeatable {
            self.recent.note(handle);
        }
        let status = match waiting {
            None => CommandStatus::Pending,
            // Few wait: the others need no room for it.
            Some((wait, waiting)) => Box::pin(self.wait(&handle, wait, waiting, WakeSource::Replies)).await,
        };
        Ok((handle, status))
    }

    /// What is answered where this ingress has seen the key with another payload. That may be the wrong one: another
    /// ingress may have taken the right one before. Whoever waits is told what the stream comes to.
    async fn whose(&self, handle: &CommandHandle, wait: Option<Duration>) -> Option<CommandStatus> {
        match self.status(handle).await.unwrap_or(CommandStatus::Pending) {
            CommandStatus::Pending if wait.is_some() => None,
            CommandStatus::Pending => Some(CommandStatus::KeyReused),
            known => Some(known),
        }
    }

    async fn wait(
        &self,
        handle: &CommandHandle,
        wait: Duration,
        mut waiting: OutcomeWaiter,
        hears: WakeSource,
    ) -> CommandStatus {
        let until = Instant::now() + wait;
        let mut stop = self.stop.clone();
        let stopping = async {
            stop.wait().await;
            tokio::time::sleep(WAIT_WHEN_STOPPING).await;
        };
        tokio::pin!(stopping);
        loop {
            let waited = tokio::select! {
                waited = waiting.outcome(until) => waited,
                () = &mut stopping => WaitResult::TimedOut,
            };
            if let WaitResult::Outcome(outcome) = waited {
                return judge(handle, outcome);
            }
            // Before the look, so that nothing falls between the two.
            waiting = self.waiters.wait_for(handle.command, hears);
            // The answer may have been lost on its way; the stored one is not. The command is on disk whether
            // or not it can be looked up now.
            let status = self.status(handle).await.unwrap_or(CommandStatus::Pending);
            if waited == WaitResult::TimedOut || !matches!(status, CommandStatus::Pending) {
                return status;
            }
        }
    }

    /// What became of a command.
    pub async fn status(&self, handle: &CommandHandle) -> Result<CommandStatus, Unavailable> {
        let outcome = self.outcomes.outcome(handle.command).await?;
        Ok(outcome.map_or(CommandStatus::Pending, |outcome| judge(handle, outcome)))
    }

    /// What became of a command, whoever took it. With `wait`, a command that is not decided yet is waited for so
    /// long: it is looked up once more when writers announce that it is decided.
    pub async fn status_within(
        &self,
        handle: &CommandHandle,
        wait: Option<Duration>,
    ) -> Result<CommandStatus, Unavailable> {
        let Some(wait) = wait else { return self.status(handle).await };
        // Before the look, so that nothing falls between the two.
        let waiting = self.waiters.wait_for(handle.command, WakeSource::Announcements);
        match self.status(handle).await? {
            CommandStatus::Pending => Ok(self.wait(handle, wait, waiting, WakeSource::Announcements).await),
            known => Ok(known),
        }
    }

    /// Stands for a payload that nobody may guess by its fingerprint: that one is stored with the command, and a
    /// plain hash of a password could be tried against a dictionary.
    pub fn conceal(&self, payload: &[u8]) -> [u8; 32] {
        self.secret.keyed_hash(payload)
    }

    /// A handle as its text.
    pub fn seal(&self, handle: &CommandHandle) -> String {
        self.secret.encode(handle)
    }

    /// A handle from its text; none if it was not given out by this portal.
    pub fn open(&self, text: &str) -> Option<CommandHandle> {
        self.secret.decode(text)
    }
}

fn judge(handle: &CommandHandle, outcome: Outcome) -> CommandStatus {
    if outcome.fingerprint == handle.fingerprint {
        CommandStatus::Decided(outcome)
    } else {
        CommandStatus::KeyReused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_command_only_for_the_same_caller_and_request() {
        let id = |caller, path, key| command_id(caller, "PUT", path, Some(key));
        assert_eq!(id("ada", "/a", "1"), id("ada", "/a", "1"));
        assert_ne!(id("ada", "/a", "1"), id("bob", "/a", "1"));
        assert_ne!(id("ada", "/a", "1"), id("ada", "/b", "1"));
        assert_ne!(id("ada", "/a", "1"), id("ada", "/a", "2"));
        assert_ne!(command_id("ada", "PUT", "/a", None), command_id("ada", "PUT", "/a", None));
    }
}
