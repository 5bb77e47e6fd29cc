//! [`Delivery`] to [`InboxCopies`]: delivered in any order, read without a hole. Each copy keeps three.

use crate::fixtures::fresh;
use auction_app::ports::notifications::inbox::{InboxCache, InboxPage};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_domain::UserId;

/// How many a copy keeps in these checks.
pub const KEEPS: u16 = 3;

/// Both ports of an adapter.
pub trait InboxCacheHarness: NotificationSink + InboxCache {}
impl<T: NotificationSink + InboxCache> InboxCacheHarness for T {}

fn json(seq: u64) -> Vec<u8> {
    format!("{{\"id\":{seq}}}").into_bytes()
}

fn stored(first: u64, last: u64, read_up_to: u64) -> InboxPage {
    InboxPage { first, last, read_up_to, entries: (first..=last).map(|seq| (seq, json(seq))).collect() }
}

async fn deliver(copies: &impl InboxCacheHarness, user: UserId, places: &[u64]) {
    let all: Vec<_> =
        places.iter().map(|seq| NewNotification { user, seq: *seq, json: json(*seq) }).collect();
    copies.deliver(&all).await.unwrap();
}

async fn copied(copies: &impl InboxCacheHarness, user: UserId, inbox: InboxPage) {
    let mark = InboxCache::reserve(copies, user).await.unwrap();
    copies.fill(user, mark, &inbox).await.unwrap();
}

async fn places(copies: &impl InboxCacheHarness, user: UserId) -> Vec<u64> {
    let page = copies.page(user, 0, 100).await.unwrap().expect("there is a copy");
    assert!(page.entries.iter().all(|(seq, shown)| *shown == json(*seq)));
    page.entries.iter().map(|(seq, _)| *seq).collect()
}

/// See its name.
pub async fn nobody_is_delivered_to_who_did_not_ask(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    deliver(copies, ada, &[1]).await;
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None);
}

/// See its name.
pub async fn what_is_delivered_shows_once_and_in_order(copies: &impl InboxCacheHarness) {
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    copied(copies, ada, stored(1, 1, 0)).await;
    copied(copies, bob, stored(1, 0, 0)).await;
    deliver(copies, ada, &[2]).await;
    deliver(copies, ada, &[2, 1, 3]).await;
    assert_eq!(places(copies, ada).await, [1, 2, 3]);
    assert_eq!(places(copies, bob).await, [0; 0]);
}

/// See its name.
pub async fn what_is_behind_a_hole_waits_for_it(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    copied(copies, ada, stored(1, 0, 0)).await;
    deliver(copies, ada, &[3, 2]).await;
    assert_eq!(places(copies, ada).await, [0; 0], "who read on from there would never see the first");
    deliver(copies, ada, &[1]).await;
    assert_eq!(places(copies, ada).await, [1, 2, 3]);
}

/// See its name.
pub async fn what_is_delivered_while_a_copy_is_made_is_in_it(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    let mark = InboxCache::reserve(copies, ada).await.unwrap();
    deliver(copies, ada, &[2]).await;
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None, "it is not made yet");
    // Somebody else asks for the same inbox meanwhile.
    assert_eq!(InboxCache::reserve(copies, ada).await.unwrap(), mark);
    copies.fill(ada, mark, &stored(1, 1, 0)).await.unwrap();
    assert_eq!(places(copies, ada).await, [1, 2]);
    copies.fill(ada, mark, &stored(1, 1, 0)).await.unwrap();
    assert_eq!(places(copies, ada).await, [1, 2], "the second one has nothing to add");
}

/// See its name.
pub async fn a_copy_is_made_anew_when_a_notifier_begins(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    copied(copies, ada, stored(1, 1, 0)).await;
    // The second one was stored, and its notifier died before it delivered it.
    NotificationSink::begin(copies).await.unwrap();
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None);
    copied(copies, ada, stored(1, 2, 0)).await;
    assert_eq!(places(copies, ada).await, [1, 2]);
}

/// See its name.
pub async fn a_copy_that_is_no_longer_wanted_is_not_made(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    let late = InboxCache::reserve(copies, ada).await.unwrap();
    NotificationSink::begin(copies).await.unwrap();
    let mark = InboxCache::reserve(copies, ada).await.unwrap();
    assert_ne!(late, mark);
    copies.fill(ada, late, &stored(1, 1, 0)).await.unwrap();
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None);
    copies.fill(ada, mark, &stored(1, 2, 0)).await.unwrap();
    assert_eq!(places(copies, ada).await, [1, 2]);
}

/// See its name.
pub async fn a_copy_keeps_the_newest(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    copied(copies, ada, stored(4, 6, 0)).await;
    deliver(copies, ada, &[8, 7]).await;
    let page = copies.page(ada, 0, 10).await.unwrap().unwrap();
    assert_eq!((page.first, page.last, page.unread()), (6, 8, 3));
    assert_eq!(places(copies, ada).await, [6, 7, 8]);
    deliver(copies, ada, &[4]).await;
    assert_eq!(places(copies, ada).await, [6, 7, 8], "what was dropped does not come back");
}

/// See its name.
pub async fn what_was_read_stays_read_in_a_copy(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    copies.mark_read(ada, 2).await.unwrap();
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None, "that alone makes no copy");
    let mark = InboxCache::reserve(copies, ada).await.unwrap();
    copies.mark_read(ada, 2).await.unwrap();
    copies.fill(ada, mark, &stored(1, 3, 1)).await.unwrap();
    let read = async || copies.page(ada, 0, 10).await.unwrap().unwrap();
    assert_eq!((read().await.read_up_to, read().await.unread()), (2, 1), "the store was read before");
    copies.mark_read(ada, 3).await.unwrap();
    copies.mark_read(ada, 1).await.unwrap();
    assert_eq!((read().await.read_up_to, read().await.unread()), (3, 0));
}

/// See its name.
pub async fn a_page_begins_behind_its_place(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    copied(copies, ada, stored(4, 6, 5)).await;
    let page = async |after, limit| {
        let page = copies.page(ada, after, limit).await.unwrap().unwrap();
        assert_eq!((page.first, page.last, page.unread()), (4, 6, 1));
        page.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 2).await, [4, 5], "the oldest that is kept");
    assert_eq!(page(5, 10).await, [6]);
    assert_eq!(page(6, 10).await, [0; 0]);
    assert_eq!(page(99, 10).await, [0; 0]);
}
