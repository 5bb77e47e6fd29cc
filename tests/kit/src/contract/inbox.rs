//! Contract of [`NotificationSink`] and [`InboxCache`]: notifications are delivered in any order and read
//! without gaps. Each copy keeps [`INBOX_SIZE`] notifications.

use crate::fixtures::{P, fresh};
use auction_app::ports::notifications::inbox::{InboxCache, InboxPage};
use auction_app::ports::notifications::notification_sink::{NewNotification, NotificationSink};
use auction_domain::UserId;

pub use crate::contract::notification_store::INBOX_SIZE;

/// The two ports of one adapter.
pub trait InboxCacheHarness: NotificationSink + InboxCache {}
impl<T: NotificationSink + InboxCache> InboxCacheHarness for T {}

fn json(seq: u64) -> Vec<u8> {
    format!("{{\"id\":{seq}}}").into_bytes()
}

fn stored(first: u64, last: u64, read_up_to: u64) -> InboxPage {
    InboxPage { first, last, read_up_to, entries: (first..=last).map(|seq| (seq, json(seq))).collect() }
}

async fn deliver(copies: &impl InboxCacheHarness, user: UserId, sequence: &[u64]) {
    let all: Vec<_> =
        sequence.iter().map(|seq| NewNotification { user, seq: *seq, json: json(*seq) }).collect();
    copies.deliver(&all).await.unwrap();
}

async fn make_copy(copies: &impl InboxCacheHarness, user: UserId, inbox: InboxPage) {
    let mark = InboxCache::reserve(copies, user).await.unwrap();
    copies.fill(user, mark, &inbox).await.unwrap();
}

async fn sequence_numbers(copies: &impl InboxCacheHarness, user: UserId) -> Vec<u64> {
    let page = copies.page(user, 0, 100).await.unwrap().expect("the user has a copy");
    assert!(page.entries.iter().all(|(seq, content)| *content == json(*seq)));
    page.entries.iter().map(|(seq, _)| *seq).collect()
}

pub async fn delivery_without_a_copy_creates_none(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    deliver(copies, ada, &[1]).await;
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None);
}

pub async fn deliveries_appear_once_in_order(copies: &impl InboxCacheHarness) {
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    make_copy(copies, ada, stored(1, 1, 0)).await;
    make_copy(copies, bob, stored(1, 0, 0)).await;
    deliver(copies, ada, &[2]).await;
    deliver(copies, ada, &[2, 1, 3]).await;
    assert_eq!(sequence_numbers(copies, ada).await, [1, 2, 3]);
    assert_eq!(sequence_numbers(copies, bob).await, [0; 0]);
}

pub async fn inbox_hides_notifications_after_a_gap(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    make_copy(copies, ada, stored(1, 0, 0)).await;
    deliver(copies, ada, &[3, 2]).await;
    assert_eq!(
        sequence_numbers(copies, ada).await,
        [0; 0],
        "a reader that continued after 3 would never see 1"
    );
    deliver(copies, ada, &[1]).await;
    assert_eq!(sequence_numbers(copies, ada).await, [1, 2, 3]);
}

pub async fn copy_includes_deliveries_during_its_fill(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    let mark = InboxCache::reserve(copies, ada).await.unwrap();
    deliver(copies, ada, &[2]).await;
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None, "the copy is not filled yet");
    // A second request for the same inbox.
    assert_eq!(InboxCache::reserve(copies, ada).await.unwrap(), mark);
    copies.fill(ada, mark, &stored(1, 1, 0)).await.unwrap();
    assert_eq!(sequence_numbers(copies, ada).await, [1, 2]);
    copies.fill(ada, mark, &stored(1, 1, 0)).await.unwrap();
    assert_eq!(sequence_numbers(copies, ada).await, [1, 2], "the second fill adds nothing");
}

pub async fn copies_are_invalidated_when_a_notifier_starts(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    make_copy(copies, ada, stored(1, 1, 0)).await;
    // The second notification was stored, and its notifier ended before delivering it.
    NotificationSink::begin(copies, P).await.unwrap();
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None);
    make_copy(copies, ada, stored(1, 2, 0)).await;
    assert_eq!(sequence_numbers(copies, ada).await, [1, 2]);
}

pub async fn fill_with_a_stale_mark_is_ignored(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    let late = InboxCache::reserve(copies, ada).await.unwrap();
    NotificationSink::begin(copies, P).await.unwrap();
    let mark = InboxCache::reserve(copies, ada).await.unwrap();
    assert_ne!(late, mark);
    copies.fill(ada, late, &stored(1, 1, 0)).await.unwrap();
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None);
    copies.fill(ada, mark, &stored(1, 2, 0)).await.unwrap();
    assert_eq!(sequence_numbers(copies, ada).await, [1, 2]);
}

pub async fn copy_keeps_the_newest_notifications(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    make_copy(copies, ada, stored(4, 6, 0)).await;
    deliver(copies, ada, &[8, 7]).await;
    let page = copies.page(ada, 0, 10).await.unwrap().unwrap();
    assert_eq!((page.first, page.last, page.unread()), (6, 8, 3));
    assert_eq!(sequence_numbers(copies, ada).await, [6, 7, 8]);
    deliver(copies, ada, &[4]).await;
    assert_eq!(sequence_numbers(copies, ada).await, [6, 7, 8], "a dropped notification is not added again");
}

pub async fn copy_read_position_never_decreases(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    copies.mark_read(ada, 2).await.unwrap();
    assert_eq!(copies.page(ada, 0, 10).await.unwrap(), None, "marking as read creates no copy");
    let mark = InboxCache::reserve(copies, ada).await.unwrap();
    copies.mark_read(ada, 2).await.unwrap();
    copies.fill(ada, mark, &stored(1, 3, 1)).await.unwrap();
    let read = async || copies.page(ada, 0, 10).await.unwrap().unwrap();
    assert_eq!(
        (read().await.read_up_to, read().await.unread()),
        (2, 1),
        "the stored inbox was read before the mark"
    );
    copies.mark_read(ada, 3).await.unwrap();
    copies.mark_read(ada, 1).await.unwrap();
    assert_eq!((read().await.read_up_to, read().await.unread()), (3, 0));
}

pub async fn page_starts_after_its_cursor(copies: &impl InboxCacheHarness) {
    let ada = UserId(fresh());
    make_copy(copies, ada, stored(4, 6, 5)).await;
    let page = async |after, limit| {
        let page = copies.page(ada, after, limit).await.unwrap().unwrap();
        assert_eq!((page.first, page.last, page.unread()), (4, 6, 1));
        page.entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 2).await, [4, 5], "starts at the oldest notification kept");
    assert_eq!(page(5, 10).await, [6]);
    assert_eq!(page(6, 10).await, [0; 0]);
    assert_eq!(page(99, 10).await, [0; 0]);
}
