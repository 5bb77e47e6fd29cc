//! Every process serves liveness, readiness with reasons, and metrics at its admin address. The public
//! readiness has no reasons.

use crate::support::components::RunningComponents;
use crate::support::history::bundled_history;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, free_address, output_text, portal, wait_until_ready};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

/// A process with an admin address.
struct AdminProcess {
    pid: u32,
    address: String,
}

impl AdminProcess {
    fn start(components: &mut RunningComponents, component: &'static str) -> AdminProcess {
        let address = free_address();
        let pid = components.add_with_settings(component, &[("AUCTION__ADMIN_LISTEN", &address)]);
        AdminProcess { pid, address }
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let response = reqwest::get(format!("http://{}{path}", self.address)).await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    }

    /// Waits until status and body of `/readyz` satisfy a predicate, and returns the body.
    async fn readiness(&self, condition: &str, matches: impl Fn(u16, &Value) -> bool) -> Value {
        eventually(condition, || async {
            let (status, body) = self.get("/readyz").await?;
            let body = serde_json::from_str(&body).unwrap();
            matches(status, &body).then_some(body)
        })
        .await
    }

    async fn wait_until_ready(&self) -> Value {
        self.readiness("the process is ready", |status, body| {
            assert_eq!(status == 200, body["ready"] == json!(true), "{body}");
            // The process may not have its share of the partitions yet.
            status == 200 && body["checks"].as_object().unwrap().len() >= 3
        })
        .await
    }

    async fn metrics(&self) -> String {
        let (status, metrics) = self.get("/metrics").await.unwrap();
        assert_eq!(status, 200);
        metrics
    }
}

/// Returns the sum of a metric over all its label values, limited to lines with all of `labels`.
fn sum(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let lines = metrics.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// Returns the names of all metrics, without the suffixes of histogram lines.
fn names(metrics: &str) -> BTreeSet<&str> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let names = lines.map(|line| line.split(['{', ' ']).next().unwrap());
    names
        .map(|name| {
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
        })
        .collect()
}

/// Starts a writer, a projector, an auctioneer and an ingress, and waits until they are ready.
async fn start_all(components: &mut RunningComponents) -> [AdminProcess; 4] {
    let all = ["writer", "projector", "auctioneer", "ingress"]
        .map(|component| AdminProcess::start(components, component));
    let checks = ["writer leases", "projector leases", "auctioneer closing", "ingress replies"];
    for (process, check) in all.iter().zip(checks) {
        let report = process.wait_until_ready().await;
        let check = &report["checks"][check];
        assert_eq!(check["status"], json!("up"), "{report}");
        assert!(check["last_progress_seconds"].as_u64().is_some_and(|seconds| seconds <= 10), "{report}");
        assert_eq!(process.get("/livez").await.unwrap().0, 200);
    }
    all
}

#[tokio::test]
async fn processes_report_metrics_and_readiness() {
    let mut servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &[]);
    let processes = start_all(&mut components).await;
    components_report_documented_metrics(&components, &processes).await;
    readyz_reports_waiting_and_hides_the_reason_publicly(&mut servers, &components, &processes).await;
    processes_are_not_ready_on_read_only_servers(&servers, &components, &processes).await;
    public_readyz_fails_while_nothing_is_decided(&mut components, &processes).await;
    readyz_reports_draining_until_the_process_ends(&mut components, &processes[3]).await;
}

async fn components_report_documented_metrics(components: &RunningComponents, processes: &[AdminProcess; 4]) {
    let [writer, projector, _, ingress] = processes;
    let output = portal()
        .args(["--url", &components.url(), "replay", "--json"])
        .arg(bundled_history().file)
        .output()
        .unwrap();
    bundled_history().assert_summary(&output);

    let counted = writer.metrics().await;
    let (decided, stored) = (
        sum(&counted, "auction_commands_decided_total", &[]),
        sum(&counted, "auction_events_stored_total", &[]),
    );
    assert!(decided >= 150.0 && stored >= 150.0, "{counted}");
    assert_eq!(sum(&counted, "auction_batch_commands_sum", &[]), decided);
    assert!(sum(&counted, "auction_append_duration_seconds_bucket", &["le=\"+Inf\""]) > 0.0);
    assert!(sum(&counted, "process_resident_memory_bytes", &[]) > 1e6);
    assert_eq!(sum(&counted, "auction_partition_active", &["component=\"writer\""]), 8.0);
    assert!(sum(&ingress.metrics().await, "auction_commands_accepted_total", &["kind=\"place_bid\""]) > 0.0);
    eventually("the projector has handled all events", || async {
        (sum(&projector.metrics().await, "auction_events_handled_total", &[]) == stored).then_some(())
    })
    .await;
    for process in processes {
        let metrics = process.metrics().await;
        for name in names(&metrics) {
            assert!(metrics.contains(&format!("# HELP {name} ")), "metric {name} has no help text");
        }
    }
}

async fn readyz_reports_waiting_and_hides_the_reason_publicly(
    servers: &mut TestServers,
    components: &RunningComponents,
    processes: &[AdminProcess; 4],
) {
    let [writer, _, _, ingress] = processes;
    servers.kill_postgres().await;
    for (process, check) in [(writer, "writer 0"), (ingress, "ingress postgres")] {
        let report = process
            .readiness("the process reports that it waits for Postgres", |status, body| {
                let mut checks = body["checks"].as_object().unwrap().iter();
                status == 503
                    && checks.any(|(name, status)| {
                        name.starts_with(check) && status["attempts"].as_u64().is_some_and(|n| n >= 2)
                    })
            })
            .await;
        assert!(report.to_string().contains("\"reason\":\"postgres: "), "{report}");
    }
    let public = TestUser::anonymous(&components.url()).get("/readyz", &[]).await;
    // The ingress still serves reads and accepts commands.
    let expected = json!({"ready": true, "draining": false,
        "checks": {"decisions": {"status": "up"}, "redis": {"status": "up"}, "postgres": {"status": "waiting"}}});
    assert_eq!(public.assert_status(200).body, expected, "the public readiness has no reasons");
    assert!(sum(&writer.metrics().await, "auction_backend_retries_total", &["backend=\"postgres\""]) >= 2.0);
    servers.start_postgres().await.unwrap();
    for process in processes {
        process.wait_until_ready().await;
    }
    servers.kill_redis().await;
    writer
        .readiness("the writer is not ready without leases", |status, body| {
            let checks = body["checks"].as_object().unwrap();
            let has_partition = checks.keys().any(|name| name.starts_with("writer 0"));
            status == 503 && !has_partition && checks["writer leases"]["status"] == json!("waiting")
        })
        .await;
    servers.start_redis().await.unwrap();
    writer.wait_until_ready().await;
}

/// Waits until each process is not ready, at most this long after `began`.
async fn assert_not_ready(processes: &[&AdminProcess], began: Instant) {
    for process in processes {
        process.readiness("the process is not ready", |status, _| status == 503).await;
    }
    // The delay of a busy machine included.
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
}

async fn processes_are_not_ready_on_read_only_servers(
    servers: &TestServers,
    components: &RunningComponents,
    processes: &[AdminProcess; 4],
) {
    let (mut redis, began) = (servers.redis().await, Instant::now());
    let mut replica_of = redis::cmd("REPLICAOF");
    replica_of.arg("127.0.0.1").arg(1).exec_async(&mut redis).await.unwrap();
    assert_not_ready(&processes.each_ref(), began).await;
    eventually("the command queue is reported", || async {
        components.logs("ingress").contains("the server is a replica").then_some(())
    })
    .await;
    redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec_async(&mut redis).await.unwrap();
    for process in processes {
        process.wait_until_ready().await;
    }
    let (database, began) = (servers.database().await, Instant::now());
    let set = async |value: &str| {
        let set = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
        database.batch_execute("SET default_transaction_read_only = off").await.unwrap();
        database.batch_execute(&set).await.unwrap();
        database.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    };
    set("on").await;
    let [writer, _, _, ingress] = processes;
    assert_not_ready(&[writer, ingress], began).await;
    set("off").await;
    for process in processes {
        process.wait_until_ready().await;
    }
}

async fn public_readyz_fails_while_nothing_is_decided(
    components: &mut RunningComponents,
    processes: &[AdminProcess; 4],
) {
    let (listen, ingress) = (free_address(), &processes[3]);
    let settings = [("AUCTION__INGRESS__LISTEN", &*listen), ("AUCTION__INGRESS__MAX_UNDECIDED_SECONDS", "3")];
    components.add_with_settings("ingress", &settings);
    let url = format!("http://{listen}");
    wait_until_ready(&url).await;
    components.stop_process(processes[0].pid, "-KILL");
    let public = TestUser::anonymous(&url);
    let decisions = async |status: u16, shown: &str| {
        eventually("the public readiness shows whether commands are decided", || async {
            let response = public.get("/readyz", &[]).await;
            let is_shown = response.body["checks"]["decisions"] == json!({"status": shown});
            (response.status.as_u16() == status && is_shown).then_some(())
        })
        .await;
    };
    decisions(503, "waiting").await;
    ingress
        .readiness("operators see the partitions", |status, body| {
            let reason = body["checks"]["ingress decisions"]["reason"].as_str().unwrap_or_default();
            status == 503 && reason.contains("00, 01, 02, 03, 04, 05, 06, 07")
        })
        .await;
    assert!(components.logs("ingress").contains("no writer decides commands of partitions 00, "));
    components.add("writer");
    decisions(200, "up").await;
    ingress.wait_until_ready().await;
}

async fn readyz_reports_draining_until_the_process_ends(
    components: &mut RunningComponents,
    ingress: &AdminProcess,
) {
    ingress.wait_until_ready().await;
    // The shutdown waits for a request that is never completed.
    let mut incomplete = TcpStream::connect(components.url().replace("http://", "")).unwrap();
    incomplete.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").unwrap();
    components.signal_process(ingress.pid, "-TERM");
    let report =
        ingress.readiness("the ingress is draining", |_, body| body["draining"] == json!(true)).await;
    assert_eq!(report["ready"], json!(false));
    drop(incomplete);
    assert_eq!(components.wait_for_exit("ingress").await, Some(0));
}

#[test]
fn process_ends_and_names_an_admin_address_in_use() {
    let in_use = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = in_use.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let writer = env!("CARGO_BIN_EXE_writer");
    for (program, args) in [(writer, vec![]), (env!("CARGO_BIN_EXE_portal"), vec!["up"])] {
        let mut command = Command::new(program);
        command.args(args).args(["--admin-listen", &address]).current_dir(dir.path());
        command.env("REDIS_URL", "redis://127.0.0.1:1").env("DATABASE_URL", "postgresql://127.0.0.1:1/x");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", output_text(&output));
        assert!(
            output_text(&output).contains(&format!("admin_listen {address}: ")),
            "{}",
            output_text(&output)
        );
    }
}
