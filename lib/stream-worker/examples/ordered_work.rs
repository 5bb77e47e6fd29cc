//! A complete worker. It shares four partitions with every other process of this example, handles the entries
//! of each partition in order, and hands partitions over when processes start and stop.
//!
//! ```sh
//! cargo run -p stream-worker --example ordered_work -- redis://127.0.0.1/     # several times; kill some
//! redis-cli XADD '{2}:work' '*' greeting hello
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use redis::Client;
use std::time::Duration;
use stream_worker::consumer::fresh_name;
use stream_worker::leases::{LeaseOptions, run};
use stream_worker::shutdown::{ShutdownSignal, shutdown_pair};
use stream_worker::{ConsumerOptions, DedicatedConnection, GroupConsumer, Retry, StreamError};

const PARTITIONS: usize = 4;
const GROUP: &str = "example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1/".to_owned());
    let client = Client::open(url)?;
    let options = LeaseOptions {
        members_key: "example:members".to_owned(),
        lease_keys: (0..PARTITIONS).map(|partition| format!("{{{partition}}}:lease")).collect(),
        name: fresh_name(),
        lease_ttl: Duration::from_secs(5),
    };
    let (trigger, stop) = shutdown_pair();
    tokio::spawn(async move {
        // An error means that Ctrl-C cannot be received: stop then, too.
        let _ = tokio::signal::ctrl_c().await;
        trigger.stop();
    });
    let redis = client.clone();
    run(&client, options, stop, |_| {}, move |partition, stop| work(redis.clone(), partition, stop)).await?;
    Ok(())
}

/// Works on a partition until it moves to another process. Retries without limit while Redis is unavailable.
async fn work(client: Client, partition: usize, mut stop: ShutdownSignal) -> Result<(), StreamError> {
    let mut retry = Retry::default();
    while !stop.requested() {
        if let Err(error) = handle_entries(&client, partition, &stop, &mut retry).await {
            let wait = retry.next_wait();
            println!("partition {partition}: {error}; retrying in {wait:?}");
            stop.sleep(wait).await;
        }
    }
    Ok(())
}

async fn handle_entries(
    client: &Client,
    partition: usize,
    stop: &ShutdownSignal,
    retry: &mut Retry,
) -> Result<(), StreamError> {
    let stream = format!("{{{partition}}}:work");
    let options = ConsumerOptions {
        group: GROUP.to_owned(),
        streams: vec![stream.clone()],
        priority_streams: 0,
        count: 100,
        block: Duration::from_millis(500),
        blocking: true,
        linger: Duration::ZERO,
        ack_required: true,
        crash_tracking: None,
    };
    let mut consumer = GroupConsumer::open(client, options).await?;
    let mut connection = DedicatedConnection::open(client, Duration::from_secs(5)).await?;
    println!("partition {partition}: reading as {}", consumer.name());
    while !stop.requested() {
        let entries = consumer.read().await?.entries;
        retry.succeeded();
        for entry in &entries {
            println!("partition {partition}: {} with {} fields", entry.id, entry.fields.len()); // the work
        }
        if !entries.is_empty() {
            let mut acknowledge = redis::cmd("XACK");
            acknowledge.arg(&stream).arg(GROUP);
            for entry in &entries {
                acknowledge.arg(entry.id.to_string());
            }
            connection.send_one(&acknowledge).await?;
        }
    }
    consumer.leave().await
}
