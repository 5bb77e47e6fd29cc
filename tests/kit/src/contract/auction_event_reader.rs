//! Contract of [`AuctionEventReader`]: the events of one auction.

use crate::fixtures::{auction_created, batch, bid_placed, fresh, user_created};
use auction_app::ports::events::auction_event_reader::AuctionEventReader;
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_domain::{AuctionId, BidId, UserId};

/// An event store and a reader of the auctions in it.
pub struct Adapter<S, E> {
    pub stores: S,
    pub events: E,
}

pub async fn auction_events_are_paged_by_version<S: EventStoreConnector, E: AuctionEventReader>(
    adapter: &Adapter<S, E>,
) {
    let Adapter { stores, events } = adapter;
    let mut store = stores.open().await.unwrap();
    let (auction, other, user) = (fresh(), fresh(), fresh());
    let mut all = vec![
        (user, 1, user_created()),
        (auction, 1, auction_created(None)),
        (other, 1, auction_created(None)),
    ];
    for version in 2..=12 {
        all.push((auction, version, bid_placed(BidId(fresh()), UserId(user), 100 * version)));
    }
    let all = batch(0, all);
    assert_eq!(store.append(&all).await.unwrap(), AppendResult::Committed);
    let of = async |auction, after, limit| events.events_of(AuctionId(auction), after, limit).await.unwrap();
    let written: Vec<_> =
        all.events.iter().map(|event| event.record.clone()).filter(|event| event.key == auction).collect();
    assert_eq!(of(auction, 0, 100).await, written);
    assert_eq!(of(auction, 0, 5).await, written[..5]);
    assert_eq!(of(auction, 5, 5).await, written[5..10]);
    assert_eq!(of(auction, 12, 5).await, []);
    assert_eq!(of(fresh(), 0, 5).await, []);
}
