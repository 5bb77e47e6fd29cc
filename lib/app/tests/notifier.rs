//! Tests of the real notifier on in-memory ports: however often it is interrupted, killed or run twice, each
//! notification is stored once and visible once.

use crate::placement::start_placer;
use crate::running_task::{RunningConsumer, RunningTask, run_schedules, start_consumer, until};
use crate::test_portal::TestPortal;
use auction_app::notifier::{InboxReader, Notifier, NotifierConfig};
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::InboxStore;
use auction_app::ports::notifications::notification_store::NotificationStore;
use auction_app::ports::notifications::placement::PlacementAnnouncer;
use auction_domain::auction::{AuctionCommand, CancelAuction, CloseAuction, DoubleBid};
use auction_domain::user::{
    ChangeNotificationPreferences, NotificationKind, NotificationPreferences, UserCommand,
};
use auction_domain::{Actor, AuctionId, BidId, UserId};
use auction_oracle::notifications::notifications_match;
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::streams::partitions;
use auction_simulation::world::{Trace, World};
use auction_testkit::contract::command_stream::StreamHarness;
use auction_testkit::fixtures::{
    P, create_auction, create_user, delete_bid, end_auction, fresh, of_auction, place_bid,
};
use auction_testkit::memory::{MemoryAnnouncer, MemoryInboxes, MemoryNotifications, MemoryParkedEvents};
use auction_testkit::random::Random;
use auction_wire::notification::Notification;
use auction_wire::{Command, CommandBody, PartitionId};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

const SCHEDULES: u64 = 200;
const INBOX_SIZE: u64 = 10_000;

/// Test portal with inboxes.
struct NotifierFixture {
    portal: TestPortal,
    notifications: MemoryNotifications,
    cache: MemoryInboxes,
    announcer: MemoryAnnouncer,
    users: Vec<UserId>,
    auctions: Vec<AuctionId>,
}

impl NotifierFixture {
    fn new(world: World) -> NotifierFixture {
        NotifierFixture {
            portal: TestPortal::new(world, false),
            notifications: MemoryNotifications::new(INBOX_SIZE as usize),
            cache: MemoryInboxes::new(INBOX_SIZE),
            announcer: MemoryAnnouncer::default(),
            users: (0..5).map(|_| UserId(fresh())).collect(),
            auctions: (0..3).map(|_| AuctionId(fresh())).collect(),
        }
    }

    fn notifier(&self, count: usize, interval: Duration) -> RunningConsumer {
        let TestPortal { store, streams, world, .. } = &self.portal;
        let stored = FaultyPort::new(self.notifications.clone(), world);
        let announcer = FaultyPort::new(self.announcer.clone(), world);
        // A cache of one auction, so that most are loaded from the store.
        let batch = NonZeroUsize::new(count).unwrap();
        let limits =
            NotifierConfig { interval, batch, auctions: NonZeroUsize::MIN, partitions: partitions() };
        let (notifier, parking) =
            (Notifier::new(stored, announcer, P, limits), MemoryParkedEvents::default());
        let (stores, event_streams) = (FaultyPort::new(store.clone(), world), streams.event_connector(count));
        start_consumer("notifier", stores, event_streams, parking, notifier)
    }

    /// Starts a placer of the users.
    fn placer(&self) -> RunningTask<()> {
        let (stored, world) = (&self.notifications, &self.portal.world);
        start_placer(stored, &self.cache, &self.announcer, P, world)
    }

    async fn caught_up(&self) {
        let head = self.portal.store.events(P).len() as u64;
        let checkpoint = async || self.notifications.clone().checkpoint(P).await.unwrap();
        until("the notifier is at the head", async || checkpoint().await >= head).await;
        until("all notifications are placed", async || self.notifications.all_placed()).await;
    }

    /// Returns whether a user wants a kind of notification. The last user turns off `highest_bid`.
    fn wants(&self, user: UserId, kind: NotificationKind) -> bool {
        kind != NotificationKind::HighestBid || Some(&user) != self.users.last()
    }

    fn setup_commands(&self) -> Vec<Command> {
        let without_highest_bid =
            NotificationPreferences::default().with(NotificationKind::HighestBid, false);
        let change = ChangeNotificationPreferences { preferences: without_highest_bid };
        let mut change_command = create_user(*self.users.last().unwrap());
        change_command.id.0 = fresh();
        change_command.body = CommandBody::User(UserCommand::ChangeNotificationPreferences(change));
        let mut commands: Vec<Command> = self.users.iter().map(|user| create_user(*user)).collect();
        commands.push(change_command);
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

    fn end_commands(&self) -> Vec<Command> {
        let end = |auction: &AuctionId| end_auction(*auction);
        let close = |auction: &AuctionId| {
            of_auction(fresh(), *auction, Actor::Portal, AuctionCommand::CloseAuction(CloseAuction))
        };
        let cancel = |auction: &AuctionId| {
            of_auction(fresh(), *auction, Actor::Portal, AuctionCommand::CancelAuction(CancelAuction))
        };
        let cancelled = self.auctions.iter().take(1).map(cancel);
        cancelled.chain(self.auctions.iter().map(end)).chain(self.auctions.iter().map(close)).collect()
    }

    /// Checks that each user saw the stored notifications once and in order, and that they match the model.
    async fn check(&self, seen: &BTreeMap<UserId, Vec<(u64, Vec<u8>)>>) {
        let mut notifications = Vec::new();
        for user in &self.users {
            let stored = self.notifications.inbox(*user).await.unwrap().entries;
            assert_eq!(seen.get(user).unwrap_or(&Vec::new()), &stored, "{user} saw each once, in order");
            notifications.extend(stored.iter().map(|(_, json)| (*user, read(json))));
        }
        let events = self.portal.store.events(P);
        notifications_match(&events, &notifications, &|user, kind| self.wants(user, kind)).unwrap();
    }
}

/// Decodes a stored notification, which has neither a cursor nor a state.
fn read(json: &[u8]) -> Notification {
    let mut stored: serde_json::Value = serde_json::from_slice(json).unwrap();
    (stored["cursor"], stored["read"]) = ("".into(), false.into());
    serde_json::from_value(stored).unwrap()
}

/// Polls an inbox for new notifications.
async fn poll(inbox: &InboxReader, user: UserId, seen: &mut BTreeMap<UserId, Vec<(u64, Vec<u8>)>>) {
    let seen = seen.entry(user).or_default();
    let after = seen.last().map_or(0, |(seq, _)| *seq);
    seen.extend(inbox.page(user, after, 3).await.unwrap().entries);
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let fixture = NotifierFixture::new(World::new(seed + 1_000_000, Trace::Off));
    let interval = Duration::from_millis(*random.pick(&[0, 50, 400]));
    let writer = fixture.portal.start(4);
    let mut notifiers =
        [fixture.notifier(random.below(5) as usize + 1, interval), fixture.notifier(3, interval)];
    let mut placers = [fixture.placer(), fixture.placer()];
    let mut commands = fixture.setup_commands();
    for command in &commands {
        fixture.portal.submit(command).await;
    }
    fixture.portal.quiet(commands.len()).await;
    fixture.caught_up().await;
    fixture.portal.world.set_failure_rate(random.below(40));
    let inbox = InboxReader {
        store: Arc::new(fixture.notifications.clone()),
        cache: Arc::new(fixture.cache.clone()),
    };
    let mut seen = BTreeMap::new();
    let length = random.below(60) + 20;
    for n in 0..length {
        let command = fixture.command(&mut random, &commands, n);
        fixture.portal.submit(&command).await;
        commands.push(command);
        if random.chance(400) {
            tokio::time::sleep(Duration::from_millis(random.below(200))).await;
        }
        if random.chance(60) {
            let fresh = fixture.notifier(random.below(5) as usize + 1, interval);
            std::mem::replace(&mut notifiers[random.below(2) as usize], fresh).kill();
        }
        if random.chance(60) {
            std::mem::replace(&mut placers[random.below(2) as usize], fixture.placer()).kill();
        }
        if random.chance(30) {
            fixture.cache.flush();
        }
        if random.chance(60) {
            fixture.portal.streams.trim(1 + random.below(4) as usize);
        }
        poll(&inbox, *random.pick(&fixture.users), &mut seen).await;
    }
    for command in fixture.end_commands() {
        fixture.portal.submit(&command).await;
        commands.push(command);
    }
    fixture.portal.quiet(commands.len()).await;
    fixture.portal.world.set_failure_rate(0);
    writer.stop().await.unwrap();
    fixture.caught_up().await;
    // The last placer may not have delivered its batch. The next one makes up for it.
    notifiers.iter().for_each(RunningTask::kill);
    placers.iter().for_each(RunningTask::kill);
    let last = fixture.placer();
    tokio::time::sleep(Duration::from_secs(5)).await;
    last.stop().await;
    for user in &fixture.users {
        for _ in 0..200 {
            poll(&inbox, *user, &mut seen).await;
        }
    }
    fixture.check(&seen).await;
    fixture.portal.world.failures()
}

#[tokio::test(start_paused = true)]
async fn notifications_are_visible_exactly_once_under_random_faults() {
    run_schedules(SCHEDULES, schedule).await;
}

/// 1000 bidders, and one bid per millisecond for five seconds.
#[tokio::test(start_paused = true)]
async fn notifier_combines_changes_of_the_highest_bid_per_interval() {
    let mut fixture = NotifierFixture::new(World::calm());
    fixture.users = (0..1000).map(|_| UserId(fresh())).collect();
    fixture.auctions.truncate(1);
    let interval = Duration::from_secs(1);
    let mut commands = fixture.setup_commands();
    for (n, user) in (0..5).flat_map(|_| fixture.users.clone()).enumerate() {
        commands.push(place_bid(fixture.auctions[0], user, 100 + n as u64));
    }
    let began = tokio::time::Instant::now();
    let (writer, notifier) = (fixture.portal.start(50), fixture.notifier(10_000, interval));
    let placer = fixture.placer();
    for command in &commands {
        fixture.portal.submit(command).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fixture.portal.quiet(commands.len()).await;
    fixture.caught_up().await;
    let intervals = began.elapsed().as_millis() as u64 / 1000 + 2;
    writer.stop().await.unwrap();
    notifier.stop().await.unwrap();
    placer.stop().await;
    let count = fixture.notifications.all().len() as u64;
    eprintln!("{count} notifications in {intervals} intervals for {} bids", commands.len() - 1002);
    assert!(count >= 999, "all bidders but the leader are notified at least once: {count}");
    assert!(count <= intervals * 1000, "{count} notifications in {intervals} intervals");
}

/// Announcer that never returns, as if its process was killed before the announcement.
struct KilledBefore;

impl PlacementAnnouncer for KilledBefore {
    async fn announce(&self, users: &[PartitionId]) -> Result<(), Unavailable> {
        // The announcement at the start is to all partitions.
        if users.len() == usize::from(partitions().get()) { Ok(()) } else { std::future::pending().await }
    }
}

#[tokio::test(start_paused = true)]
async fn notifications_of_a_killed_notifier_are_announced_by_the_next() {
    let fixture = NotifierFixture::new(World::calm());
    let TestPortal { store, streams, world, .. } = &fixture.portal;
    let limits = NotifierConfig {
        interval: Duration::ZERO,
        batch: NonZeroUsize::new(9).unwrap(),
        auctions: NonZeroUsize::MIN,
        partitions: partitions(),
    };
    let handler = Notifier::new(fixture.notifications.clone(), KilledBefore, P, limits);
    let stores = FaultyPort::new(store.clone(), world);
    let streams = streams.event_connector(9);
    let killed = start_consumer("notifier", stores, streams, MemoryParkedEvents::default(), handler);
    let (writer, placer) = (fixture.portal.start(4), fixture.placer());
    let mut commands = fixture.setup_commands();
    let bid = |user, amount| place_bid(fixture.auctions[0], user, amount);
    commands.extend([bid(fixture.users[0], 100), bid(fixture.users[1], 200)]);
    for command in &commands {
        fixture.portal.submit(command).await;
    }
    fixture.portal.quiet(commands.len()).await;
    until("the notification is outgoing", async || !fixture.notifications.all_placed()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(fixture.notifications.all().is_empty(), "it was not announced");
    killed.kill();
    let next = fixture.notifier(9, Duration::ZERO);
    fixture.caught_up().await;
    assert_eq!(fixture.notifications.all().len(), 1);
    for running in [next.stop().await.is_ok(), writer.stop().await.is_ok()] {
        assert!(running);
    }
    placer.stop().await;
}
