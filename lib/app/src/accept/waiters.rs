//! Requests that wait for the outcome of their command: woken when it comes, without asking.

use auction_wire::{CommandId, Outcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

type Waiting1 = (u64, oneshot::Sender<Outcome>);

/// Who waits for what.
#[derive(Debug, Default)]
pub struct Waiters(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    waiting: HashMap<CommandId, Vec<Waiting1>>,
}

/// One request that waits; leaves the table when it is dropped.
#[derive(Debug)]
pub struct Waiting {
    waiters: Arc<Waiters>,
    command: CommandId,
    ticket: u64,
    outcome: oneshot::Receiver<Outcome>,
}

impl Waiters {
    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // A panic while it was held cannot leave it half changed: each change is one call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the outcome of that command is kept for the caller.
    pub fn wait_for(self: &Arc<Waiters>, command: CommandId) -> Waiting {
        let (sender, outcome) = oneshot::channel();
        let mut table = self.table();
        let ticket = table.next;
        table.next += 1;
        table.waiting.entry(command).or_default().push((ticket, sender));
        Waiting { waiters: Arc::clone(self), command, ticket, outcome }
    }

    /// An outcome has come: everybody who waits for it gets it.
    pub fn deliver(&self, outcome: &Outcome) {
        let waiting = self.table().waiting.remove(&outcome.command);
        for (_, sender) in waiting.unwrap_or_default() {
            // Whoever gave up meanwhile does not need it.
            let _ = sender.send(outcome.clone());
        }
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

impl Waiting {
    /// The outcome, if it comes in time.
    pub async fn outcome(mut self, wait: Duration) -> Option<Outcome> {
        tokio::time::timeout(wait, &mut self.outcome).await.ok()?.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut table = self.waiters.table();
        if let Some(waiting) = table.waiting.get_mut(&self.command) {
            waiting.retain(|(ticket, _)| *ticket != self.ticket);
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
        let waiters = Arc::new(Waiters::default());
        let command = CommandId(Uuid::from_u128(1));
        let (one, two) = (waiters.wait_for(command), waiters.wait_for(command));
        let other = waiters.wait_for(CommandId(Uuid::from_u128(2)));
        waiters.deliver(&outcome(1));
        assert_eq!(one.outcome(Duration::from_secs(5)).await, Some(outcome(1)));
        assert_eq!(two.outcome(Duration::from_secs(5)).await, Some(outcome(1)));
        assert_eq!(waiters.len(), 1);
        assert_eq!(other.outcome(Duration::ZERO).await, None, "gave up");
        assert!(waiters.is_empty());
    }
}
