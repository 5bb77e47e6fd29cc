//! Lanes are shared out evenly among processes, on a real Redis.

#![allow(clippy::unwrap_used)]

use auction_testkit::local_servers::{TestRedis, eventually, own_servers, redis};
use redis::{Client, cmd};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stream_worker::leases::{LeaseOptions, run};
use tokio::task::JoinHandle;
use worker_runtime::shutdown::{ShutdownSignal, ShutdownTrigger, shutdown_pair};

const LANES: usize = 8;
const LEASE: Duration = Duration::from_secs(3);

/// Who works on which lane right now.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<BTreeMap<usize, Vec<String>>>>);

impl Board {
    fn of(&self, name: &str) -> usize {
        self.0.lock().unwrap().values().filter(|names| names.iter().any(|other| other == name)).count()
    }

    /// Whether every lane is worked on by exactly one.
    fn is_whole(&self) -> bool {
        let board = self.0.lock().unwrap();
        (0..LANES).all(|lane| board.get(&lane).is_some_and(|names| names.len() == 1))
    }
}

/// Takes the name off the board, however the work ends.
struct Working(Board, usize, String);

impl Working {
    fn on(board: Board, lane: usize, name: String) -> Working {
        board.0.lock().unwrap().entry(lane).or_default().push(name.clone());
        Working(board, lane, name)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().get_mut(&self.1).unwrap().retain(|name| *name != self.2);
    }
}

struct Member {
    name: String,
    stopper: ShutdownTrigger,
    task: JoinHandle<Result<(), String>>,
}

impl Member {
    fn start(redis: &TestRedis, board: &Board, name: &str) -> Member {
        Member::start_on(redis.client(), board, name)
    }

    fn start_on(client: Client, board: &Board, name: &str) -> Member {
        let options = LeaseOptions {
            members: "members".to_owned(),
            leases: (0..LANES).map(|lane| format!("{{{lane}}}:lease")).collect(),
            name: name.to_owned(),
            lease: LEASE,
        };
        let (stopper, stop) = shutdown_pair();
        let (board, by) = (board.clone(), name.to_owned());
        let task = tokio::spawn(async move {
            run(
                &client,
                options,
                stop,
                |_| {},
                |lane, mut stop: ShutdownSignal| {
                    let (board, by) = (board.clone(), by.clone());
                    async move {
                        let _working = Working::on(board, lane, by);
                        stop.wait().await;
                        Ok(())
                    }
                },
            )
            .await
        });
        Member { name: name.to_owned(), stopper, task }
    }

    async fn leave(self) {
        self.stopper.stop();
        self.task.await.unwrap().unwrap();
    }
}

/// Each has one of these numbers of lanes, and every lane is worked on by one.
async fn settled(board: &Board, members: &[&Member], shares: &[usize]) {
    eventually("the lanes are shared out", async || {
        board.is_whole() && members.iter().all(|member| shares.contains(&board.of(&member.name)))
    })
    .await;
}

#[tokio::test]
async fn lanes_are_shared_evenly_and_move_when_somebody_comes_or_leaves() {
    let (redis, board) = (redis().await, Board::default());
    let one = Member::start(&redis, &board, "one");
    settled(&board, &[&one], &[8]).await;
    let two = Member::start(&redis, &board, "two");
    settled(&board, &[&one, &two], &[4]).await;
    let began = Instant::now();
    let three = Member::start(&redis, &board, "three");
    settled(&board, &[&one, &two, &three], &[2, 3]).await;
    assert!(began.elapsed() < LEASE, "a new one does not wait for leases to expire");
    let began = Instant::now();
    two.leave().await;
    settled(&board, &[&one, &three], &[4]).await;
    assert!(began.elapsed() < LEASE, "who leaves hands over at once");
    one.leave().await;
    three.leave().await;
    let left: Vec<String> = redis.query(cmd("KEYS").arg("*")).await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn the_lanes_of_a_killed_one_move_within_the_time_of_a_lease() {
    let (redis, board) = (redis().await, Board::default());
    let (killed, stays) = (Member::start(&redis, &board, "killed"), Member::start(&redis, &board, "stays"));
    settled(&board, &[&killed, &stays], &[4]).await;
    let began = Instant::now();
    killed.task.abort();
    settled(&board, &[&stays], &[8]).await;
    let took = began.elapsed();
    assert!(took < LEASE + Duration::from_secs(2), "{took:?}");
    stays.leave().await;
}

#[tokio::test]
async fn whoever_finds_its_lease_taken_stops_and_leaves_it_alone() {
    let (redis, board) = (redis().await, Board::default());
    let paused = Member::start(&redis, &board, "paused");
    settled(&board, &[&paused], &[8]).await;
    redis.query::<()>(cmd("SET").arg("{5}:lease").arg("another").arg("PX").arg(60_000)).await;
    eventually("it has stopped", async || board.of("paused") == 7).await;
    paused.leave().await;
    let holder: String = redis.query(cmd("GET").arg("{5}:lease")).await;
    assert_eq!(holder, "another");
}

#[tokio::test]
async fn leases_come_back_after_a_flush() {
    let (redis, board) = (redis().await, Board::default());
    let (one, two) = (Member::start(&redis, &board, "one"), Member::start(&redis, &board, "two"));
    settled(&board, &[&one, &two], &[4]).await;
    redis.query::<()>(&mut cmd("FLUSHDB")).await;
    eventually("all leases are held again", async || {
        redis.query::<Vec<String>>(cmd("KEYS").arg("*:lease")).await.len() == LANES
    })
    .await;
    settled(&board, &[&one, &two], &[4]).await;
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn whoever_cannot_renew_stops_before_anybody_else_can_start() {
    let (servers, _directory) = own_servers().await;
    let (client, board) = (Client::open(servers.redis_url()).unwrap(), Board::default());
    let cut_off = Member::start_on(client.clone(), &board, "cut off");
    settled(&board, &[&cut_off], &[8]).await;
    let began = Instant::now();
    // No writes, and so no leases, until this is over.
    let pause = LEASE + Duration::from_secs(2);
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut stop_writes = cmd("CLIENT");
    stop_writes.arg("PAUSE").arg(pause.as_millis() as u64).arg("WRITE");
    stop_writes.query_async::<()>(&mut connection).await.unwrap();
    eventually("its work has stopped", async || board.of("cut off") == 0).await;
    assert!(began.elapsed() < LEASE, "{:?}", began.elapsed());
    settled(&board, &[&cut_off], &[8]).await;
    assert!(began.elapsed() >= pause - Duration::from_millis(100), "it works again when Redis is back");
    cut_off.leave().await;
}

#[tokio::test]
async fn work_that_fails_ends_everything() {
    let client = redis().await.client();
    let options = LeaseOptions {
        members: "members".to_owned(),
        leases: vec!["a".to_owned(), "b".to_owned()],
        name: "me".to_owned(),
        lease: LEASE,
    };
    let (_stopper, stop) = shutdown_pair();
    let ended = run(
        &client,
        options,
        stop,
        |_| {},
        |lane, mut stop: ShutdownSignal| async move {
            if lane == 1 {
                return Err("no way on");
            }
            stop.wait().await;
            Ok(())
        },
    );
    assert_eq!(ended.await, Err("no way on"));
}
