//! Contract of [`ReadModelWriter`] and [`ReadModelReader`].

use crate::fixtures::{AT, END, P, fresh};
use auction_app::ports::views::read_models::{
    AuctionPage, BidPage, BidderAuction, BidderAuctionPage, ListKey, ReadModelCommit, ReadModelConnector,
    ReadModelReader, ReadModelWrite, ReadModelWriter,
};
use auction_domain::{AuctionId, DurationMs, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{PartitionId, Positions};

/// A writer and a reader of the same read models.
pub struct Adapter<S, V> {
    pub stores: S,
    pub views: V,
}

fn user(user: UserId, json: &str) -> ReadModelWrite {
    ReadModelWrite::User { user, json: json.into() }
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
    assert_eq!(views.user(P, ada).await.unwrap().value, None);
    let writes = [user(ada, "ada"), ReadModelWrite::Auction { auction, json: b"auction".to_vec() }];
    assert_eq!(commit(&mut store, 0, 7, &writes).await, ReadModelCommit::Done);
    assert_eq!(views.user(P, ada).await.unwrap().value, Some(b"ada".to_vec()));
    assert_eq!(views.auction(P, auction).await.unwrap().value.unwrap().json, b"auction");
    assert_eq!(views.auction(P, AuctionId(fresh())).await.unwrap().value, None);
    assert_eq!(views.checkpoint(P).await.unwrap(), 7);
    assert_eq!(stores.open(P).await.unwrap().checkpoint().await.unwrap(), 7);
    assert_eq!(commit(&mut store, 7, 8, &[user(ada, "later")]).await, ReadModelCommit::Done);
    assert_eq!(views.user(P, ada).await.unwrap().value, Some(b"later".to_vec()));
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
        assert_eq!(views.user(P, ada).await.unwrap().value, Some(b"5".to_vec()));
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
    assert_eq!(views.user(P, ada).await.unwrap().value, Some(b"new".to_vec()));
    assert_eq!(views.checkpoint(P).await.unwrap(), 3);
    assert_eq!(paused.checkpoint().await.unwrap(), 3);
    assert_eq!(commit(&mut successor, 3, 3, &[]).await, ReadModelCommit::Done);
    assert_eq!(paused.checkpoint().await.unwrap(), 3, "read again");
    assert_eq!(commit(&mut paused, 3, 4, &[user(ada, "newer")]).await, ReadModelCommit::Done);
    assert_eq!(commit(&mut successor, 3, 4, &[user(ada, "old")]).await, ReadModelCommit::CheckpointMoved);
    assert_eq!(views.user(P, ada).await.unwrap().value, Some(b"newer".to_vec()));
}

pub async fn bids_are_paged_newest_first_for_all_and_one_user<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let (auction, ada, bob) = (AuctionId(fresh()), UserId(fresh()), UserId(fresh()));
    assert_eq!(views.bids(P, auction, None, 10).await.unwrap().value, None, "the auction is unknown");
    assert_eq!(views.bids_by_user(P, auction, ada, None, 10).await.unwrap().value, None);
    let shown = ReadModelWrite::Auction { auction, json: b"auction".to_vec() };
    commit(&mut store, 0, 1, &[shown]).await;
    assert_eq!(views.bids(P, auction, None, 10).await.unwrap().value, Some(BidPage::default()));
    assert_eq!(views.bids_by_user(P, auction, ada, None, 10).await.unwrap().value, Some(BidPage::default()));
    // Ada and Bob bid in turn. Two-digit numbers: an order by text would be wrong.
    let bidder = |number| if number % 2 == 1 { ada } else { bob };
    let bid = |number: u64, json: String| ReadModelWrite::Bid {
        auction,
        number,
        bidder: bidder(number),
        json: json.into_bytes(),
    };
    let bids: Vec<ReadModelWrite> = (1..=40).map(|number| bid(number, format!("bid {number}"))).collect();
    commit(&mut store, 1, 2, &bids).await;
    commit(&mut store, 2, 3, &[bid(40, "deleted".to_owned())]).await;
    let page = views.bids(P, auction, None, 3).await.unwrap().value.unwrap();
    let numbers = |page: &BidPage| page.bids.iter().map(|bid| bid.number).collect::<Vec<_>>();
    assert_eq!((page.count, numbers(&page), page.next), (40, vec![40, 39, 38], Some(38)));
    assert_eq!((page.bids[0].bidder, &page.bids[0].json[..]), (bob, &b"deleted"[..]));
    assert_eq!((page.bids[1].bidder, &page.bids[1].json[..]), (ada, &b"bid 39"[..]));
    let page = views.bids(P, auction, Some(3), 3).await.unwrap().value.unwrap();
    assert_eq!((page.count, numbers(&page), page.next), (40, vec![2, 1], None));
    let page = views.bids_by_user(P, auction, ada, None, 2).await.unwrap().value.unwrap();
    assert_eq!((page.count, numbers(&page), page.next), (20, vec![39, 37], Some(37)));
    assert_eq!(page.bids[1].json, b"bid 37");
    let page = views.bids_by_user(P, auction, ada, Some(5), 2).await.unwrap().value.unwrap();
    assert_eq!((page.count, numbers(&page), page.next), (20, vec![3, 1], None));
    let without_bids = views.bids_by_user(P, auction, UserId(fresh()), None, 2).await.unwrap().value;
    assert_eq!(without_bids, Some(BidPage::default()));
}

pub async fn bidder_auctions_are_paged_newest_first<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let (ada, bob) = (UserId(fresh()), UserId(fresh()));
    let auctions: [AuctionId; 3] = std::array::from_fn(|_| AuctionId(fresh()));
    let place = ListKey { status: AuctionStatus::Open, ends_at: END };
    let mut writes = Vec::new();
    for (n, auction) in auctions.into_iter().enumerate() {
        let leader = [Some(ada), Some(bob), None][n];
        let json = format!("entry {n}").into_bytes();
        writes.push(ReadModelWrite::AddToAuctionList { auction, place });
        writes.push(ReadModelWrite::AuctionListEntry { auction, status: place.status, leader, json });
        writes.push(ReadModelWrite::AddToBidderAuctions { user: ada, auction });
        let json = format!("bids {n}").into_bytes();
        writes.push(ReadModelWrite::BidderAuctionEntry { user: ada, auction, json });
    }
    writes.push(ReadModelWrite::AddToBidderAuctions { user: bob, auction: auctions[1] });
    writes.push(ReadModelWrite::BidderAuctionEntry {
        user: bob,
        auction: auctions[1],
        json: b"bob".to_vec(),
    });
    commit(&mut store, 0, 1, &writes).await;
    let page = views.bidder_auctions(ada, None, 2).await.unwrap().value;
    let shown = |n: usize, leader| BidderAuction {
        auction: auctions[n],
        status: AuctionStatus::Open,
        leader,
        bidder: format!("bids {n}").into_bytes(),
        auction_entry: format!("entry {n}").into_bytes(),
    };
    assert_eq!(page.entries, [shown(2, None), shown(1, Some(bob))]);
    assert_eq!(page.next, Some(auctions[1]));
    let page = views.bidder_auctions(ada, page.next, 2).await.unwrap().value;
    assert_eq!((page.entries, page.next), (vec![shown(0, Some(ada))], None));
    assert_eq!(views.bidder_auctions(bob, None, 2).await.unwrap().value.entries.len(), 1);
    assert_eq!(
        views.bidder_auctions(UserId(fresh()), None, 2).await.unwrap().value,
        BidderAuctionPage::default()
    );
}

pub async fn auctions_are_listed_by_status_and_end<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let [late, soon, first] = std::array::from_fn(|_| AuctionId(fresh()));
    let at = |status, ends_at| ListKey { status, ends_at };
    let listed = |auction, place: ListKey, json: &str| {
        let entry = ReadModelWrite::AuctionListEntry {
            auction,
            status: place.status,
            leader: None,
            json: json.into(),
        };
        [ReadModelWrite::AddToAuctionList { auction, place }, entry]
    };
    let unlisted = |auction, place| [ReadModelWrite::RemoveFromAuctionList { auction, place }];
    let open = |ends_at| at(AuctionStatus::Open, ends_at);
    let writes =
        [listed(late, open(END), "late"), listed(soon, open(AT), "soon"), listed(first, open(AT), "first")];
    assert_eq!(commit(&mut store, 0, 1, &writes.concat()).await, ReadModelCommit::Done);
    let titles = |listed: AuctionPage| {
        listed.entries.into_iter().map(|entry| String::from_utf8(entry.json).unwrap()).collect::<Vec<_>>()
    };
    let list =
        async |status, after, limit| views.auctions_by_status(status, after, limit).await.unwrap().value;
    let (is_open, closed) = (AuctionStatus::Open, AuctionStatus::Closed);
    // With the same end, the smaller id comes first. Ids were assigned in the order of the list above.
    assert_eq!(titles(list(is_open, None, 10).await), ["soon", "first", "late"]);
    let page = list(is_open, None, 2).await;
    assert_eq!(page.next, Some((AT, first)), "the list continues");
    assert_eq!(titles(page), ["soon", "first"]);
    assert_eq!(list(is_open, None, 3).await.next, None, "the list ends here");
    assert_eq!(titles(list(is_open, Some((AT, soon)), 10).await), ["first", "late"]);
    assert_eq!(titles(list(closed, None, 10).await), [""; 0]);
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
    assert_eq!((now.entries[0].ends_at, now.entries[0].auction), (moved, soon));
    assert_eq!(titles(now), ["moved"]);
    // Closed auctions: newest end first.
    assert_eq!(titles(list(closed, None, 10).await), ["closed late", "closed"]);
    let page = list(closed, None, 1).await;
    assert_eq!(page.next, Some((moved, late)));
    assert_eq!(titles(list(closed, page.next, 1).await), ["closed"]);
    assert_eq!(titles(list(AuctionStatus::Cancelled, None, 10).await), [""; 0]);
}

pub async fn reads_include_their_position<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let other = PartitionId(P.0 + 1);
    let all = async || {
        [
            views.user(P, ada).await.unwrap().positions,
            views.auction(P, auction).await.unwrap().positions,
            views.bids(P, auction, None, 1).await.unwrap().positions,
            views.bids_by_user(P, auction, ada, None, 1).await.unwrap().positions,
            views.auctions_by_status(AuctionStatus::Open, None, 1).await.unwrap().positions,
            views.bidder_auctions(ada, None, 1).await.unwrap().positions,
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
    commit(&mut store, 7, 9, &[ReadModelWrite::Auction { auction, json: b"auction".to_vec() }]).await;
    assert_eq!(all().await, [(); 7].map(|()| Positions::of(P, 9)));
    commit(&mut stores.open(other).await.unwrap(), 0, 4, &[]).await;
    let both: Positions = [(P, 9), (other, 4)].into_iter().collect();
    let [user, .., bidder, checkpoints] = all().await;
    assert_eq!((user, bidder, checkpoints), (Positions::of(P, 9), both.clone(), both));
}
