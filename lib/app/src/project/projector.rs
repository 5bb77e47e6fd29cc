//! The projector of one partition.

use super::board::{Board, Boards};
use super::render::{auction_view, list_item, listed_until, own_bids, user_view};
use crate::follow::{Follower, Handled};
use crate::ports::Unavailable;
use crate::ports::event_store::EventStore;
use crate::ports::view_store::{ViewCommit, ViewStore, ViewStores, ViewWrite};
use crate::write::aggregates::{LoadError, read_event};
use auction_domain::auction::AuctionEvent;
use auction_domain::user::UserEvent;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::{Event, EventRecord, PartitionId};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use uuid::Uuid;

/// Keeps the views of one partition.
pub struct Projector<V: ViewStores> {
    stores: V,
    partition: PartitionId,
    views: Option<V::Store>,
    boards: Boards,
    position: u64,
}

/// What a batch changes: of each auction the end it was listed with before, and whose bids changed.
#[derive(Default)]
struct Changes {
    auctions: BTreeMap<Uuid, (Option<Timestamp>, BTreeSet<UserId>)>,
    users: BTreeMap<Uuid, ChangedUser>,
}

/// A user in a batch.
#[derive(Default)]
struct ChangedUser {
    /// If it was in this batch.
    created_at: Option<Timestamp>,
    deleted: bool,
}

impl<V: ViewStores> Projector<V> {
    /// Keeps at most `boards` auctions in memory.
    pub fn new(stores: V, partition: PartitionId, boards: NonZeroUsize) -> Projector<V> {
        Projector { stores, partition, views: None, boards: Boards::new(boards), position: 0 }
    }

    async fn fold(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
    ) -> Result<Changes, LoadError> {
        let mut keys: Vec<Uuid> = events.iter().map(|event| event.key).collect();
        keys.sort_unstable();
        keys.dedup();
        // Before the first of them; of what was parked, before the first that was not handled.
        let before = events.first().map_or(self.position, |event| event.position - 1);
        self.boards.load(store, &keys, before).await?;
        let mut changes = Changes::default();
        for record in events {
            match read_event(record)? {
                Event::User(event) => {
                    let user = changes.users.entry(record.key).or_default();
                    match event {
                        UserEvent::UserCreated => user.created_at = Some(record.at),
                        UserEvent::UserDeleted => user.deleted = true,
                        UserEvent::SubscriptionsChanged(_) => {}
                    }
                }
                Event::Promoter(_) => {}
                Event::Auction(event) => {
                    let board = self.boards.get(record.key);
                    let listed = listed_until(board);
                    let (_, bidders) =
                        changes.auctions.entry(record.key).or_insert((listed, BTreeSet::new()));
                    bidders.extend(bidder(&event));
                    Board::apply(board, &event, record.at);
                }
            }
        }
        Ok(changes)
    }

    async fn render(
        &mut self,
        store: &mut impl EventStore,
        mut changes: Changes,
    ) -> Result<Vec<ViewWrite>, LoadError> {
        let mut writes = Vec::new();
        for (key, (listed_before, bidders)) in std::mem::take(&mut changes.auctions) {
            let auction = AuctionId(key);
            let board = self.boards.get(key);
            let listed = listed_until(board);
            let Some(board) = board else { continue };
            writes.push(ViewWrite::Auction { auction, json: json(&auction_view(auction, board)) });
            if let Some(ends_at) = listed_before.filter(|before| Some(*before) != listed) {
                writes.push(ViewWrite::Unlisted { auction, ends_at });
            }
            if let Some(ends_at) = listed {
                writes.push(ViewWrite::Listed { auction, ends_at, json: json(&list_item(auction, board)) });
            }
            for user in bidders {
                writes.push(ViewWrite::OwnBids {
                    auction,
                    user,
                    json: json(&own_bids(auction, board, user)),
                });
            }
        }
        let before: Vec<Uuid> =
            changes.users.iter().filter(|(_, user)| user.created_at.is_none()).map(|(key, _)| *key).collect();
        if !before.is_empty() {
            for record in store.history(&before, self.position).await? {
                if let Some(user) = changes.users.get_mut(&record.key).filter(|_| record.version == 1) {
                    user.created_at = Some(record.at);
                }
            }
        }
        for (key, ChangedUser { created_at, deleted }) in changes.users {
            let (user, Some(created_at)) = (UserId(key), created_at) else { continue };
            writes.push(ViewWrite::User { user, json: json(&user_view(user, created_at, deleted)) });
        }
        Ok(writes)
    }
}

impl<V: ViewStores> Follower for Projector<V> {
    async fn start(&mut self, _: &mut impl EventStore) -> Result<u64, LoadError> {
        self.boards.forget();
        let mut views = self.stores.open(self.partition).await?;
        self.position = views.checkpoint().await?;
        self.views = Some(views);
        Ok(self.position)
    }

    async fn handle(
        &mut self,
        store: &mut impl EventStore,
        events: &[EventRecord],
        until: u64,
    ) -> Result<Handled, LoadError> {
        let changes = self.fold(store, events).await?;
        let writes = self.render(store, changes).await?;
        let Some(views) = &mut self.views else {
            return Err(Unavailable::new("redis", "the views were not opened").into());
        };
        match views.commit(self.position, until, &writes).await? {
            ViewCommit::Done => {
                self.position = until;
                self.boards.trim();
                Ok(Handled::Done)
            }
            ViewCommit::CheckpointMoved => Ok(Handled::Overtaken),
        }
    }
}

/// Whose own bids look different after it.
fn bidder(event: &AuctionEvent) -> Option<UserId> {
    match event {
        AuctionEvent::BidPlaced { bidder, .. }
        | AuctionEvent::BidDeleted { bidder, .. }
        | AuctionEvent::BidDoubled { bidder, .. }
        | AuctionEvent::BidVoided { bidder, .. }
        | AuctionEvent::BidsRetracted { bidder, .. } => Some(*bidder),
        _ => None,
    }
}

/// Views are plain structs with text keys; writing them as JSON cannot fail.
fn json(view: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(view).unwrap_or_default()
}
