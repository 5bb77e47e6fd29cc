//! A private portal: its own Redis and Postgres, and one process per component.

use crate::Failure;
use crate::commands::partitions;
use crate::run::target::client::{Address, Client};
use auction_local_servers::{LocalServerOptions, LocalServers};
use auction_postgres::migrate::migrate;
use auction_testkit::free_address::own_address;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const COMPONENTS: [&str; 6] =
    ["ingress", "writer", "projector", "auctioneer", "notifier", "promoter"];

/// Time limit for the start.
const TIMEOUT: Duration = Duration::from_secs(60);

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Lines of a log in an error.
const LOG_LINES: usize = 5;

/// Processes and servers of a private portal; stopped when dropped.
pub(crate) struct LocalPortal {
    // Fields are dropped in this order: the processes before the servers.
    processes: Vec<(String, Process)>,
    pub(crate) servers: LocalServers,
    /// Public address of the ingress.
    pub(crate) address: Address,
    /// Settings of all components started from now on.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// A component that runs under another program such as `valgrind`, and the command line of that program.
    pub(crate) wrapper: Option<(String, Vec<String>)>,
    directory: PathBuf,
    /// Removed at the end; none if a directory was given.
    _temporary: Option<TempDir>,
}

/// A running process; killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // The process has already exited, or the run has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl LocalPortal {
    /// Starts the servers and migrates the database. Data and logs go to `data_dir` or to a temporary
    /// directory.
    pub(crate) async fn start(data_dir: Option<&Path>) -> Result<LocalPortal, Failure> {
        let temporary = tempfile::Builder::new().prefix("auction-load-").tempdir()?;
        let directory = data_dir.unwrap_or(temporary.path()).to_owned();
        std::fs::create_dir_all(&directory)?;
        let servers = LocalServers::start(LocalServerOptions::new(directory.join("servers"))).await?;
        migrate(servers.database_url(), partitions()?).await?;
        let listen = own_address()?.to_string();
        let settings = vec![
            ("AUCTION__PARTITIONS", partitions()?.get().to_string()),
            ("AUCTION__INGRESS__LISTEN", listen.clone()),
            ("AUCTION__INGRESS__TRUST_GATEWAY_USER_HEADER", "true".to_owned()),
            ("AUCTION__RATE_LIMITS__ENABLED", "false".to_owned()),
            ("AUCTION__LOG__FILTER", "warn".to_owned()),
        ];
        Ok(LocalPortal {
            processes: Vec::new(),
            servers,
            address: Address { host: listen },
            settings,
            wrapper: None,
            directory,
            _temporary: data_dir.is_none().then_some(temporary),
        })
    }

    /// Starts components. Runs the program `portal` in the directory of this program.
    pub(crate) fn start_components(&mut self, components: &[&str]) -> Result<(), Failure> {
        for component in components {
            let program = std::env::current_exe()?.with_file_name("portal");
            let mut command = match &self.wrapper {
                Some((wrapped, line)) if wrapped == component => {
                    let mut command = Command::new(&line[0]);
                    command.args(&line[1..]).arg(&program);
                    command
                }
                _ => Command::new(&program),
            };
            self.spawn(component, command.args(["run", component]))?;
        }
        Ok(())
    }

    /// Starts a process with the settings of the portal.
    pub(crate) fn spawn(&mut self, name: &str, command: &mut Command) -> Result<(), Failure> {
        let log = File::create(self.directory.join(format!("{name}.log")))?;
        command
            .env("REDIS_URL", self.servers.redis_url())
            .env("DATABASE_URL", self.servers.database_url())
            .envs(self.settings.iter().map(|(name, value)| (*name, value)))
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null());
        let child = command.spawn().map_err(|error| {
            let program = command.get_program().display();
            format!("{program}: {error}; build it with: cargo build --release -p portal --bin portal")
        })?;
        self.processes.push((name.to_owned(), Process(child)));
        Ok(())
    }

    /// Waits until the server at this address responds to `GET /readyz` with 200.
    pub(crate) async fn wait_until_ready(&mut self, address: &Address) -> Result<(), Failure> {
        let began = Instant::now();
        let request = format!("GET /readyz HTTP/1.1\r\nHost: {}\r\n\r\n", address.host);
        loop {
            if let Ok(mut client) = Client::connect(address).await
                && let Ok(response) = client.send(request.as_bytes()).await
                && response.status == 200
            {
                return Ok(());
            }
            self.verify_running()?;
            if began.elapsed() > TIMEOUT {
                return Err(format!("{} did not become ready within {TIMEOUT:?}", address.host).into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns an error if a process has exited.
    pub(crate) fn verify_running(&mut self) -> Result<(), Failure> {
        for (name, process) in &mut self.processes {
            if let Some(status) = process.0.try_wait()? {
                let log = std::fs::read_to_string(self.directory.join(format!("{name}.log")))?;
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(LOG_LINES)..].join("\n");
                return Err(format!("the {name} of the private portal exited: {status}\n{tail}").into());
            }
        }
        Ok(())
    }

    /// Returns the process ids by component.
    pub(crate) fn pids(&self) -> Vec<(String, u32)> {
        self.processes.iter().map(|(component, process)| (component.clone(), process.0.id())).collect()
    }

    /// Stops these processes, and waits for their exit.
    pub(crate) fn end(&mut self, components: &[&str]) -> Result<(), Failure> {
        let ending = self.processes.extract_if(.., |(name, _)| components.contains(&name.as_str()));
        let ending: Vec<_> = ending.collect();
        for (_, process) in &ending {
            kill_process(Pid::from_child(&process.0), Signal::TERM)?;
        }
        for (component, mut process) in ending {
            let status = process.0.wait()?;
            if !status.success() {
                return Err(format!("the {component} of the private portal exited with {status}").into());
            }
        }
        Ok(())
    }

    /// Kills a process that does not handle signals.
    pub(crate) fn kill(&mut self, name: &str) {
        self.processes.retain(|(known, _)| known != name);
    }

    /// Stops all components and servers in order.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        self.end(&COMPONENTS)?;
        Ok(self.servers.stop().await?)
    }
}
