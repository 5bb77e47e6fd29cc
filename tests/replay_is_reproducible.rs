//! Whole bidding histories through one real `portal up`: the same figures each time, and store, streams
//! and views agree afterwards.

use crate::support::history::{History, real, shipped};
use crate::support::{RunningPortal, text};

fn replay(up: &RunningPortal, history: &History) {
    let output = up.client(&["replay", "--json"]).arg(&history.file).output().unwrap();
    history.check(&output);
}

#[tokio::test]
async fn replay_is_reproducible() {
    let mut up = RunningPortal::start().await;
    let shipped = shipped();
    replay(&up, &shipped);
    up.verify();
    replay(&up, &shipped);
    if let Some(real) = real() {
        replay(&up, &real);
    }
    up.verify();
    assert_eq!(up.stop(), Some(0), "Ctrl-C drains and ends well\n{}", up.log_tail());

    up.start_again().await;
    up.verify();
    let listed = up.client(&["auction", "list"]).output().unwrap();
    assert!(listed.status.success(), "{}", text(&listed));
}

#[tokio::test]
async fn verify_finds_a_view_that_was_changed() {
    let up = RunningPortal::start().await;
    replay(&up, &shipped());
    let mut redis = redis::Client::open(up.server("redis_url"))
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    let found: Vec<String> =
        redis::cmd("KEYS").arg("ap:*:view:*:auction:*").query_async(&mut redis).await.unwrap();
    let key = found.first().unwrap();
    let body: String = redis::cmd("GET").arg(key).query_async(&mut redis).await.unwrap();
    let forged = body.replace("\"bids\":", "\"bids\":1");
    let _: () = redis::cmd("SET").arg(key).arg(forged).query_async(&mut redis).await.unwrap();
    let output = crate::support::portal().args(["verify", "--data-dir"]).arg(up.data_dir()).output().unwrap();
    let (_, auction) = key.rsplit_once(':').unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains(auction), "{}", text(&output));
}
