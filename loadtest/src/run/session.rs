//! A connection to a portal, and the runs on it, one after the other.

use crate::Failure;
use crate::checker::backends::Backends;
use crate::checker::{CheckReport, http_view};
use crate::local_portal::{COMPONENTS, LocalPortal};
use crate::run::environment;
use crate::run::history::OperationLog;
use crate::run::ids::RunIds;
use crate::run::measure::Figures;
use crate::run::options::TargetArgs;
use crate::run::plan::Plan;
use crate::run::progress::{self, Counts, note};
use crate::run::queue::Queue;
use crate::run::target::client::Address;
use crate::run::target::http::Http;
use crate::run::target::listeners::Listeners;
use crate::run::target::streams::Streams;
use auction_domain::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::Instant;

/// Estimated set-up time for each user or auction, and fixed part. The load starts when all auctions exist.
const SET_UP_EACH: Duration = Duration::from_millis(2);
const SET_UP: Duration = Duration::from_secs(3);

/// Results of a run.
pub(crate) struct RunResult {
    pub(crate) figures: Figures,
    pub(crate) findings: Vec<String>,
    pub(crate) check_report: CheckReport,
}

/// How requests reach the portal.
enum Transport {
    Http(Http),
    Streams(Streams),
}

/// A portal under test.
pub(crate) struct Session {
    local_portal: Option<LocalPortal>,
    transport: Transport,
    backends: Option<Backends>,
    connections: usize,
}

impl Session {
    pub(crate) async fn open(target: &TargetArgs, connections: usize) -> Result<Session, Failure> {
        let local = match target.local {
            true => Some(start_local(target.data_dir.as_deref()).await?),
            false => None,
        };
        let redis_url = target.redis.as_deref().filter(|url| !url.is_empty()).or(target.redis_url.as_deref());
        let servers = match (&local, redis_url, target.database_url.as_deref()) {
            (Some(local), ..) => Some((local.servers.redis_url(), local.servers.database_url())),
            (None, Some(redis), Some(database)) => Some((redis, database)),
            (None, None, Some(_)) => {
                return Err("--database-url requires --redis-url or --redis".into());
            }
            (None, _, None) => None,
        };
        let backends = match servers {
            Some((redis, database)) => Some(Backends::connect(redis, database).await?),
            None => None,
        };
        let address = match (&local, &target.url) {
            (Some(local), _) => Some(local.address.clone()),
            (None, Some(url)) => Some(Address::parse(url)?),
            (None, None) => None,
        };
        let transport = match (&target.redis, servers, &backends, address) {
            (Some(_), Some((redis, database)), Some(backends), _) => {
                Transport::Streams(Streams::new(redis, database, backends.partitions())?)
            }
            (Some(_), ..) => {
                return Err("--redis requires --database-url or --local: the checks read Postgres".into());
            }
            (None, _, _, Some(address)) => {
                let token = target.token.as_deref().map(Arc::from);
                Transport::Http(Http { address, token, load_balancer: None })
            }
            (None, ..) => {
                return Err(
                    "no portal given: use --local to start one, or --url URL, or --redis URL with --database-url URL".into()
                );
            }
        };
        Ok(Session { local_portal: local, transport, backends, connections: connections.max(1) })
    }

    /// Creates users and auctions, runs the load, and checks the results.
    pub(crate) async fn run(&mut self, plan: Plan) -> Result<RunResult, Failure> {
        let since = match &self.backends {
            Some(backends) => backends.heads().await?,
            None => Vec::new(),
        };
        note(&format!("creating {} users and {} auctions", plan.users, plan.planned_auctions.len()));
        let entities = u32::try_from(plan.planned_auctions.len())?.saturating_add(plan.users);
        let start = SystemTime::now() + SET_UP + SET_UP_EACH * entities;
        let at = Timestamp(i64::try_from(start.duration_since(UNIX_EPOCH)?.as_millis())?);
        let run_ids = Arc::new(self.set_up(&plan, at).await?);
        // The ends of auctions are relative to the start. Auctions that outlive the run do not require the
        // wait.
        if plan.until_closed {
            tokio::time::sleep(start.duration_since(SystemTime::now()).unwrap_or_default()).await;
        }
        let (until_closed, burst) = (plan.until_closed, plan.burst);
        let listeners = match (&self.transport, plan.listeners) {
            (_, 0) => None,
            (Transport::Http(http), count) => Some(Listeners::begin(http, &run_ids, count).await?),
            (Transport::Streams(_), _) => return Err("--listeners requires HTTP: remove --redis".into()),
        };
        let (log, mut findings) = self.load(plan, &run_ids).await?;
        let figures = Figures::from_log(&log);
        findings.extend(burst.map(|burst| figures.recovery(burst)));
        note("checking");
        let mut check_report = match &self.backends {
            Some(backends) => {
                let took = backends.wait_until_decided(&run_ids, &log, until_closed).await?;
                findings.push(format!(
                    "all commands were decided {:.1} s after the last response",
                    took.as_secs_f64()
                ));
                backends.check(&run_ids, &log, &since, until_closed).await?
            }
            None => match &self.transport {
                Transport::Http(http) => http_view::check(http, &run_ids, &log, until_closed).await?,
                Transport::Streams(_) => CheckReport::default(), // `open` requires backends for this transport
            },
        };
        if let (Some(listeners), Transport::Http(http)) = (listeners, &self.transport) {
            let (check, finding) = listeners.finish(http_view::versions(http, &run_ids).await?).await?;
            check_report.checks.push(check);
            findings.push(finding);
        }
        if let Some(local) = &mut self.local_portal {
            local.verify_running()?;
        }
        Ok(RunResult { figures, findings, check_report })
    }

    async fn set_up(&self, plan: &Plan, start: Timestamp) -> Result<RunIds, Failure> {
        match &self.transport {
            Transport::Http(http) => http.set_up(plan.users, &plan.planned_auctions, start).await,
            Transport::Streams(streams) => {
                let run_ids = streams.set_up(plan.users, &plan.planned_auctions, start).await?;
                if let Some(backends) = &self.backends {
                    backends.wait_until_created(&run_ids).await?;
                }
                Ok(run_ids)
            }
        }
    }

    async fn load(&self, plan: Plan, run_ids: &Arc<RunIds>) -> Result<(OperationLog, Vec<String>), Failure> {
        let queue = Arc::new(Queue::new(Instant::now()));
        let counts = Arc::new(Counts::default());
        let (stop_sender, stop) = watch::channel(false);
        let mut log = OperationLog::default();
        let before = self.resource_usage();
        let interrupted = async {
            // Ctrl-C ends the load early and keeps the results so far.
            let _ = tokio::signal::ctrl_c().await;
            let _ = stop_sender.send(true);
            std::future::pending::<()>().await;
        };
        let connections = self.connections;
        let work = async {
            match &self.transport {
                Transport::Http(http) => {
                    let work = http.work(&queue, run_ids, &mut log, &counts, connections);
                    tokio::join!(queue.enqueue_when_due(plan.requests, &stop), work).1
                }
                Transport::Streams(streams) => {
                    // Operations that are not commands are skipped.
                    let requests = plan.requests.filter(|request| request.operation.is_command());
                    let work = streams.work(&queue, run_ids, &mut log, &counts, connections);
                    tokio::join!(queue.enqueue_when_due(requests, &stop), work).1
                }
            }
        };
        tokio::select! {
            sent = work => sent?,
            () = progress::show(&counts, plan.seconds) => {}
            () = interrupted => {}
        }
        let took = Duration::from_micros(queue.now()).as_secs_f64();
        let costs = self.resource_usage().into_iter().zip(before).map(
            |((component, cpu, memory), (_, before, _))| {
                let percent = 100.0 * (cpu - before) / took.max(0.001);
                format!("{component}: {percent:.0} % of a core, {memory:.0} MB")
            },
        );
        Ok((log, costs.collect()))
    }

    /// Returns CPU seconds and memory in MB of each process of the private portal and of the load generator.
    fn resource_usage(&self) -> Vec<(String, f64, f64)> {
        let mut pids = self.local_portal.as_ref().map(LocalPortal::pids).unwrap_or_default();
        pids.push(("load generator".to_owned(), std::process::id()));
        let resource_usage =
            |(component, pid)| environment::process_usage(pid).map(|(cpu, memory)| (component, cpu, memory));
        pids.into_iter().filter_map(resource_usage).collect()
    }

    /// Describes the machine and the portal.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut environment = environment::machine();
        let transport = match &self.transport {
            Transport::Http(http) => format!("HTTP at {}", http.address.host),
            Transport::Streams(_) => "command streams".to_owned(),
        };
        let portal = match &self.local_portal {
            Some(_) => format!("private, one process per component; {transport}"),
            None => transport,
        };
        environment.push(("portal".to_owned(), portal));
        environment.push(("connections".to_owned(), self.connections.to_string()));
        environment
    }

    /// Stops the private portal, if there is one.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.local_portal {
            Some(local) => local.stop().await,
            None => Ok(()),
        }
    }
}

/// Starts a private portal with all components.
async fn start_local(data_dir: Option<&Path>) -> Result<LocalPortal, Failure> {
    note("starting a private portal");
    let mut local = LocalPortal::start(data_dir).await?;
    // Inboxes keep all notifications, so that the checker can read them.
    local.settings.push(("AUCTION__NOTIFIER__INBOX_SIZE", "60000".to_owned()));
    local.start_components(&COMPONENTS)?;
    let address = local.address.clone();
    local.wait_until_ready(&address).await?;
    Ok(local)
}
