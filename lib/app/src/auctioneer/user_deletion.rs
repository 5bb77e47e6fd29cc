//! The user-deletion process (a process manager).
//!
//! It erases the personal data of a deleted user and revokes their tokens. Then it bars the user from every
//! partition, retracts their active bids and cancels their auctions, in every auction that has no result yet.
//!
//! ```text
//! DeleteUser ──▶ deletion unfinished ──partitions without a bar: send BarUsers, retry──▶ attempt + 1
//!                        └─────────────────all bars finished────────────────▶ finished
//! UsersBarred ─▶ bar unfinished ──open interests: send commands, retry──▶ attempt + 1
//!                        └───────────────no open interests──────────────▶ finished
//! ```
//!
//! A bar is a command in the order of the partition's bids ([`auction_domain::user_bar`]). Each bid of the user is
//! either before the bar, and retracted, or refused. So open interests are read after the bar is stored, and
//! finding none is final. The progress is stored with the deletion and with each bar. The command ids are derived
//! from what the commands do and from the attempt. So a process that crashes between sending and recording sends
//! the same commands again, and two processes at once send the same commands.

use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::people::accounts::PersonalDataErasure;
use crate::ports::people::tokens::{Revocation, Revocations};
use crate::ports::people::user_deletions::{Bar, OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::auction::{AuctionCommand, CancelAuction, RetractBids};
use auction_domain::{DurationMs, Timestamp, UserId};
use auction_wire::{Command, PartitionCount, PartitionId};
use futures_util::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use uuid::Uuid;

/// Namespace of the ids of commands that follow from a deletion.
const AFTER_DELETION: Uuid = Uuid::from_u128(0x8c3e_1d27_4b60_5f3a_a9d2_6e15_c07b_4f93);

/// Maximum number of deletions per step, of users per bar, and of commands that are sent at once.
const CHUNK: usize = 500;

/// Time after which commands without an effect are sent again. It doubles with each attempt, so that an
/// outage does not fill the streams.
const RETRY_AFTER: DurationMs = DurationMs::seconds(5);

/// Maximum number of doublings: 5 s · 2^6 is about five minutes.
const MAX_DOUBLINGS: u32 = 6;

fn retry_at(now: Timestamp, attempt: u32) -> Timestamp {
    now + DurationMs(RETRY_AFTER.0 << attempt.min(MAX_DOUBLINGS))
}

/// Returns whether a retry is due. A time beyond the longest wait was stored while the clock was ahead.
fn is_due(at: Timestamp, now: Timestamp) -> bool {
    at <= now || at > retry_at(now, MAX_DOUBLINGS)
}

/// Processes all unfinished deletions once: sends bars and removals that are due, and finishes bars and deletions
/// without open interests.
pub async fn run_user_deletion(
    queue: &impl CommandQueue,
    deletions: &(impl UserDeletions + PersonalDataErasure),
    revocations: &impl Revocations,
    partitions: PartitionCount,
) -> Result<(), Unavailable> {
    loop {
        let unfinished = deletions.unfinished(CHUNK).await?;
        if unfinished.is_empty() {
            return Ok(());
        }
        erase(deletions, revocations, &unfinished).await?;
        let step = Step::new(deletions, partitions, unfinished, queue.now().await?).await?;
        let progressed = step.run(queue, deletions).await?;
        // A full chunk means that there may be more deletions.
        if step.unfinished.len() < CHUNK || !progressed {
            return Ok(());
        }
    }
}

/// Erases the personal data of deleted users, and revokes their tokens. After a crash it runs again, so that
/// it is complete before a deletion is finished.
async fn erase(
    accounts: &impl PersonalDataErasure,
    revocations: &impl Revocations,
    unfinished: &[PendingDeletion],
) -> Result<(), Unavailable> {
    let users: Vec<UserId> = unfinished.iter().map(|deletion| deletion.user).collect();
    let erased = accounts.erase(&users).await?;
    if erased.is_empty() {
        return Ok(());
    }
    tracing::info!(accounts = erased.len(), "erased accounts of deleted users");
    let revoked: Vec<Revocation> = erased.into_iter().map(Revocation::User).collect();
    // Best effort: an ingress that misses it finds out when it revalidates the tokens.
    if let Err(error) = revocations.publish(&revoked).await {
        tracing::warn!(%error, "failed to announce revoked tokens");
    }
    Ok(())
}

/// One step for some deletions, from what is stored.
struct Step {
    now: Timestamp,
    partitions: PartitionCount,
    unfinished: Vec<PendingDeletion>,
    bars: BTreeMap<UserId, Vec<Bar>>,
    interests: BTreeMap<(PartitionId, UserId), Vec<OpenInterest>>,
}

impl Step {
    async fn new(
        deletions: &impl UserDeletions,
        partitions: PartitionCount,
        unfinished: Vec<PendingDeletion>,
        now: Timestamp,
    ) -> Result<Step, Unavailable> {
        let users: Vec<UserId> = unfinished.iter().map(|deletion| deletion.user).collect();
        let mut bars: BTreeMap<UserId, Vec<Bar>> = BTreeMap::new();
        for bar in deletions.bars(&users).await? {
            bars.entry(bar.user).or_default().push(bar);
        }
        let open: Vec<(PartitionId, UserId)> = bars
            .values()
            .flatten()
            .filter(|bar| !bar.finished)
            .map(|bar| (bar.partition, bar.user))
            .collect();
        let mut interests: BTreeMap<(PartitionId, UserId), Vec<OpenInterest>> = BTreeMap::new();
        if !open.is_empty() {
            for (partition, user, interest) in deletions.open_interests(&open).await? {
                interests.entry((partition, user)).or_default().push(interest);
            }
        }
        Ok(Step { now, partitions, unfinished, bars, interests })
    }

    fn bars_of(&self, user: UserId) -> &[Bar] {
        self.bars.get(&user).map_or(&[], Vec::as_slice)
    }

    fn has_interests(&self, bar: &Bar) -> bool {
        self.interests.contains_key(&(bar.partition, bar.user))
    }

    /// Sends what is due, then records it: a process that crashes in between sends the same commands again.
    /// Returns whether any deletion made progress.
    async fn run(
        &self,
        queue: &impl CommandQueue,
        deletions: &impl UserDeletions,
    ) -> Result<bool, Unavailable> {
        let (due, bars) = self.due_bars();
        let (removed, removals) = self.due_removals();
        let commands: Vec<Command> = bars.into_iter().chain(removals).collect();
        for chunk in commands.chunks(CHUNK) {
            try_join_all(chunk.iter().map(|command| queue.submit(command.clone()))).await?;
        }
        if !due.is_empty() {
            tracing::info!(deletions = due.len(), "processing user deletions");
            deletions.record_attempts(&due).await?;
        }
        if !removed.is_empty() {
            tracing::info!(bars = removed.len(), "removing bids and auctions of deleted users");
            deletions.record_removals_sent(&removed).await?;
        }
        let finished: Vec<(PartitionId, UserId)> = self
            .bars
            .values()
            .flatten()
            .filter(|bar| !bar.finished && !self.has_interests(bar))
            .map(|bar| (bar.partition, bar.user))
            .collect();
        if !finished.is_empty() {
            deletions.finish_bars(&finished).await?;
        }
        let done = self.finished_deletions();
        if !done.is_empty() {
            deletions.finish(&done).await?;
        }
        Ok(!due.is_empty() || !removed.is_empty() || !finished.is_empty() || !done.is_empty())
    }

    /// Returns the deletions that are due, and their missing bars. Those that only wait for removals count, too: they
    /// move behind the others, so that a chunk of them cannot hold up the rest.
    fn due_bars(&self) -> (Vec<PendingDeletion>, Vec<Command>) {
        let mut users: BTreeMap<PartitionId, BTreeSet<UserId>> = BTreeMap::new();
        let (mut due, mut attempt) = (Vec::new(), 0);
        for deletion in self.unfinished.iter().filter(|deletion| is_due(deletion.retry_at, self.now)) {
            let bars = self.bars_of(deletion.user);
            let is_missing = |partition: &PartitionId| bars.iter().all(|bar| bar.partition != *partition);
            for partition in self.partitions.all().filter(is_missing) {
                users.entry(partition).or_default().insert(deletion.user);
            }
            attempt = attempt.max(deletion.attempt);
            due.push(PendingDeletion { retry_at: retry_at(self.now, deletion.attempt), ..*deletion });
        }
        let bars = users.into_iter().map(|(partition, users)| {
            let users: Vec<UserId> = users.into_iter().collect();
            Command::bar_users(bar_id(self.partitions, partition, &users, attempt), users)
        });
        (due, bars.collect())
    }

    /// Returns the bars with open interests whose removal is due, and the commands that remove them.
    fn due_removals(&self) -> (Vec<Bar>, Vec<Command>) {
        let (mut sent, mut commands) = (Vec::new(), Vec::new());
        for bar in self.bars.values().flatten().filter(|bar| !bar.finished && is_due(bar.retry_at, self.now))
        {
            let Some(interests) = self.interests.get(&(bar.partition, bar.user)) else { continue };
            commands.extend(interests.iter().map(|interest| removal(bar, *interest)));
            sent.push(Bar { retry_at: retry_at(self.now, bar.attempt), ..*bar });
        }
        (sent, commands)
    }

    /// Returns the users that are barred from all partitions and have nothing left in any.
    fn finished_deletions(&self) -> Vec<UserId> {
        let is_finished = |user: &UserId| {
            let bars = self.bars_of(*user);
            bars.len() == usize::from(self.partitions.get())
                && bars.iter().all(|bar| bar.finished || !self.has_interests(bar))
        };
        self.unfinished.iter().map(|deletion| deletion.user).filter(is_finished).collect()
    }
}

/// Returns the id of a bar: derived from its content, and in its partition.
fn bar_id(partitions: PartitionCount, partition: PartitionId, users: &[UserId], attempt: u32) -> Uuid {
    let mut name = format!("bar/{partition}/{attempt}");
    for user in users {
        // Writing to a string never fails.
        let _ = write!(name, "/{user}");
    }
    let content = Uuid::new_v5(&AFTER_DELETION, name.as_bytes());
    let ids = (0_u64..).map(|nonce| Uuid::new_v5(&content, &nonce.to_be_bytes()));
    let mut here = ids.filter(|id| partitions.of(*id) == partition);
    // The ids never end.
    here.next().unwrap_or(content)
}

fn removal(bar: &Bar, interest: OpenInterest) -> Command {
    let Bar { user, attempt, .. } = *bar;
    let (auction, kind, body) = match interest {
        OpenInterest::Bids(auction) => {
            (auction, "bids", AuctionCommand::RetractBids(RetractBids { bidder: user }))
        }
        OpenInterest::Sale(auction) => (auction, "sale", AuctionCommand::CancelAuction(CancelAuction)),
    };
    let name = format!("{user}/{auction}/{kind}/{attempt}");
    Command::of_portal(Uuid::new_v5(&AFTER_DELETION, name.as_bytes()), auction, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_id_is_stable_and_in_its_partition() {
        let partitions = PartitionCount::new(16).unwrap();
        let users = [UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2))];
        for partition in partitions.all() {
            let id = bar_id(partitions, partition, &users, 0);
            assert_eq!(partitions.of(id), partition);
            assert_eq!(id, bar_id(partitions, partition, &users, 0));
            assert_ne!(id, bar_id(partitions, partition, &users, 1));
            assert_ne!(id, bar_id(partitions, partition, &users[..1], 0));
        }
    }
}
