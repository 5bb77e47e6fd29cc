//! Search for entries with `ap_find`.

use crate::Cli;
use auction_domain::{AuctionId, UserId};
use auction_testkit::fixtures::{outcome, place_bid};
use auction_wire::outcome::encode_replies;
use auction_wire::{CommandId, OutcomeResult};
use uuid::Uuid;

async fn bids(cli: &Cli, count: u64) {
    for n in 1..=count {
        let auction = AuctionId(Uuid::from_u128((n % 3).into()));
        let fields = place_bid(auction, UserId(Uuid::nil()), 100 * n).to_fields();
        let fields: Vec<(&[u8], &[u8])> =
            fields.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
        cli.add(&format!("{n}-0"), &fields).await;
    }
}

fn ids(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.split('"').nth(3).unwrap()).collect()
}

#[tokio::test]
async fn find_returns_entries_by_field_newest_first() {
    let cli = Cli::new().await;
    bids(&cli, 9).await;
    let key = Uuid::from_u128(1).to_string();
    assert_eq!(ids(&cli.call("ap_find", &["key", &key]).await), ["7-0", "4-0", "1-0"]);
    let two = cli.call("ap_find", &["key", &key, "2"]).await;
    assert_eq!(ids(&two[..2]), ["7-0", "4-0"]);
    assert_eq!(two[2], r#"{"truncated":"2 found; 6 entries examined","next":"(4-0"}"#);
    assert_eq!(ids(&cli.call("ap_find", &["key", &key, "2", "(4-0"]).await), ["1-0"]);
    assert!(cli.call("ap_find", &["key", "unknown"]).await.is_empty());
}

#[tokio::test]
async fn find_searches_decoded_bodies() {
    let cli = Cli::new().await;
    bids(&cli, 9).await;
    assert_eq!(ids(&cli.call("ap_find", &["body.amount", "500"]).await), ["5-0"]);
    assert!(cli.call("ap_find", &["body.amount", "50"]).await.is_empty());
    assert!(cli.call("ap_find", &["amount", "500"]).await.is_empty());
    // {"a": [{"b": "yes"}, {"b": null}], "a.b": true}
    cli.add_body(b"\x82\xa1a\x92\x81\xa1b\xa3yes\x81\xa1b\xc0\xa3a.b\xc3").await;
    for (path, value, found) in
        [("body.a.b", "yes", 1), ("body.a.b", "null", 1), ("body.a", "yes", 0), ("body.a.b", "ye", 0)]
    {
        assert_eq!(cli.call("ap_find", &[path, value]).await.len(), found, "{path} {value}");
    }
    cli.add_body(b"\xc1").await;
    assert_eq!(cli.call("ap_find", &["body.a.b", "yes"]).await.len(), 1, "invalid bodies are skipped");
}

#[tokio::test]
async fn find_searches_outcomes_within_replies() {
    let cli = Cli::new().await;
    let one = |n: u64| {
        let (id, result) = (Uuid::from_u128(n.into()), OutcomeResult::accepted(n + 4, None, Vec::new()));
        outcome(CommandId(id), id, n, result)
    };
    let outcomes: Vec<_> = (1..=5).map(one).collect();
    cli.add_body(&encode_replies(outcomes.iter())).await;
    let third = Uuid::from_u128(3).to_string();
    let found = cli.call("ap_find", &["body.command", &third]).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].contains(r#""result":{"msgpack":{"accepted":{"version":"#), "{}", found[0]);
    assert_eq!(cli.call("ap_find", &["body.result.accepted.version", "7"]).await.len(), 1);
}
