//! Tests of the placers on in-memory ports: notifications of several partitions are placed once and in order,
//! however often either step is interrupted, killed or run twice.

use crate::running_task::{RunningTask, run_schedules, until};
use auction_app::notifier::{InboxPlacer, InboxReader, PlacerConfig};
use auction_app::ports::Unavailable;
use auction_app::ports::notifications::inbox::InboxStore;
use auction_app::ports::notifications::notification_store::{
    Notification, NotificationBatch, NotificationCommit, NotificationStore, NotificationStoreConnector,
};
use auction_app::ports::notifications::placement::PlacementAnnouncer;
use auction_domain::UserId;
use auction_domain::user::{NotificationKind, NotificationPreferences};
use auction_simulation::faulty_port::FaultyPort;
use auction_simulation::streams::partitions;
use auction_simulation::world::{Trace, World};
use auction_testkit::fixtures::{P, fresh, fresh_in};
use auction_testkit::memory::{MemoryAnnouncer, MemoryInboxes, MemoryNotifications};
use auction_testkit::random::Random;
use auction_wire::PartitionId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use worker_runtime::Supervisor;

const SCHEDULES: u64 = 200;
const INBOX_SIZE: usize = 10_000;

/// So long that only signals wake a placer in these tests.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// Starts a placer of a user partition behind simulated connections.
pub(crate) fn start_placer(
    stored: &MemoryNotifications,
    cache: &MemoryInboxes,
    announcer: &MemoryAnnouncer,
    users: PartitionId,
    world: &World,
) -> RunningTask<()> {
    let (stored, cache) = (FaultyPort::new(stored.clone(), world), FaultyPort::new(cache.clone(), world));
    let config = PlacerConfig { batch: 3, linger: Duration::from_millis(50), check_interval: NEVER };
    let placer = InboxPlacer::new(stored, cache, users, config);
    let signal = announcer.subscribe().of(users);
    RunningTask::start(|stop| placer.run(signal, Supervisor::without_health("placer", stop)))
}

/// Batches of the notifiers of all partitions, and what places them.
#[derive(Clone)]
struct Fixture {
    world: World,
    stored: MemoryNotifications,
    cache: MemoryInboxes,
    announcer: MemoryAnnouncer,
    users: Vec<UserId>,
    /// Batches of each partition, in order.
    batches: Arc<BTreeMap<PartitionId, Vec<NotificationBatch>>>,
}

impl Fixture {
    fn new(world: World, random: &mut Random) -> Fixture {
        let users: Vec<UserId> =
            partitions().all().flat_map(|of| (0..2).map(move |_| UserId(fresh_in(of)))).collect();
        let batches = partitions().all().map(|partition| (partition, batches(partition, &users, random)));
        Fixture {
            world,
            stored: MemoryNotifications::new(INBOX_SIZE),
            cache: MemoryInboxes::new(INBOX_SIZE as u64),
            announcer: MemoryAnnouncer::default(),
            batches: Arc::new(batches.collect()),
            users,
        }
    }

    /// Commits the batches of a partition and announces them, as a notifier does.
    fn start_commits(&self, partition: PartitionId) -> RunningTask<()> {
        let fixture = self.clone();
        RunningTask::start(|stop| async move {
            let supervisor = Supervisor::without_health("notifier", stop);
            while supervisor.attempt(fixture.commit_all(partition)).await.is_none() {}
        })
    }

    async fn commit_all(&self, partition: PartitionId) -> Result<(), Unavailable> {
        let announcer = FaultyPort::new(self.announcer.clone(), &self.world);
        let mut store = FaultyPort::new(self.stored.clone(), &self.world).open().await?;
        let checkpoint = store.checkpoint(partition).await?;
        announcer.announce(&partitions().all().collect::<Vec<_>>()).await?;
        for batch in self.batches[&partition].iter().skip(checkpoint as usize) {
            tokio::time::sleep(Duration::from_millis(self.world.below(300))).await;
            match store.commit(batch).await? {
                NotificationCommit::Done(users) => {
                    announcer.announce(&users.into_iter().collect::<Vec<_>>()).await?;
                }
                // Another notifier of this partition goes on.
                moved => return Err(Unavailable::new("store", format!("{moved:?}"))),
            }
        }
        Ok(())
    }

    fn placer(&self, users: PartitionId) -> RunningTask<()> {
        start_placer(&self.stored, &self.cache, &self.announcer, users, &self.world)
    }

    /// Returns whether all batches are committed and placed.
    async fn is_done(&self) -> bool {
        for (partition, batches) in &*self.batches {
            if self.stored.clone().checkpoint(*partition).await.unwrap() < batches.len() as u64 {
                return false;
            }
        }
        self.stored.all_placed()
    }

    /// Checks that each user has each notification once, and those of each partition in order.
    async fn check(&self, seen: &BTreeMap<UserId, Vec<(u64, Vec<u8>)>>) {
        let deleted: BTreeSet<UserId> =
            self.batches.values().flatten().flat_map(|batch| batch.deleted.clone()).collect();
        for user in &self.users {
            let stored = self.stored.inbox(*user).await.unwrap().entries;
            if deleted.contains(user) {
                assert!(stored.is_empty(), "{user} is deleted");
                continue;
            }
            assert_eq!(seen.get(user).unwrap_or(&Vec::new()), &stored, "{user} saw each once, in order");
            let mut placed = 0;
            for batches in self.batches.values() {
                let sent = batches.iter().flat_map(|batch| &batch.notifications);
                let sent: Vec<_> = sent.filter(|one| one.user == *user).map(Notification::json).collect();
                let of_partition = stored.iter().map(|(_, json)| json).filter(|json| sent.contains(json));
                assert_eq!(of_partition.cloned().collect::<Vec<_>>(), sent, "{user}");
                placed += sent.len();
            }
            assert_eq!(stored.len(), placed, "{user}");
        }
    }
}

/// Returns batches with notifications to any users. One user of the partition is deleted in one of them.
fn batches(partition: PartitionId, users: &[UserId], random: &mut Random) -> Vec<NotificationBatch> {
    let count = 5 + random.below(10);
    let deletion = random.below(2 * count);
    let batches = (0..count).map(|n| {
        let notification = |random: &mut Random| Notification {
            id: fresh(),
            user: *random.pick(users),
            kind: NotificationKind::AuctionWon,
            content: format!("{{\"text\":\"{}\"}}", Uuid::new_v4()).into_bytes().into(),
        };
        let mut batch = NotificationBatch {
            partition,
            from: n,
            to: n + 1,
            preferences: Vec::new(),
            deleted: Vec::new(),
            notifications: (0..random.below(6)).map(|_| notification(random)).collect(),
        };
        if n == deletion {
            batch.deleted.extend(users.iter().find(|user| partitions().of(user.0) == partition));
            batch.preferences =
                batch.deleted.iter().map(|user| (*user, NotificationPreferences::NONE)).collect();
        }
        batch
    });
    batches.collect()
}

async fn schedule(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let fixture = Fixture::new(World::new(seed + 2_000_000, Trace::Off), &mut random);
    fixture.world.set_failure_rate(random.below(40));
    let both = |start: &dyn Fn(PartitionId) -> RunningTask<()>| {
        partitions().all().flat_map(|of| [start(of), start(of)]).collect::<Vec<_>>()
    };
    let mut commits = both(&|partition| fixture.start_commits(partition));
    let mut placers = both(&|users| fixture.placer(users));
    let inbox =
        InboxReader { store: Arc::new(fixture.stored.clone()), cache: Arc::new(fixture.cache.clone()) };
    let mut seen: BTreeMap<UserId, Vec<(u64, Vec<u8>)>> = BTreeMap::new();
    let read = async |user: UserId, seen: &mut BTreeMap<UserId, Vec<(u64, Vec<u8>)>>| {
        let seen = seen.entry(user).or_default();
        let after = seen.last().map_or(0, |(seq, _)| *seq);
        seen.extend(inbox.page(user, after, 3).await.unwrap().entries);
    };
    for _ in 0..60 {
        let of = PartitionId(random.below(u64::from(partitions().get())) as u16);
        let index = 2 * usize::from(of.0) + random.below(2) as usize;
        match random.below(3) {
            0 => std::mem::replace(&mut commits[index], fixture.start_commits(of)).kill(),
            1 => std::mem::replace(&mut placers[index], fixture.placer(of)).kill(),
            _ => {}
        }
        read(*random.pick(&fixture.users), &mut seen).await;
        tokio::time::sleep(Duration::from_millis(random.below(200))).await;
    }
    fixture.world.set_failure_rate(0);
    until("all notifications are placed", async || fixture.is_done().await).await;
    commits.iter().chain(&placers).for_each(RunningTask::kill);
    // The last placers may not have delivered. The next ones make up for it.
    let last = both(&|users| fixture.placer(users));
    tokio::time::sleep(Duration::from_secs(5)).await;
    last.iter().for_each(RunningTask::kill);
    for user in &fixture.users {
        for _ in 0..100 {
            read(*user, &mut seen).await;
        }
    }
    fixture.check(&seen).await;
    fixture.world.failures()
}

#[tokio::test(start_paused = true)]
async fn notifications_of_all_partitions_are_placed_once_in_order() {
    run_schedules(SCHEDULES, schedule).await;
}

#[tokio::test(start_paused = true)]
async fn placer_places_promptly_after_an_announcement() {
    let fixture = Fixture::new(World::calm(), &mut Random::new(1));
    let placer = fixture.placer(PartitionId(1));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let ada = UserId(fresh_in(PartitionId(1)));
    let batch = NotificationBatch {
        partition: P,
        from: 0,
        to: 1,
        preferences: Vec::new(),
        deleted: Vec::new(),
        notifications: vec![Notification {
            id: fresh(),
            user: ada,
            kind: NotificationKind::AuctionWon,
            content: b"{}".to_vec().into(),
        }],
    };
    fixture.stored.clone().commit(&batch).await.unwrap();
    let committed = Instant::now();
    fixture.announcer.announce(&[PartitionId(1)]).await.unwrap();
    until("the notification is placed", async || !fixture.stored.all().is_empty()).await;
    assert!(committed.elapsed() < Duration::from_secs(1), "{:?}", committed.elapsed());
    placer.stop().await;
}
