//! Connections to a real Redis that closes them, becomes a replica, or belongs to another portal.

use auction_app::ports::backend::Backend;
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::{AuctionId, UserId};
use auction_durability::Durability;
use auction_redis::command_queue::RedisCommandQueue;
use auction_redis::views::RedisReadModelReader;
use auction_redis::{Ownership, RedisPool, RedisServer, keys};
use auction_testkit::fixtures::{fresh, place_bid};
use auction_testkit::local_servers::{PARTITIONS, own_servers, redis};
use auction_wire::PartitionCount;
use redis::{Client, FromRedisValue, cmd};
use std::time::Duration;
use stream_worker::{ConnectionEnd, DedicatedConnection};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::oneshot;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(10);

fn partitions() -> PartitionCount {
    PartitionCount::new(PARTITIONS).unwrap()
}

fn checked(url: &str) -> RedisServer {
    RedisServer::checked(Client::open(url).unwrap(), Durability::allowing([]))
}

/// Sends a command on a connection of its own.
async fn run<T: FromRedisValue>(url: &str, command: &[&str]) -> T {
    let mut connection = Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await.unwrap()
}

#[tokio::test]
async fn closed_connections_cost_no_request() {
    let (servers, _directory) = own_servers().await;
    let url = servers.redis_url();
    let pool = RedisPool::new(checked(url), 4).unwrap();
    let queue = RedisCommandQueue::start(checked(url), partitions(), pool.clone());
    for _ in 0..10 {
        queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await.unwrap();
        let (one, other) = (pool.get().await.unwrap(), pool.get().await.unwrap());
        run::<u64>(url, &["CLIENT", "KILL", "TYPE", "normal"]).await;
        queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await.unwrap();
        for mut connection in [one, other, pool.get().await.unwrap()] {
            cmd("SET").arg("key").arg(1).query_async::<()>(&mut connection).await.unwrap();
        }
        queue.now().await.unwrap();
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn connections_end_at_a_replica_and_continue_at_the_primary() {
    let (servers, _directory) = own_servers().await;
    let url = servers.redis_url();
    let (pool, unchecked) = (RedisPool::new(checked(url), 4).unwrap(), Client::open(url).unwrap());
    let queue = RedisCommandQueue::start(checked(url), partitions(), pool.clone());
    let views = RedisReadModelReader::new(pool.clone(), partitions());
    queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await.unwrap();
    let mut pooled = pool.get().await.unwrap();
    let mut dedicated = DedicatedConnection::open(&unchecked, DEADLINE).await.unwrap();

    run::<()>(url, &["REPLICAOF", "127.0.0.1", "1"]).await;
    let ended = dedicated.send_one(cmd("SET").arg("key").arg(1)).await.unwrap_err();
    assert_eq!(ended.ends_connection(), Some(ConnectionEnd::WrongServer), "{ended}");
    assert!(dedicated.send_one(&cmd("PING")).await.is_err(), "the connection has ended");
    let refused = queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await.unwrap_err();
    assert!(refused.to_string().starts_with("redis: the server is a replica"), "{refused}");
    let refused = cmd("SET").arg("key").arg(1).query_async::<()>(&mut pooled).await.unwrap_err();
    assert!(refused.to_string().contains("the server is a replica"), "{refused}");
    drop(pooled);
    let refused = views.ping().await.unwrap_err();
    assert!(refused.to_string().starts_with("redis: the server is a replica"), "{refused}");

    run::<()>(url, &["REPLICAOF", "NO", "ONE"]).await;
    queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await.unwrap();
    views.ping().await.unwrap();
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn redis_is_owned_by_the_first_portal_that_connects() {
    let redis = redis().await;
    let (ours, theirs) = (Uuid::new_v4(), Uuid::new_v4());
    let owned = |portal| {
        let ownership = Ownership::new(portal);
        (checked(&redis.url()).owned(ownership.clone()), ownership)
    };
    let ((first, ownership), (second, foreign)) = (owned(ours), owned(theirs));
    first.connect(DEADLINE).await.unwrap();
    assert_eq!(redis.query::<String>(cmd("GET").arg(keys::PORTAL)).await, ours.to_string());
    first.connect(DEADLINE).await.unwrap();
    let refused = second.connect(DEADLINE).await.err().unwrap().to_string();
    assert!(refused.contains(&ours.to_string()) && refused.contains(&theirs.to_string()), "{refused}");
    assert_eq!((ownership.violation(), foreign.violation().unwrap().found), (None, ours.to_string()));
    let pool = RedisPool::new(second.clone(), 1).unwrap();
    assert!(pool.get().await.err().unwrap().to_string().contains(&ours.to_string()), "pools check it, too");

    redis.query::<()>(&mut cmd("FLUSHDB")).await;
    first.connect(DEADLINE).await.unwrap();
    assert_eq!(redis.query::<String>(cmd("GET").arg(keys::PORTAL)).await, ours.to_string(), "set again");
}

/// Starts an address whose first connection is never answered. The others lead to the server at this socket.
/// Sends a signal when the first one is open.
async fn silent_at_first(socket: String) -> (String, oneshot::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (opened, first) = oneshot::channel();
    tokio::spawn(async move {
        opened.send(listener.accept().await.unwrap().0).unwrap();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (format!("redis://{address}"), first)
}

#[tokio::test]
async fn command_does_not_wait_for_a_check_of_the_idle_queue() {
    let (servers, _directory) = own_servers().await;
    let socket = servers.redis_url().strip_prefix("redis+unix://").unwrap().to_owned();
    let (url, first) = silent_at_first(socket).await;
    let pool = RedisPool::new(checked(servers.redis_url()), 1).unwrap();
    let queue = RedisCommandQueue::start(checked(&url), partitions(), pool);
    let silent = first.await.unwrap();
    // The check itself ends after 5 seconds.
    let submitted = queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100));
    tokio::time::timeout(Duration::from_secs(4), submitted).await.expect("added in time").unwrap();
    drop(silent);
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn idle_connection_finds_that_redis_belongs_to_another_portal() {
    let redis = redis().await;
    let ownership = Ownership::new(Uuid::new_v4());
    let server = checked(&redis.url()).owned(ownership.clone());
    let pool = RedisPool::new(server.clone(), 1).unwrap();
    let queue = RedisCommandQueue::start(server, partitions(), pool);
    queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await.unwrap();
    let other = Uuid::new_v4().to_string();
    redis.query::<()>(cmd("SET").arg(keys::PORTAL).arg(&other)).await;
    // No command is sent and no connection is opened until the queue has found it.
    let found = tokio::time::timeout(DEADLINE, ownership.wait_for_violation()).await;
    assert_eq!(found.expect("found in time").found, other);
    assert!(queue.submit(place_bid(AuctionId(fresh()), UserId(fresh()), 100)).await.is_err());
}
