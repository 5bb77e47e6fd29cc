//! Reads support conditional requests, compression, paging, CORS and past versions of an auction.

use crate::support::components::RunningComponents;
use crate::support::eventually;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const TOKEN: &str = "consistency-token";

#[tokio::test]
async fn reads_support_http_caching_paging_and_history() {
    let servers = TestServers::start().await;
    let mut components =
        RunningComponents::new(&servers, &[("AUCTION__INGRESS__CORS_ORIGINS", "https://auction.example")]);
    components.add_all(["writer", "projector", "auctioneer", "notifier", "promoter", "ingress"]);
    components.wait_until_ready().await;
    let (sue, ada) = (TestUser::new(&components.url()).await, TestUser::new(&components.url()).await);
    let auction = sue.create_auction(json!({"description": "of 1998 ".repeat(200)})).await;
    unchanged_representation_is_answered_304(&ada, &auction).await;
    long_response_is_compressed_on_request(&ada, &auction).await;
    auction_is_readable_at_every_past_version(&ada, &auction).await;
    pages_stay_stable_while_auctions_change(&sue, &ada).await;
    cached_page_is_used_only_when_fresh_enough(&sue, &ada).await;
    cors_allows_only_configured_origins(&ada, &auction).await;
    servers.verify();
}

async fn unchanged_representation_is_answered_304(ada: &TestUser, auction: &str) {
    let bid = ada.bid(auction, 10_000).await;
    let token = bid.assert_status(201).header(TOKEN).to_owned();
    let all = [
        (format!("/auction/{auction}"), "no-cache"),
        (format!("/auction/{auction}/bids"), "private, no-cache"),
        (format!("/user/{}", ada.id.as_ref().unwrap()), "private, no-cache"),
        (format!("/user/{}/bids", ada.id.as_ref().unwrap()), "private, no-cache"),
        ("/auctions".to_owned(), "no-cache"),
    ];
    for (path, cache) in &all {
        let first = ada.get(path, &[(TOKEN, &token)]).await;
        assert_eq!(first.assert_status(200).header("cache-control"), *cache, "{path}");
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"'), "{path}: {etag} is not strong");
        for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let again = ada.get(path, &[(TOKEN, &token), ("if-none-match", &known)]).await;
            assert_eq!(
                (again.assert_status(304).header("etag"), &again.body),
                (&*etag, &Value::Null),
                "{path}"
            );
            assert!(!again.header(TOKEN).is_empty() && again.header("content-type").is_empty(), "{path}");
        }
        ada.get(path, &[(TOKEN, &token), ("if-none-match", "\"other\"")]).await.assert_status(200);
    }
    let etag = ada.get(&all[0].0, &[(TOKEN, &token)]).await.header("etag").to_owned();
    let path = format!("/auction/{auction}/bid");
    let as_seen = [("if-match", &*etag), ("prefer", "wait=30")];
    let next = ada.put(&path, json!({"amount": 11_000}), &as_seen).await;
    let now =
        ada.get(&all[0].0, &[(TOKEN, next.assert_status(201).header(TOKEN)), ("if-none-match", &etag)]).await;
    assert_ne!(now.assert_status(200).header("etag"), etag, "the ETag changes with the auction");
    ada.put(&path, json!({"amount": 12_000}), &as_seen).await.assert_problem(412, "version_conflict");
    let unknown = ada.get(&format!("/auction/{}", Uuid::now_v7()), &[("if-none-match", "*")]).await;
    assert_eq!(unknown.assert_problem(404, "unknown_auction").header("cache-control"), "no-store");
}

async fn long_response_is_compressed_on_request(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    let plain = ada.get(&path, &[]).await;
    assert_eq!(plain.assert_status(200).header("content-encoding"), "");
    let small = ada.get(&path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(small.assert_status(200).header("content-encoding"), "gzip");
    assert!(small.header("vary").contains("accept-encoding"));
    let etag = small.header("etag").to_owned();
    assert_eq!(
        etag,
        plain.header("etag").replace("\"", "-gzip\"").replacen("-gzip\"", "\"", 1),
        "a compressed response has its own ETag"
    );
    let conditional = [("accept-encoding", "gzip"), ("if-none-match", &*etag)];
    assert_eq!(ada.get(&path, &conditional).await.assert_status(304).header("etag"), etag);
    let tiny = ada.get(&format!("/user/{}", ada.id.as_ref().unwrap()), &[("accept-encoding", "gzip")]).await;
    assert_eq!(tiny.assert_status(200).header("content-encoding"), "", "short responses are not compressed");
    let as_seen = [("if-match", &*etag), ("prefer", "wait=30")];
    ada.put(&format!("{path}/bid"), json!({"amount": 12_000}), &as_seen).await.assert_status(201);
}

async fn auction_is_readable_at_every_past_version(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    let bid = ada.bid(auction, 13_000).await;
    let now = ada.get(&path, &[(TOKEN, bid.assert_status(201).header(TOKEN))]).await;
    let version = now.assert_status(200).body["version"].as_u64().unwrap();
    let at = async |version: u64| ada.get(&format!("{path}?at_version={version}"), &[]).await;
    let same = at(version).await;
    assert_eq!(
        (&same.assert_status(200).body, same.header("etag")),
        (&now.body, now.header("etag")),
        "the newest version is equal byte for byte"
    );
    for before in 1..version {
        let past = at(before).await;
        assert_eq!(
            (&past.assert_status(200).body["version"], &past.body["bids"]),
            (&json!(before), &json!(before - 1))
        );
    }
    let later = at(version + 1).await;
    assert_eq!(later.assert_problem(404, "unknown_version").body["current"], json!(version));
    for wrong in ["0", "-1", "x", ""] {
        ada.get(&format!("{path}?at_version={wrong}"), &[]).await.assert_problem(400, "invalid_request");
    }
    let unknown = format!("/auction/{}?at_version=1", Uuid::now_v7());
    ada.get(&unknown, &[]).await.assert_problem(404, "unknown_auction");
}

async fn pages_stay_stable_while_auctions_change(sue: &TestUser, ada: &TestUser) {
    let mut created = Vec::new();
    for n in 1..=9 {
        created.push(sue.create_auction(json!({"ends_at": format!("2097-01-0{n}T00:00:00Z")})).await);
    }
    let (mut seen, mut next) = (Vec::new(), Some("/auctions?limit=2&consistency=latest".to_owned()));
    let mut pages = 0;
    while let Some(path) = next {
        let page = ada.get(&path, &[]).await;
        let entries = page.assert_status(200).body["auctions"].as_array().unwrap().clone();
        seen.extend(entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
        next = page.body["next"].as_str().map(str::to_owned);
        let link = next.as_ref().map_or(String::new(), |next| format!("<{next}>; rel=\"next\""));
        assert_eq!(page.header("link"), link);
        // An auction that was listed leaves the list, and one that is not yet listed gets bids.
        if pages == 0 {
            sue.post(&format!("/auction/{}/cancel", seen[0]), json!({}), &[("prefer", "wait=30")])
                .await
                .assert_status(200);
        }
        ada.bid(&created[8], 10_000 + pages).await.assert_status(201);
        pages += 1;
    }
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "no auction is listed twice");
    assert!(created.iter().all(|auction| seen.contains(auction)), "no auction is missing");
    let (one, other) = (ada.get("/auctions?limit=1", &[]).await, ada.get("/auctions?limit=2", &[]).await);
    assert_ne!(one.text("next"), other.text("next"));
    let cursor = one.text("next").split_once("cursor=").unwrap().1.to_owned();
    ada.get(&format!("/auctions?cursor={cursor}"), &[]).await.assert_status(200);
    for wrong in
        [&*format!("status=closed&cursor={cursor}"), "cursor=", "cursor=17", &format!("cursor={cursor}A")]
    {
        ada.get(&format!("/auctions?{wrong}"), &[]).await.assert_problem(400, "invalid_request");
    }
    let other_list = format!("/auction/{}/bids?cursor={cursor}", created[8]);
    ada.get(&other_list, &[]).await.assert_problem(400, "invalid_request");
    let own = format!("/user/{}/bids?cursor={cursor}", ada.id.as_ref().unwrap());
    ada.get(&own, &[]).await.assert_problem(400, "invalid_request");
}

async fn cached_page_is_used_only_when_fresh_enough(sue: &TestUser, ada: &TestUser) {
    let path = "/auctions?limit=1";
    for n in 1..=20 {
        ada.get(path, &[]).await.assert_status(200);
        let auction =
            sue.create_auction(json!({"ends_at": format!("2096-01-{:02}T00:00:00Z", 31 - n)})).await;
        let bid = ada.bid(&auction, 10_000).await;
        let first = ada.get(path, &[(TOKEN, bid.assert_status(201).header(TOKEN))]).await;
        assert_eq!(
            first.assert_status(200).body["auctions"][0]["id"],
            json!(auction),
            "a read with a token uses no older page"
        );
        let latest = ada.get("/auctions?limit=1&consistency=latest", &[]).await;
        assert_eq!(latest.assert_status(200).body["auctions"][0]["id"], json!(auction));
    }
    let auction = sue.create_auction(json!({"ends_at": "2095-01-01T00:00:00Z"})).await;
    eventually("the cached page expires", || async {
        let first = ada.get(path, &[]).await;
        (first.body["auctions"][0]["id"] == json!(auction)).then_some(())
    })
    .await;
}

async fn cors_allows_only_configured_origins(ada: &TestUser, auction: &str) {
    let path = format!("/auction/{auction}");
    let allowed_origin = ada.get(&path, &[("origin", "https://auction.example")]).await;
    assert_eq!(
        allowed_origin.assert_status(200).header("access-control-allow-origin"),
        "https://auction.example"
    );
    let exposed = allowed_origin.header("access-control-expose-headers").to_ascii_lowercase();
    for header in ["etag", "location", "link", TOKEN, "server-time"] {
        assert!(exposed.contains(header), "{header} is not in {exposed}");
    }
    let other = ada.get(&path, &[("origin", "https://evil.example")]).await;
    assert_eq!(other.assert_status(200).header("access-control-allow-origin"), "");
    let preflight = [
        ("origin", "https://auction.example"),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "content-type,idempotency-key"),
    ];
    let allowed = ada.send(Method::OPTIONS, &format!("{path}/bid"), None, &preflight).await;
    assert!(allowed.assert_status(200).header("access-control-allow-methods").contains("PUT"));
    assert!(allowed.header("access-control-allow-headers").contains("idempotency-key"));
}
