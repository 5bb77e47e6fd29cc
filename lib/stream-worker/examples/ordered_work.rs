//! A complete worker: shares four lanes with every other process of this example, hands out the entries of
//! each in order, and hands a lane over when processes come and go.
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
use stream_worker::{ConsumerOptions, DedicatedConnection, GroupConsumer, Retry, StreamError};
use worker_runtime::shutdown::{ShutdownSignal, shutdown_pair};

const LANES: usize = 4;
const GROUP: &str = "example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1/".to_owned());
    let client = Client::open(url)?;
    let options = LeaseOptions {
        members: "example:members".to_owned(),
        leases: (0..LANES).map(|lane| format!("{{{lane}}}:lease")).collect(),
        name: fresh_name(),
        lease: Duration::from_secs(5),
    };
    let (stopper, stop) = shutdown_pair();
    tokio::spawn(async move {
        // Without Ctrl-C there is nobody to stop it.
        let _ = tokio::signal::ctrl_c().await;
        stopper.stop();
    });
    let lanes = client.clone();
    run(&client, options, stop, |_| {}, move |lane, stop| work(lanes.clone(), lane, stop)).await?;
    Ok(())
}

/// Works on a lane until it goes to another process. Redis may be away for as long as it likes.
async fn work(client: Client, lane: usize, mut stop: ShutdownSignal) -> Result<(), StreamError> {
    let mut retry = Retry::default();
    while !stop.requested() {
        if let Err(error) = drive(&client, lane, &stop, &mut retry).await {
            let wait = retry.next_wait();
            println!("lane {lane}: {error}; again in {wait:?}");
            stop.sleep(wait).await;
        }
    }
    Ok(())
}

async fn drive(
    client: &Client,
    lane: usize,
    stop: &ShutdownSignal,
    retry: &mut Retry,
) -> Result<(), StreamError> {
    let stream = format!("{{{lane}}}:work");
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
    let mut acknowledging = DedicatedConnection::open(client, Duration::from_secs(5)).await?;
    println!("lane {lane}: {} begins", consumer.name());
    while !stop.requested() {
        let entries = consumer.read().await?.entries;
        retry.succeeded();
        for entry in &entries {
            println!("lane {lane}: {} with {} fields", entry.id, entry.fields.len()); // the work
        }
        if !entries.is_empty() {
            let mut acknowledge = redis::cmd("XACK");
            acknowledge.arg(&stream).arg(GROUP);
            for entry in &entries {
                acknowledge.arg(entry.id.to_string());
            }
            acknowledging.send_one(&acknowledge).await?;
        }
    }
    consumer.leave().await
}
