//! Contract of [`Generations`]: read models rebuilt next to the current ones.

use crate::fixtures::{END, P, fresh};
use auction_app::ports::views::generations::{Generations, SwitchResult};
use auction_app::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelReader, ReadModelWrite, ReadModelWriter,
};
use auction_app::projector::views::auctions::ListPlace;
use auction_app::projector::views::{auction, auctions};
use auction_domain::AuctionId;
use auction_wire::PartitionId;
use auction_wire::view::AuctionStatus;
use serde_json::json;

/// Three ports of the same read models.
pub struct Adapter<S, G, V> {
    /// Writes to the current generation.
    pub stores: S,
    /// Builds and switches generations.
    pub generations: G,
    /// Reads the current generation.
    pub views: V,
}

/// Returns the writes of an auction's view and list entry at a version.
fn auction_writes(auction: AuctionId, title: &str, version: u64) -> [ReadModelWrite; 3] {
    let view = json!({ "title": title, "version": version });
    [
        ReadModelWrite::document(auction::name(auction.0), view.to_string().into_bytes()),
        ListPlace { status: AuctionStatus::Open, ends_at: END }.insert(auction),
        auctions::set(auction, AuctionStatus::Open, None, &view),
    ]
}

async fn write(stores: &impl ReadModelConnector, from: u64, to: u64, writes: &[ReadModelWrite]) {
    let mut store = stores.open(P).await.unwrap();
    assert_eq!(store.commit(from, to, writes).await.unwrap(), ReadModelCommit::Done);
}

async fn title(views: &impl ReadModelReader, auction: AuctionId) -> Option<String> {
    let json = views.document(P, auction::name(auction.0)).await.unwrap().value?.json;
    Some(String::from_utf8(json).unwrap().split('"').nth(3).unwrap().to_owned())
}

pub async fn generation_is_invisible_until_the_switch<
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
>(
    adapter: &Adapter<S, G, V>,
) {
    let Adapter { stores, generations, views } = adapter;
    let auction = AuctionId(fresh());
    write(stores, 0, 5, &auction_writes(auction, "old", 1)).await;
    let (one, new) = (generations.begin(P).await.unwrap(), generations.begin(P).await.unwrap());
    assert!(new > one, "generation numbers are unique");
    let filling = generations.stores(new);
    assert_eq!(filling.open(P).await.unwrap().checkpoint().await.unwrap(), 0, "a new generation is empty");
    write(&filling, 0, 5, &auction_writes(auction, "new", 1)).await;
    assert_eq!(
        (title(views, auction).await.as_deref(), views.checkpoint(P).await.unwrap()),
        (Some("old"), 5)
    );
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    assert_eq!(title(views, auction).await.as_deref(), Some("new"));
    assert_eq!(
        generations.switch(P, new).await.unwrap(),
        SwitchResult::Done,
        "switching again has no effect"
    );
    assert_eq!(generations.switch(P, one).await.unwrap(), SwitchResult::Superseded);
    let entries = auctions::page(views, AuctionStatus::Open, None, 10).await.unwrap().value.entries;
    assert_eq!(entries.len(), 1);
    // Other partitions are unchanged.
    assert_eq!(stores.open(PartitionId(1)).await.unwrap().checkpoint().await.unwrap(), 0);
}

pub async fn switch_rejects_a_generation_that_is_behind<
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
>(
    adapter: &Adapter<S, G, V>,
) {
    let Adapter { stores, generations, views } = adapter;
    write(stores, 0, 5, &[]).await;
    let new = generations.begin(P).await.unwrap();
    write(&generations.stores(new), 0, 4, &[]).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Behind);
    assert_eq!(views.checkpoint(P).await.unwrap(), 5);
    write(&generations.stores(new), 4, 7, &[]).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    assert_eq!(views.checkpoint(P).await.unwrap(), 7, "the new generation may be ahead");
}

pub async fn writer_of_the_current_generation_detects_a_switch<
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
>(
    adapter: &Adapter<S, G, V>,
) {
    let Adapter { stores, generations, views } = adapter;
    let auction = AuctionId(fresh());
    let mut live = stores.open(P).await.unwrap();
    assert_eq!(live.commit(0, 5, &[]).await.unwrap(), ReadModelCommit::Done);
    let new = generations.begin(P).await.unwrap();
    write(&generations.stores(new), 0, 5, &[]).await;
    assert_eq!(live.commit(5, 6, &[]).await.unwrap(), ReadModelCommit::Done);
    write(&generations.stores(new), 5, 6, &[]).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    let late = live.commit(6, 7, &auction_writes(auction, "late", 1)).await.unwrap();
    assert_eq!(late, ReadModelCommit::CheckpointMoved);
    assert_eq!(
        live.commit(6, 7, &[]).await.unwrap(),
        ReadModelCommit::CheckpointMoved,
        "a replaced writer never commits again"
    );
    assert_eq!(title(views, auction).await, None);
    write(stores, 6, 7, &auction_writes(auction, "again", 1)).await;
    assert_eq!(title(views, auction).await.as_deref(), Some("again"));
}

pub async fn drop_old_removes_only_superseded_generations<
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
>(
    adapter: &Adapter<S, G, V>,
) {
    let Adapter { stores, generations, views } = adapter;
    let auction = AuctionId(fresh());
    write(stores, 0, 1, &auction_writes(auction, "old", 1)).await;
    assert_eq!(generations.drop_old().await.unwrap(), 0);
    let (abandoned, new) = (generations.begin(P).await.unwrap(), generations.begin(P).await.unwrap());
    write(&generations.stores(abandoned), 0, 1, &auction_writes(auction, "abandoned", 1)).await;
    write(&generations.stores(new), 0, 1, &auction_writes(auction, "new", 1)).await;
    assert_eq!(generations.switch(P, new).await.unwrap(), SwitchResult::Done);
    let next = generations.begin(P).await.unwrap();
    write(&generations.stores(next), 0, 1, &auction_writes(auction, "next", 1)).await;
    assert!(generations.drop_old().await.unwrap() > 0);
    for old in [abandoned, auction_app::ports::views::generations::Generation::FIRST] {
        assert_eq!(generations.stores(old).open(P).await.unwrap().checkpoint().await.unwrap(), 0);
    }
    assert_eq!(title(views, auction).await.as_deref(), Some("new"));
    assert_eq!(
        generations.switch(P, next).await.unwrap(),
        SwitchResult::Done,
        "a running rebuild is not dropped"
    );
    assert_eq!(title(views, auction).await.as_deref(), Some("next"));
}

pub async fn comparison_separates_differing_from_moved_auctions<
    S: ReadModelConnector,
    G: Generations,
    V: ReadModelReader,
>(
    adapter: &Adapter<S, G, V>,
) {
    let Adapter { stores, generations, .. } = adapter;
    let [same, moved, differs, live_only, new_only] = std::array::from_fn(|_| AuctionId(fresh()));
    let all = |one: [(AuctionId, &str, u64); 4]| {
        one.into_iter()
            .flat_map(|(auction, title, version)| auction_writes(auction, title, version))
            .collect::<Vec<_>>()
    };
    let live = all([(same, "same", 1), (moved, "x", 1), (differs, "x", 1), (live_only, "x", 1)]);
    let new = all([(same, "same", 1), (moved, "y", 2), (differs, "y", 1), (new_only, "x", 1)]);
    write(stores, 0, 1, &live).await;
    let generation = generations.begin(P).await.unwrap();
    write(&generations.stores(generation), 0, 1, &new).await;
    let comparison = generations.compare(P, generation, auctions::ENTRIES, auction::name).await.unwrap();
    assert_eq!((comparison.same, comparison.moved, comparison.differ), (1, 1, 3), "{comparison:?}");
    let mut named = comparison.differing;
    named.sort_unstable();
    let mut expected = [differs, live_only, new_only].map(|auction| format!("auction:{auction}"));
    expected.sort_unstable();
    assert_eq!(named, expected);
}
