//! [`NotificationStore`] and [`StoredInboxes`]: told by one, read by everybody. Each inbox keeps three.

use crate::fixtures::{P, fresh};
use auction_app::ports::notifications::inbox::{InboxPage, InboxStore};
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_wire::PartitionId;

/// How many an inbox keeps in these checks.
pub const KEEPS: u16 = 3;

/// Telling, and reading the same.
pub struct Adapter<S, I> {
    /// For telling.
    pub stores: S,
    /// For reading.
    pub inboxes: I,
}

fn news(user: UserId, kind: NotificationKind, text: &str) -> Notification {
    Notification { id: fresh(), user, kind, news: format!("{{\"text\":\"{text}\"}}").into_bytes().into() }
}

fn won(user: UserId, text: &str) -> Notification {
    news(user, NotificationKind::AuctionWon, text)
}

fn telling(from: u64, to: u64, notifications: &[Notification]) -> NotificationBatch {
    let notifications = notifications.to_vec();
    NotificationBatch {
        partition: P,
        from,
        to,
        subscriptions: Vec::new(),
        deleted: Vec::new(),
        notifications,
    }
}

/// A connection of a notifier that begins.
async fn begun<S: NotificationStoreConnector>(stores: &S) -> S::Store {
    let mut store = stores.open().await.unwrap();
    assert_eq!(store.checkpoint(P).await.unwrap(), 0);
    store
}

/// Tells, and returns to whom and at which places, in order.
async fn tell(store: &mut impl NotificationStore, telling: &NotificationBatch) -> Vec<(UserId, u64)> {
    let NotificationCommit::Done(wanted) = store.commit(telling).await.unwrap() else {
        panic!("the checkpoint moved")
    };
    let mut places: Vec<_> = wanted.iter().map(|delivered| (delivered.user, delivered.seq)).collect();
    places.sort_unstable();
    for delivered in wanted {
        let of = |one: &&Notification| one.user == delivered.user && one.json() == delivered.json;
        assert!(telling.notifications.iter().any(|one| of(&one)), "what is delivered is what was told");
    }
    places
}

fn shown(inbox: &InboxPage) -> Vec<(u64, Vec<u8>)> {
    inbox.entries.clone()
}

/// See its name.
pub async fn what_is_told_is_stored_with_its_checkpoint<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = begun(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let empty = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!(empty, InboxPage { first: 1, last: 0, read_up_to: 0, entries: Vec::new() });
    let told = [won(bob, "one"), won(ada, "two"), won(ada, "three")];
    assert_eq!(tell(&mut store, &telling(0, 7, &told)).await, [(ada, 1), (ada, 2), (bob, 1)]);
    assert_eq!(store.checkpoint(P).await.unwrap(), 7);
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!(shown(&inbox), [(1, told[1].json()), (2, told[2].json())]);
    assert_eq!((inbox.first, inbox.last, inbox.unread()), (1, 2, 2));
    assert_eq!(tell(&mut store, &telling(7, 9, &[])).await, [], "nothing to tell moves it too");
    assert_eq!(adapter.stores.open().await.unwrap().checkpoint(P).await.unwrap(), 9);
}

/// See its name.
pub async fn nothing_is_stored_from_another_checkpoint<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let (mut paused, mut successor) =
        (adapter.stores.open().await.unwrap(), adapter.stores.open().await.unwrap());
    assert_eq!((paused.checkpoint(P).await.unwrap(), successor.checkpoint(P).await.unwrap()), (0, 0));
    let ada = UserId(fresh());
    tell(&mut successor, &telling(0, 5, &[won(ada, "new")])).await;
    for (from, to) in [(0, 3), (4, 9), (6, 9)] {
        let mut late = telling(from, to, &[won(ada, "old")]);
        late.subscriptions.push((ada, NotificationPreferences::NONE));
        late.deleted.push(ada);
        assert_eq!(paused.commit(&late).await.unwrap(), NotificationCommit::CheckpointMoved);
    }
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().last, 1);
    assert_eq!(tell(&mut successor, &telling(5, 6, &[won(ada, "newer")])).await, [(ada, 2)]);
}

/// See its name.
pub async fn what_is_not_wanted_is_left_out<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = begun(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let kinds = [NotificationKind::AuctionWon, NotificationKind::HighestBid, NotificationKind::BidDoubled];
    let all = |user| kinds.map(|kind| news(user, kind, "news"));
    let chosen = NotificationPreferences { auction_won: false, highest_bid: true, bid_doubled: false };
    let mut choice = telling(0, 1, &[]);
    choice.subscriptions = vec![(ada, chosen), (bob, NotificationPreferences::NONE)];
    tell(&mut store, &choice).await;
    let told = [all(ada), all(bob)].concat();
    assert_eq!(tell(&mut store, &telling(1, 2, &told)).await, [(ada, 1)]);
    assert_eq!(shown(&adapter.inboxes.inbox(ada).await.unwrap()), [(1, told[1].json())]);
    let mut choice = telling(2, 3, &[]);
    choice.subscriptions = vec![(bob, NotificationPreferences::default())];
    tell(&mut store, &choice).await;
    assert_eq!(tell(&mut store, &telling(3, 4, &all(bob))).await, [(bob, 1), (bob, 2), (bob, 3)]);
}

/// See its name.
pub async fn an_inbox_keeps_the_newest<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = begun(&adapter.stores).await;
    let ada = UserId(fresh());
    for n in 0..7 {
        tell(&mut store, &telling(n, n + 1, &[won(ada, &n.to_string())])).await;
    }
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.first, inbox.last, inbox.unread()), (5, 7, 3));
    assert_eq!(inbox.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [5, 6, 7]);
}

/// See its name.
pub async fn places_have_no_holes_whoever_tells<S: NotificationStoreConnector, I: InboxStore>(
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
        let mut second = telling(n, n + 1, &backwards);
        second.partition = PartitionId(1);
        let first = telling(n, n + 1, &all);
        let (first, second) = tokio::join!(tell(&mut one, &first), tell(&mut other, &second));
        for (first, second) in first.iter().zip(&second) {
            let mut places = [first.1, second.1];
            places.sort_unstable();
            assert_eq!((first.0, places), (second.0, [2 * n + 1, 2 * n + 2]));
        }
    }
}

/// See its name.
pub async fn the_inbox_of_a_deleted_user_is_empty<S: NotificationStoreConnector, I: InboxStore>(
    adapter: &Adapter<S, I>,
) {
    let mut store = begun(&adapter.stores).await;
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    tell(&mut store, &telling(0, 1, &[won(ada, "ada"), won(bob, "bob")])).await;
    let mut gone = telling(1, 2, &[]);
    (gone.deleted, gone.subscriptions) = (vec![ada], vec![(ada, NotificationPreferences::NONE)]);
    tell(&mut store, &gone).await;
    assert_eq!(tell(&mut store, &telling(2, 3, &[won(ada, "more")])).await, []);
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.unread(), inbox.entries.len()), (0, 0));
    assert_eq!(adapter.inboxes.inbox(bob).await.unwrap().entries.len(), 1);
}

/// See its name.
pub async fn what_was_read_stays_read<S: NotificationStoreConnector, I: InboxStore>(adapter: &Adapter<S, I>) {
    let mut store = begun(&adapter.stores).await;
    let ada = UserId(fresh());
    assert_eq!(adapter.inboxes.mark_read(ada, 5).await.unwrap(), 0, "there is nothing to read");
    tell(&mut store, &telling(0, 1, &[won(ada, "one"), won(ada, "two")])).await;
    assert_eq!(adapter.inboxes.inbox(ada).await.unwrap().unread(), 2);
    assert_eq!(adapter.inboxes.mark_read(ada, 1).await.unwrap(), 1);
    assert_eq!(adapter.inboxes.mark_read(ada, 9).await.unwrap(), 2, "what is not there is not read");
    assert_eq!(adapter.inboxes.mark_read(ada, 1).await.unwrap(), 2);
    tell(&mut store, &telling(1, 2, &[won(ada, "three")])).await;
    let inbox = adapter.inboxes.inbox(ada).await.unwrap();
    assert_eq!((inbox.read_up_to, inbox.unread()), (2, 1));
}
