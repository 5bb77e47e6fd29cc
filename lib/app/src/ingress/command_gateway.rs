//! Submission of commands to their streams. The sender gets a handle to query the outcome with.

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
use auction_wire::{Command, CommandBody, CommandId, Outcome, PartitionCount};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::shutdown::ShutdownSignal;

/// Namespace of command ids that are derived from an idempotency key.
const BY_IDEMPOTENCY_KEY: Uuid = Uuid::from_u128(0x5d0d_8c63_3d2b_5c1b_9a50_6a2f_0f5e_8d01);

/// How long requests continue to wait for outcomes after a shutdown was requested.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(2);

/// Submits commands and returns their outcomes.
pub struct CommandGateway {
    queue: Arc<dyn CommandQueue>,
    outcomes: Arc<dyn OutcomeReader>,
    waiters: Arc<OutcomeWaiters>,
    handle_key: HandleKey,
    ingress: String,
    partitions: PartitionCount,
    stop: ShutdownSignal,
    recent: RecentHandles,
}

/// Validated request to submit a command.
#[derive(Clone, Debug)]
pub struct CommandRequest {
    /// The id returned by [`command_id`].
    pub id: CommandId,
    /// The user or auction that the command is for.
    pub key: Uuid,
    pub actor: Actor,
    /// The version of the auction that the sender requires.
    pub expect: Option<u64>,
    /// The value returned by [`fingerprint`].
    pub fingerprint: u64,
    /// Whether the id is derived from an idempotency key, so that the request may be repeated.
    pub repeatable: bool,
    /// W3C traceparent; may be empty.
    pub trace: String,
    pub received_at: Timestamp,
    pub body: CommandBody,
}

/// Status of a command.
#[derive(Clone, Debug)]
pub enum CommandStatus {
    /// The command has no outcome yet.
    Pending,
    Decided(Outcome),
    /// The same idempotency key was used for another request.
    KeyReused,
}

/// Returns the id of a command: always the same for the same caller, request and idempotency key; a new one
/// without a key.
pub fn command_id(caller: &str, method: &str, path: &str, idempotency_key: Option<&str>) -> CommandId {
    CommandId(match idempotency_key {
        None => Uuid::now_v7(),
        // Only the last part can contain a line break, so that different parts never give the same text.
        Some(key) => {
            Uuid::new_v5(&BY_IDEMPOTENCY_KEY, format!("{caller}\n{method}\n{path}\n{key}").as_bytes())
        }
    })
}

/// Returns the fingerprint of a request's payload. It detects an idempotency key reused for another payload.
pub fn fingerprint(payload: &[u8]) -> u64 {
    let digest = Sha256::digest(payload);
    u64::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
    ])
}

impl CommandGateway {
    /// Creates a gateway. Writers send outcomes to the reply streams of `ingress`. After `stop`, waiting
    /// requests are answered within two seconds.
    pub fn new(
        queue: Arc<dyn CommandQueue>,
        outcomes: Arc<dyn OutcomeReader>,
        waiters: Arc<OutcomeWaiters>,
        handle_key: HandleKey,
        ingress: String,
        partitions: PartitionCount,
        stop: ShutdownSignal,
    ) -> CommandGateway {
        CommandGateway {
            queue,
            outcomes,
            waiters,
            handle_key,
            ingress,
            partitions,
            stop,
            recent: RecentHandles::default(),
        }
    }

    /// Puts the command on its stream. The command is durable when this returns. With `wait`, waits at most
    /// that long for the outcome.
    pub async fn submit(
        &self,
        request: CommandRequest,
        wait: Option<Duration>,
    ) -> Result<(CommandHandle, CommandStatus), Unavailable> {
        let mut handle = CommandHandle {
            command: request.id,
            received_at: request.received_at,
            fingerprint: request.fingerprint,
            partition: Some(self.partitions.of(request.key)),
        };
        if request.repeatable
            && let Some(first) = self.recent.find(request.id, request.received_at)
        {
            if first.fingerprint == handle.fingerprint {
                handle = first;
            } else if let Some(known) = self.check_key_reuse(&handle, wait).await {
                return Ok((handle, known));
            }
        }
        // Registered before the command is sent: the outcome may arrive before the submission returns.
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
        instrumentation::command_accepted(kind);
        if request.repeatable {
            self.recent.insert(handle);
        }
        let status = match waiting {
            None => CommandStatus::Pending,
            // Boxed because few requests wait: the others need no memory for this future.
            Some((wait, waiting)) => Box::pin(self.wait(&handle, wait, waiting, WakeSource::Replies)).await,
        };
        Ok((handle, status))
    }

    /// Returns the status of a command whose idempotency key this ingress has seen with another payload.
    ///
    /// The payload seen here may not be the first one: another ingress may have received the request with
    /// this payload before. While the command is pending, a caller that waits gets none: the command is
    /// submitted, and its outcome decides which payload was first.
    async fn check_key_reuse(&self, handle: &CommandHandle, wait: Option<Duration>) -> Option<CommandStatus> {
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
        source: WakeSource,
    ) -> CommandStatus {
        let until = Instant::now() + wait;
        let mut stop = self.stop.clone();
        let stopping = async {
            stop.wait().await;
            tokio::time::sleep(SHUTDOWN_WAIT).await;
        };
        tokio::pin!(stopping);
        loop {
            let waited = tokio::select! {
                waited = waiting.outcome(until) => waited,
                () = &mut stopping => WaitResult::TimedOut,
            };
            if let WaitResult::Outcome(outcome) = waited {
                return status_of(handle, outcome);
            }
            // Registered before the lookup, so that no outcome is missed between the two.
            waiting = self.waiters.wait_for(handle.command, source);
            // The reply may have been lost, but the stored outcome is not. If the lookup fails, the command
            // is still pending for the caller: it is durable either way.
            let status = self.status(handle).await.unwrap_or(CommandStatus::Pending);
            if waited == WaitResult::TimedOut || !matches!(status, CommandStatus::Pending) {
                return status;
            }
        }
    }

    /// Looks up the status of a command.
    pub async fn status(&self, handle: &CommandHandle) -> Result<CommandStatus, Unavailable> {
        let outcome = self.outcomes.outcome(handle.command, handle.partition).await?;
        Ok(outcome.map_or(CommandStatus::Pending, |outcome| status_of(handle, outcome)))
    }

    /// Looks up the status of a command that any ingress accepted. With `wait`, waits at most that long until
    /// a pending command is decided: writers announce decided commands, and the outcome is then looked up
    /// again.
    pub async fn status_within(
        &self,
        handle: &CommandHandle,
        wait: Option<Duration>,
    ) -> Result<CommandStatus, Unavailable> {
        let Some(wait) = wait else { return self.status(handle).await };
        // Registered before the lookup, so that no announcement is missed between the two.
        let waiting = self.waiters.wait_for(handle.command, WakeSource::Announcements);
        match self.status(handle).await? {
            CommandStatus::Pending => Ok(self.wait(handle, wait, waiting, WakeSource::Announcements).await),
            known => Ok(known),
        }
    }

    /// Hashes a payload that contains a secret, before its fingerprint is computed.
    ///
    /// Fingerprints are stored with commands: one of a plain hash would allow a dictionary attack on a
    /// password.
    pub fn keyed_hash(&self, payload: &[u8]) -> [u8; 32] {
        self.handle_key.keyed_hash(payload)
    }

    pub fn encode_handle(&self, handle: &CommandHandle) -> String {
        self.handle_key.encode(handle)
    }

    /// Decodes a handle; none if this portal did not issue it.
    pub fn decode_handle(&self, text: &str) -> Option<CommandHandle> {
        self.handle_key.decode(text)
    }
}

fn status_of(handle: &CommandHandle, outcome: Outcome) -> CommandStatus {
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
    fn command_id_depends_on_caller_request_and_idempotency_key() {
        let id = |caller, path, key| command_id(caller, "PUT", path, Some(key));
        assert_eq!(id("ada", "/a", "1"), id("ada", "/a", "1"));
        assert_ne!(id("ada", "/a", "1"), id("bob", "/a", "1"));
        assert_ne!(id("ada", "/a", "1"), id("ada", "/b", "1"));
        assert_ne!(id("ada", "/a", "1"), id("ada", "/a", "2"));
        assert_ne!(command_id("ada", "PUT", "/a", None), command_id("ada", "PUT", "/a", None));
    }
}
