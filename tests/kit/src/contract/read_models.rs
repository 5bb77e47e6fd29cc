//! Contract of [`ReadModelWriter`] and [`ReadModelReader`].

use crate::fixtures::{AT, END, P, fresh};
use auction_app::ports::views::read_models::{
    ReadModelCommit, ReadModelConnector, ReadModelReader, ReadModelWrite, ReadModelWriter,
};
use auction_app::projector::views::auctions::ListPlace;
use auction_app::projector::views::{ViewPage, auction, auctions, bids, user, user_bids};
use auction_domain::{AuctionId, DurationMs, UserId};
use auction_wire::view::{AuctionStatus, BidderItem};
use auction_wire::{PartitionId, Positions};
use serde_json::json;

/// A writer and a reader of the same read models.
pub struct Adapter<S, V> {
    pub stores: S,
    pub views: V,
}

fn user(user: UserId, json: &str) -> ReadModelWrite {
    ReadModelWrite::document(user::name(user), json.into())
}

fn auction_document(auction: AuctionId) -> ReadModelWrite {
    ReadModelWrite::document(auction::name(auction.0), b"auction".to_vec())
}

/// Returns the entries of a page as text, without the quotes of JSON strings.
fn texts(page: &ViewPage<impl Sized>) -> Vec<&str> {
    page.entries.iter().map(|json| str::from_utf8(json).unwrap().trim_matches('"')).collect()
}

async fn commit(
    store: &mut impl ReadModelWriter,
    from: u64,
    to: u64,
    writes: &[ReadModelWrite],
) -> ReadModelCommit {
    store.commit(from, to, writes).await.unwrap()
}

pub async fn commit_writes_views_with_their_checkpoint<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), 0);
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    assert_eq!(user::read(views, P, ada).await.unwrap().value, None);
    let writes = [user(ada, "ada"), auction_document(auction)];
    assert_eq!(commit(&mut store, 0, 7, &writes).await, ReadModelCommit::Done);
    assert_eq!(user::read(views, P, ada).await.unwrap().value, Some(b"ada".to_vec()));
    assert_eq!(views.document(P, auction::name(auction.0)).await.unwrap().value.unwrap().json, b"auction");
    assert_eq!(views.document(P, auction::name(fresh())).await.unwrap().value, None);
    assert_eq!(views.checkpoint(P).await.unwrap(), 7);
    assert_eq!(stores.open(P).await.unwrap().checkpoint().await.unwrap(), 7);
    assert_eq!(commit(&mut store, 7, 8, &[user(ada, "later")]).await, ReadModelCommit::Done);
    assert_eq!(user::read(views, P, ada).await.unwrap().value, Some(b"later".to_vec()));
}

pub async fn commit_writes_nothing_from_another_checkpoint<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let ada = UserId(fresh());
    assert_eq!(commit(&mut store, 0, 5, &[user(ada, "5")]).await, ReadModelCommit::Done);
    for (from, to) in [(0, 9), (4, 9), (6, 9)] {
        let mut store = stores.open(P).await.unwrap();
        assert_eq!(
            commit(&mut store, from, to, &[user(ada, "wrong")]).await,
            ReadModelCommit::CheckpointMoved
        );
        assert_eq!(user::read(views, P, ada).await.unwrap().value, Some(b"5".to_vec()));
        assert_eq!(views.checkpoint(P).await.unwrap(), 5);
    }
}

pub async fn paused_writer_cannot_overwrite_its_successor<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let (mut paused, mut successor) = (stores.open(P).await.unwrap(), stores.open(P).await.unwrap());
    let ada = UserId(fresh());
    assert_eq!(paused.checkpoint().await.unwrap(), 0);
    assert_eq!(commit(&mut successor, 0, 3, &[user(ada, "new")]).await, ReadModelCommit::Done);
    assert_eq!(commit(&mut paused, 0, 1, &[user(ada, "old")]).await, ReadModelCommit::CheckpointMoved);
    assert_eq!(user::read(views, P, ada).await.unwrap().value, Some(b"new".to_vec()));
    assert_eq!(views.checkpoint(P).await.unwrap(), 3);
    assert_eq!(paused.checkpoint().await.unwrap(), 3);
    assert_eq!(commit(&mut successor, 3, 3, &[]).await, ReadModelCommit::Done);
    assert_eq!(paused.checkpoint().await.unwrap(), 3, "read again");
    assert_eq!(commit(&mut paused, 3, 4, &[user(ada, "newer")]).await, ReadModelCommit::Done);
    assert_eq!(commit(&mut successor, 3, 4, &[user(ada, "old")]).await, ReadModelCommit::CheckpointMoved);
    assert_eq!(user::read(views, P, ada).await.unwrap().value, Some(b"newer".to_vec()));
}

pub async fn bids_are_paged_newest_first_for_all_and_one_user<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let (auction, ada, bob) = (AuctionId(fresh()), UserId(fresh()), UserId(fresh()));
    let page = async |by, caller, before, limit| {
        bids::page(views, P, auction, by, caller, before, limit).await.unwrap().value
    };
    assert_eq!(page(None, None, None, 10).await, None, "the auction is unknown");
    assert_eq!(page(Some(ada), None, None, 10).await, None);
    commit(&mut store, 0, 1, &[auction_document(auction)]).await;
    assert_eq!(page(None, None, None, 10).await, Some(ViewPage::default()));
    assert_eq!(page(Some(ada), None, None, 10).await, Some(ViewPage::default()));
    // Ada and Bob bid in turn. Two-digit numbers: an order by text would be wrong.
    let bidder = |number| if number % 2 == 1 { ada } else { bob };
    let bid = |number: u64, text: &str| bids::set(auction, number, bidder(number), &json!({ text: number }));
    let bids: Vec<ReadModelWrite> = (1..=40).flat_map(|number| bid(number, "bid")).collect();
    commit(&mut store, 1, 2, &bids).await;
    commit(&mut store, 2, 3, &bid(40, "deleted")).await;
    let check = async |by, caller, before, limit, count, expected: &[&str], next| {
        let page = page(by, caller, before, limit).await.unwrap();
        assert_eq!((page.count, texts(&page), page.next), (count, expected.to_vec(), next));
    };
    let (newest, yours) = ("{\"deleted\":40}", "{\"yours\":true,\"bid\":39}");
    check(None, None, None, 3, 40, &[newest, "{\"bid\":39}", "{\"bid\":38}"], Some(38)).await;
    check(None, Some(ada), None, 2, 40, &[newest, yours], Some(39)).await;
    check(None, None, Some(3), 3, 40, &["{\"bid\":2}", "{\"bid\":1}"], None).await;
    check(Some(ada), None, None, 2, 20, &["{\"bid\":39}", "{\"bid\":37}"], Some(37)).await;
    check(Some(ada), None, Some(5), 2, 20, &["{\"bid\":3}", "{\"bid\":1}"], None).await;
    assert_eq!(page(Some(UserId(fresh())), None, None, 2).await, Some(ViewPage::default()));
}

pub async fn bidder_auctions_are_paged_newest_first<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let auctions: [AuctionId; 3] = std::array::from_fn(|_| AuctionId(fresh()));
    let bidder = |your_bids| BidderItem { your_bids, your_bid: None };
    let mut writes = Vec::new();
    for (n, auction) in auctions.into_iter().enumerate() {
        let leader = [Some(ada), Some(bob), None][n];
        writes.push(ListPlace { status: AuctionStatus::Open, ends_at: END }.insert(auction));
        writes.push(auctions::set(auction, AuctionStatus::Open, leader, &n));
        writes.extend([user_bids::add(ada, auction), user_bids::set(ada, auction, &bidder(n as u64))]);
    }
    writes.extend([user_bids::add(bob, auctions[1]), user_bids::set(bob, auctions[1], &bidder(7))]);
    commit(&mut store, 0, 1, &writes).await;
    let shown = |n: usize, standing: &str| {
        format!("{{\"standing\":\"{standing}\",\"your_bids\":{n},\"auction\":{n}}}").into_bytes()
    };
    let page = user_bids::page(views, ada, None, 2).await.unwrap().value;
    assert_eq!(page.entries, [shown(2, "outbid"), shown(1, "outbid")]);
    assert_eq!(page.next, Some(auctions[1]));
    let page = user_bids::page(views, ada, page.next, 2).await.unwrap().value;
    assert_eq!((page.entries, page.next), (vec![shown(0, "winning")], None));
    let of_bob = user_bids::page(views, bob, None, 2).await.unwrap().value;
    assert_eq!(of_bob.entries, [b"{\"standing\":\"winning\",\"your_bids\":7,\"auction\":1}"]);
    let none = user_bids::page(views, UserId(fresh()), None, 2).await.unwrap().value;
    assert_eq!((none.entries.len(), none.next), (0, None));
}

pub async fn auctions_are_listed_by_status_and_end<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let [late, soon, first] = std::array::from_fn(|_| AuctionId(fresh()));
    let at = |status, ends_at| ListPlace { status, ends_at };
    let listed = |auction, place: ListPlace, json: &str| {
        [place.insert(auction), auctions::set(auction, place.status, None, &json)]
    };
    let unlisted = |auction, place: ListPlace| [place.remove(auction)];
    let open = |ends_at| at(AuctionStatus::Open, ends_at);
    let writes =
        [listed(late, open(END), "late"), listed(soon, open(AT), "soon"), listed(first, open(AT), "first")];
    assert_eq!(commit(&mut store, 0, 1, &writes.concat()).await, ReadModelCommit::Done);
    let list = async |status, after, limit| auctions::page(views, status, after, limit).await.unwrap().value;
    let (is_open, closed) = (AuctionStatus::Open, AuctionStatus::Closed);
    // With the same end, the smaller id comes first. Ids were assigned in the order of the list above.
    assert_eq!(texts(&list(is_open, None, 10).await), ["soon", "first", "late"]);
    let page = list(is_open, None, 2).await;
    assert_eq!(page.next, Some((AT, first)), "the list continues");
    assert_eq!(texts(&page), ["soon", "first"]);
    assert_eq!(list(is_open, None, 3).await.next, None, "the list ends here");
    assert_eq!(texts(&list(is_open, Some((AT, soon)), 10).await), ["first", "late"]);
    assert_eq!(texts(&list(closed, None, 10).await), [""; 0]);
    let moved = AT + DurationMs::seconds(9);
    let writes: [&[ReadModelWrite]; 6] = [
        &unlisted(soon, open(AT)),
        &listed(soon, open(moved), "moved"),
        &unlisted(first, open(AT)),
        &listed(first, at(closed, AT), "closed"),
        &unlisted(late, open(END)),
        &listed(late, at(closed, moved), "closed late"),
    ];
    assert_eq!(commit(&mut store, 1, 2, &writes.concat()).await, ReadModelCommit::Done);
    let now = list(is_open, None, 10).await;
    assert_eq!(texts(&now), ["moved"]);
    // Closed auctions: newest end first.
    assert_eq!(texts(&list(closed, None, 10).await), ["closed late", "closed"]);
    let page = list(closed, None, 1).await;
    assert_eq!(page.next, Some((moved, late)));
    assert_eq!(texts(&list(closed, page.next, 1).await), ["closed"]);
    assert_eq!(texts(&list(AuctionStatus::Cancelled, None, 10).await), [""; 0]);
}

pub async fn reads_include_their_position<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let other = PartitionId(P.0 + 1);
    let all = async || {
        [
            user::read(views, P, ada).await.unwrap().positions,
            views.document(P, auction::name(auction.0)).await.unwrap().positions,
            bids::page(views, P, auction, None, None, None, 1).await.unwrap().positions,
            bids::page(views, P, auction, Some(ada), None, None, 1).await.unwrap().positions,
            auctions::page(views, AuctionStatus::Open, None, 1).await.unwrap().positions,
            user_bids::page(views, ada, None, 1).await.unwrap().positions,
            views.checkpoints(&[P, other]).await.unwrap(),
        ]
    };
    assert_eq!(
        all().await,
        [(); 7].map(|()| Positions::default()),
        "without a checkpoint the position is before every event"
    );
    let mut store = stores.open(P).await.unwrap();
    commit(&mut store, 0, 7, &[user(ada, "ada")]).await;
    assert_eq!(
        all().await,
        [(); 7].map(|()| Positions::of(P, 7)),
        "reads of missing views have a position too"
    );
    commit(&mut store, 7, 9, &[auction_document(auction)]).await;
    assert_eq!(all().await, [(); 7].map(|()| Positions::of(P, 9)));
    commit(&mut stores.open(other).await.unwrap(), 0, 4, &[]).await;
    let both: Positions = [(P, 9), (other, 4)].into_iter().collect();
    let [user, .., bidder, checkpoints] = all().await;
    assert_eq!((user, bidder, checkpoints), (Positions::of(P, 9), both.clone(), both));
}
