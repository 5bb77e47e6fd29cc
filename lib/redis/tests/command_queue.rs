//! Command queue on a real Redis: accepted commands are on disk.

use crate::stream_harness::{Streams, streams};
use auction_app::ports::commands::command_queue::CommandQueue;
use auction_domain::{AuctionId, UserId};
use auction_redis::command_queue::RedisCommandQueue;
use auction_redis::{RedisPool, keys};
use auction_testkit::contract::command_queue::{
    CommandQueueHarness, submit_adds_commands_to_their_channel_in_order,
};
use auction_testkit::fixtures::{P, fresh, place_bid};
use auction_testkit::local_servers::{PARTITIONS, eventually, own_servers};
use auction_wire::{Channel, Command, CommandId, PartitionCount};
use redis::{Client, Value, cmd};
use std::collections::BTreeSet;
use std::sync::Arc;
use stream_worker::entry::range_reply;
use tokio::task::JoinSet;

fn queue(url: &str) -> RedisCommandQueue {
    let client = Client::open(url).unwrap();
    let pool = RedisPool::new(client.clone(), 4).unwrap();
    RedisCommandQueue::start(client, PartitionCount::new(PARTITIONS).unwrap(), pool)
}

impl CommandQueueHarness for Streams {
    async fn commands(&self, channel: Channel) -> Vec<Command> {
        let entries = self.entries(&keys::commands(P, channel)).await;
        entries.iter().map(|entry| Command::from_fields(&entry.fields).unwrap()).collect()
    }
}

#[tokio::test]
async fn submit_returns_after_the_command_is_on_its_stream() {
    let streams = streams().await;
    submit_adds_commands_to_their_channel_in_order(&queue(&streams.0.url()), &streams).await;
}

#[tokio::test]
async fn queue_adds_each_concurrent_command_once() {
    let streams = streams().await;
    let queue = Arc::new(queue(&streams.0.url()));
    let mut tasks = JoinSet::new();
    for _ in 0..3000 {
        let queue = Arc::clone(&queue);
        tasks.spawn(async move {
            let bid = place_bid(AuctionId(fresh()), UserId(fresh()), 100);
            queue.submit(bid.clone()).await.map(|()| bid.id).unwrap()
        });
    }
    let accepted: BTreeSet<CommandId> = tasks.join_all().await.into_iter().collect();
    let stored = streams.commands(Channel::Bid).await;
    assert_eq!(stored.len(), 3000);
    assert_eq!(stored.iter().map(|command| command.id).collect::<BTreeSet<_>>(), accepted);
}

#[tokio::test]
async fn accepted_commands_survive_kill_9_of_redis() {
    let (mut servers, _directory) = own_servers().await;
    let url = servers.redis_url().to_owned();
    let queue = Arc::new(queue(&url));
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let queue = Arc::clone(&queue);
        tasks.spawn(async move {
            let mut accepted = Vec::new();
            loop {
                let bid = place_bid(AuctionId(fresh()), UserId(fresh()), 100);
                match queue.submit(bid.clone()).await {
                    Ok(()) => accepted.push(bid.id),
                    Err(_) => return accepted,
                }
            }
        });
    }
    let client = Client::open(url.clone()).unwrap();
    let stored = async || {
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut range = cmd("XRANGE");
        range.arg(keys::commands(P, Channel::Bid)).arg("-").arg("+");
        let reply: Value = range.query_async(&mut connection).await.unwrap();
        let commands = range_reply(reply).unwrap().into_iter();
        commands.map(|entry| Command::from_fields(&entry.fields).unwrap().id).collect::<BTreeSet<_>>()
    };
    eventually("some commands are accepted", async || stored().await.len() > 500).await;
    servers.kill_redis().await;
    let accepted: Vec<CommandId> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(accepted.len() > 400, "{}", accepted.len());
    servers.start_redis().await.unwrap();
    let kept = stored().await;
    assert!(
        accepted.iter().all(|command| kept.contains(command)),
        "all {} accepted commands are kept",
        accepted.len()
    );
    let bid = place_bid(AuctionId(fresh()), UserId(fresh()), 100);
    queue.submit(bid.clone()).await.unwrap();
    assert!(stored().await.contains(&bid.id));
    servers.stop().await.unwrap();
}
