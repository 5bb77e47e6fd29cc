//! Bidding histories are replayed with `portal up`: the summary is the same each time, and store, streams and
//! read models agree afterwards.

use crate::support::history::{BiddingHistory, bundled_history, real_history};
use crate::support::{RunningPortal, output_text, portal};

fn replay(up: &RunningPortal, history: &BiddingHistory) {
    let output = up.client(&["replay", "--json"]).arg(&history.file).output().unwrap();
    history.assert_summary(&output);
}

#[tokio::test]
async fn replay_is_reproducible() {
    let mut up = RunningPortal::start().await;
    let shipped = bundled_history();
    replay(&up, &shipped);
    up.verify();
    replay(&up, &shipped);
    if let Some(real) = real_history() {
        replay(&up, &real);
    }
    up.verify();
    assert_eq!(up.stop(), Some(0), "Ctrl-C drains and ends with 0\n{}", up.log_tail());

    up.restart().await;
    up.verify();
    let listed = up.client(&["auction", "list"]).output().unwrap();
    assert!(listed.status.success(), "{}", output_text(&listed));
    verify_reports_changed_views(&up).await;
}

async fn verify_reports_changed_views(up: &RunningPortal) {
    let mut redis = redis::Client::open(up.backend_url("redis_url"))
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let found: Vec<String> =
        redis::cmd("KEYS").arg("ap:*:read-model:*:auction:*").query_async(&mut redis).await.unwrap();
    let key = found.first().unwrap();
    let body: String = redis::cmd("GET").arg(key).query_async(&mut redis).await.unwrap();
    let changed = body.replace("\"bids\":", "\"bids\":1");
    let _: () = redis::cmd("SET").arg(key).arg(changed).query_async(&mut redis).await.unwrap();
    let (generation, auction) = key.split_once(":auction:").unwrap();
    let forged: [(&str, &str, &[&str]); 3] = [
        ("HDEL", "auction-entries", &[auction]),
        ("HSET", "auction-entries", &["unknown", "forged entry"]),
        ("ZADD", "auctions-by-status:cancelled", &["0", "forged member"]),
    ];
    for (command, name, arguments) in forged {
        let mut command = redis::cmd(command);
        let _: u64 =
            command.arg(format!("{generation}:{name}")).arg(arguments).query_async(&mut redis).await.unwrap();
    }
    let output = portal().args(["verify", "--data-dir"]).arg(up.data_dir()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let output = output_text(&output);
    for reported in [
        &format!("auction:{auction}: found {{"),
        &format!("auction-entries {auction}: the view is missing"),
        "auction-entries: 1 unexpected entries, such as unknown",
        "auctions-by-status:cancelled: 1 unexpected entries, such as forged member",
    ] {
        assert!(output.contains(reported), "{reported} is not in {output}");
    }
}
