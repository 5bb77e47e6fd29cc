//! Redis loses an event stream, a part of one, or everything, under load: it comes back from Postgres by
//! itself, an incident is counted, and store, streams and views agree afterwards.

use crate::support::components::Roles;
use crate::support::load::Load;
use crate::support::{eventually, own_address};
use auction_local_servers::{LocalServerOptions, LocalServers};
use redis::aio::MultiplexedConnection;

struct Portal {
    servers: LocalServers,
    roles: Roles,
    load: Load,
    /// Where the writer and the projector say what they have counted.
    admins: [String; 2],
    _directory: tempfile::TempDir,
}

impl Portal {
    /// A writer, two projectors and an auctioneer, and some bids.
    async fn start() -> Portal {
        let directory = tempfile::tempdir().unwrap();
        let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
        let mut roles = Roles::none(&servers, &[("AUCTION__PROJECTOR__BATCH", "50")]);
        let admins = [own_address(), own_address()];
        roles.add_with("writer", &[("AUCTION__ADMIN_LISTEN", &admins[0])]);
        roles.add_with("projector", &[("AUCTION__ADMIN_LISTEN", &admins[1])]);
        roles.add("auctioneer");
        let load = Load::prepare(&servers, 7).await;
        let mut portal = Portal { servers, roles, load, admins, _directory: directory };
        portal.load.bids(500).await;
        portal
    }

    async fn redis(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.servers.redis_url()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// One command for the event stream of each partition.
    async fn to_each_stream(&self, name: &str, arguments: &[&str]) {
        let mut redis = self.redis().await;
        for partition in 0..8 {
            let mut command = redis::cmd(name);
            command.arg(format!("ap:{{{partition:02}}}:evt")).arg(arguments);
            let _: redis::Value = command.query_async(&mut redis).await.unwrap();
        }
    }

    /// Waits until one of the processes has counted such an incident.
    async fn counted(&self, what: &str) {
        let line = format!("auction_incidents_total{{what=\"{what}\"}}");
        eventually(&line, || async {
            for admin in &self.admins {
                let metrics =
                    reqwest::get(format!("http://{admin}/metrics")).await.ok()?.text().await.ok()?;
                if metrics.lines().any(|counted| counted.starts_with(&line)) {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    /// More bids; then everything is decided, in order, and agrees.
    async fn ends_well(mut self) {
        self.load.bids(500).await;
        self.load.check().await;
        self.roles.verify(&self.servers);
        let ended = self.roles.terminate();
        assert!(ended.iter().all(|code| *code == Some(0)), "{ended:?}");
        self.servers.stop().await.unwrap();
    }
}

#[tokio::test]
async fn event_streams_that_are_deleted_under_load_come_back() {
    let mut portal = Portal::start().await;
    portal.load.decided(portal.load.different() - 300).await;
    portal.to_each_stream("DEL", &[]).await;
    portal.load.bids(500).await;
    portal.counted("stream_lost").await;
    portal.ends_well().await;
}

#[tokio::test]
async fn events_that_are_trimmed_before_a_slow_projector_has_them_come_from_postgres() {
    let mut portal = Portal::start().await;
    portal.roles.signal("projector", "-STOP");
    portal.load.bids(500).await;
    portal.load.decided(portal.load.different()).await;
    portal.to_each_stream("XTRIM", &["MAXLEN", "1"]).await;
    portal.load.bids(300).await;
    portal.roles.signal("projector", "-CONT");
    portal.counted("hole").await;
    portal.ends_well().await;
}

#[tokio::test]
async fn a_redis_that_is_flushed_under_load_is_filled_from_postgres() {
    let mut portal = Portal::start().await;
    portal.load.decided(portal.load.different() - 300).await;
    let _: () = redis::cmd("FLUSHALL").query_async(&mut portal.redis().await).await.unwrap();
    // What was not decided yet was in Redis alone: who has no answer sends again, before any later bid.
    portal.load.give_again().await;
    portal.load.bids(300).await;
    // Whether a projector notices by its views or by its lease that all is gone, is a race.
    portal.counted("stream_lost").await;
    portal.ends_well().await;
}
