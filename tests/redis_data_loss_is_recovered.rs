//! Redis loses event streams, parts of them, or all data under load. The data is restored from Postgres
//! automatically, a recovery is counted, and store, streams and read models agree afterwards.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::{eventually, free_address};
use auction_local_servers::{LocalServerOptions, LocalServers};
use redis::aio::MultiplexedConnection;

struct Portal {
    servers: LocalServers,
    components: RunningComponents,
    load: Load,
    /// Admin addresses of the writer and of the projector.
    admins: [String; 2],
    _directory: tempfile::TempDir,
}

impl Portal {
    /// Starts a writer, a projector and an auctioneer, and sends some bids.
    async fn start() -> Portal {
        let directory = tempfile::tempdir().unwrap();
        let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
        let mut components = RunningComponents::new(&servers, &[("AUCTION__PROJECTOR__MAX_BATCH", "50")]);
        let admins = [free_address(), free_address()];
        components.add_with_settings("writer", &[("AUCTION__ADMIN_LISTEN", &admins[0])]);
        components.add_with_settings("projector", &[("AUCTION__ADMIN_LISTEN", &admins[1])]);
        components.add("auctioneer");
        let load = Load::prepare(&servers, 7).await;
        let mut portal = Portal { servers, components, load, admins, _directory: directory };
        portal.load.send_bids(500).await;
        portal
    }

    async fn redis(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.servers.redis_url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// Sends a Redis command for the event stream of each partition.
    async fn for_each_event_stream(&self, name: &str, arguments: &[&str]) {
        let mut redis = self.redis().await;
        for partition in 0..8 {
            let mut command = redis::cmd(name);
            command.arg(format!("ap:{{{partition:02}}}:evt")).arg(arguments);
            let _: redis::Value = command.query_async(&mut redis).await.unwrap();
        }
    }

    /// Waits until one of the processes has counted a recovery from this cause.
    async fn wait_for_recovery(&self, cause: &str) {
        let line = format!("auction_recoveries_total{{cause=\"{cause}\"}}");
        eventually(&line, || async {
            for admin in &self.admins {
                let metrics =
                    reqwest::get(format!("http://{admin}/metrics")).await.ok()?.text().await.ok()?;
                if metrics.lines().any(|metric| metric.starts_with(&line)) {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    /// Sends more bids, and asserts that all are decided in order and that store, streams and read models
    /// agree.
    async fn assert_recovered(mut self) {
        self.load.send_bids(500).await;
        self.load.assert_consistent().await;
        self.components.verify(&self.servers);
        let ended = self.components.terminate();
        assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
        self.servers.stop().await.unwrap();
    }
}

#[tokio::test]
async fn event_streams_are_restored_when_deleted_under_load() {
    let mut portal = Portal::start().await;
    portal.load.wait_for_outcomes(portal.load.distinct_count() - 300).await;
    portal.for_each_event_stream("DEL", &[]).await;
    portal.load.send_bids(500).await;
    portal.wait_for_recovery("stream_lost").await;
    portal.assert_recovered().await;
}

#[tokio::test]
async fn event_gaps_are_filled_from_postgres_when_trimmed_early() {
    let mut portal = Portal::start().await;
    portal.components.signal_component("projector", "-STOP");
    portal.load.send_bids(500).await;
    portal.load.wait_for_outcomes(portal.load.distinct_count()).await;
    portal.for_each_event_stream("XTRIM", &["MAXLEN", "1"]).await;
    portal.load.send_bids(300).await;
    portal.components.signal_component("projector", "-CONT");
    portal.wait_for_recovery("event_gap").await;
    portal.assert_recovered().await;
}

#[tokio::test]
async fn redis_data_is_restored_when_flushed_under_load() {
    let mut portal = Portal::start().await;
    portal.load.wait_for_outcomes(portal.load.distinct_count() - 300).await;
    let _: () = redis::cmd("FLUSHALL").query_async(&mut portal.redis().await).await.unwrap();
    // Undecided commands were only in Redis. Their senders have no response and repeat them before any later
    // bid.
    portal.load.resend_all().await;
    portal.load.send_bids(300).await;
    // Whether the projector notices the loss by its lease or by its read models is a race; the lost stream is
    // certain.
    portal.wait_for_recovery("stream_lost").await;
    portal.assert_recovered().await;
}
