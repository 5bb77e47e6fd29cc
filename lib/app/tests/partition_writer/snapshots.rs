//! Snapshots of auctions: never of what did not happen, and never needed.

use crate::test_portal::World;
use auction_domain::{AuctionId, UserId};
use auction_testkit::fixtures::{P, create_auction, create_user, fresh, place_bid};
use auction_wire::{Command, SnapshotRecord};

/// A user, an auction and so many bids.
fn given(bids: u64) -> (AuctionId, Vec<Command>) {
    let (ada, auction) = (UserId(fresh()), AuctionId(fresh()));
    let mut given = vec![create_user(ada), create_auction(auction)];
    given.extend((0..bids).map(|n| place_bid(auction, ada, 100 + n)));
    (auction, given)
}

async fn give(world: &World, commands: &[Command]) {
    for command in commands {
        world.give(command).await;
    }
}

fn snapshot_of(world: &World, auction: AuctionId) -> SnapshotRecord {
    world.store.snapshots().into_iter().find(|snapshot| snapshot.key == auction.0).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_auction_is_read_from_its_snapshot_and_goes_on() {
    let (auction, given) = given(60);
    let world = super::world();
    give(&world, &given[..40]).await;
    world.work(5, 40).await;
    let kept = snapshot_of(&world, auction);
    assert!(kept.version >= 20, "of 39 events: {}", kept.version);
    give(&world, &given[40..]).await;
    world.work(5, given.len()).await;
    world.check(&given);
    assert!(given.iter().all(|command| world.is_accepted(command)));
    assert!(snapshot_of(&world, auction).version > kept.version);
}

/// Damaged, of an older program, of a newer one, of another auction: the events tell.
#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_be_read_is_passed_over_and_made_anew() {
    let damages: [fn(&mut SnapshotRecord); 5] = [
        |snapshot| *snapshot.body.last_mut().unwrap() ^= 1,
        |snapshot| snapshot.body[20] ^= 1,
        |snapshot| snapshot.body.clear(),
        |snapshot| snapshot.format -= 1,
        |snapshot| snapshot.version -= 1,
    ];
    for damage in damages {
        let (auction, given) = given(30);
        let world = super::world();
        give(&world, &given[..20]).await;
        world.work(5, 20).await;
        let mut snapshot = snapshot_of(&world, auction);
        damage(&mut snapshot);
        world.store.put_snapshot(snapshot.clone());
        give(&world, &given[20..]).await;
        world.work(5, given.len()).await;
        assert_eq!(world.store.events(P).len(), given.len(), "all were accepted");
        let anew = snapshot_of(&world, auction);
        assert!(anew.auction().is_ok() && anew.version > snapshot.version, "made anew");
        world.check(&given);
    }
}
