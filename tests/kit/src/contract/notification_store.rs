//! Contract of [`NotificationStore`], [`PlacementStore`] and [`InboxStore`]. Each inbox keeps [`INBOX_SIZE`] notifications.

use crate::fixtures::{P, fresh, fresh_in};
use auction_app::ports::notifications::inbox::{InboxPage, InboxStore};
use auction_app::ports::notifications::notification_sink::NewNotification;
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::placement::{
    OutgoingGroup, PlacementBatch, PlacementProgress, PlacementResult, PlacementStore,
};
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_wire::PartitionId;
use std::collections::BTreeSet;

/// Number of notifications that an inbox keeps in these checks.
pub const INBOX_SIZE: u16 = 3;

/// Notification stores and the inboxes that they fill.
pub struct Adapter<S, L, I> {
    pub stores: S,
    pub placements: L,
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

/// Commits a batch as outgoing, and returns the partitions of its users.
async fn commit_outgoing(
    store: &mut impl NotificationStore,
    batch: &NotificationBatch,
) -> BTreeSet<PartitionId> {
    let NotificationCommit::Done(users) = store.commit(batch).await.unwrap() else {
        panic!("the checkpoint moved")
    };
    users
}

/// Returns a batch with the oldest outgoing groups to a user partition.
async fn next_placement(placements: &impl PlacementStore, users: PartitionId) -> PlacementBatch {
    let PlacementProgress { version, mut placed } = placements.progress(users).await.unwrap();
    let progress = PlacementProgress { version, placed: placed.clone() };
    let outgoing = placements.outgoing(users, &progress, 2).await.unwrap();
    placed.extend(outgoing.iter().map(|group| (group.partition, group.number)));
    let notifications = outgoing.into_iter().flat_map(|group| group.notifications).collect();
    PlacementBatch { users, version, placed, notifications }
}

/// Places all outgoing notifications to a user partition, and returns the wanted ones.
pub async fn place_all(placements: &impl PlacementStore, users: PartitionId) -> Vec<NewNotification> {
    let mut all = Vec::new();
    loop {
        let batch = next_placement(placements, users).await;
        if batch.notifications.is_empty() {
            return all;
        }
        if let PlacementResult::Done(wanted) = placements.place(&batch).await.unwrap() {
            all.extend(wanted);
        }
    }
}

fn sorted(wanted: &[NewNotification]) -> Vec<(UserId, u64)> {
    let mut sequence: Vec<_> = wanted.iter().map(|placed| (placed.user, placed.seq)).collect();
    sequence.sort_unstable();
    sequence
}

/// Commits a batch to users of one partition, places it, and returns the sorted recipients and sequence numbers.
async fn commit<S, L: PlacementStore, I>(
    adapter: &Adapter<S, L, I>,
    store: &mut impl NotificationStore,
    batch: &NotificationBatch,
) -> Vec<(UserId, u64)> {
    let users = commit_outgoing(store, batch).await;
    assert!(users.iter().all(|users| *users == P), "{users:?}");
    let wanted = place_all(&adapter.placements, P).await;
    let sequence = sorted(&wanted);
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
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let empty = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!(empty, InboxPage { first: 1, last: 0, read_up_to: 0, entries: Vec::new() });
    let notifications = [won(bob, "one"), won(ada, "two"), won(ada, "three")];
    assert_eq!(
        commit(adapter, &mut store, &batch(0, 7, &notifications)).await,
        [(ada, 1), (ada, 2), (bob, 1)]
    );
    assert_eq!(store.checkpoint(P).await.unwrap(), 7);
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!(inbox.entries, [(1, notifications[1].json()), (2, notifications[2].json())]);
    assert_eq!((inbox.first, inbox.last, inbox.unread()), (1, 2, 2));
    assert_eq!(
        commit(adapter, &mut store, &batch(7, 9, &[])).await,
        [],
        "an empty batch moves the checkpoint too"
    );
    assert_eq!(adapter.stores.open().await.unwrap().checkpoint(P).await.unwrap(), 9);
}

pub async fn commit_stores_nothing_from_another_checkpoint<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let (mut paused, mut successor) =
        (adapter.stores.open().await.unwrap(), adapter.stores.open().await.unwrap());
    assert_eq!((paused.checkpoint(P).await.unwrap(), successor.checkpoint(P).await.unwrap()), (0, 0));
    let ada = UserId(fresh());
    commit(adapter, &mut successor, &batch(0, 5, &[won(ada, "new")])).await;
    for (from, to) in [(0, 3), (4, 9), (6, 9)] {
        let mut late = batch(from, to, &[won(ada, "old")]);
        late.preferences.push((ada, NotificationPreferences::NONE));
        late.deleted.push(ada);
        assert_eq!(paused.commit(&late).await.unwrap(), NotificationCommit::CheckpointMoved);
    }
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().last, 1);
    assert_eq!(commit(adapter, &mut successor, &batch(5, 6, &[won(ada, "newer")])).await, [(ada, 2)]);
}

pub async fn commit_omits_unwanted_notifications<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let kinds = [NotificationKind::AuctionWon, NotificationKind::HighestBid, NotificationKind::BidDoubled];
    let all = |user| kinds.map(|kind| notification(user, kind, "text"));
    let chosen = NotificationPreferences::NONE.with(NotificationKind::HighestBid, true);
    let mut change = batch(0, 1, &[]);
    change.preferences = vec![(ada, chosen), (bob, NotificationPreferences::NONE)];
    commit(adapter, &mut store, &change).await;
    let notifications = [all(ada), all(bob)].concat();
    assert_eq!(commit(adapter, &mut store, &batch(1, 2, &notifications)).await, [(ada, 1)]);
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().entries, [(1, notifications[1].json())]);
    let mut change = batch(2, 3, &[]);
    change.preferences = vec![(bob, NotificationPreferences::default())];
    commit(adapter, &mut store, &change).await;
    assert_eq!(commit(adapter, &mut store, &batch(3, 4, &all(bob))).await, [(bob, 1), (bob, 2), (bob, 3)]);
}

pub async fn inbox_keeps_the_newest_notifications<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let ada = UserId(fresh());
    for n in 0..7 {
        commit(adapter, &mut store, &batch(n, n + 1, &[won(ada, &n.to_string())])).await;
    }
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.first, inbox.last, inbox.unread()), (5, 7, 3));
    assert_eq!(inbox.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [5, 6, 7]);
}

pub async fn sequence_numbers_are_gap_free_across_notifiers<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
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
        tokio::join!(commit_outgoing(&mut one, &first), commit_outgoing(&mut other, &second));
        let (first, second) =
            tokio::join!(place_all(&adapter.placements, P), place_all(&adapter.placements, P));
        let expected: Vec<_> =
            users.iter().flat_map(|user| [(*user, 2 * n + 1), (*user, 2 * n + 2)]).collect();
        assert_eq!(sorted(&[first, second].concat()), expected, "two placers place each once");
    }
}

pub async fn inbox_of_a_deleted_user_is_empty<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    commit(adapter, &mut store, &batch(0, 1, &[won(ada, "ada"), won(bob, "bob")])).await;
    let mut deletion = batch(1, 2, &[]);
    (deletion.deleted, deletion.preferences) = (vec![ada], vec![(ada, NotificationPreferences::NONE)]);
    commit(adapter, &mut store, &deletion).await;
    assert_eq!(commit(adapter, &mut store, &batch(2, 3, &[won(ada, "more")])).await, []);
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.unread(), inbox.entries.len()), (0, 0));
    assert_eq!(adapter.inboxes.inbox(bob).await.unwrap().entries.len(), 1);
}

pub async fn read_position_never_decreases<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let ada = UserId(fresh());
    assert_eq!(adapter.inboxes.mark_read(ada, 5).await.unwrap(), 0, "the inbox is empty");
    commit(adapter, &mut store, &batch(0, 1, &[won(ada, "one"), won(ada, "two")])).await;
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().unread(), 2);
    assert_eq!(adapter.inboxes.mark_read(ada, 1).await.unwrap(), 1);
    assert_eq!(
        adapter.inboxes.mark_read(ada, 9).await.unwrap(),
        2,
        "the read position ends at the last notification"
    );
    assert_eq!(adapter.inboxes.mark_read(ada, 1).await.unwrap(), 2);
    commit(adapter, &mut store, &batch(1, 2, &[won(ada, "three")])).await;
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.read_up_to, inbox.unread()), (2, 1));
}

pub async fn outgoing_notifications_stay_until_they_are_placed<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let (mut one, mut other) = (adapter.stores.open().await.unwrap(), adapter.stores.open().await.unwrap());
    let (here, there) = (PartitionId(1), PartitionId(2));
    assert_eq!((one.checkpoint(P).await.unwrap(), other.checkpoint(here).await.unwrap()), (0, 0));
    let (ada, bob) = (UserId(fresh_in(here)), UserId(fresh_in(there)));
    let of_p = [won(ada, "one"), won(bob, "two"), won(ada, "three")];
    let of_here = [won(ada, "four"), won(ada, "five")];
    assert_eq!(commit_outgoing(&mut one, &batch(0, 1, &of_p)).await, BTreeSet::from([here, there]));
    let second = NotificationBatch { partition: here, ..batch(0, 1, &of_here) };
    assert_eq!(commit_outgoing(&mut other, &second).await, BTreeSet::from([here]));
    let none = PlacementProgress::default();
    let texts = async |progress: &PlacementProgress, limit| {
        let groups = adapter.placements.outgoing(here, progress, limit).await.unwrap();
        let notifications = groups.iter().flat_map(|group| group.notifications.clone());
        (groups.clone(), notifications.collect::<Vec<_>>())
    };
    let expected = [of_p[0].clone(), of_p[2].clone(), of_here[0].clone(), of_here[1].clone()];
    assert_eq!(texts(&none, 10).await.1, expected);
    let (groups, all) = texts(&none, 10).await;
    assert_eq!(all, expected, "they stay until they are placed");
    let numbers: Vec<_> = groups.iter().map(|group| (group.partition, group.number)).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    for limit in 1..=numbers.len() {
        let some = texts(&none, limit).await.0;
        assert!(!some.is_empty(), "at least one");
        for partition in [P, here] {
            let of = |group: &&OutgoingGroup| group.partition == partition;
            let oldest = groups.iter().filter(of).take(some.iter().filter(of).count());
            assert!(some.iter().filter(of).eq(oldest), "the oldest of each partition");
        }
    }
    let progress = PlacementProgress { version: 0, placed: numbers[..3].iter().copied().collect() };
    assert_eq!(texts(&progress, 10).await.1, expected[3..]);
    adapter.placements.remove_placed(here, &progress).await.unwrap();
    assert_eq!(texts(&none, 10).await.1, expected[3..], "the placed ones are removed");
    assert_eq!(adapter.placements.outgoing(there, &none, 10).await.unwrap().len(), 1);
}

pub async fn place_stores_nothing_from_another_version<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let ada = UserId(fresh());
    commit_outgoing(&mut store, &batch(0, 1, &[won(ada, "one")])).await;
    let placement = next_placement(&adapter.placements, P).await;
    let PlacementResult::Done(placed) = adapter.placements.place(&placement).await.unwrap() else {
        panic!("the progress moved")
    };
    assert_eq!(sorted(&placed), [(ada, 1)]);
    let progress = adapter.placements.progress(P).await.unwrap();
    assert_eq!(
        progress,
        PlacementProgress { version: placement.version + 1, placed: placement.placed.clone() }
    );
    assert_eq!(adapter.placements.place(&placement).await.unwrap(), PlacementResult::ProgressMoved);
    assert_eq!(adapter.placements.progress(P).await.unwrap(), progress);
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().last, 1);
}

pub async fn placement_from_before_a_deletion_stores_nothing<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    commit_outgoing(&mut store, &batch(0, 1, &[won(ada, "ada"), won(bob, "bob")])).await;
    let placement = next_placement(&adapter.placements, P).await;
    let mut deletion = batch(1, 2, &[]);
    (deletion.deleted, deletion.preferences) = (vec![ada], vec![(ada, NotificationPreferences::NONE)]);
    commit_outgoing(&mut store, &deletion).await;
    assert_eq!(adapter.placements.place(&placement).await.unwrap(), PlacementResult::ProgressMoved);
    assert_eq!(sorted(&place_all(&adapter.placements, P).await), [(bob, 1)]);
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().entries.len(), 0);
}

pub async fn groups_to_many_users_keep_each_user_in_order<
    S: NotificationStoreConnector,
    L: PlacementStore,
    I: InboxStore,
>(
    adapter: &Adapter<S, L, I>,
) {
    let mut store = open_store(&adapter.stores).await;
    let users: Vec<UserId> = (0..250).map(|_| UserId(fresh())).collect();
    let to_all = |text| {
        let one = won(users[0], text);
        users.iter().map(|user| Notification { id: fresh(), user: *user, ..one.clone() }).collect::<Vec<_>>()
    };
    let (first, second) = (to_all("first"), to_all("second"));
    let notifications = [first.clone(), second.clone()].concat();
    assert_eq!(commit(adapter, &mut store, &batch(0, 1, &notifications)).await.len(), 500);
    for (index, user) in users.iter().enumerate() {
        let inbox = adapter.inboxes.inbox(*user).await.unwrap();
        assert_eq!(inbox.entries, [(1, first[index].json()), (2, second[index].json())]);
    }
}
