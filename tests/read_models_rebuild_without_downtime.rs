//! `portal rebuild` under load: concurrent readers see no missing and no older state. Afterwards the read
//! models are correct and the old generation is deleted.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::servers::TestServers;
use crate::support::{eventually, is_long_run, output_text};
use auction_wire::view::{AuctionList, AuctionView, BidList};
use reqwest::header::HeaderValue;
use serde_json::{Value, from_value};
use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// Reads a URL with the newest token of the reader, which keeps it from reading older state.
async fn get(client: &reqwest::Client, token: &mut Option<HeaderValue>, url: &str) -> Value {
    let mut request = client.get(url);
    if let Some(token) = &token {
        request = request.header("consistency-token", token);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{url} is not readable");
    *token = Some(response.headers()["consistency-token"].clone());
    response.json().await.unwrap()
}

/// Reads all auctions repeatedly until `stop` is set, and returns the number of rounds.
async fn read_repeatedly(url: String, auctions: Vec<Uuid>, stop: Arc<AtomicBool>) -> u64 {
    let client = reqwest::Client::new();
    let (mut versions, mut rounds): (HashMap<Uuid, (u64, u64)>, u64) = (HashMap::new(), 0);
    let mut token = None;
    while !stop.load(Ordering::Relaxed) {
        for auction in &auctions {
            let (version, count) = versions.entry(*auction).or_default();
            let view = get(&client, &mut token, &format!("{url}/auction/{auction}")).await;
            let view: AuctionView = from_value(view).unwrap();
            assert!(view.version >= *version, "{auction}: from version {version} to {}", view.version);
            let bids = get(&client, &mut token, &format!("{url}/auction/{auction}/bids?limit=5")).await;
            let bids: BidList = from_value(bids).unwrap();
            assert!(bids.count >= *count, "{auction}: from {count} bids to {}", bids.count);
            (*version, *count) = (view.version, bids.count);
        }
        let list = get(&client, &mut token, &format!("{url}/auctions?limit=1000")).await;
        let list: AuctionList = from_value(list).unwrap();
        assert_eq!(list.auctions.len(), auctions.len(), "all auctions are listed at every moment");
        for item in list.auctions {
            assert!(
                item.version >= versions[&item.id].0,
                "{}: its list entry is older than its read model",
                item.id
            );
        }
        rounds += 1;
    }
    rounds
}

/// Returns the number of read model generations that have keys.
async fn generations(servers: &TestServers) -> usize {
    let mut redis = servers.redis().await;
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("ap:*:read-model:*").query_async(&mut redis).await.unwrap();
    let mut found: Vec<&str> = keys.iter().filter_map(|key| key.split(':').nth(3)).collect();
    found.retain(|generation| generation.parse::<u64>().is_ok());
    found.sort_unstable();
    found.dedup();
    found.len()
}

#[tokio::test]
async fn read_models_rebuild_under_load_without_gaps() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[]);
    components.add_all(["writer", "projector", "projector", "ingress"]);
    components.wait_until_ready().await;
    let mut load = Load::prepare(&servers, 3).await;
    load.send_bids(1000).await;
    let auctions: Vec<Uuid> = load.auctions.iter().map(|auction| auction.0).collect();
    let list = format!("{}/auctions?limit=1000", components.url());
    eventually("all auctions are listed", || async {
        let list: AuctionList = reqwest::get(&list).await.ok()?.json().await.ok()?;
        (list.auctions.len() == auctions.len()).then_some(())
    })
    .await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(read_repeatedly(components.url(), auctions.clone(), Arc::clone(&stop))))
        .collect();
    for _ in 0..if is_long_run() { 40 } else { 2 } {
        let mut rebuild = servers.portal(&["rebuild"]);
        let mut rebuild = rebuild.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while rebuild.try_wait().unwrap().is_none() {
            load.send_bids(100).await;
        }
        let output = rebuild.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", output_text(&output));
        println!("{}", output_text(&output));
        assert!(readers.iter().all(|reader| !reader.is_finished()), "a reader has failed");
    }
    load.send_bids(300).await;
    load.assert_consistent().await;
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0, "each reader has read all auctions at least once");
    }
    servers.verify();
    assert_eq!(generations(&servers).await, 1, "old generations are deleted");
    components.terminate();
}
