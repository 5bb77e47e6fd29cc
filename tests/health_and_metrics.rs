//! Every process tells operators, at an address of its own, whether it runs, how its parts are and why
//! they wait, and what it has counted; and the public no more than it needs.

use crate::support::components::Roles;
use crate::support::history::shipped;
use crate::support::test_user::TestUser;
use crate::support::{eventually, own_address, portal, text};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

/// A process with an address for operators.
struct Watched {
    pid: u32,
    address: String,
}

impl Watched {
    fn start(roles: &mut Roles, role: &'static str) -> Watched {
        let address = own_address();
        let pid = roles.add_with(role, &[("AUCTION__ADMIN_LISTEN", &address)]);
        Watched { pid, address }
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("http://{}{path}", self.address)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Waits for `/readyz` to be like that.
    async fn readiness(&self, what: &str, is_so: impl Fn(u16, &Value) -> bool) -> Value {
        eventually(what, || async {
            let (status, body) = self.get("/readyz").await?;
            let body = serde_json::from_str(&body).unwrap();
            is_so(status, &body).then_some(body)
        })
        .await
    }

    async fn ready(&self) -> Value {
        self.readiness("it is ready", |status, body| {
            assert_eq!(status == 200, body["ready"] == json!(true), "{body}");
            // Its share of the partitions may be on its way.
            status == 200 && body["parts"].as_object().unwrap().len() >= 3
        })
        .await
    }

    async fn metrics(&self) -> String {
        let (status, metrics) = self.get("/metrics").await.unwrap();
        assert_eq!(status, 200);
        metrics
    }
}

/// The sum of a metric over its labels, of those lines that have all of `with`.
fn sum(metrics: &str, name: &str, with: &[&str]) -> f64 {
    let lines = metrics.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    let lines = lines.filter(|line| with.iter().all(|label| line.contains(label)));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// All names, without what the format adds to those of histograms.
fn names(metrics: &str) -> BTreeSet<&str> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let names = lines.map(|line| line.split(['{', ' ']).next().unwrap());
    names
        .map(|name| {
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
        })
        .collect()
}

/// One of each role, ready.
async fn all(roles: &mut Roles) -> [Watched; 4] {
    let all = ["writer", "projector", "auctioneer", "ingress"].map(|role| Watched::start(roles, role));
    let parts = ["writer leases", "projector leases", "auctioneer closing", "ingress replies"];
    for (process, part) in all.iter().zip(parts) {
        let report = process.ready().await;
        assert_eq!(report["parts"][part], json!({"condition": "works"}), "{report}");
        assert_eq!(process.get("/livez").await.unwrap().0, 200);
    }
    all
}

#[tokio::test]
async fn every_role_counts_what_it_does_and_says_what_the_figures_are() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[]);
    let [writer, projector, auctioneer, ingress] = all(&mut roles).await;
    let output =
        portal().args(["--url", &roles.url(), "replay", "--json"]).arg(shipped().file).output().unwrap();
    shipped().check(&output);

    let counted = writer.metrics().await;
    let (decided, stored) = (
        sum(&counted, "auction_commands_decided_total", &[]),
        sum(&counted, "auction_events_stored_total", &[]),
    );
    assert!(decided >= 150.0 && stored >= 150.0, "{counted}");
    assert_eq!(sum(&counted, "auction_batch_commands_sum", &[]), decided);
    assert!(sum(&counted, "auction_store_seconds_bucket", &["le=\"+Inf\""]) > 0.0);
    assert!(sum(&counted, "process_resident_memory_bytes", &[]) > 1e6);
    assert_eq!(sum(&counted, "auction_partition_held", &["service=\"writer\""]), 8.0);
    assert!(sum(&ingress.metrics().await, "auction_commands_accepted_total", &["kind=\"place_bid\""]) > 0.0);
    eventually("the projector has followed all events", || async {
        (sum(&projector.metrics().await, "auction_events_followed_total", &[]) == stored).then_some(())
    })
    .await;
    for process in [&writer, &projector, &auctioneer, &ingress] {
        let metrics = process.metrics().await;
        for name in names(&metrics) {
            assert!(metrics.contains(&format!("# HELP {name} ")), "nobody says what {name} is");
        }
    }
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn every_role_says_what_it_waits_for_and_the_public_is_not_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[]);
    let [writer, projector, auctioneer, ingress] = all(&mut roles).await;
    servers.kill_postgres().await;
    for (process, waits) in [(&writer, "writer 0"), (&ingress, "ingress postgres")] {
        let report = process
            .readiness("it says that it waits", |status, body| {
                let mut parts = body["parts"].as_object().unwrap().iter();
                status == 503
                    && parts.any(|(name, part)| {
                        name.starts_with(waits) && part["attempts"].as_u64().is_some_and(|n| n >= 2)
                    })
            })
            .await;
        assert!(report.to_string().contains("\"why\":\"postgres: "), "{report}");
    }
    let public = TestUser::nobody(&roles.url()).get("/readyz", &[]).await;
    // It still reads, and takes commands.
    let expected = json!({"ready": true, "draining": false,
        "parts": {"redis": {"condition": "works"}, "postgres": {"condition": "waits"}}});
    assert_eq!(public.is(200).body, expected, "the public is not told why");
    assert!(sum(&writer.metrics().await, "auction_retries_total", &["server=\"postgres\""]) >= 2.0);
    servers.start_postgres().await.unwrap();
    for process in [&writer, &projector, &auctioneer, &ingress] {
        process.ready().await;
    }
    servers.kill_redis().await;
    writer
        .readiness("without leases it is not ready", |status, body| {
            let parts = body["parts"].as_object().unwrap();
            let holds_one = parts.keys().any(|name| name.starts_with("writer 0"));
            status == 503 && !holds_one && parts["writer leases"]["condition"] == json!("waits")
        })
        .await;
    servers.start_redis().await.unwrap();
    writer.ready().await;
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_process_that_drains_says_so_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(dir.path())).await.unwrap();
    let mut roles = Roles::none(&servers, &[]);
    let ingress = Watched::start(&mut roles, "ingress");
    ingress.ready().await;
    // Somebody never finishes his request, which is waited for.
    let mut half = TcpStream::connect(roles.url().replace("http://", "")).unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").unwrap();
    roles.signal_one(ingress.pid, "-TERM");
    let report = ingress.readiness("it drains", |_, body| body["draining"] == json!(true)).await;
    assert_eq!(report["ready"], json!(false));
    drop(half);
    assert_eq!(roles.exit_code("ingress"), Some(0));
    servers.stop().await.unwrap();
}

#[test]
fn an_address_that_is_taken_ends_the_process_and_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let writer = env!("CARGO_BIN_EXE_writer");
    for (program, args) in [(writer, vec![]), (env!("CARGO_BIN_EXE_portal"), vec!["up"])] {
        let mut command = Command::new(program);
        command.args(args).args(["--admin-listen", &address]).current_dir(dir.path());
        command.env("REDIS_URL", "redis://127.0.0.1:1").env("DATABASE_URL", "postgresql://127.0.0.1:1/x");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(&format!("admin_listen {address}: ")), "{}", text(&output));
    }
}
