//! Support for end-to-end tests, which run the real programs as processes.
#![allow(unreachable_pub, reason = "`pub` marks what the test files use")]

pub mod components;
pub mod history;
pub mod load;
pub mod mail_server;
pub mod moving_address;
pub mod page;
pub mod pg_bouncer;
pub mod receiver;
pub mod released_data;
pub mod servers;
pub mod sse_connection;
pub mod test_user;

use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Time after which a wait fails its test.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// Returns a command that runs `portal`, the program under test.
pub fn portal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_portal"))
}

/// Returns an address that is free, and that no other test gets.
pub fn free_address() -> String {
    auction_testkit::free_address::own_address().unwrap().to_string()
}

/// A running `portal up` with its own data directory. Dropping it kills the portal and its backends.
pub struct RunningPortal {
    child: Option<Child>,
    data: TempDir,
    address: String,
    settings: Vec<(String, String)>,
}

impl RunningPortal {
    /// Starts a portal on an empty data directory and waits until it is ready.
    pub async fn start() -> RunningPortal {
        RunningPortal::start_with(&[]).await
    }

    /// Starts a portal with these environment variables.
    pub async fn start_with(settings: &[(&str, &str)]) -> RunningPortal {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (data, address) = (tempfile::tempdir().unwrap(), free_address());
        let mut up = RunningPortal { child: None, data, address, settings: settings.collect() };
        up.restart().await;
        up
    }

    /// Starts the stopped portal on the same data and address, and waits until it is ready.
    pub async fn restart(&mut self) {
        let log = File::options().append(true).create(true).open(self.log()).unwrap();
        let child = portal()
            .args(["up", "--listen", &self.address, "--data-dir"])
            .arg(self.data_dir())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        let began = Instant::now();
        let client = reqwest::Client::new();
        loop {
            let response = client.get(self.url("/readyz")).timeout(Duration::from_secs(5)).send().await;
            if response.is_ok_and(|response| response.status().is_success()) {
                return;
            }
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("portal up ended with {status}:\n{}", self.log_tail());
            }
            assert!(began.elapsed() < DEADLINE, "portal up is not ready in time:\n{}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(20)).await; // polling interval, up to the deadline
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.data.path().join("log")
    }

    /// Returns the last 40 lines of the log.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Kills the portal with SIGKILL, and with `backends_too` also its Redis and Postgres.
    pub fn kill_9(&mut self, backends_too: bool) {
        let mut child = self.child.take().unwrap();
        let mut pids = vec![child.id()];
        if backends_too {
            pids.extend(descendants(child.id()));
        }
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        Command::new("kill").arg("-9").args(&pids).stderr(Stdio::null()).status().unwrap();
        child.wait().unwrap();
    }

    /// Sends SIGINT, as Ctrl-C does, and returns the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap().code()
    }

    /// Returns the address of a local backend, by its key in `servers.toml`.
    pub fn backend_url(&self, key: &str) -> String {
        let file = std::fs::read_to_string(self.data_dir().join("servers.toml")).unwrap();
        let line = file.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_once('=').unwrap().1.trim().trim_matches('"').to_owned()
    }

    pub async fn database(&self) -> tokio_postgres::Client {
        database(&self.backend_url("database_url")).await
    }

    /// Asserts that `portal verify` finds no difference.
    pub fn verify(&self) {
        let output = portal().arg("verify").arg("--data-dir").arg(self.data_dir()).output().unwrap();
        assert!(output.status.success(), "{}\n{}", output_text(&output), self.log_tail());
    }

    /// Returns a `portal` command that calls this portal.
    pub fn client(&self, args: &[&str]) -> Command {
        let mut command = portal();
        command.args(["--url", &self.url("")]).args(args);
        command
    }
}

impl Drop for RunningPortal {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            for pid in descendants(child.id()) {
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Returns the ids of all child processes of a process, recursively.
fn descendants(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|pids| pids.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect();
    let grandchildren: Vec<u32> = children.iter().flat_map(|child| descendants(*child)).collect();
    children.into_iter().chain(grandchildren).collect()
}

pub async fn database(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Waits until the ingress at this URL is ready.
pub async fn wait_until_ready(url: &str) {
    let ready = format!("{url}/readyz");
    eventually("the ingress is ready", || async {
        reqwest::get(&ready).await.is_ok_and(|response| response.status().is_success()).then_some(())
    })
    .await;
}

/// Waits until the notifiers have processed all stored events.
pub async fn wait_until_all_notified(database: &tokio_postgres::Client) {
    let lagging = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                   WHERE coalesce(n.position, 0) < p.head \
                   OR EXISTS (SELECT FROM outgoing_notifications o WHERE o.partition = p.id)";
    eventually("the notifiers have processed all events", || async {
        (database.query_one(lagging, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

/// Parses the last line of standard output as JSON.
pub fn last_json_line(output: &Output) -> Value {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last:?}\n{}", output_text(output)))
}

/// Returns exit status, standard output and standard error of a process as one text.
pub fn output_text(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{}\n{out}\n{err}", output.status)
}

/// Returns the root directory of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Returns whether the long form of the tests is requested (`AUCTION_LONG=1`).
pub fn is_long_run() -> bool {
    std::env::var("AUCTION_LONG").is_ok_and(|long| long == "1")
}

/// Polls `probe` until it returns a value. Panics at [`DEADLINE`], naming the condition that did not come
/// true.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    condition: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(began.elapsed() < DEADLINE, "not in time: {condition}");
        tokio::time::sleep(Duration::from_millis(5)).await; // polling interval, up to the deadline
    }
}
