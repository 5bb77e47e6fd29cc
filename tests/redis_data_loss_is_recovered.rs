//! Redis loses event streams or parts of them under load. The data is restored from Postgres automatically, a
//! recovery is counted, and store, streams and read models agree afterwards.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::servers::TestServers;
use crate::support::{eventually, free_address};

/// Sends a Redis command for the event stream of each partition.
async fn for_each_event_stream(servers: &TestServers, name: &str, arguments: &[&str]) {
    let mut redis = servers.redis().await;
    for partition in 0..8 {
        let mut command = redis::cmd(name);
        command.arg(format!("ap:{{{partition:02}}}:evt")).arg(arguments);
        let _: redis::Value = command.query_async(&mut redis).await.unwrap();
    }
}

/// Waits until one of the processes has counted a recovery from this cause.
async fn wait_for_recovery(admins: &[String], cause: &str) {
    let line = format!("auction_recoveries_total{{cause=\"{cause}\"}}");
    eventually(&line, || async {
        for admin in admins {
            let metrics = reqwest::get(format!("http://{admin}/metrics")).await.ok()?.text().await.ok()?;
            if metrics.lines().any(|metric| metric.starts_with(&line)) {
                return Some(());
            }
        }
        None
    })
    .await;
}

#[tokio::test]
async fn lost_events_are_restored_from_postgres_under_load() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[("AUCTION__PROJECTOR__MAX_BATCH", "50")]);
    let admins = [free_address(), free_address()];
    components.add_with_settings("writer", &[("AUCTION__ADMIN_LISTEN", &admins[0])]);
    components.add_with_settings("projector", &[("AUCTION__ADMIN_LISTEN", &admins[1])]);
    let mut load = Load::prepare(&servers, 7).await;

    // The event streams are deleted while commands are decided.
    load.send_bids(500).await;
    load.wait_for_outcomes(load.distinct_count() - 300).await;
    for_each_event_stream(&servers, "DEL", &[]).await;
    load.send_bids(500).await;
    wait_for_recovery(&admins, "stream_lost").await;
    load.assert_consistent().await;
    servers.verify();

    // Events are trimmed before the projector has read them.
    components.signal_component("projector", "-STOP");
    load.send_bids(500).await;
    load.wait_for_outcomes(load.distinct_count()).await;
    for_each_event_stream(&servers, "XTRIM", &["MAXLEN", "1"]).await;
    load.send_bids(300).await;
    components.signal_component("projector", "-CONT");
    wait_for_recovery(&admins, "event_gap").await;
    load.assert_consistent().await;
    servers.verify();
    components.terminate();
}
