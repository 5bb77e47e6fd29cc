//! Notifiers are killed under load: every user receives every notification, each exactly once.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::polling_readers::{PollingReaders, all_events, wait_until_all_notified};
use crate::support::{database, is_long_run};
use auction_domain::auction::{AuctionCommand, CloseAuction, DoubleBid, EndAuction};
use auction_domain::user::{
    ChangeNotificationPreferences, NotificationKind, NotificationPreferences, UserCommand,
};
use auction_domain::{Actor, AuctionId, BidId, UserId};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_oracle::notifications::notifications_match;
use auction_testkit::fixtures::{create_user, of_auction};
use auction_testkit::random::Random;
use auction_wire::{Command, CommandBody, CommandId};
use uuid::Uuid;

fn disable_highest_bid(user: UserId) -> Command {
    let to = NotificationPreferences::default().with(NotificationKind::HighestBid, false);
    let body = CommandBody::User(UserCommand::ChangeNotificationPreferences(ChangeNotificationPreferences {
        preferences: to,
    }));
    Command { id: CommandId(Uuid::new_v4()), body, ..create_user(user) }
}

fn double(bid: &Command) -> Command {
    portal_command(AuctionId(bid.key), AuctionCommand::DoubleBid(DoubleBid { bid: BidId(bid.id.0) }))
}

fn portal_command(auction: AuctionId, body: AuctionCommand) -> Command {
    of_auction(Uuid::new_v4(), auction, Actor::Portal, body)
}

#[tokio::test]
async fn notifications_are_visible_once_when_notifiers_are_killed() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let directory = tempfile::tempdir().unwrap();
    let mut servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let settings = [
        ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
        ("AUCTION__NOTIFIER__INTERVAL_MS", "100"),
        // Small batches, so that kills interrupt more of them. All notifications are kept for the comparison.
        ("AUCTION__NOTIFIER__MAX_BATCH", "20"),
        ("AUCTION__NOTIFIER__INBOX_SIZE", "60000"),
    ];
    let mut components = RunningComponents::new(&servers, &settings);
    components.add_all(["writer", "notifier", "notifier", "ingress"]);
    components.wait_until_ready().await;
    let mut load = Load::prepare(&servers, seed).await;
    let opted_out = load.users[0];
    load.send(vec![disable_highest_bid(opted_out)]).await;
    load.wait_for_outcomes(load.distinct_count()).await;
    wait_until_all_notified(&database(servers.database_url()).await).await;

    let mut readers = PollingReaders::new(&load.users, &components.url());
    let rounds = if is_long_run() { 100 } else { 8 };
    for round in 0..rounds {
        load.send_bids(200).await;
        let doubles = (0..10).map(|_| double(random.pick(&load.sent))).collect();
        load.send(doubles).await;
        readers.poll().await;
        // A random moment while these are decided.
        let begin = load.outcome_count().await.unwrap();
        load.wait_for_outcomes(begin + random.below(150).min(load.distinct_count().saturating_sub(begin)))
            .await;
        if round % 8 == 4 {
            println!("redis is killed");
            servers.kill_redis().await;
            servers.start_redis().await.unwrap();
        }
        let pid = *random.pick(&components.pids("notifier"));
        println!("notifier {pid} is killed");
        components.stop_process(pid, "-KILL");
        components.add("notifier");
    }
    let end = |auction: &AuctionId| portal_command(*auction, AuctionCommand::EndAuction(EndAuction));
    let close = |auction: &AuctionId| portal_command(*auction, AuctionCommand::CloseAuction(CloseAuction));
    let ends = load.auctions.iter().map(end).collect();
    load.send(ends).await;
    let closes = load.auctions.iter().map(close).collect();
    load.send(closes).await;
    load.wait_for_outcomes(load.distinct_count()).await;

    let database = database(servers.database_url()).await;
    wait_until_all_notified(&database).await;
    readers.poll_until_complete(&database).await;
    let notifications = readers.notifications();
    println!("{} notifications for {} commands", notifications.len(), load.distinct_count());
    let is_enabled =
        |user: UserId, kind: NotificationKind| user != opted_out || kind != NotificationKind::HighestBid;
    notifications_match(&all_events(&database).await, &notifications, &is_enabled).unwrap();
    assert!(components.terminate().iter().all(|code| *code == Some(0)));
    servers.stop().await.unwrap();
}
