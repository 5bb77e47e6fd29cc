//! Contract of [`NotificationStore`] and [`InboxStore`]. Each inbox keeps [`INBOX_SIZE`] notifications.

use crate::fixtures::{P, fresh};
use auction_app::ports::notifications::inbox::{InboxPage, InboxStore};
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_wire::PartitionId;

/// Number of notifications that an inbox keeps in these checks.
pub const INBOX_SIZE: u16 = 3;

/// Notification stores and the inboxes that they fill.
pub struct Adapter<S, I> {
    pub stores: S,
    pub inboxes: I,
}

fn notification(user: UserId, kind: NotificationKind, text: &str) -> Notification {
    Notification { id: fresh(), user, kind, content: format!("{{\"text\":\"{text}\"}}").into_bytes().into() }
}

fn won(user: UserId, text: &str) -> Notification {
    notification(user, NotificationKind::AuctionWon, text)
}

fn batch(from: u64, to: u64, notifications: &[Notification]) -> NotificationBatch {
    let notifications = notifications.to_vec();
    NotificationBatch { partition: P, from, to, preferences: Vec::new(), deleted: Vec::new(), notifications }
}

/// Opens a connection as a notifier does at its start.
async fn open_store<S: NotificationStoreConnector>(stores: &S) -> S::Store {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.checkpoint(P).await.unwrap(), 0);
    store
}

/// Commits a batch and returns the sorted recipients and sequence numbers.
async fn commit(store: &mut impl NotificationStore, batch: &NotificationBatch) -> Vec<(UserId, u64)> {
    let NotificationCommit::Done(wanted) = store.commit(batch).await.unwrap() else {
        panic!("the checkpoint moved")
    };
    let mut sequence: Vec<_> = wanted.iter().map(|delivered| (delivered.user, delivered.seq)).collect();
    sequence.sort_unstable();
    for delivered in wanted {
        let of = |one: &&Notification| one.user == delivered.user && one.json() == delivered.json;
        assert!(
            batch.notifications.iter().any(|one| of(&one)),
            "every delivered notification is in the batch"
        );
    }
    sequence
}

pub async fn commit_stores_notifications_with_their_checkpoint<
    S: NotificationStoreConnector,
    I: InboxStore,
>(
    adapter: &Adapter<S, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let empty = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!(empty, InboxPage { first: 1, last: 0, read_up_to: 0, entries: Vec::new() });
    let notifications = [won(bob, "one"), won(ada, "two"), won(ada, "three")];
    assert_eq!(commit(&mut store, &batch(0, 7, &notifications)).await, [(ada, 1), (ada, 2), (bob, 1)]);
    assert_eq!(store.checkpoint(P).await.unwrap(), 7);
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!(inbox.entries, [(1, notifications[1].json()), (2, notifications[2].json())]);
    assert_eq!((inbox.first, inbox.last, inbox.unread()), (1, 2, 2));
    assert_eq!(commit(&mut store, &batch(7, 9, &[])).await, [], "an empty batch moves the checkpoint too");
    assert_eq!(adapter.stores.open().await.unwrap().checkpoint(P).await.unwrap(), 9);
}

pub async fn commit_stores_nothing_from_another_checkpoint<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let (mut paused, mut successor) =
        (adapter.stores.open().await.unwrap(), adapter.stores.open().await.unwrap());
    assert_eq!((paused.checkpoint(P).await.unwrap(), successor.checkpoint(P).await.unwrap()), (0, 0));
    let ada = UserId(fresh());
    commit(&mut successor, &batch(0, 5, &[won(ada, "new")])).await;
    for (from, to) in [(0, 3), (4, 9), (6, 9)] {
        let mut late = batch(from, to, &[won(ada, "old")]);
        late.preferences.push((ada, NotificationPreferences::NONE));
        late.deleted.push(ada);
        assert_eq!(paused.commit(&late).await.unwrap(), NotificationCommit::CheckpointMoved);
    }
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().last, 1);
    assert_eq!(commit(&mut successor, &batch(5, 6, &[won(ada, "newer")])).await, [(ada, 2)]);
}

pub async fn commit_omits_unwanted_notifications<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let kinds = [NotificationKind::AuctionWon, NotificationKind::HighestBid, NotificationKind::BidDoubled];
    let all = |user| kinds.map(|kind| notification(user, kind, "text"));
    let chosen = NotificationPreferences::NONE.with(NotificationKind::HighestBid, true);
    let mut change = batch(0, 1, &[]);
    change.preferences = vec![(ada, chosen), (bob, NotificationPreferences::NONE)];
    commit(&mut store, &change).await;
    let notifications = [all(ada), all(bob)].concat();
    assert_eq!(commit(&mut store, &batch(1, 2, &notifications)).await, [(ada, 1)]);
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().entries, [(1, notifications[1].json())]);
    let mut change = batch(2, 3, &[]);
    change.preferences = vec![(bob, NotificationPreferences::default())];
    commit(&mut store, &change).await;
    assert_eq!(commit(&mut store, &batch(3, 4, &all(bob))).await, [(bob, 1), (bob, 2), (bob, 3)]);
}

pub async fn inbox_keeps_the_newest_notifications<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let ada = UserId(fresh());
    for n in 0..7 {
        commit(&mut store, &batch(n, n + 1, &[won(ada, &n.to_string())])).await;
    }
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.first, inbox.last, inbox.unread()), (5, 7, 3));
    assert_eq!(inbox.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [5, 6, 7]);
}

pub async fn sequence_numbers_are_gap_free_across_notifiers<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let (mut one, mut other) = (adapter.stores.open().await.unwrap(), adapter.stores.open().await.unwrap());
    let users: Vec<UserId> = (0..20).map(|_| UserId(fresh())).collect();
    assert_eq!(one.checkpoint(P).await.unwrap(), 0);
    assert_eq!(other.checkpoint(PartitionId(1)).await.unwrap(), 0);
    for n in 0..10 {
        let all: Vec<_> = users.iter().map(|user| won(*user, "from one")).collect();
        let mut backwards: Vec<_> = users.iter().map(|user| won(*user, "from the other")).collect();
        backwards.reverse();
        let mut second = batch(n, n + 1, &backwards);
        second.partition = PartitionId(1);
        let first = batch(n, n + 1, &all);
        let (first, second) = tokio::join!(commit(&mut one, &first), commit(&mut other, &second));
        for (first, second) in first.iter().zip(&second) {
            let mut sequence = [first.1, second.1];
            sequence.sort_unstable();
            assert_eq!((first.0, sequence), (second.0, [2 * n + 1, 2 * n + 2]));
        }
    }
}

pub async fn inbox_of_a_deleted_user_is_empty<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    commit(&mut store, &batch(0, 1, &[won(ada, "ada"), won(bob, "bob")])).await;
    let mut deletion = batch(1, 2, &[]);
    (deletion.deleted, deletion.preferences) = (vec![ada], vec![(ada, NotificationPreferences::NONE)]);
    commit(&mut store, &deletion).await;
    assert_eq!(commit(&mut store, &batch(2, 3, &[won(ada, "more")])).await, []);
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.unread(), inbox.entries.len()), (0, 0));
    assert_eq!(adapter.inboxes.inbox(bob).await.unwrap().entries.len(), 1);
}

pub async fn read_position_never_decreases<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let ada = UserId(fresh());
    assert_eq!(adapter.inboxes.mark_read(ada, 5).await.unwrap(), 0, "the inbox is empty");
    commit(&mut store, &batch(0, 1, &[won(ada, "one"), won(ada, "two")])).await;
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().unread(), 2);
    assert_eq!(adapter.inboxes.mark_read(ada, 1).await.unwrap(), 1);
    assert_eq!(
        adapter.inboxes.mark_read(ada, 9).await.unwrap(),
        2,
        "the read position ends at the last notification"
    );
    assert_eq!(adapter.inboxes.mark_read(ada, 1).await.unwrap(), 2);
    commit(&mut store, &batch(1, 2, &[won(ada, "three")])).await;
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.read_up_to, inbox.unread()), (2, 1));
}
