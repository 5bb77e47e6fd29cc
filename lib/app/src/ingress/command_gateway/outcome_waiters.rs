//! Requests that wait for the outcome of their command: woken when it comes, without asking.

use crate::instrumentation;
use auction_wire::{CommandId, Outcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// What wakes a request that waits, besides the outcome itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeSource {
    /// Nothing: a writer knows that we wait, and sends us the outcome.
    Replies,
    /// That the command is decided: nobody sends us the outcome, it is to be looked up.
    Announcements,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    hears: WakeSource,
    outcome: oneshot::Sender<Outcome>,
}

/// Who waits for what.
#[derive(Debug, Default)]
pub struct OutcomeWaiters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    waiting: HashMap<CommandId, Vec<Waiter>>,
}

/// One request that waits; leaves the table when it is dropped.
#[derive(Debug)]
pub struct OutcomeWaiter {
    waiters: Arc<OutcomeWaiters>,
    command: CommandId,
    ticket: u64,
    outcome: oneshot::Receiver<Outcome>,
}

/// How waiting ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitResult {
    /// The outcome has come.
    Outcome(Outcome),
    /// It did not come in time.
    TimedOut,
    /// Outcomes may have been lost on their way: look whether this one is stored, and wait on if not.
    Recheck,
}

impl OutcomeWaiters {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // A panic while it was held cannot leave it half changed: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the outcome of that command is kept for the caller.
    pub fn wait_for(self: &Arc<OutcomeWaiters>, command: CommandId, hears: WakeSource) -> OutcomeWaiter {
        let (sender, outcome) = oneshot::channel();
        let mut table = self.table();
        let ticket = table.next;
        table.next += 1;
        table.waiting.entry(command).or_default().push(Waiter { ticket, hears, outcome: sender });
        instrumentation::request_waiting();
        OutcomeWaiter { waiters: Arc::clone(self), command, ticket, outcome }
    }

    /// An outcome has come: everybody who waits for it gets it.
    pub fn deliver(&self, outcome: &Outcome) {
        let waiting = self.table().waiting.remove(&outcome.command);
        for waiter in waiting.unwrap_or_default() {
            // Whoever gave up meanwhile does not need it.
            let _ = waiter.outcome.send(outcome.clone());
        }
    }

    /// These commands are decided: whoever waits without being sent the outcome looks for himself.
    pub fn on_announced(&self, decided: impl Iterator<Item = CommandId>) {
        let mut table = self.table();
        // Mostly nobody waits at all.
        if table.waiting.is_empty() {
            return;
        }
        for command in decided {
            if let Some(waiting) = table.waiting.get_mut(&command) {
                // Who waits notices that his sender is gone.
                waiting.retain(|waiter| waiter.hears != WakeSource::Announcements);
            }
        }
    }

    /// Announcements may have been lost: whoever needs them looks for himself.
    pub fn on_announcements_lost(&self) {
        let mut table = self.table();
        let waiting = table.waiting.values_mut();
        waiting.for_each(|waiting| waiting.retain(|waiter| waiter.hears != WakeSource::Announcements));
    }

    /// Outcomes may have been lost on their way: everybody who waits looks for himself.
    pub fn recheck_all(&self) {
        // Who waits notices that his sender is gone.
        self.table().waiting.clear();
    }

    /// How many requests wait.
    pub fn len(&self) -> usize {
        self.table().waiting.values().map(Vec::len).sum()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl OutcomeWaiter {
    /// The outcome, if it comes until then.
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
    async fn everybody_who_waits_for_a_command_gets_its_outcome_and_nobody_is_left_over() {
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
        assert_eq!(other.outcome(Instant::now()).await, WaitResult::TimedOut, "gave up");
        assert!(waiters.is_empty());
        let lost = waiters.wait_for(command, WakeSource::Replies);
        waiters.recheck_all();
        assert_eq!(lost.outcome(soon).await, WaitResult::Recheck);
    }
}
