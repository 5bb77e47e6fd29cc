//! Redis loses event streams or parts of them under load. The data is restored from Postgres automatically, a
//! recovery is counted, and store, streams and read models agree afterwards.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, free_address};
use auction_app::ingress::command_gateway::{CommandHandle, HandleKey};
use auction_domain::Timestamp;
use auction_wire::{CommandId, PartitionId};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

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

#[tokio::test]
async fn command_status_is_gone_when_a_backend_lost_the_command() {
    let servers = TestServers::start().await;
    let components = RunningComponents::start(&servers, 1).await;
    let secret = "SELECT value FROM secrets WHERE name = 'command_handles'";
    let secret: Vec<u8> = servers.database().await.query_one(secret, &[]).await.unwrap().get(0);
    let key = HandleKey::new(&secret).unwrap();
    // A handle as an ingress issues it, of a command that is neither on a stream nor decided.
    let status = async |seconds_ago: u64| {
        let received =
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(seconds_ago);
        let handle = CommandHandle {
            command: CommandId(Uuid::new_v4()),
            received_at: Timestamp(received.as_millis().try_into().unwrap()),
            fingerprint: 7,
            partition: Some(PartitionId(0)),
        };
        TestUser::anonymous(&components.url()).get(&format!("/command/{}", key.encode(&handle)), &[]).await
    };
    assert_eq!(status(0).await.assert_status(200).body["status"], "pending", "it may be on its way");
    let lost = eventually("all commands are known to be decided", || async {
        let lost = status(600).await;
        (lost.status != 200).then_some(lost)
    })
    .await;
    lost.assert_problem(410, "command_lost");
    let received_at = lost.text("received_at");
    assert!(received_at.starts_with("20") && lost.body["title"].is_string(), "{lost:?}");
    assert_eq!(status(60).await.assert_status(200).body["status"], "pending", "retries may still come");
    components.terminate();
}
