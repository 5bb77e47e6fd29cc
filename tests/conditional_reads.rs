//! Reads follow the standards of HTTP: validators, pages, codings, origins; and an auction can be seen as it was.

use crate::support::components::Roles;
use crate::support::eventually;
use crate::support::test_user::TestUser;
use auction_local_servers::{LocalServerOptions, LocalServers};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const TOKEN: &str = "consistency-token";

#[tokio::test]
async fn conditional_reads() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[("AUCTION__INGRESS__CORS_ORIGINS", "https://auction.example")]);
    for role in ["writer", "projector", "auctioneer", "notifier", "promoter", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let (sue, ada) = (TestUser::new(&roles.url()).await, TestUser::new(&roles.url()).await);
    let auction = sue.offer(json!({"description": "of 1998 ".repeat(200)})).await;
    what_a_client_has_is_not_sent_again(&ada, &auction).await;
    what_is_long_is_compressed_for_whoever_wants_it(&ada, &auction).await;
    an_auction_is_seen_as_it_was(&ada, &auction).await;
    pages_stay_stable_while_auctions_change(&sue, &ada).await;
    a_page_is_used_again_unless_it_is_too_old(&sue, &ada).await;
    web_pages_of_named_origins_may_use_it(&ada, &auction).await;
    roles.verify(&servers);
    servers.stop().await.unwrap();
}

async fn what_a_client_has_is_not_sent_again(ada: &TestUser, auction: &str) {
    let bid = ada.bid(auction, 10_000).await;
    let token = bid.is(201).header(TOKEN).to_owned();
    let all = [
        (format!("/auction/{auction}"), "no-cache"),
        (format!("/auction/{auction}/bids"), "private, no-cache"),
        (format!("/user/{}", ada.id.as_ref().unwrap()), "private, no-cache"),
        (format!("/user/{}/bids", ada.id.as_ref().unwrap()), "private, no-cache"),
        ("/auctions".to_owned(), "no-cache"),
    ];
    for (path, cache) in &all {
        let first = ada.get(path, &[(TOKEN, &token)]).await;
        assert_eq!(first.is(200).header("cache-control"), *cache, "{path}");
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"'), "{path}: {etag} is not strong");
        for held in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let again = ada.get(path, &[(TOKEN, &token), ("if-none-match", &held)]).await;
            assert_eq!((again.is(304).header("etag"), &again.body), (&*etag, &Value::Null), "{path}");
            assert!(!again.header(TOKEN).is_empty() && again.header("content-type").is_empty(), "{path}");
        }
        ada.get(path, &[(TOKEN, &token), ("if-none-match", "\"other\"")]).await.is(200);
    }
    let etag = ada.get(&all[0].0, &[(TOKEN, &token)]).await.header("etag").to_owned();
    let path = format!("/auction/{auction}/bid");
    let as_seen = [("if-match", &*etag), ("prefer", "wait=30")];
    let next = ada.put(&path, json!({"amount": 11_000}), &as_seen).await;
    let now = ada.get(&all[0].0, &[(TOKEN, next.is(201).header(TOKEN)), ("if-none-match", &etag)]).await;
    assert_ne!(now.is(200).header("etag"), etag, "it changes with the auction");
    ada.put(&path, json!({"amount": 12_000}), &as_seen).await.is_problem(412, "version_moved");
    let unknown = ada.get(&format!("/auction/{}", Uuid::now_v7()), &[("if-none-match", "*")]).await;
    assert_eq!(unknown.is_problem(404, "unknown_auction").header("cache-control"), "no-store");
}

async fn what_is_long_is_compressed_for_whoever_wants_it(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    let plain = ada.get(&path, &[]).await;
    assert_eq!(plain.is(200).header("content-encoding"), "");
    let small = ada.get(&path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(small.is(200).header("content-encoding"), "gzip");
    assert!(small.header("vary").contains("accept-encoding"));
    let etag = small.header("etag").to_owned();
    assert_eq!(
        etag,
        plain.header("etag").replace("\"", "-gzip\"").replacen("-gzip\"", "\"", 1),
        "other bytes"
    );
    let held = [("accept-encoding", "gzip"), ("if-none-match", &*etag)];
    assert_eq!(ada.get(&path, &held).await.is(304).header("etag"), etag);
    let tiny = ada.get(&format!("/user/{}", ada.id.as_ref().unwrap()), &[("accept-encoding", "gzip")]).await;
    assert_eq!(tiny.is(200).header("content-encoding"), "", "not worth it");
    let as_seen = [("if-match", &*etag), ("prefer", "wait=30")];
    ada.put(&format!("{path}/bid"), json!({"amount": 12_000}), &as_seen).await.is(201);
}

async fn an_auction_is_seen_as_it_was(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    let bid = ada.bid(auction, 13_000).await;
    let now = ada.get(&path, &[(TOKEN, bid.is(201).header(TOKEN))]).await;
    let version = now.is(200).body["version"].as_u64().unwrap();
    let at = async |version: u64| ada.get(&format!("{path}?at_version={version}"), &[]).await;
    let same = at(version).await;
    assert_eq!((&same.is(200).body, same.header("etag")), (&now.body, now.header("etag")), "byte for byte");
    for before in 1..version {
        let then = at(before).await;
        assert_eq!((&then.is(200).body["version"], &then.body["bids"]), (&json!(before), &json!(before - 1)));
    }
    let later = at(version + 1).await;
    assert_eq!(later.is_problem(404, "unknown_version").body["current"], json!(version));
    for wrong in ["0", "-1", "x", ""] {
        ada.get(&format!("{path}?at_version={wrong}"), &[]).await.is_problem(400, "invalid_request");
    }
    let unknown = format!("/auction/{}?at_version=1", Uuid::now_v7());
    ada.get(&unknown, &[]).await.is_problem(404, "unknown_auction");
}

async fn pages_stay_stable_while_auctions_change(sue: &TestUser, ada: &TestUser) {
    let mut offered = Vec::new();
    for n in 1..=9 {
        offered.push(sue.offer(json!({"ends_at": format!("2097-01-0{n}T00:00:00Z")})).await);
    }
    let (mut seen, mut next) = (Vec::new(), Some("/auctions?limit=2&consistency=latest".to_owned()));
    let mut pages = 0;
    while let Some(path) = next {
        let page = ada.get(&path, &[]).await;
        let lines = page.is(200).body["auctions"].as_array().unwrap().clone();
        seen.extend(lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()));
        next = page.body["next"].as_str().map(str::to_owned);
        let link = next.as_ref().map_or(String::new(), |next| format!("<{next}>; rel=\"next\""));
        assert_eq!(page.header("link"), link);
        // What was seen leaves the list, and what is still to come gets bids.
        if pages == 0 {
            sue.post(&format!("/auction/{}/cancel", seen[0]), json!({}), &[("prefer", "wait=30")])
                .await
                .is(200);
        }
        ada.bid(&offered[8], 10_000 + pages).await.is(201);
        pages += 1;
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "none comes twice");
    assert!(offered.iter().all(|auction| seen.contains(auction)), "none is left out");
    let (one, other) = (ada.get("/auctions?limit=1", &[]).await, ada.get("/auctions?limit=2", &[]).await);
    assert_ne!(one.text("next"), other.text("next"));
    let cursor = one.text("next").split_once("cursor=").unwrap().1.to_owned();
    ada.get(&format!("/auctions?cursor={cursor}"), &[]).await.is(200);
    for wrong in
        [&*format!("status=closed&cursor={cursor}"), "cursor=", "cursor=17", &format!("cursor={cursor}A")]
    {
        ada.get(&format!("/auctions?{wrong}"), &[]).await.is_problem(400, "invalid_request");
    }
    let foreign = format!("/auction/{}/bids?cursor={cursor}", offered[8]);
    ada.get(&foreign, &[]).await.is_problem(400, "invalid_request");
    let own = format!("/user/{}/bids?cursor={cursor}", ada.id.as_ref().unwrap());
    ada.get(&own, &[]).await.is_problem(400, "invalid_request");
}

async fn a_page_is_used_again_unless_it_is_too_old(sue: &TestUser, ada: &TestUser) {
    let path = "/auctions?limit=1";
    for n in 1..=20 {
        ada.get(path, &[]).await.is(200);
        let auction = sue.offer(json!({"ends_at": format!("2096-01-{:02}T00:00:00Z", 31 - n)})).await;
        let bid = ada.bid(&auction, 10_000).await;
        let first = ada.get(path, &[(TOKEN, bid.is(201).header(TOKEN))]).await;
        assert_eq!(
            first.is(200).body["auctions"][0]["id"],
            json!(auction),
            "a token is not answered from before"
        );
        let latest = ada.get("/auctions?limit=1&consistency=latest", &[]).await;
        assert_eq!(latest.is(200).body["auctions"][0]["id"], json!(auction));
    }
    let auction = sue.offer(json!({"ends_at": "2095-01-01T00:00:00Z"})).await;
    eventually("a moment is over soon", || async {
        let first = ada.get(path, &[]).await;
        (first.body["auctions"][0]["id"] == json!(auction)).then_some(())
    })
    .await;
}

async fn web_pages_of_named_origins_may_use_it(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    let ours = ada.get(&path, &[("origin", "https://auction.example")]).await;
    assert_eq!(ours.is(200).header("access-control-allow-origin"), "https://auction.example");
    let exposed = ours.header("access-control-expose-headers").to_ascii_lowercase();
    for header in ["etag", "location", "link", TOKEN, "server-time"] {
        assert!(exposed.contains(header), "{header} is not among {exposed}");
    }
    let other = ada.get(&path, &[("origin", "https://evil.example")]).await;
    assert_eq!(other.is(200).header("access-control-allow-origin"), "");
    let asked = [
        ("origin", "https://auction.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "content-type,idempotency-key"),
    ];
    let allowed = ada.send(Method::OPTIONS, &format!("{path}/bid"), None, &asked).await;
    assert!(allowed.is(200).header("access-control-allow-methods").contains("PUT"));
    assert!(allowed.header("access-control-allow-headers").contains("idempotency-key"));
}
