//! [`Heads`]: how far the store is.

use crate::fixtures::{P, batch, fresh, user_created};
use auction_app::ports::events::event_store::{AppendResult, EventStore, EventStoreConnector};
use auction_app::ports::events::heads::HeadReader;
use auction_wire::Positions;

/// A store, and a look at its heads.
pub struct Adapter<S, H> {
    /// For appending.
    pub stores: S,
    /// For looking.
    pub heads: H,
}

/// See its name.
pub async fn heads_are_as_far_as_what_was_appended<S: EventStoreConnector, H: HeadReader>(
    adapter: &Adapter<S, H>,
) {
    let Adapter { stores, heads } = adapter;
    assert_eq!(heads.heads().await.unwrap(), Positions::default(), "nothing is there");
    let mut store = stores.open().await.unwrap();
    for (head, count) in [(0, 3), (3, 1)] {
        let users = batch(head, (0..count).map(|_| (fresh(), 1, user_created())).collect());
        assert_eq!(store.append(&users).await.unwrap(), AppendResult::Committed);
        assert_eq!(heads.heads().await.unwrap(), Positions::of(P, head + count));
    }
}
