//! Tests of auction snapshots: they contain stored events only, and are never required.

use crate::test_portal::TestPortal;
use auction_domain::{AuctionId, UserId};
use auction_testkit::fixtures::{P, create_auction, create_user, fresh, place_bid};
use auction_wire::{Command, SnapshotRecord};

/// Returns commands for a user, an auction and this number of bids.
fn given(bids: u64) -> (AuctionId, Vec<Command>) {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut given = vec![create_user(ada), create_auction(auction)];
    given.extend((0..bids).map(|n| place_bid(auction, ada, 100 + n)));
    (auction, given)
}

async fn submit(portal: &TestPortal, commands: &[Command]) {
    for command in commands {
        portal.submit(command).await;
    }
}

fn snapshot_of(portal: &TestPortal, auction: AuctionId) -> SnapshotRecord {
    portal.store.snapshots().into_iter().find(|snapshot| snapshot.key == auction.0).unwrap()
}

#[tokio::test(start_paused = true)]
async fn auction_is_loaded_from_its_snapshot() {
    let (auction, given) = given(60);
    let portal = super::portal();
    submit(&portal, &given[..40]).await;
    portal.work(5, 40).await;
    let snapshot = snapshot_of(&portal, auction);
    assert!(snapshot.version >= 20, "of 39 events: {}", snapshot.version);
    submit(&portal, &given[40..]).await;
    portal.work(5, given.len()).await;
    portal.check(&given).await;
    assert!(given.iter().all(|command| portal.is_accepted(command)));
    assert!(snapshot_of(&portal, auction).version > snapshot.version);
}

/// With a damaged snapshot, or one of another format or version, the auction is loaded from its events.
#[tokio::test(start_paused = true)]
async fn unreadable_snapshot_is_ignored_and_replaced() {
    let damages: [fn(&mut SnapshotRecord); 5] = [
        |snapshot| *snapshot.body.last_mut().unwrap() ^= 1,
        |snapshot| snapshot.body[20] ^= 1,
        |snapshot| snapshot.body.clear(),
        |snapshot| snapshot.format -= 1,
        |snapshot| snapshot.version -= 1,
    ];
    for damage in damages {
        let (auction, given) = given(30);
        let portal = super::portal();
        submit(&portal, &given[..20]).await;
        portal.work(5, 20).await;
        let mut snapshot = snapshot_of(&portal, auction);
        damage(&mut snapshot);
        portal.store.put_snapshot(snapshot.clone());
        submit(&portal, &given[20..]).await;
        portal.work(5, given.len()).await;
        assert_eq!(portal.store.events(P).len(), given.len(), "all were accepted");
        let replacement = snapshot_of(&portal, auction);
        assert!(
            replacement.auction().is_ok() && replacement.version > snapshot.version,
            "the snapshot is replaced"
        );
        portal.check(&given).await;
    }
}
