//! What follows from a deleted user: his live bids are taken out, and what he sells is called off, in every
//! auction that has no result yet. First of all what is known of him as a person is erased, and his tokens end.
//!
//! ```text
//! DeleteUser ──▶ unfinished ──something is at stake: send, and again──▶ unfinished, one attempt more
//!                    └──────────────nothing is at stake──────────────▶ finished
//! ```
//!
//! The state is stored beside the deletion. What is at stake is asked of the store, not remembered: once a
//! deletion is stored nothing can be added (see `sql/migrations/V12__append_batch.sql`), so that finding nothing is
//! final. The ids of the commands derive from deletion, auction and attempt: whoever dies between sending
//! and storing that it was sent, sends the same again, and two at once send the same.

use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::people::accounts::PersonalDataErasure;
use crate::ports::people::tokens::{Revocation, Revocations};
use crate::ports::people::user_deletions::{OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::auction::{AuctionCommand, CancelAuction, RetractBids};
use auction_domain::{Actor, DurationMs, Timestamp, UserId};
use auction_wire::{Command, CommandBody, CommandId};
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Namespace of the ids of commands that follow from a deletion.
const AFTER_DELETION: Uuid = Uuid::from_u128(0x8c3e_1d27_4b60_5f3a_a9d2_6e15_c07b_4f93);

/// So many deletions are looked at in one go, and so many commands are sent at once.
const CHUNK: usize = 500;

/// What was sent and does not show is sent again after so long; each time twice as long, so that an outage
/// does not fill the streams.
const AGAIN: DurationMs = DurationMs::seconds(5);

/// It is not doubled more often: 5 s · 2^6 are about five minutes.
const DOUBLINGS: u32 = 6;

/// Looks at all deletions that are not finished once: sends what has to follow and is not on its way, and
/// finishes those of which nothing is left.
pub async fn run_user_deletion(
    queue: &impl CommandQueue,
    deletions: &(impl UserDeletions + PersonalDataErasure),
    revocations: &impl Revocations,
) -> Result<(), Unavailable> {
    loop {
        let unfinished = deletions.unfinished(CHUNK).await?;
        if unfinished.is_empty() {
            return Ok(());
        }
        erase(deletions, revocations, &unfinished).await?;
        let now = queue.now().await?;
        let moved = one_step(queue, deletions, &unfinished, now).await?;
        // With a full chunk, others may wait behind it.
        if unfinished.len() < CHUNK || !moved {
            return Ok(());
        }
    }
}

/// Nothing is left of them as persons. Whoever dies in between does it again; before a deletion is finished it is
/// done.
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
    tracing::info!(accounts = erased.len(), "accounts of deleted users are erased");
    let revoked: Vec<Revocation> = erased.into_iter().map(Revocation::User).collect();
    // It is a courtesy: an ingress that hears nothing finds out when it looks again.
    if let Err(error) = revocations.publish(&revoked).await {
        tracing::warn!(%error, "nobody was told that tokens ended");
    }
    Ok(())
}

/// Returns whether any of these moved on.
async fn one_step(
    queue: &impl CommandQueue,
    deletions: &impl UserDeletions,
    unfinished: &[PendingDeletion],
    now: Timestamp,
) -> Result<bool, Unavailable> {
    let users: Vec<UserId> = unfinished.iter().map(|deletion| deletion.user).collect();
    let mut stakes: BTreeMap<UserId, Vec<OpenInterest>> = BTreeMap::new();
    for (user, stake) in deletions.open_interests(&users).await? {
        stakes.entry(user).or_default().push(stake);
    }
    let (mut finished, mut sent, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    for deletion in unfinished {
        match stakes.get(&deletion.user) {
            None => finished.push(deletion.sequence),
            Some(stakes) if deletion.again_at <= now => {
                commands.extend(stakes.iter().map(|stake| command(deletion, *stake)));
                let wait = DurationMs(AGAIN.0 << deletion.attempt.min(DOUBLINGS));
                sent.push(PendingDeletion { again_at: now + wait, ..*deletion });
            }
            Some(_) => {} // on its way
        }
    }
    for chunk in commands.chunks(CHUNK) {
        try_join_all(chunk.iter().map(|command| queue.submit(command.clone()))).await?;
    }
    // Only now: whoever dies before sends the same again.
    if !sent.is_empty() {
        tracing::info!(
            deletions = sent.len(),
            commands = commands.len(),
            "taking out what deleted users left"
        );
        deletions.record_sent(&sent).await?;
    }
    if !finished.is_empty() {
        deletions.finished(&finished).await?;
    }
    Ok(!sent.is_empty() || !finished.is_empty())
}

fn command(deletion: &PendingDeletion, stake: OpenInterest) -> Command {
    let PendingDeletion { sequence, user, attempt, .. } = *deletion;
    let (auction, what, body) = match stake {
        OpenInterest::Bids(auction) => {
            (auction, "bids", AuctionCommand::RetractBids(RetractBids { bidder: user }))
        }
        OpenInterest::Sale(auction) => (auction, "sale", AuctionCommand::CancelAuction(CancelAuction)),
    };
    let name = format!("{sequence}/{auction}/{what}/{attempt}");
    Command {
        id: CommandId(Uuid::new_v5(&AFTER_DELETION, name.as_bytes())),
        key: auction.0,
        actor: Actor::Portal,
        expect: None,
        fingerprint: 0,
        reply: String::new(),
        trace: String::new(),
        body: CommandBody::Auction(body),
    }
}
