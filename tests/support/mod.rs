//! Real processes for the tests of the whole path.
#![allow(unreachable_pub, reason = "who reads `pub` here reads: for the tests")]

pub mod components;
pub mod history;
pub mod load;
pub mod mail_server;
pub mod polling_readers;
pub mod receiver;
pub mod sse_connection;
pub mod subscriber_pool;
pub mod test_user;

use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// The program under test.
pub fn portal() -> Command {
    Command::new(env!("CARGO_BIN_EXE_portal"))
}

/// An address that nobody listens at, and nobody takes.
pub fn own_address() -> String {
    auction_testkit::free_address::own_address().unwrap().to_string()
}

/// `portal up` on a data directory of its own.
pub struct RunningPortal {
    child: Option<Child>,
    data: TempDir,
    address: String,
}

impl RunningPortal {
    /// Starts it and waits until it is ready.
    pub async fn start() -> RunningPortal {
        let mut up =
            RunningPortal { child: None, data: tempfile::tempdir().unwrap(), address: own_address() };
        up.start_again().await;
        up
    }

    /// Starts it on the same data and address, and waits until it is ready.
    pub async fn start_again(&mut self) {
        let log = File::options().append(true).create(true).open(self.log()).unwrap();
        let child = portal()
            .args(["up", "--listen", &self.address, "--data-dir"])
            .arg(self.data_dir())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        self.ready().await;
    }

    async fn ready(&mut self) {
        let began = Instant::now();
        let client = reqwest::Client::new();
        loop {
            let answer = client.get(self.url("/readyz")).timeout(Duration::from_secs(5)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("portal up ended with {status}:\n{}", self.log_tail());
            }
            assert!(began.elapsed() < DEADLINE, "not ready in time:\n{}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(20)).await; // between two looks, with a deadline
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

    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// `kill -9` of the portal alone, or of its servers with it.
    pub fn kill_nine(&mut self, servers_too: bool) {
        let mut child = self.child.take().unwrap();
        let mut victims = vec![child.id()];
        if servers_too {
            victims.extend(descendants(child.id()));
        }
        let victims: Vec<String> = victims.iter().map(u32::to_string).collect();
        Command::new("kill").arg("-9").args(&victims).stderr(Stdio::null()).status().unwrap();
        child.wait().unwrap();
    }

    /// Ctrl-C; returns the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take().unwrap();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap().code()
    }

    /// Where a private server is, by its key in `servers.toml`.
    pub fn server(&self, key: &str) -> String {
        let file = std::fs::read_to_string(self.data_dir().join("servers.toml")).unwrap();
        let line = file.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_once('=').unwrap().1.trim().trim_matches('"').to_owned()
    }

    pub async fn database(&self) -> tokio_postgres::Client {
        database(&self.server("database_url")).await
    }

    /// Whether `portal verify` finds nothing; prints what it finds.
    pub fn verify(&self) {
        let output = portal().arg("verify").arg("--data-dir").arg(self.data_dir()).output().unwrap();
        assert!(output.status.success(), "{}\n{}", text(&output), self.log_tail());
    }

    /// A command of the client.
    pub fn client(&self, args: &[&str]) -> Command {
        let mut command = portal();
        command.args(["--url", &self.url("")]).args(args);
        command
    }
}

impl Drop for RunningPortal {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            for victim in descendants(child.id()) {
                let _ = Command::new("kill").args(["-9", &victim.to_string()]).stderr(Stdio::null()).status();
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// All processes below one.
fn descendants(of: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|pids| pids.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect();
    let below: Vec<u32> = children.iter().flat_map(|child| descendants(*child)).collect();
    children.into_iter().chain(below).collect()
}

pub async fn database(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The last line of standard output, as JSON.
pub fn last_line(output: &Output) -> Value {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let last = stdout.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last:?}\n{}", text(output)))
}

pub fn text(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{}\n{out}\n{err}", output.status)
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Whether the long form of a test is asked for.
pub fn long() -> bool {
    std::env::var("AUCTION_LONG").is_ok_and(|long| long == "1")
}

/// Looks again and again until something is there.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(5)).await; // between two looks, with a deadline
    }
}
