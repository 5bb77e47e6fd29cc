//! Leases on a real Redis: partitions are distributed evenly among processes.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, eventually, own_servers, redis};
use redis::{Client, cmd};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stream_worker::leases::{LeaseOptions, WorkEnd, run};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use worker_runtime::shutdown::{ShutdownSignal, ShutdownTrigger, shutdown_pair};

const PARTITIONS: usize = 8;
const LEASE_TTL: Duration = Duration::from_secs(3);

/// Names of the members that work on each partition now.
#[derive(Clone, Default)]
struct Assignments(Arc<Mutex<BTreeMap<usize, Vec<String>>>>);

impl Assignments {
    /// Number of partitions that `name` works on.
    fn count(&self, name: &str) -> usize {
        self.0.lock().unwrap().values().filter(|names| names.iter().any(|other| other == name)).count()
    }

    /// Whether exactly one member works on every partition.
    fn is_complete(&self) -> bool {
        let assignments = self.0.lock().unwrap();
        (0..PARTITIONS).all(|partition| assignments.get(&partition).is_some_and(|names| names.len() == 1))
    }
}

/// Work of one member on one partition. Dropping it removes the name from the assignments.
struct Assignment(Assignments, usize, String);

impl Assignment {
    fn on(assignments: Assignments, partition: usize, name: String) -> Assignment {
        assignments.0.lock().unwrap().entry(partition).or_default().push(name.clone());
        Assignment(assignments, partition, name)
    }
}

impl Drop for Assignment {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().get_mut(&self.1).unwrap().retain(|name| *name != self.2);
    }
}

struct Member {
    name: String,
    trigger: ShutdownTrigger,
    task: JoinHandle<Result<(), String>>,
}

impl Member {
    fn start(redis: &TestRedis, assignments: &Assignments, name: &str) -> Member {
        Member::start_on(redis.client(), assignments, name)
    }

    fn start_on(client: Client, assignments: &Assignments, name: &str) -> Member {
        Member::start_older(client, assignments, name, 0, &Arc::new(Notify::new()))
    }

    /// Starts a member that hands the first `unknown` partitions over to others, until `known` is notified.
    fn start_older(
        client: Client,
        assignments: &Assignments,
        name: &str,
        unknown: usize,
        known: &Arc<Notify>,
    ) -> Member {
        let handed_over = Arc::new(Mutex::new((0..unknown).collect::<BTreeSet<usize>>()));
        let known = known.clone();
        let options = LeaseOptions {
            members_key: "members".to_owned(),
            lease_keys: (0..PARTITIONS).map(|partition| format!("{{{partition}}}:lease")).collect(),
            name: name.to_owned(),
            lease_ttl: LEASE_TTL,
        };
        let (trigger, stop) = shutdown_pair();
        let (assignments, worker) = (assignments.clone(), name.to_owned());
        let task = tokio::spawn(async move {
            run(
                &client,
                options,
                stop,
                |_| {},
                |partition, mut stop: ShutdownSignal| {
                    let (assignments, worker) = (assignments.clone(), worker.clone());
                    let (handed_over, known) = (handed_over.clone(), known.clone());
                    async move {
                        if handed_over.lock().unwrap().remove(&partition) {
                            return Ok(WorkEnd::HandOver(Box::pin(async move { known.notified().await })));
                        }
                        let _working = Assignment::on(assignments, partition, worker);
                        stop.wait().await;
                        Ok(WorkEnd::Done)
                    }
                },
            )
            .await
        });
        Member { name: name.to_owned(), trigger, task }
    }

    async fn leave(self) {
        self.trigger.stop();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until every partition has one worker, and each member has one of these numbers of partitions.
async fn settled(assignments: &Assignments, members: &[&Member], shares: &[usize]) {
    eventually("the partitions are distributed", async || {
        assignments.is_complete()
            && members.iter().all(|member| shares.contains(&assignments.count(&member.name)))
    })
    .await;
}

#[tokio::test]
async fn partitions_rebalance_when_members_join_and_leave() {
    let (redis, assignments) = (redis().await, Assignments::default());
    let one = Member::start(&redis, &assignments, "one");
    settled(&assignments, &[&one], &[8]).await;
    let two = Member::start(&redis, &assignments, "two");
    settled(&assignments, &[&one, &two], &[4]).await;
    let started = Instant::now();
    let three = Member::start(&redis, &assignments, "three");
    settled(&assignments, &[&one, &two, &three], &[2, 3]).await;
    assert!(started.elapsed() < LEASE_TTL, "a new member does not wait for leases to expire");
    let started = Instant::now();
    two.leave().await;
    settled(&assignments, &[&one, &three], &[4]).await;
    assert!(started.elapsed() < LEASE_TTL, "a leaving member hands over at once");
    one.leave().await;
    three.leave().await;
    let left: Vec<String> = redis.query(cmd("KEYS").arg("*")).await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn partitions_of_a_killed_member_move_within_the_lease_ttl() {
    let (redis, assignments) = (redis().await, Assignments::default());
    let (killed, stays) =
        (Member::start(&redis, &assignments, "killed"), Member::start(&redis, &assignments, "stays"));
    settled(&assignments, &[&killed, &stays], &[4]).await;
    let started = Instant::now();
    killed.task.abort();
    settled(&assignments, &[&stays], &[8]).await;
    let took = started.elapsed();
    assert!(took < LEASE_TTL + Duration::from_secs(2), "{took:?}");
    stays.leave().await;
}

#[tokio::test]
async fn member_stops_when_another_holds_its_lease() {
    let (redis, assignments) = (redis().await, Assignments::default());
    let paused = Member::start(&redis, &assignments, "paused");
    settled(&assignments, &[&paused], &[8]).await;
    redis
        .query::<()>(cmd("SET").arg("{5}:lease").arg("another").arg("PX").arg(LEASE_TTL.as_millis() as u64))
        .await;
    eventually("the work has stopped", async || assignments.count("paused") == 7).await;
    paused.leave().await;
    let holder: String = redis.query(cmd("GET").arg("{5}:lease")).await;
    assert_eq!(holder, "another");
}

/// More partitions than the share of the other member must move: it takes them although it has its share.
#[tokio::test]
async fn handed_over_partitions_move_beyond_the_share_and_return() {
    let (redis, assignments, known) = (redis().await, Assignments::default(), Arc::new(Notify::new()));
    let newer = Member::start(&redis, &assignments, "newer");
    settled(&assignments, &[&newer], &[8]).await;
    let older = Member::start_older(redis.client(), &assignments, "older", 6, &known);
    eventually("the older one has given up its share", async || assignments.count("newer") <= 4).await;
    settled(&assignments, &[&newer], &[6, 7]).await;
    settled(&assignments, &[&older], &[1, 2]).await;
    // Without the newer one, they stay free until the older one may take them.
    let stopped = Instant::now();
    newer.leave().await;
    eventually("the older one has the others", async || assignments.count("older") == 2).await;
    let free = async || redis.query::<Vec<String>>(cmd("KEYS").arg("*:lease")).await.len() == 2;
    eventually("the others are free", free).await;
    eventually("a lease would have been taken", async || stopped.elapsed() > 2 * LEASE_TTL).await;
    assert_eq!(assignments.count("older"), 2);
    known.notify_waiters();
    settled(&assignments, &[&older], &[8]).await;
    older.leave().await;
}

#[tokio::test]
async fn leases_are_acquired_again_after_a_flush() {
    let (redis, assignments) = (redis().await, Assignments::default());
    let (one, two) = (Member::start(&redis, &assignments, "one"), Member::start(&redis, &assignments, "two"));
    settled(&assignments, &[&one, &two], &[4]).await;
    redis.query::<()>(&mut cmd("FLUSHDB")).await;
    eventually("all leases are held again", async || {
        redis.query::<Vec<String>>(cmd("KEYS").arg("*:lease")).await.len() == PARTITIONS
    })
    .await;
    settled(&assignments, &[&one, &two], &[4]).await;
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn leases_and_members_do_not_outlive_their_holder_when_the_clock_was_ahead() {
    let (redis, assignments) = (redis().await, Assignments::default());
    // What processes leave that are killed while the clock of the server is two minutes ahead.
    let (seconds, _): (u64, u64) = redis.query(&mut cmd("TIME")).await;
    let ahead = Duration::from_secs(120);
    redis.query::<()>(cmd("ZADD").arg("members").arg(1000 * (seconds + ahead.as_secs())).arg("gone")).await;
    for partition in 0..PARTITIONS {
        let mut lease = cmd("SET");
        lease.arg(format!("{{{partition}}}:lease")).arg("gone").arg("PX");
        redis.query::<()>(lease.arg((ahead + LEASE_TTL).as_millis() as u64)).await;
    }
    let started = Instant::now();
    let one = Member::start(&redis, &assignments, "one");
    settled(&assignments, &[&one], &[8]).await;
    assert!(started.elapsed() < LEASE_TTL, "{:?}", started.elapsed());
    // A lease of a living process that uses a longer duration is none of these.
    let (seconds, _): (u64, u64) = redis.query(&mut cmd("TIME")).await;
    redis.query::<()>(cmd("ZADD").arg("members").arg(1000 * (seconds + 2)).arg("patient")).await;
    redis.query::<()>(cmd("SET").arg("{5}:lease").arg("patient").arg("PX").arg(60_000)).await;
    eventually("the work has stopped", async || assignments.count("one") < 8).await;
    one.leave().await;
    let holder: String = redis.query(cmd("GET").arg("{5}:lease")).await;
    assert_eq!(holder, "patient");
}

#[tokio::test]
async fn lost_leases_are_held_again_when_the_clock_was_ahead() {
    let (redis, assignments) = (redis().await, Assignments::default());
    // What a process leaves that loses its leases during a restart of the server, whose clock was ahead before.
    for partition in 0..PARTITIONS {
        let mut lease = cmd("SET");
        redis
            .query::<()>(lease.arg(format!("{{{partition}}}:lease")).arg("one").arg("PX").arg(120_000))
            .await;
    }
    let one = Member::start(&redis, &assignments, "one");
    settled(&assignments, &[&one], &[8]).await;
    let two = Member::start(&redis, &assignments, "two");
    settled(&assignments, &[&one, &two], &[4, 4]).await;
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn member_stops_before_its_unrenewed_leases_expire() {
    let (servers, _directory) = own_servers().await;
    let (client, assignments) = (Client::open(servers.redis_url()).unwrap(), Assignments::default());
    let cut_off = Member::start_on(client.clone(), &assignments, "cut off");
    settled(&assignments, &[&cut_off], &[8]).await;
    let started = Instant::now();
    // No writes, and so no renewals, during the pause.
    let pause = LEASE_TTL + Duration::from_secs(2);
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut stop_writes = cmd("CLIENT");
    stop_writes.arg("PAUSE").arg(pause.as_millis() as u64).arg("WRITE");
    stop_writes.query_async::<()>(&mut connection).await.unwrap();
    eventually("the work has stopped", async || assignments.count("cut off") == 0).await;
    assert!(started.elapsed() < LEASE_TTL, "{:?}", started.elapsed());
    settled(&assignments, &[&cut_off], &[8]).await;
    assert!(started.elapsed() >= pause - Duration::from_millis(100), "it works again after the pause");
    cut_off.leave().await;
}

#[tokio::test]
async fn run_returns_the_first_error_of_the_work() {
    let client = redis().await.client();
    let options = LeaseOptions {
        members_key: "members".to_owned(),
        lease_keys: vec!["a".to_owned(), "b".to_owned()],
        name: "me".to_owned(),
        lease_ttl: LEASE_TTL,
    };
    let (_trigger, stop) = shutdown_pair();
    let ended = run(
        &client,
        options,
        stop,
        |_| {},
        |partition, mut stop: ShutdownSignal| async move {
            if partition == 1 {
                return Err("work failed");
            }
            stop.wait().await;
            Ok(())
        },
    );
    assert_eq!(ended.await, Err("work failed"));
}
