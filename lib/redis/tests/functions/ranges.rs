//! Ranges: which entries are displayed, and how to continue.

use crate::{Cli, STREAM};
use redis::cmd;

async fn numbered(count: u32) -> Cli {
    let cli = Cli::new().await;
    for n in 1..=count {
        cli.add(&format!("{n}-0"), &[(b"n", n.to_string().as_bytes())]).await;
    }
    cli
}

fn ids(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.split('"').nth(3).unwrap()).collect()
}

#[tokio::test]
async fn tail_ends_with_the_newest_entry() {
    let cli = numbered(300).await;
    assert_eq!(ids(&cli.call("ap_tail", &["3"]).await), ["298-0", "299-0", "300-0"]);
    assert_eq!(ids(&cli.call("ap_tail", &["2", "(299-0"]).await), ["297-0", "298-0"]);
    assert_eq!(cli.call("ap_tail", &[]).await.len(), 10);
    assert_eq!(cli.call("ap_tail", &["1000"]).await.len(), 300);
}

#[tokio::test]
async fn range_starts_with_the_oldest_entry() {
    let cli = numbered(300).await;
    assert_eq!(ids(&cli.call("ap_range", &["5", "7"]).await), ["5-0", "6-0", "7-0"]);
    assert_eq!(ids(&cli.call("ap_range", &["(5-0", "+", "2"]).await), ["6-0", "7-0"]);
    assert_eq!(cli.call("ap_range", &["-", "+", "500"]).await.len(), 300);
    assert_eq!(ids(&cli.call("ap_show", &["44-0"]).await), ["44-0"]);
    assert!(cli.call("ap_show", &["44-1"]).await.is_empty());
}

#[tokio::test]
async fn ranges_include_the_smallest_and_largest_ids() {
    let cli = Cli::new().await;
    cli.add("0-1", &[(b"n", b"1")]).await;
    cli.add("18446744073709551615-18446744073709551615", &[(b"n", b"2")]).await;
    for count in ["2", "3", "100"] {
        assert_eq!(cli.call("ap_tail", &[count]).await.len(), 2);
        assert_eq!(cli.call("ap_range", &["-", "+", count]).await.len(), 2);
    }
}

#[tokio::test]
async fn missing_stream_is_empty_and_other_key_is_an_error() {
    let cli = Cli::new().await;
    assert!(cli.call("ap_tail", &["5"]).await.is_empty());
    assert!(cli.call("ap_find", &["id", "x"]).await.is_empty());
    cli.0.query::<()>(cmd("SET").arg(STREAM).arg("x")).await;
    let error = cli.try_call("ap_tail", &["5"]).await.unwrap_err();
    assert_eq!(error.code(), Some("WRONGTYPE"));
}

#[tokio::test]
async fn wrong_arguments_return_the_usage() {
    let cli = numbered(1).await;
    for (function, args) in [
        ("ap_tail", &["0"][..]),
        ("ap_tail", &["many"]),
        ("ap_range", &["-", "+", "1.5"]),
        ("ap_show", &[]),
        ("ap_find", &["id"]),
    ] {
        let error = cli.try_call(function, args).await.unwrap_err().to_string();
        assert!(error.contains(&format!("usage: FCALL_RO {function} 1 KEY")), "{error}");
    }
    let error = cli.try_call("ap_range", &["from", "to"]).await.unwrap_err().to_string();
    assert!(error.contains("Invalid stream ID"), "{error}");
}
