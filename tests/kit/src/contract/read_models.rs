//! [`ReadModelWriter`] and [`Views`]: written by one, read by everybody.

use crate::fixtures::{AT, END, P, fresh};
use auction_app::ports::views::read_models::{
    AuctionPage, BidPage, BidderAuction, BidderAuctionPage, ListKey, ReadModelCommit, ReadModelConnector,
    ReadModelReader, ReadModelWrite, ReadModelWriter,
};
use auction_domain::{AuctionId, DurationMs, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{PartitionId, Positions};

/// Writing and reading the same views.
pub struct Adapter<S, V> {
    /// For writing.
    pub stores: S,
    /// For reading.
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

/// See its name.
pub async fn views_are_written_with_their_checkpoint<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    assert_eq!(store.checkpoint().await.unwrap(), 0);
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    assert_eq!(views.user(P, ada).await.unwrap().shown, None);
    let writes = [user(ada, "ada"), ReadModelWrite::Auction { auction, json: b"auction".to_vec() }];
    assert_eq!(commit(&mut store, 0, 7, &writes).await, ReadModelCommit::Done);
    assert_eq!(views.user(P, ada).await.unwrap().shown, Some(b"ada".to_vec()));
    assert_eq!(views.auction(P, auction).await.unwrap().shown.unwrap().json, b"auction");
    assert_eq!(views.auction(P, AuctionId(fresh())).await.unwrap().shown, None);
    assert_eq!(views.checkpoint(P).await.unwrap(), 7);
    assert_eq!(stores.open(P).await.unwrap().checkpoint().await.unwrap(), 7);
    assert_eq!(commit(&mut store, 7, 8, &[user(ada, "later")]).await, ReadModelCommit::Done);
    assert_eq!(views.user(P, ada).await.unwrap().shown, Some(b"later".to_vec()));
}

/// See its name.
pub async fn nothing_is_written_from_another_checkpoint<S: ReadModelConnector, V: ReadModelReader>(
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
        assert_eq!(views.user(P, ada).await.unwrap().shown, Some(b"5".to_vec()));
        assert_eq!(views.checkpoint(P).await.unwrap(), 5);
    }
}

/// See its name.
pub async fn a_paused_writer_cannot_write_over_its_successor<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let (mut paused, mut successor) = (stores.open(P).await.unwrap(), stores.open(P).await.unwrap());
    let ada = UserId(fresh());
    assert_eq!(paused.checkpoint().await.unwrap(), 0);
    assert_eq!(commit(&mut successor, 0, 3, &[user(ada, "new")]).await, ReadModelCommit::Done);
    assert_eq!(commit(&mut paused, 0, 1, &[user(ada, "old")]).await, ReadModelCommit::CheckpointMoved);
    assert_eq!(views.user(P, ada).await.unwrap().shown, Some(b"new".to_vec()));
    assert_eq!(views.checkpoint(P).await.unwrap(), 3);
    assert_eq!(paused.checkpoint().await.unwrap(), 3);
    assert_eq!(commit(&mut successor, 3, 3, &[]).await, ReadModelCommit::Done);
    assert_eq!(paused.checkpoint().await.unwrap(), 3, "looked again");
    assert_eq!(commit(&mut paused, 3, 4, &[user(ada, "newer")]).await, ReadModelCommit::Done);
    assert_eq!(commit(&mut successor, 3, 4, &[user(ada, "old")]).await, ReadModelCommit::CheckpointMoved);
    assert_eq!(views.user(P, ada).await.unwrap().shown, Some(b"newer".to_vec()));
}

/// See its name.
pub async fn bids_are_paged_the_newest_first_all_and_by_one_user<
    S: ReadModelConnector,
    V: ReadModelReader,
>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let (auction, ada, bob) = (AuctionId(fresh()), UserId(fresh()), UserId(fresh()));
    assert_eq!(views.bids(P, auction, None, 10).await.unwrap().shown, None, "there is no such auction");
    assert_eq!(views.bids_of(P, auction, ada, None, 10).await.unwrap().shown, None);
    let shown = ReadModelWrite::Auction { auction, json: b"auction".to_vec() };
    commit(&mut store, 0, 1, &[shown]).await;
    assert_eq!(views.bids(P, auction, None, 10).await.unwrap().shown, Some(BidPage::default()));
    assert_eq!(views.bids_of(P, auction, ada, None, 10).await.unwrap().shown, Some(BidPage::default()));
    // 1 to 40 by turns; more than 16, so that no order of texts will do.
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
    let page = views.bids(P, auction, None, 3).await.unwrap().shown.unwrap();
    let numbers = |page: &BidPage| page.bids.iter().map(|bid| bid.number).collect::<Vec<_>>();
    assert_eq!((page.count, numbers(&page), page.next), (40, vec![40, 39, 38], Some(38)));
    assert_eq!((page.bids[0].bidder, &page.bids[0].json[..]), (bob, &b"deleted"[..]));
    assert_eq!((page.bids[1].bidder, &page.bids[1].json[..]), (ada, &b"bid 39"[..]));
    let page = views.bids(P, auction, Some(3), 3).await.unwrap().shown.unwrap();
    assert_eq!((page.count, numbers(&page), page.next), (40, vec![2, 1], None));
    let page = views.bids_of(P, auction, ada, None, 2).await.unwrap().shown.unwrap();
    assert_eq!((page.count, numbers(&page), page.next), (20, vec![39, 37], Some(37)));
    assert_eq!(page.bids[1].json, b"bid 37");
    let page = views.bids_of(P, auction, ada, Some(5), 2).await.unwrap().shown.unwrap();
    assert_eq!((page.count, numbers(&page), page.next), (20, vec![3, 1], None));
    let nobody = views.bids_of(P, auction, UserId(fresh()), None, 2).await.unwrap().shown;
    assert_eq!(nobody, Some(BidPage::default()));
}

/// See its name.
pub async fn what_a_user_has_bid_is_paged_the_newest_auction_first<
    S: ReadModelConnector,
    V: ReadModelReader,
>(
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
        let json = format!("line {n}").into_bytes();
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
    let page = views.bidder(ada, None, 2).await.unwrap().shown;
    let shown = |n: usize, leader| BidderAuction {
        auction: auctions[n],
        status: AuctionStatus::Open,
        leader,
        bidder: format!("bids {n}").into_bytes(),
        item: format!("line {n}").into_bytes(),
    };
    assert_eq!(page.lines, [shown(2, None), shown(1, Some(bob))]);
    assert_eq!(page.next, Some(auctions[1]));
    let page = views.bidder(ada, page.next, 2).await.unwrap().shown;
    assert_eq!((page.lines, page.next), (vec![shown(0, Some(ada))], None));
    assert_eq!(views.bidder(bob, None, 2).await.unwrap().shown.lines.len(), 1);
    assert_eq!(views.bidder(UserId(fresh()), None, 2).await.unwrap().shown, BidderAuctionPage::default());
}

/// See its name.
pub async fn auctions_are_listed_by_status_and_end<S: ReadModelConnector, V: ReadModelReader>(
    adapter: &Adapter<S, V>,
) {
    let Adapter { stores, views } = adapter;
    let mut store = stores.open(P).await.unwrap();
    let [late, soon, first] = std::array::from_fn(|_| AuctionId(fresh()));
    let at = |status, ends_at| ListKey { status, ends_at };
    let listed = |auction, place: ListKey, json: &str| {
        let line = ReadModelWrite::AuctionListEntry {
            auction,
            status: place.status,
            leader: None,
            json: json.into(),
        };
        [ReadModelWrite::AddToAuctionList { auction, place }, line]
    };
    let unlisted = |auction, place| [ReadModelWrite::RemoveFromAuctionList { auction, place }];
    let open = |ends_at| at(AuctionStatus::Open, ends_at);
    let writes =
        [listed(late, open(END), "late"), listed(soon, open(AT), "soon"), listed(first, open(AT), "first")];
    assert_eq!(commit(&mut store, 0, 1, &writes.concat()).await, ReadModelCommit::Done);
    let lines = |listed: AuctionPage| {
        listed.lines.into_iter().map(|line| String::from_utf8(line.json).unwrap()).collect::<Vec<_>>()
    };
    let list = async |status, after, limit| views.listed(status, after, limit).await.unwrap().shown;
    let (is_open, closed) = (AuctionStatus::Open, AuctionStatus::Closed);
    // Of the same end the smaller id comes first, and ids were given out in the order of the list above.
    assert_eq!(lines(list(is_open, None, 10).await), ["soon", "first", "late"]);
    let page = list(is_open, None, 2).await;
    assert_eq!(page.next, Some((AT, first)), "there is more");
    assert_eq!(lines(page), ["soon", "first"]);
    assert_eq!(list(is_open, None, 3).await.next, None, "that is all");
    assert_eq!(lines(list(is_open, Some((AT, soon)), 10).await), ["first", "late"]);
    assert_eq!(lines(list(closed, None, 10).await), [""; 0]);
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
    assert_eq!((now.lines[0].ends_at, now.lines[0].auction), (moved, soon));
    assert_eq!(lines(now), ["moved"]);
    // The newest end first.
    assert_eq!(lines(list(closed, None, 10).await), ["closed late", "closed"]);
    let page = list(closed, None, 1).await;
    assert_eq!(page.next, Some((moved, late)));
    assert_eq!(lines(list(closed, page.next, 1).await), ["closed"]);
    assert_eq!(lines(list(AuctionStatus::Cancelled, None, 10).await), [""; 0]);
}

/// See its name.
pub async fn every_read_says_how_fresh_it_is<S: ReadModelConnector, V: ReadModelReader>(
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
            views.bids_of(P, auction, ada, None, 1).await.unwrap().positions,
            views.listed(AuctionStatus::Open, None, 1).await.unwrap().positions,
            views.bidder(ada, None, 1).await.unwrap().positions,
            views.checkpoints(&[P, other]).await.unwrap(),
        ]
    };
    assert_eq!(all().await, [(); 7].map(|()| Positions::default()), "no checkpoint is before every event");
    let mut store = stores.open(P).await.unwrap();
    commit(&mut store, 0, 7, &[user(ada, "ada")]).await;
    assert_eq!(all().await, [(); 7].map(|()| Positions::of(P, 7)), "also of what is not there");
    commit(&mut store, 7, 9, &[ReadModelWrite::Auction { auction, json: b"auction".to_vec() }]).await;
    assert_eq!(all().await, [(); 7].map(|()| Positions::of(P, 9)));
    commit(&mut stores.open(other).await.unwrap(), 0, 4, &[]).await;
    let both: Positions = [(P, 9), (other, 4)].into_iter().collect();
    let [user, .., bidder, checkpoints] = all().await;
    assert_eq!((user, bidder, checkpoints), (Positions::of(P, 9), both.clone(), both));
}
