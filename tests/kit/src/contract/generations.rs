//! [`Generations`]: views made anew beside the live ones.

use crate::fixtures::{END, P, fresh};
use auction_app::ports::views::generations::{Generations, SwitchResult};
use auction_app::ports::views::read_models::{
    ListKey, ReadModelCommit, ReadModelConnector, ReadModelReader, ReadModelWrite, ReadModelWriter,
};
use auction_domain::AuctionId;
use auction_wire::PartitionId;
use auction_wire::view::AuctionStatus;

/// The same views in three ways.
pub struct Adapter<S, G, V> {
    /// For writing to the live ones.
    pub stores: S,
    /// For making them anew.
    pub generations: G,
    /// For reading the live ones.
    pub views: V,
}

/// Both views of an auction, at a version.
fn shown(auction: AuctionId, title: &str, version: u64) -> [ReadModelWrite; 3] {
    let json = format!("{{\"title\":\"{title}\",\"version\":{version}}}").into_bytes();
    let place = ListKey { status: AuctionStatus::Open, ends_at: END };
    [
        ReadModelWrite::Auction { auction, json: json.clone() },
        ReadModelWrite::AddToAuctionList { auction, place },
        ReadModelWrite::AuctionListEntry { auction, status: place.status, leader: None, json },
    ]
}

async fn write(stores: &impl ReadModelConnector, from: u64, to: u64, writes: &[ReadModelWrite]) {
    let mut store = stores.open(P).await.unwrap();
    assert_eq!(store.commit(from, to, writes).await.unwrap(), ReadModelCommit::Done);
}

async fn title(views: &impl ReadModelReader, auction: AuctionId) -> Option<String> {
    let json = views.auction(P, auction).await.unwrap().shown?.json;
    Some(String::from_utf8(json).unwrap().split('"').nth(3).unwrap().to_owned())
}

/// See its name.
pub async fn a_new_generation_is_not_seen_until_it_is_switched_to<S, G, V>(adapter: &Adapter<S, G, V>)
where
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
{
    let Adapter { stores, generations, views } = adapter;
    let auction = AuctionId(fresh());
    write(stores, 0, 5, &shown(auction, "old", 1)).await;
    let (one, new) = (generations.begin(P).await.unwrap(), generations.begin(P).await.unwrap());
    assert!(new > one, "each is given out once");
    let filling = generations.stores(new);
    assert_eq!(filling.open(P).await.unwrap().checkpoint().await.unwrap(), 0, "it is empty");
    write(&filling, 0, 5, &shown(auction, "new", 1)).await;
    assert_eq!(
        (title(views, auction).await.as_deref(), views.checkpoint(P).await.unwrap()),
        (Some("old"), 5)
    );
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    assert_eq!(title(views, auction).await.as_deref(), Some("new"));
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done, "it is already");
    assert_eq!(generations.switch(P, one).await.unwrap(), SwitchResult::Superseded);
    let lines = views.listed(AuctionStatus::Open, None, 10).await.unwrap().shown.lines;
    assert_eq!(lines.len(), 1);
    // Other partitions are as they were.
    assert_eq!(stores.open(PartitionId(1)).await.unwrap().checkpoint().await.unwrap(), 0);
}

/// See its name.
pub async fn a_generation_that_is_behind_is_not_switched_to<S, G, V>(adapter: &Adapter<S, G, V>)
where
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
{
    let Adapter { stores, generations, views } = adapter;
    write(stores, 0, 5, &[]).await;
    let new = generations.begin(P).await.unwrap();
    write(&generations.stores(new), 0, 4, &[]).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Behind);
    assert_eq!(views.checkpoint(P).await.unwrap(), 5);
    write(&generations.stores(new), 4, 7, &[]).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    assert_eq!(views.checkpoint(P).await.unwrap(), 7, "it may be ahead");
}

/// See its name.
pub async fn whoever_writes_to_the_live_views_notices_a_switch<S, G, V>(adapter: &Adapter<S, G, V>)
where
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
{
    let Adapter { stores, generations, views } = adapter;
    let auction = AuctionId(fresh());
    let mut live = stores.open(P).await.unwrap();
    assert_eq!(live.commit(0, 5, &[]).await.unwrap(), ReadModelCommit::Done);
    let new = generations.begin(P).await.unwrap();
    write(&generations.stores(new), 0, 5, &[]).await;
    assert_eq!(live.commit(5, 6, &[]).await.unwrap(), ReadModelCommit::Done);
    write(&generations.stores(new), 5, 6, &[]).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    let late = live.commit(6, 7, &shown(auction, "late", 1)).await.unwrap();
    assert_eq!(late, ReadModelCommit::CheckpointMoved);
    assert_eq!(live.commit(6, 7, &[]).await.unwrap(), ReadModelCommit::CheckpointMoved, "for good");
    assert_eq!(title(views, auction).await, None);
    write(stores, 6, 7, &shown(auction, "again", 1)).await;
    assert_eq!(title(views, auction).await.as_deref(), Some("again"));
}

/// See its name.
pub async fn what_is_older_than_the_live_generation_is_dropped_and_nothing_else<S, G, V>(
    adapter: &Adapter<S, G, V>,
) where
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
{
    let Adapter { stores, generations, views } = adapter;
    let auction = AuctionId(fresh());
    write(stores, 0, 1, &shown(auction, "old", 1)).await;
    assert_eq!(generations.drop_old().await.unwrap(), 0);
    let (given_up, new) = (generations.begin(P).await.unwrap(), generations.begin(P).await.unwrap());
    write(&generations.stores(given_up), 0, 1, &shown(auction, "given up", 1)).await;
    write(&generations.stores(new), 0, 1, &shown(auction, "new", 1)).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    let next = generations.begin(P).await.unwrap();
    write(&generations.stores(next), 0, 1, &shown(auction, "next", 1)).await;
    assert!(generations.drop_old().await.unwrap() > 0);
    for old in [given_up, auction_app::ports::views::generations::Generation::FIRST] {
        assert_eq!(generations.stores(old).open(P).await.unwrap().checkpoint().await.unwrap(), 0);
    }
    assert_eq!(title(views, auction).await.as_deref(), Some("new"));
    assert_eq!(generations.switch(P, next).await.unwrap(), SwitchResult::Done, "a rebuild goes on");
    assert_eq!(title(views, auction).await.as_deref(), Some("next"));
}

/// See its name.
pub async fn a_comparison_tells_what_differs_from_what_moved<S, G, V>(adapter: &Adapter<S, G, V>)
where
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
{
    let Adapter { stores, generations, .. } = adapter;
    let [same, moved, differs, live_only, new_only] = std::array::from_fn(|_| AuctionId(fresh()));
    let all = |one: [(AuctionId, &str, u64); 4]| {
        one.into_iter()
            .flat_map(|(auction, title, version)| shown(auction, title, version))
            .collect::<Vec<_>>()
    };
    let live = all([(same, "same", 1), (moved, "x", 1), (differs, "x", 1), (live_only, "x", 1)]);
    let new = all([(same, "same", 1), (moved, "y", 2), (differs, "y", 1), (new_only, "x", 1)]);
    write(stores, 0, 1, &live).await;
    let generation = generations.begin(P).await.unwrap();
    write(&generations.stores(generation), 0, 1, &new).await;
    let comparison = generations.compare(P, generation).await.unwrap();
    assert_eq!((comparison.same, comparison.moved, comparison.differ), (1, 1, 3), "{comparison:?}");
    let mut named = comparison.differing;
    named.sort_unstable();
    let mut expected = [differs, live_only, new_only].map(|auction| format!("auction {auction}"));
    expected.sort_unstable();
    assert_eq!(named, expected);
}
