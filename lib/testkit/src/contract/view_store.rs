//! [`ViewStore`] and [`Views`]: written by one, read by everybody.

use crate::given::{AT, END, P, fresh};
use auction_app::ports::view_store::{ListedPage, ViewCommit, ViewStore, ViewStores, ViewWrite, Views};
use auction_domain::{AuctionId, Millis, UserId};

/// Writing and reading the same views.
pub struct Adapter<S, V> {
    /// For writing.
    pub stores: S,
    /// For reading.
    pub views: V,
}

fn user(user: UserId, json: &str) -> ViewWrite {
    ViewWrite::User { user, json: json.into() }
}

async fn commit(store: &mut impl ViewStore, from: u64, to: u64, writes: &[ViewWrite]) -> ViewCommit {
    store.commit(from, to, writes).await.unwrap()
}

/// See its name.
pub async fn views_are_written_with_their_checkpoint<S: ViewStores, V: Views>(adapter: &Adapter<S, V>) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), 0);
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    assert_eq!(views.user(P, ada).await.unwrap(), None);
    let writes = [
        user(ada, "ada"),
        ViewWrite::Auction { auction, json: b"auction".to_vec() },
        ViewWrite::OwnBids { auction, user: ada, json: b"bids".to_vec() },
    ];
    assert_eq!(commit(&mut store, 0, 7, &writes).await, ViewCommit::Done);
    assert_eq!(views.user(P, ada).await.unwrap(), Some(b"ada".to_vec()));
    assert_eq!(views.auction(P, auction).await.unwrap(), Some(b"auction".to_vec()));
    assert_eq!(views.own_bids(P, auction, ada).await.unwrap(), Some(b"bids".to_vec()));
    assert_eq!(views.own_bids(P, auction, UserId(fresh())).await.unwrap(), None);
    assert_eq!(views.checkpoint(P).await.unwrap(), 7);
    assert_eq!(stores.open(P).await.unwrap().checkpoint().await.unwrap(), 7);
    assert_eq!(commit(&mut store, 7, 8, &[user(ada, "later")]).await, ViewCommit::Done);
    assert_eq!(views.user(P, ada).await.unwrap(), Some(b"later".to_vec()));
}

/// See its name.
pub async fn nothing_is_written_from_another_checkpoint<S: ViewStores, V: Views>(adapter: &Adapter<S, V>) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let ada = UserId(fresh());
    assert_eq!(commit(&mut store, 0, 5, &[user(ada, "5")]).await, ViewCommit::Done);
    for (from, to) in [(0, 9), (4, 9), (6, 9)] {
        let mut store = stores.open(P).await.unwrap();
        assert_eq!(commit(&mut store, from, to, &[user(ada, "wrong")]).await, ViewCommit::CheckpointMoved);
        assert_eq!(views.user(P, ada).await.unwrap(), Some(b"5".to_vec()));
        assert_eq!(views.checkpoint(P).await.unwrap(), 5);
    }
}

/// See its name.
pub async fn a_paused_writer_cannot_write_over_its_successor<S: ViewStores, V: Views>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let (mut paused, mut successor) = (stores.open(P).await.unwrap(), stores.open(P).await.unwrap());
    let ada = UserId(fresh());
    assert_eq!(paused.checkpoint().await.unwrap(), 0);
    assert_eq!(commit(&mut successor, 0, 3, &[user(ada, "new")]).await, ViewCommit::Done);
    assert_eq!(commit(&mut paused, 0, 1, &[user(ada, "old")]).await, ViewCommit::CheckpointMoved);
    assert_eq!(views.user(P, ada).await.unwrap(), Some(b"new".to_vec()));
    assert_eq!(views.checkpoint(P).await.unwrap(), 3);
    assert_eq!(paused.checkpoint().await.unwrap(), 3);
    assert_eq!(commit(&mut successor, 3, 3, &[]).await, ViewCommit::Done);
    assert_eq!(paused.checkpoint().await.unwrap(), 3, "looked again");
    assert_eq!(commit(&mut paused, 3, 4, &[user(ada, "newer")]).await, ViewCommit::Done);
    assert_eq!(commit(&mut successor, 3, 4, &[user(ada, "old")]).await, ViewCommit::CheckpointMoved);
    assert_eq!(views.user(P, ada).await.unwrap(), Some(b"newer".to_vec()));
}

/// See its name.
pub async fn auctions_are_listed_by_their_end<S: ViewStores, V: Views>(adapter: &Adapter<S, V>) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let [late, soon, first] = std::array::from_fn(|_| AuctionId(fresh()));
    let listed = |auction, ends_at, json: &str| ViewWrite::Listed { auction, ends_at, json: json.into() };
    let writes = [listed(late, END, "late"), listed(soon, AT, "soon"), listed(first, AT, "first")];
    assert_eq!(commit(&mut store, 0, 1, &writes).await, ViewCommit::Done);
    let lines = |listed: ListedPage| {
        listed.lines.into_iter().map(|line| String::from_utf8(line.json).unwrap()).collect::<Vec<_>>()
    };
    // Of the same end the smaller id comes first, and ids were given out in the order of the list above.
    assert_eq!(lines(views.listed(None, 10).await.unwrap()), ["soon", "first", "late"]);
    let page = views.listed(None, 2).await.unwrap();
    assert_eq!(page.next, Some((AT, first)), "there is more");
    assert_eq!(lines(page), ["soon", "first"]);
    assert_eq!(views.listed(None, 3).await.unwrap().next, None, "that is all");
    assert_eq!(lines(views.listed(Some((AT, soon)), 10).await.unwrap()), ["first", "late"]);
    let moved = AT + Millis::seconds(9);
    let writes = [
        ViewWrite::Unlisted { auction: soon, ends_at: AT },
        listed(soon, moved, "moved"),
        ViewWrite::Unlisted { auction: first, ends_at: AT },
    ];
    assert_eq!(commit(&mut store, 1, 2, &writes).await, ViewCommit::Done);
    let now = views.listed(None, 10).await.unwrap();
    assert_eq!((now.lines[0].ends_at, now.lines[0].auction), (moved, soon));
    assert_eq!(lines(now), ["moved", "late"]);
}
