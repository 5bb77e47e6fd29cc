//! Contract of [`HeadReader`]: the newest stored position of every partition.

use crate::fixtures::{P, batch, fresh, user_created};
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::events::heads::HeadReader;
use auction_wire::Positions;

/// An event store and a reader of its heads.
pub struct Adapter<S, H> {
    pub stores: S,
    pub heads: H,
}

pub async fn heads_equal_the_last_appended_position<S: EventStoreConnector, H: HeadReader>(
    adapter: &Adapter<S, H>,
) {
    let Adapter { stores, heads } = adapter;
    assert_eq!(heads.heads().await.unwrap(), Positions::default(), "an empty store has no heads");
    let mut store = stores.open().await.unwrap();
    for (head, count) in [(0, 3), (3, 1)] {
        let users = batch(head, (0..count).map(|_| (fresh(), 1, user_created())).collect());
        assert_eq!(store.append(&users).await.unwrap(), AppendResult::Committed);
        assert_eq!(heads.heads().await.unwrap(), Positions::of(P, head + count));
    }
}
