//! The real notifier on ports in memory: however often it is interrupted, killed or doubled, everybody is
//! told what concerns him, once, and sees it once.

use crate::test_portal::World;
use auction_app::consume::{SubscriptionConfig, run_consumer};
use auction_app::notifier::{InboxReader, Notifier, NotifierConfig};
use auction_app::ports::notifications::inbox::InboxStore;
use auction_app::ports::notifications::notification_store::NotificationStore;
use auction_domain::auction::{AuctionCommand, CloseAuction, DoubleBid, EndAuction};
use auction_domain::user::{
    ChangeNotificationPreferences, NotificationKind, NotificationPreferences, UserCommand,
};
use auction_domain::{Actor, AuctionId, BidId, UserId};
use auction_testkit::fault_injection::{FaultInjector, FaultyPort};
use auction_testkit::fixtures::{P, create_auction, create_user, delete_bid, fresh, of_auction, place_bid};
use auction_testkit::memory::{MemoryEventStreams, MemoryInboxes, MemoryNotifications, MemoryParkedEvents};
use auction_testkit::notification_model::{assert_notifications_match_model, read};
use auction_testkit::random::Random;
use auction_wire::{Command, CommandBody};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::task::JoinHandle;
use worker_runtime::health::Health;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const SCHEDULES: u64 = 200;
const KEEPS: u64 = 10_000;

/// A world with inboxes.
struct Town {
    world: World,
    notifications: MemoryNotifications,
    copies: MemoryInboxes,
    users: Vec<UserId>,
    auctions: Vec<AuctionId>,
}

struct Running(ShutdownTrigger, JoinHandle<()>);

impl Running {
    async fn stop(self) {
        self.0.stop();
        self.1.await.unwrap();
    }
}

impl Town {
    fn new() -> Town {
        Town {
            world: World::new(false),
            notifications: MemoryNotifications::new(KEEPS as usize),
            copies: MemoryInboxes::new(KEEPS),
            users: (0..5).map(|_| UserId(fresh())).collect(),
            auctions: (0..3).map(|_| AuctionId(fresh())).collect(),
        }
    }

    fn notifier(&self, weather: &FaultInjector, count: usize, interval: Duration) -> Running {
        let (stopper, stop) = shutdown_pair();
        let stores = FaultyPort::new(self.world.store.clone(), weather);
        let feeds = FaultyPort::new(MemoryEventStreams(self.world.streams.clone(), count), weather);
        let (stored, copies) = (
            FaultyPort::new(self.notifications.clone(), weather),
            FaultyPort::new(self.copies.clone(), weather),
        );
        // One board, so that most are loaded again from the store.
        let batch = NonZeroUsize::new(count).unwrap();
        let limits = NotifierConfig { interval, batch, auctions: NonZeroUsize::MIN };
        let notifier = Notifier::new(stored, copies, P, limits);
        let health = Health::default().register("notifier");
        let subscription = SubscriptionConfig { component: "notifier", partition: P, health, stop };
        Running(
            stopper,
            tokio::spawn(async move {
                run_consumer(&stores, &feeds, &MemoryParkedEvents::default(), subscription, notifier)
                    .await
                    .unwrap();
            }),
        )
    }

    async fn told_all(&self) {
        let head = self.world.store.events(P).len() as u64;
        let waited = tokio::time::timeout(Duration::from_secs(600), async {
            while self.notifications.clone().checkpoint(P).await.unwrap() < head {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(waited.await.is_ok(), "stuck before {head}");
    }

    /// The last user wants nothing to do with the highest bid.
    fn wants(&self, user: UserId, kind: NotificationKind) -> bool {
        kind != NotificationKind::HighestBid || Some(&user) != self.users.last()
    }

    fn beginning(&self) -> Vec<Command> {
        let quiet = NotificationPreferences { highest_bid: false, ..NotificationPreferences::default() };
        let change = ChangeNotificationPreferences { to: quiet };
        let mut choice = create_user(*self.users.last().unwrap());
        choice.id.0 = fresh();
        choice.body = CommandBody::User(UserCommand::ChangeSubscriptions(change));
        let mut commands: Vec<Command> = self.users.iter().map(|user| create_user(*user)).collect();
        commands.push(choice);
        commands.extend(self.auctions.iter().map(|auction| create_auction(*auction)));
        commands
    }

    fn command(&self, random: &mut Random, before: &[Command], n: u64) -> Command {
        let (user, auction) = (*random.pick(&self.users), *random.pick(&self.auctions));
        let earlier = random.pick(before);
        match random.below(20) {
            0 => earlier.clone(),
            1..=4 => match earlier.actor {
                Actor::User(owner) => delete_bid(AuctionId(earlier.key), owner, BidId(earlier.id.0)),
                _ => earlier.clone(),
            },
            5..=7 => {
                let double = AuctionCommand::DoubleBid(DoubleBid { bid: BidId(earlier.id.0) });
                of_auction(fresh(), AuctionId(earlier.key), Actor::Portal, double)
            }
            _ => place_bid(auction, user, 100 + n * 3 + random.below(60)),
        }
    }

    fn end(&self) -> Vec<Command> {
        let to = |auction: &AuctionId, actor, body| of_auction(fresh(), *auction, actor, body);
        let end = |auction| to(auction, Actor::Operator, AuctionCommand::EndAuction(EndAuction));
        let close = |auction| to(auction, Actor::Portal, AuctionCommand::CloseAuction(CloseAuction));
        self.auctions.iter().map(end).chain(self.auctions.iter().map(close)).collect()
    }

    /// What everybody has seen is what is stored, and that is what should have been told.
    async fn check(&self, seen: &BTreeMap<UserId, Vec<(u64, Vec<u8>)>>) {
        let mut told = Vec::new();
        for user in &self.users {
            let stored = self.notifications.inbox(*user).await.unwrap().entries;
            assert_eq!(seen.get(user).unwrap_or(&Vec::new()), &stored, "{user} saw each once, in order");
            told.extend(stored.iter().map(|(_, json)| read(*user, json)));
        }
        assert_notifications_match_model(&self.world.store.events(P), &told, |user, kind| {
            self.wants(user, kind)
        });
    }
}

/// Somebody who asks again and again for what came since.
async fn look(
    inbox: &InboxReader<MemoryNotifications, MemoryInboxes>,
    user: UserId,
    seen: &mut BTreeMap<UserId, Vec<(u64, Vec<u8>)>>,
) {
    let seen = seen.entry(user).or_default();
    let after = seen.last().map_or(0, |(seq, _)| *seq);
    seen.extend(inbox.page(user, after, 3).await.unwrap().entries);
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let town = Town::new();
    let weather = FaultInjector::new(seed + 1_000_000, 0);
    let interval = Duration::from_millis(*random.pick(&[0, 50, 400]));
    let lane = town.world.start(4);
    let mut notifiers = [
        town.notifier(&weather, random.below(5) as usize + 1, interval),
        town.notifier(&weather, 3, interval),
    ];
    let mut commands = town.beginning();
    for command in &commands {
        town.world.give(command).await;
    }
    town.world.quiet(commands.len()).await;
    town.told_all().await;
    weather.set_failure_rate(random.below(100));
    let inbox = InboxReader::new(town.notifications.clone(), town.copies.clone());
    let mut seen = BTreeMap::new();
    let length = random.below(60) + 20;
    for n in 0..length {
        let command = town.command(&mut random, &commands, n);
        town.world.give(&command).await;
        commands.push(command);
        if random.chance(400) {
            tokio::time::sleep(Duration::from_millis(random.below(200))).await;
        }
        if random.chance(60) {
            let fresh = town.notifier(&weather, random.below(5) as usize + 1, interval);
            std::mem::replace(&mut notifiers[random.below(2) as usize], fresh).1.abort();
        }
        if random.chance(30) {
            town.copies.flush();
        }
        if random.chance(60) {
            town.world.streams.trim(P, random.below(60));
        }
        look(&inbox, *random.pick(&town.users), &mut seen).await;
    }
    for command in town.end() {
        town.world.give(&command).await;
        commands.push(command);
    }
    town.world.quiet(commands.len()).await;
    lane.stop().await.unwrap();
    weather.stop_failing();
    town.told_all().await;
    // Whoever told last may not have delivered yet; if he never will, the next one begins.
    notifiers.iter().for_each(|notifier| notifier.1.abort());
    let last = town.notifier(&weather, 5, interval);
    tokio::time::sleep(Duration::from_secs(5)).await;
    last.stop().await;
    for user in &town.users {
        for _ in 0..200 {
            look(&inbox, *user, &mut seen).await;
        }
    }
    town.check(&seen).await;
    weather.failures()
}

#[tokio::test(start_paused = true)]
async fn everybody_is_told_once_whatever_fails_whenever() {
    let mut failures = 0;
    for seed in 0..SCHEDULES {
        eprintln!("seed {seed}");
        failures += schedule(seed).await;
    }
    assert!(failures > 5 * SCHEDULES, "{failures} failures were injected");
}

/// A thousand bidders, and for five seconds a bid in every millisecond.
#[tokio::test(start_paused = true)]
async fn a_rush_is_told_once_in_an_interval() {
    let mut town = Town::new();
    town.users = (0..1000).map(|_| UserId(fresh())).collect();
    town.auctions.truncate(1);
    let interval = Duration::from_secs(1);
    let weather = FaultInjector::new(1, 0);
    let mut commands = town.beginning();
    for (n, user) in (0..5).flat_map(|_| town.users.clone()).enumerate() {
        commands.push(place_bid(town.auctions[0], user, 100 + n as u64));
    }
    let began = tokio::time::Instant::now();
    let (lane, notifier) = (town.world.start(50), town.notifier(&weather, 10_000, interval));
    for command in &commands {
        town.world.give(command).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    town.world.quiet(commands.len()).await;
    town.told_all().await;
    let intervals = began.elapsed().as_millis() as u64 / 1000 + 2;
    lane.stop().await.unwrap();
    notifier.stop().await;
    let told = town.notifications.all().len() as u64;
    eprintln!("{told} notifications in {intervals} intervals for {} bids", commands.len() - 1002);
    assert!(told >= 999, "everybody but the leader is told at least once: {told}");
    assert!(told <= intervals * 1000, "{told} notifications in {intervals} intervals");
}
