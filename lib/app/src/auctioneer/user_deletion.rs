//! The user-deletion process (a process manager).
//!
//! It erases the personal data of a deleted user and revokes their tokens. Then it retracts their active bids
//! and cancels their auctions, in every auction that has no result yet.
//!
//! ```text
//! DeleteUser ──▶ unfinished ──open interests: send commands, retry──▶ unfinished, attempt + 1
//!                    └──────────────no open interests───────────────▶ finished
//! ```
//!
//! The progress is stored with the deletion. Open interests are read from the store each time. After a
//! deletion is stored, the user cannot get new ones (see the SQL function `append_batch` in
//! `sql/migrations`), so finding none is final. The command ids are derived from deletion, auction and
//! attempt. So a process that crashes between sending and recording sends the same commands again, and two
//! processes at once send the same commands.

use crate::ports::Unavailable;
use crate::ports::commands::command_queue::CommandQueue;
use crate::ports::people::accounts::PersonalDataErasure;
use crate::ports::people::tokens::{Revocation, Revocations};
use crate::ports::people::user_deletions::{OpenInterest, PendingDeletion, UserDeletions};
use auction_domain::auction::{AuctionCommand, CancelAuction, RetractBids};
use auction_domain::{DurationMs, Timestamp, UserId};
use auction_wire::Command;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Namespace of the ids of commands that follow from a deletion.
const AFTER_DELETION: Uuid = Uuid::from_u128(0x8c3e_1d27_4b60_5f3a_a9d2_6e15_c07b_4f93);

/// Maximum number of deletions per step, and of commands that are sent at once.
const CHUNK: usize = 500;

/// Time after which commands without an effect are sent again. It doubles with each attempt, so that an
/// outage does not fill the streams.
const RETRY_AFTER: DurationMs = DurationMs::seconds(5);

/// Maximum number of doublings: 5 s · 2^6 is about five minutes.
const MAX_DOUBLINGS: u32 = 6;

/// Processes all unfinished deletions once: sends their commands if they are due, and finishes those without
/// open interests.
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
        let progressed = run_step(queue, deletions, &unfinished, now).await?;
        // A full chunk means that there may be more deletions.
        if unfinished.len() < CHUNK || !progressed {
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

/// Runs one step for these deletions. Returns whether any of them made progress.
async fn run_step(
    queue: &impl CommandQueue,
    deletions: &impl UserDeletions,
    unfinished: &[PendingDeletion],
    now: Timestamp,
) -> Result<bool, Unavailable> {
    let users: Vec<UserId> = unfinished.iter().map(|deletion| deletion.user).collect();
    let mut interests: BTreeMap<UserId, Vec<OpenInterest>> = BTreeMap::new();
    for (user, interest) in deletions.open_interests(&users).await? {
        interests.entry(user).or_default().push(interest);
    }
    let (mut finished, mut sent, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    for deletion in unfinished {
        match interests.get(&deletion.user) {
            None => finished.push(deletion.sequence),
            Some(interests) if deletion.retry_at <= now => {
                commands.extend(interests.iter().map(|interest| command(deletion, *interest)));
                let wait = DurationMs(RETRY_AFTER.0 << deletion.attempt.min(MAX_DOUBLINGS));
                sent.push(PendingDeletion { retry_at: now + wait, ..*deletion });
            }
            Some(_) => {} // sent, not due again yet
        }
    }
    for chunk in commands.chunks(CHUNK) {
        try_join_all(chunk.iter().map(|command| queue.submit(command.clone()))).await?;
    }
    // After sending: a process that crashes before this line sends the same commands again.
    if !sent.is_empty() {
        tracing::info!(
            deletions = sent.len(),
            commands = commands.len(),
            "removing bids and auctions of deleted users"
        );
        deletions.record_sent(&sent).await?;
    }
    if !finished.is_empty() {
        deletions.mark_finished(&finished).await?;
    }
    Ok(!sent.is_empty() || !finished.is_empty())
}

fn command(deletion: &PendingDeletion, interest: OpenInterest) -> Command {
    let PendingDeletion { sequence, user, attempt, .. } = *deletion;
    let (auction, kind, body) = match interest {
        OpenInterest::Bids(auction) => {
            (auction, "bids", AuctionCommand::RetractBids(RetractBids { bidder: user }))
        }
        OpenInterest::Sale(auction) => (auction, "sale", AuctionCommand::CancelAuction(CancelAuction)),
    };
    let name = format!("{sequence}/{auction}/{kind}/{attempt}");
    Command::of_portal(Uuid::new_v5(&AFTER_DELETION, name.as_bytes()), auction, body)
}
