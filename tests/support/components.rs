//! The components of the portal, each as its own process.

use super::{DEADLINE, eventually, free_address, wait_until_ready};
use auction_local_servers::LocalServers;
use std::fs::{DirEntry, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Running component processes with common settings. Dropping it kills them.
pub struct RunningComponents {
    processes: Vec<(&'static str, Process)>,
    listen: String,
    environment: Vec<(&'static str, String)>,
    logs: TempDir,
    started: usize,
}

/// A process and the file with its log.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process has ended and returns its exit code; none after a signal.
    fn wait(mut self) -> Option<i32> {
        let code = self.child.wait().unwrap().code();
        self.print_log_after_failure(code);
        code
    }

    fn print_log_after_failure(&self, code: Option<i32>) {
        if code.is_some_and(|code| code != 0) {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(30).collect();
            println!("{} ended with {code:?}:", self.log.display());
            last.iter().rev().for_each(|line| println!("  {line}"));
        }
    }
}

pub fn program(component: &str) -> &'static str {
    match component {
        "ingress" => env!("CARGO_BIN_EXE_ingress"),
        "writer" => env!("CARGO_BIN_EXE_writer"),
        "projector" => env!("CARGO_BIN_EXE_projector"),
        "auctioneer" => env!("CARGO_BIN_EXE_auctioneer"),
        "notifier" => env!("CARGO_BIN_EXE_notifier"),
        "promoter" => env!("CARGO_BIN_EXE_promoter"),
        other => panic!("unknown component: {other}"),
    }
}

impl RunningComponents {
    /// Starts `count` writers, projectors, auctioneers, notifiers and promoters each, and one ingress, and waits
    /// until the ingress is ready.
    pub async fn start(servers: &LocalServers, count: usize) -> RunningComponents {
        let mut components = RunningComponents::new(servers, &[]);
        for component in ["writer", "projector", "auctioneer", "notifier", "promoter"] {
            for _ in 0..count {
                components.add(component);
            }
        }
        components.add("ingress");
        components.wait_until_ready().await;
        components
    }

    /// Prepares components with these settings; starts no process.
    pub fn new(servers: &LocalServers, settings: &[(&'static str, &str)]) -> RunningComponents {
        let listen = free_address();
        let mut environment = vec![
            ("REDIS_URL", servers.redis_url().to_owned()),
            ("DATABASE_URL", servers.database_url().to_owned()),
            ("AUCTION__INGRESS__LISTEN", listen.clone()),
            ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true".to_owned()),
            // Only the tests of rate limits enable them.
            ("AUCTION__RATE_LIMITS__ENABLED", "false".to_owned()),
            // No load balancer has to notice the shutdown.
            ("AUCTION__INGRESS__SHUTDOWN_GRACE_SECONDS", "0".to_owned()),
        ];
        environment.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let logs = tempfile::tempdir().unwrap();
        RunningComponents { processes: Vec::new(), listen, environment, logs, started: 0 }
    }

    /// Starts a process and returns its id.
    pub fn add(&mut self, component: &'static str) -> u32 {
        self.add_with_settings(component, &[])
    }

    /// Starts one process for each of these components.
    pub fn add_all(&mut self, components: impl IntoIterator<Item = &'static str>) {
        for component in components {
            self.add(component);
        }
    }

    /// Starts a process with additional settings and returns its id.
    pub fn add_with_settings(&mut self, component: &'static str, settings: &[(&str, &str)]) -> u32 {
        let mut command = Command::new(program(component));
        command.envs(self.environment.iter().cloned()).envs(settings.iter().copied());
        self.started += 1;
        let log = self.logs.path().join(format!("{component}-{}", self.started));
        let output = File::create(&log).unwrap();
        let child = command.stdout(Stdio::null()).stderr(output).spawn().unwrap();
        let pid = child.id();
        self.processes.push((component, Process { child, log }));
        pid
    }

    /// Returns the process ids of a component.
    pub fn pids(&self, component: &str) -> Vec<u32> {
        self.processes_of(component).map(Process::id).collect()
    }

    fn processes_of<'a>(&'a self, component: &'a str) -> impl Iterator<Item = &'a Process> {
        self.processes.iter().filter(move |(name, _)| *name == component).map(|(_, process)| process)
    }

    /// Sends a signal to one process.
    pub fn signal_process(&self, pid: u32, name: &str) {
        let (_, process) = self.processes.iter().find(|(_, process)| process.id() == pid).unwrap();
        signal(process, name);
    }

    /// Sends a signal to all processes of a component.
    pub fn signal_component(&self, component: &str, name: &str) {
        self.processes_of(component).for_each(|process| signal(process, name));
    }

    /// Sends a signal to one process and waits until it has ended. Returns its exit code; none after SIGKILL.
    pub fn stop_process(&mut self, pid: u32, name: &str) -> Option<i32> {
        self.signal_process(pid, name);
        let index = self.processes.iter().position(|(_, process)| process.id() == pid).unwrap();
        self.processes.remove(index).1.wait()
    }

    pub async fn wait_until_ready(&self) {
        wait_until_ready(&self.url()).await;
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Sends SIGTERM to all processes and asserts that each ends with exit code 0.
    pub fn terminate(mut self) {
        self.processes.iter().for_each(|(_, process)| signal(process, "-TERM"));
        for (component, process) in self.processes.drain(..) {
            assert_eq!(process.wait(), Some(0), "{component}");
        }
    }

    /// Waits until the first process of a component has ended, and returns its exit code.
    pub async fn wait_for_exit(&mut self, component: &str) -> Option<i32> {
        let index = self.processes.iter().position(|(name, _)| *name == component).unwrap();
        let child = std::cell::RefCell::new(&mut self.processes[index].1.child);
        let exited = eventually("the process has ended", || async { child.borrow_mut().try_wait().unwrap() });
        let code = exited.await.code();
        self.processes.remove(index).1.print_log_after_failure(code);
        code
    }

    /// Returns the logs of all processes of a component, including those that have ended.
    pub fn logs(&self, component: &str) -> String {
        let logs = std::fs::read_dir(self.logs.path()).unwrap().map(|log| log.unwrap().path());
        let of_component = |log: &PathBuf| log.file_name().unwrap().to_str().unwrap().starts_with(component);
        logs.filter(of_component).map(|log| std::fs::read_to_string(log).unwrap()).collect()
    }
}

fn signal(process: &Process, name: &str) {
    Command::new("kill").args([name, &process.id().to_string()]).status().unwrap();
    if name == "-STOP" {
        wait_until_paused(process.id());
    }
}

/// Waits until SIGSTOP has paused all threads of a process. On a busy machine, some threads run on until
/// another one has received the signal.
fn wait_until_paused(pid: u32) {
    let began = Instant::now();
    let is_running = |task: std::io::Result<DirEntry>| {
        // A thread that has ended meanwhile has no status.
        let stat = task.and_then(|task| std::fs::read_to_string(task.path().join("stat")));
        stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| !rest.starts_with('T')))
    };
    while std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().any(is_running) {
        assert!(began.elapsed() < DEADLINE, "process {pid} does not pause");
        std::thread::sleep(Duration::from_millis(1)); // polling interval, up to the deadline
    }
}

impl Drop for RunningComponents {
    fn drop(&mut self) {
        for (_, process) in &mut self.processes {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}
