//! Connections to the servers, and a process that owns servers and can be killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal};
use tokio_postgres::{Client, NoTls};

/// Environment variable that makes the test binary an owner of servers in that directory.
pub(crate) const OWNER_DIR: &str = "AUCTION_SERVERS_TEST_OWNER_DIR";

pub(crate) async fn redis_connection(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

pub(crate) async fn redis_setting(redis: &mut MultiplexedConnection, name: &str) -> String {
    let pair: Vec<String> = redis::cmd("CONFIG").arg("GET").arg(name).query_async(redis).await.unwrap();
    pair[1].clone()
}

pub(crate) async fn database(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn setting(client: &Client, name: &str) -> String {
    client.query_one(&format!("SHOW {name}"), &[]).await.unwrap().get(0)
}

/// Returns a path of more than 107 bytes, which does not exist.
pub(crate) fn deep_dir(base: &Path) -> PathBuf {
    let deep =
        (0..6).fold(base.to_owned(), |dir, level| dir.join(format!("{level}-a-rather-long-directory-name")));
    assert!(deep.as_os_str().len() > 107);
    deep
}

pub(crate) fn write_urls(data_dir: &Path, redis: &str, database: &str) {
    let whole = data_dir.join("urls");
    fs::write(data_dir.join("urls.new"), format!("{redis}\n{database}\n")).unwrap();
    fs::rename(data_dir.join("urls.new"), whole).unwrap();
}

pub(crate) fn urls(data_dir: &Path) -> (String, String) {
    let text = fs::read_to_string(data_dir.join("urls")).unwrap();
    let (redis, database) = text.trim().split_once('\n').unwrap();
    (redis.to_owned(), database.to_owned())
}

pub(crate) fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

pub(crate) fn signal_all(pids: &[i32], signal: Signal) {
    for pid in pids {
        rustix::process::kill_process(Pid::from_raw(*pid).unwrap(), signal).unwrap();
    }
}

/// Child process: this test binary as an owner of servers.
pub(crate) struct Owner {
    child: Child,
    data_dir: PathBuf,
}

impl Owner {
    /// Starts the process and waits until its servers are up.
    pub(crate) fn start(data_dir: &Path) -> Owner {
        let _ = fs::remove_file(data_dir.join("urls"));
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "owner_process"]).env(OWNER_DIR, data_dir);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let mut owner = Owner { child, data_dir: data_dir.to_owned() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !data_dir.join("urls").exists() {
            assert!(owner.child.try_wait().unwrap().is_none() && Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(20));
        }
        owner
    }

    /// Returns the pids of both servers.
    pub(crate) fn servers(&self) -> Vec<i32> {
        let pid = |file: &str| {
            let text = fs::read_to_string(self.data_dir.join(file)).unwrap();
            text.lines().next().unwrap().trim().parse().unwrap()
        };
        vec![pid("redis/redis.pid"), pid("postgres/cluster/postmaster.pid")]
    }

    pub(crate) fn group(&self) -> Pid {
        rustix::process::getpgid(Some(Pid::from_child(&self.child))).unwrap()
    }

    pub(crate) fn kill_9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
