//! Notifiers that are killed under load: everybody is told what concerns him, and sees it once.

use crate::support::components::Roles;
use crate::support::load::Load;
use crate::support::polling_readers::{PollingReaders, all_events, all_told};
use crate::support::{database, long};
use auction_domain::auction::{AuctionCommand, CloseAuction, DoubleBid, EndAuction};
use auction_domain::user::{
    ChangeNotificationPreferences, NotificationKind, NotificationPreferences, UserCommand,
};
use auction_domain::{Actor, AuctionId, BidId, UserId};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_testkit::fixtures::{create_user, of_auction};
use auction_testkit::notification_model::assert_notifications_match_model;
use auction_testkit::random::Random;
use auction_wire::{Command, CommandBody, CommandId};
use uuid::Uuid;

fn no_highest_bids(user: UserId) -> Command {
    let to = NotificationPreferences { highest_bid: false, ..NotificationPreferences::default() };
    let body = CommandBody::User(UserCommand::ChangeSubscriptions(ChangeNotificationPreferences { to }));
    Command { id: CommandId(Uuid::new_v4()), body, ..create_user(user) }
}

fn double(bid: &Command) -> Command {
    by_the_house(AuctionId(bid.key), AuctionCommand::DoubleBid(DoubleBid { bid: BidId(bid.id.0) }))
}

fn by_the_house(auction: AuctionId, body: AuctionCommand) -> Command {
    of_auction(Uuid::new_v4(), auction, Actor::Portal, body)
}

#[tokio::test]
async fn everybody_is_told_once_when_notifiers_are_killed() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let settings = [
        ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
        ("AUCTION__NOTIFIER__INTERVAL_MS", "100"),
        // Small batches: more of them are cut in two. All are kept, so that all can be compared.
        ("AUCTION__NOTIFIER__BATCH", "20"),
        ("AUCTION__NOTIFIER__INBOX_KEEPS", "60000"),
    ];
    let mut roles = Roles::none(&servers, &settings);
    for role in ["writer", "notifier", "notifier", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let mut load = Load::prepare(&servers, seed).await;
    let quiet = load.users[0];
    load.give(vec![no_highest_bids(quiet)]).await;
    load.decided(load.different()).await;
    all_told(&database(servers.database_url()).await).await;

    let mut readers = PollingReaders::new(&load.users, &roles.url());
    let rounds = if long() { 100 } else { 8 };
    for round in 0..rounds {
        load.bids(200).await;
        let doubles = (0..10).map(|_| double(random.pick(&load.given))).collect();
        load.give(doubles).await;
        readers.look().await;
        // Somewhere within these.
        let begin = load.outcomes().await.unwrap();
        load.decided(begin + random.below(150).min(load.different().saturating_sub(begin))).await;
        if round % 8 == 4 {
            println!("redis is killed");
            servers.kill_redis().await;
            servers.start_redis().await.unwrap();
        }
        let pid = *random.pick(&roles.pids("notifier"));
        println!("notifier {pid} is killed");
        roles.end(pid, "-KILL");
        roles.add("notifier");
    }
    let end = |auction: &AuctionId| by_the_house(*auction, AuctionCommand::EndAuction(EndAuction));
    let close = |auction: &AuctionId| by_the_house(*auction, AuctionCommand::CloseAuction(CloseAuction));
    let ends = load.auctions.iter().map(end).collect();
    load.give(ends).await;
    let closes = load.auctions.iter().map(close).collect();
    load.give(closes).await;
    load.decided(load.different()).await;

    let database = database(servers.database_url()).await;
    all_told(&database).await;
    readers.see_all(&database).await;
    let told = readers.told();
    println!("{} notifications for {} commands", told.len(), load.different());
    let wants = |user, kind| user != quiet || kind != NotificationKind::HighestBid;
    assert_notifications_match_model(&all_events(&database).await, &told, wants);
    assert!(roles.terminate().iter().all(|code| *code == Some(0)));
    servers.stop().await.unwrap();
}
