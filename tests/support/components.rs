//! Every role as a process of its own.

use super::{DEADLINE, eventually, own_address, portal, text};
use auction_local_servers::LocalServers;
use std::fs::{DirEntry, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Running processes.
pub struct Roles {
    children: Vec<(&'static str, Process)>,
    listen: String,
    environment: Vec<(&'static str, String)>,
    logs: TempDir,
    started: usize,
}

/// One of them, and what it says.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended. What it said last is shown if it was not killed and failed.
    fn wait(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        if code.is_some_and(|code| code != 0) {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(30).collect();
            println!("{} ended with {code:?}:", self.log.display());
            last.iter().rev().for_each(|line| println!("  {line}"));
        }
        code
    }
}

pub fn program(role: &str) -> &'static str {
    match role {
        "ingress" => env!("CARGO_BIN_EXE_ingress"),
        "writer" => env!("CARGO_BIN_EXE_writer"),
        "projector" => env!("CARGO_BIN_EXE_projector"),
        "auctioneer" => env!("CARGO_BIN_EXE_auctioneer"),
        "notifier" => env!("CARGO_BIN_EXE_notifier"),
        "promoter" => env!("CARGO_BIN_EXE_promoter"),
        other => panic!("no such role: {other}"),
    }
}

impl Roles {
    /// So many writers, projectors, auctioneers, notifiers and promoters, and one ingress, against these servers.
    pub fn start(servers: &LocalServers, of_each: usize) -> Roles {
        let mut roles = Roles::none(servers, &[]);
        for role in ["writer", "projector", "auctioneer", "notifier", "promoter"] {
            for _ in 0..of_each {
                roles.add(role);
            }
        }
        roles.add("ingress");
        roles
    }

    /// Nothing yet, with these settings.
    pub fn none(servers: &LocalServers, settings: &[(&'static str, &str)]) -> Roles {
        let listen = own_address();
        let mut environment = vec![
            ("REDIS_URL", servers.redis_url().to_owned()),
            ("DATABASE_URL", servers.database_url().to_owned()),
            ("AUCTION__INGRESS__LISTEN", listen.clone()),
            ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true".to_owned()),
            // Tests call as often as they like, but for those that are about it.
            ("AUCTION__LIMITS__ON", "false".to_owned()),
            // No load balancer is to notice anything.
            ("AUCTION__INGRESS__GRACE_SECONDS", "0".to_owned()),
        ];
        environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let logs = tempfile::tempdir().unwrap();
        Roles { children: Vec::new(), listen, environment, logs, started: 0 }
    }

    /// One more process; its number.
    pub fn add(&mut self, role: &'static str) -> u32 {
        self.add_with(role, &[])
    }

    /// One more process, with settings of its own; its number.
    pub fn add_with(&mut self, role: &'static str, settings: &[(&str, &str)]) -> u32 {
        let mut command = Command::new(program(role));
        command.envs(self.environment.iter().cloned()).envs(settings.iter().copied());
        self.started += 1;
        let log = self.logs.path().join(format!("{role}-{}", self.started));
        let output = File::create(&log).unwrap();
        let child = command.stdout(Stdio::null()).stderr(output).spawn().unwrap();
        let pid = child.id();
        self.children.push((role, Process { child, log }));
        pid
    }

    /// The numbers of a role's processes.
    pub fn pids(&self, role: &str) -> Vec<u32> {
        self.children.iter().filter(|(name, _)| *name == role).map(|(_, child)| child.id()).collect()
    }

    /// A signal to one process.
    pub fn signal_one(&self, pid: u32, what: &str) {
        self.children
            .iter()
            .filter(|(_, child)| child.id() == pid)
            .for_each(|(_, child)| signal(child, what));
    }

    /// A signal to one process, and waits until it has ended.
    pub fn end(&mut self, pid: u32, what: &str) -> Option<i32> {
        self.signal_one(pid, what);
        let index = self.children.iter().position(|(_, child)| child.id() == pid).unwrap();
        self.children.remove(index).1.wait()
    }

    pub async fn ready(&self) {
        let ready = format!("{}/readyz", self.url());
        eventually("the ingress is ready", || async {
            reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Store, streams and views agree.
    pub fn verify(&self, servers: &LocalServers) {
        let mut verify = portal();
        verify
            .arg("verify")
            .env("REDIS_URL", servers.redis_url())
            .env("DATABASE_URL", servers.database_url());
        let output = verify.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }

    /// SIGTERM to all; returns their exit codes.
    pub fn terminate(mut self) -> Vec<Option<i32>> {
        self.children.iter().for_each(|(_, child)| signal(child, "-TERM"));
        self.children.drain(..).map(|(_, child)| child.wait()).collect()
    }

    /// A signal to all processes of a role.
    pub fn signal(&self, role: &str, what: &str) {
        self.children.iter().filter(|(name, _)| *name == role).for_each(|(_, child)| signal(child, what));
    }

    /// Waits until the one process of a role has ended by itself; its exit code.
    pub async fn ended(&mut self, role: &str) -> Option<i32> {
        let index = self.children.iter().position(|(name, _)| *name == role).unwrap();
        let child = std::cell::RefCell::new(&mut self.children[index].1.child);
        let code = eventually("it ends", || async { child.borrow_mut().try_wait().unwrap() }).await.code();
        self.children.remove(index);
        code
    }

    /// What the processes of a role have said so far, those that ended too.
    pub fn said(&self, role: &str) -> String {
        let logs = std::fs::read_dir(self.logs.path()).unwrap().map(|log| log.unwrap().path());
        let of_role = |log: &PathBuf| log.file_name().unwrap().to_str().unwrap().starts_with(role);
        logs.filter(of_role).map(|log| std::fs::read_to_string(log).unwrap()).collect()
    }

    /// Waits for the one process of a role to end.
    pub fn exit_code(&mut self, role: &str) -> Option<i32> {
        let index = self.children.iter().position(|(name, _)| *name == role).unwrap();
        self.children.remove(index).1.wait()
    }
}

fn signal(child: &Process, what: &str) {
    Command::new("kill").args([what, &child.id().to_string()]).status().unwrap();
    if what == "-STOP" {
        stopped(child.id());
    }
}

/// Waits until a process that was told to stop has: one of its threads has to notice, and on a busy machine the others go
/// on until then.
fn stopped(pid: u32) {
    let began = Instant::now();
    let goes_on = |task: std::io::Result<DirEntry>| {
        // A thread that has ended meanwhile does nothing.
        let stat = task.and_then(|task| std::fs::read_to_string(task.path().join("stat")));
        stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| !rest.starts_with('T')))
    };
    while std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().any(goes_on) {
        assert!(began.elapsed() < DEADLINE, "{pid} does not stop");
        std::thread::sleep(Duration::from_millis(1)); // between two looks, with a deadline
    }
}

impl Drop for Roles {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            let _ = child.child.kill();
            let _ = child.child.wait();
        }
    }
}
