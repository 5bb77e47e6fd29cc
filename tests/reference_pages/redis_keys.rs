//! `docs/reference/redis-keys.md` lists every key of a running portal, with its type. The page is generated in
//! `lib/redis`.

use crate::support::test_user::TestUser;
use crate::support::{RunningPortal, eventually, root};
use redis::aio::MultiplexedConnection;
use redis::cmd;
use serde_json::json;
use std::collections::BTreeSet;

/// Returns the pattern of each key of the page, with its type.
fn families() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(root().join("docs/reference/redis-keys.md")).unwrap();
    let sections = page.split("\n### `").skip(1).map(|section| section.split_once("`\n\n* Type: ").unwrap());
    let first_line = |text: &str| text.lines().next().unwrap().to_owned();
    sections.map(|(pattern, rest)| (pattern.to_owned(), first_line(rest))).collect()
}

/// Returns whether a key has the form of a pattern. A placeholder stands for at least one character.
fn has_form(key: &str, pattern: &str) -> bool {
    let Some((fixed, rest)) = pattern.split_once('<') else { return key == pattern };
    let Some(key) = key.strip_prefix(fixed) else { return false };
    let (_, rest) = rest.split_once('>').unwrap();
    (1..=key.len()).any(|end| has_form(&key[end..], rest))
}

/// Returns all keys with their types.
async fn keys(redis: &mut MultiplexedConnection) -> Vec<(String, String)> {
    let keys: Vec<String> = cmd("KEYS").arg("*").query_async(redis).await.unwrap();
    let mut found = Vec::new();
    for key in keys {
        let kind: String = cmd("TYPE").arg(&key).query_async(redis).await.unwrap();
        found.push((key, kind.replace("zset", "sorted set")));
    }
    // Keys that expired meanwhile have no type.
    found.retain(|(_, kind)| kind != "none");
    found
}

#[tokio::test]
async fn redis_keys_of_a_running_portal_are_on_the_page() {
    let up = RunningPortal::start().await;
    let (seller, bidder) = (TestUser::new(&up.url("")).await, TestUser::new(&up.url("")).await);
    let auction = seller.create_auction(json!({})).await;
    bidder.bid(&auction, 20_000).await.assert_status(201);
    bidder.get("/notifications", &[]).await.assert_status(200);
    let client = redis::Client::open(up.backend_url("redis_url")).unwrap();
    let redis = client.get_multiplexed_async_connection().await.unwrap();
    let families = families();
    eventually("most families have a key", async || {
        let mut used = BTreeSet::new();
        for (key, kind) in keys(&mut redis.clone()).await {
            let is_listed = |(pattern, of): &&(String, String)| has_form(&key, pattern) && of.contains(&kind);
            let family = families.iter().find(is_listed);
            let (pattern, _) = family.unwrap_or_else(|| panic!("{key} ({kind}) is not on the page"));
            used.insert(pattern);
        }
        (used.len() >= 8).then_some(())
    })
    .await;
}
