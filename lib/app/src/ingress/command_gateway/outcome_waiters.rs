//! Registry of requests that wait for the outcome of a command. An arriving outcome wakes them without
//! polling.

use crate::instrumentation;
use auction_wire::{CommandId, Outcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Event that wakes a waiting request, besides a delivered outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeSource {
    /// None: the writer sends the outcome to the reply stream of this ingress.
    Replies,
    /// The announcement that the command is decided. No writer sends the outcome: it must be looked up.
    Announcements,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    source: WakeSource,
    outcome: oneshot::Sender<Outcome>,
}

/// All waiting requests of this process.
#[derive(Debug, Default)]
pub struct OutcomeWaiters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    waiting: HashMap<CommandId, Vec<Waiter>>,
}

/// Registration of one waiting request. Dropping it ends the registration.
#[derive(Debug)]
pub struct OutcomeWaiter {
    waiters: Arc<OutcomeWaiters>,
    command: CommandId,
    ticket: u64,
    outcome: oneshot::Receiver<Outcome>,
}

/// Result of waiting for an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitResult {
    Outcome(Outcome),
    TimedOut,
    /// The outcome may be stored without having been delivered. Look it up, and wait again if it is not
    /// stored.
    Recheck,
}

impl OutcomeWaiters {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // A panic cannot leave the table inconsistent: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a request that waits for the outcome of a command. Outcomes that arrive from now on are not
    /// missed.
    pub fn wait_for(self: &Arc<OutcomeWaiters>, command: CommandId, source: WakeSource) -> OutcomeWaiter {
        let (sender, outcome) = oneshot::channel();
        let mut table = self.table();
        let ticket = table.next;
        table.next += 1;
        table.waiting.entry(command).or_default().push(Waiter { ticket, source, outcome: sender });
        instrumentation::request_waiting();
        OutcomeWaiter { waiters: Arc::clone(self), command, ticket, outcome }
    }

    /// Delivers an outcome to every request that waits for it.
    pub fn deliver(&self, outcome: &Outcome) {
        let waiting = self.table().waiting.remove(&outcome.command);
        for waiter in waiting.unwrap_or_default() {
            // The send fails if the request has ended meanwhile.
            let _ = waiter.outcome.send(outcome.clone());
        }
    }

    /// Wakes the requests that wait for announcements of these commands: each looks up the outcome.
    pub fn on_announced(&self, decided: impl Iterator<Item = CommandId>) {
        let mut table = self.table();
        // The common case: no request waits.
        if table.waiting.is_empty() {
            return;
        }
        for command in decided {
            if let Some(waiting) = table.waiting.get_mut(&command) {
                // Dropping the sender wakes the request.
                waiting.retain(|waiter| waiter.source != WakeSource::Announcements);
            }
        }
    }

    /// Wakes every request that waits for announcements, because announcements may have been lost.
    pub fn on_announcements_lost(&self) {
        let mut table = self.table();
        let waiting = table.waiting.values_mut();
        waiting.for_each(|waiting| waiting.retain(|waiter| waiter.source != WakeSource::Announcements));
    }

    /// Wakes every waiting request, because outcomes may have been lost: each looks up its outcome.
    pub fn recheck_all(&self) {
        // Dropping the senders wakes the requests.
        self.table().waiting.clear();
    }

    /// Returns the number of waiting requests.
    pub fn len(&self) -> usize {
        self.table().waiting.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl OutcomeWaiter {
    /// Waits for the outcome until a deadline.
    pub async fn outcome(mut self, until: Instant) -> WaitResult {
        match tokio::time::timeout_at(until, &mut self.outcome).await {
            Ok(Ok(outcome)) => WaitResult::Outcome(outcome),
            Ok(Err(_)) => WaitResult::Recheck,
            Err(_) => WaitResult::TimedOut,
        }
    }
}

impl Drop for OutcomeWaiter {
    fn drop(&mut self) {
        instrumentation::request_done();
        let mut table = self.waiters.table();
        if let Some(waiting) = table.waiting.get_mut(&self.command) {
            waiting.retain(|waiter| waiter.ticket != self.ticket);
            if waiting.is_empty() {
                table.waiting.remove(&self.command);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::Timestamp;
    use auction_wire::{OutcomeResult, PartitionId};
    use uuid::Uuid;

    fn outcome(command: u128) -> Outcome {
        Outcome {
            command: CommandId(Uuid::from_u128(command)),
            kind: "place_bid".to_owned(),
            key: Uuid::nil(),
            fingerprint: 0,
            partition: PartitionId(0),
            position: 1,
            at: Timestamp(0),
            result: OutcomeResult::accepted(1, None, Vec::new()),
        }
    }

    #[tokio::test]
    async fn every_waiter_of_a_command_gets_its_outcome() {
        let waiters = Arc::new(OutcomeWaiters::default());
        let command = CommandId(Uuid::from_u128(1));
        let (one, two) =
            (waiters.wait_for(command, WakeSource::Replies), waiters.wait_for(command, WakeSource::Replies));
        let other = waiters.wait_for(CommandId(Uuid::from_u128(2)), WakeSource::Replies);
        waiters.deliver(&outcome(1));
        let soon = Instant::now() + std::time::Duration::from_secs(5);
        assert_eq!(one.outcome(soon).await, WaitResult::Outcome(outcome(1)));
        assert_eq!(two.outcome(soon).await, WaitResult::Outcome(outcome(1)));
        assert_eq!(waiters.len(), 1);
        assert_eq!(other.outcome(Instant::now()).await, WaitResult::TimedOut, "the wait timed out");
        assert!(waiters.is_empty());
        let lost = waiters.wait_for(command, WakeSource::Replies);
        waiters.recheck_all();
        assert_eq!(lost.outcome(soon).await, WaitResult::Recheck);
    }
}
