//! A portal, and runs on it one after the other.

use crate::Failure;
use crate::checker::backends::Stores;
use crate::checker::{CheckReport, http_view};
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
use crate::run::target::local_portal::LocalPortal;
use crate::run::target::streams::Streams;
use auction_domain::Timestamp;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::Instant;

/// Setting up an auction takes about so long; the load begins when all of it is there.
const SET_UP_EACH: Duration = Duration::from_millis(2);
const SET_UP: Duration = Duration::from_secs(3);

/// What a run came to.
pub(crate) struct RunResult {
    pub(crate) figures: Figures,
    pub(crate) findings: Vec<String>,
    pub(crate) verdict: CheckReport,
}

/// How requests get there.
enum Way {
    Http(Http),
    Streams(Streams),
}

/// A portal that is there.
pub(crate) struct Session {
    own: Option<LocalPortal>,
    way: Way,
    stores: Option<Stores>,
    connections: usize,
}

impl Session {
    pub(crate) async fn open(target: &TargetArgs, connections: usize) -> Result<Session, Failure> {
        let own = match target.own {
            true => {
                note("starting a private portal");
                Some(LocalPortal::start(target.data_dir.as_deref()).await?)
            }
            false => None,
        };
        let redis_url = target.redis.as_deref().filter(|url| !url.is_empty()).or(target.redis_url.as_deref());
        let servers = match (&own, redis_url, &target.database_url) {
            (Some(own), ..) => Some((own.redis_url.as_str(), own.database_url.as_str())),
            (None, Some(redis), Some(database)) => Some((redis, database.as_str())),
            (None, None, Some(_)) => {
                return Err("--database-url needs --redis-url or --redis beside it".into());
            }
            (None, ..) => None,
        };
        let stores = match servers {
            Some((redis, database)) => Some(Stores::connect(redis, database).await?),
            None => None,
        };
        let url = own.as_ref().map(|own| own.url.clone()).or_else(|| target.url.clone());
        let way = match (&target.redis, servers, &stores, url) {
            (Some(_), Some((redis, _)), Some(stores), _) => {
                Way::Streams(Streams::new(redis, stores.partitions())?)
            }
            (Some(_), ..) => {
                return Err(
                    "--redis needs --database-url beside it, or --self: outcomes are judged by it".into()
                );
            }
            (None, _, _, Some(url)) => Way::Http(Http {
                address: Address::read(&url)?,
                token: target.token.as_deref().map(Arc::from),
                balance: None,
            }),
            (None, ..) => {
                return Err(
                    "which portal? --self starts one, --url URL names one, --redis URL its streams".into()
                );
            }
        };
        Ok(Session { own, way, stores, connections: connections.max(1) })
    }

    /// Sets up, puts the load on, and judges.
    pub(crate) async fn run(&mut self, plan: Plan) -> Result<RunResult, Failure> {
        let since = match &self.stores {
            Some(stores) => stores.heads().await?,
            None => Vec::new(),
        };
        note(&format!("creating {} users and {} auctions", plan.users, plan.offers.len()));
        let made = u32::try_from(plan.offers.len())?.saturating_add(plan.users);
        let start = SystemTime::now() + SET_UP + SET_UP_EACH * made;
        let at = Timestamp(i64::try_from(start.duration_since(UNIX_EPOCH)?.as_millis())?);
        let world = Arc::new(self.set_up(&plan, at).await?);
        // Ends of auctions count from the start. When they are far away, nobody needs to wait for it.
        if plan.until_closed {
            tokio::time::sleep(start.duration_since(SystemTime::now()).unwrap_or_default()).await;
        }
        let (until_closed, burst) = (plan.until_closed, plan.burst);
        let listeners = match (&self.way, plan.listeners) {
            (_, 0) => None,
            (Way::Http(http), count) => Some(Listeners::begin(http, &world, count).await?),
            (Way::Streams(_), _) => return Err("nobody listens to streams here: leave --redis out".into()),
        };
        let (journal, mut findings) = self.load(plan, &world).await?;
        let figures = Figures::of(&journal);
        findings.extend(burst.map(|burst| figures.recovery(burst)));
        note("judging");
        let mut verdict = match &self.stores {
            Some(stores) => {
                let took = stores.decided(&world, &journal, until_closed).await?;
                findings.push(format!(
                    "everything was decided {:.1} s after the last answer",
                    took.as_secs_f64()
                ));
                stores.judge(&world, &journal, &since, until_closed).await?
            }
            None => match &self.way {
                Way::Http(http) => http_view::judge(http, &world, &journal, until_closed).await?,
                Way::Streams(_) => CheckReport::default(), // there are stores: see `open`
            },
        };
        if let (Some(listeners), Way::Http(http)) = (listeners, &self.way) {
            let heard = listeners.end(http_view::versions(http, &world).await?).await?;
            verdict.checks.push(heard.check);
            findings.extend(heard.findings);
        }
        if let Some(own) = &mut self.own {
            own.alive()?;
        }
        Ok(RunResult { figures, findings, verdict })
    }

    async fn set_up(&self, plan: &Plan, start: Timestamp) -> Result<RunIds, Failure> {
        match &self.way {
            Way::Http(http) => http.set_up(plan.users, &plan.offers, start).await,
            Way::Streams(streams) => {
                let world = streams.set_up(plan.users, &plan.offers, start).await?;
                if let Some(stores) = &self.stores {
                    stores.created(&world).await?;
                }
                Ok(world)
            }
        }
    }

    async fn load(&self, plan: Plan, world: &Arc<RunIds>) -> Result<(OperationLog, Vec<String>), Failure> {
        let queue = Arc::new(Queue::new(Instant::now()));
        let counts = Arc::new(Counts::default());
        let (tell, stop) = watch::channel(false);
        let mut journal = OperationLog::default();
        let before = self.spent();
        let interrupted = async {
            // Whoever is tired of it gets the results so far.
            let _ = tokio::signal::ctrl_c().await;
            let _ = tell.send(true);
            std::future::pending::<()>().await;
        };
        let connections = self.connections;
        let work = async {
            match &self.way {
                Way::Http(http) => {
                    let work = http.work(&queue, world, &mut journal, &counts, connections);
                    tokio::join!(queue.feed(plan.asks, connections, &stop), work).1
                }
                Way::Streams(streams) => {
                    // What is no command is left out.
                    let asks = plan.asks.filter(|ask| ask.what.is_command());
                    let work = streams.work(&queue, world, &mut journal, &counts);
                    tokio::join!(queue.feed(asks, 1, &stop), work).1
                }
            }
        };
        tokio::select! {
            worked = work => worked?,
            () = progress::show(&counts, plan.seconds) => {}
            () = interrupted => {}
        }
        let took = Duration::from_micros(queue.now()).as_secs_f64();
        let costs = self.spent().into_iter().zip(before).map(|((role, cpu, memory), (_, before, _))| {
            let share = 100.0 * (cpu - before) / took.max(0.001);
            format!("{role}: {share:.0} % of a core, {memory:.0} MB")
        });
        Ok((journal, costs.collect()))
    }

    /// CPU seconds and memory of each process of the private portal, and of this one.
    fn spent(&self) -> Vec<(&'static str, f64, f64)> {
        let pids = self.own.as_ref().map(LocalPortal::pids).unwrap_or_default();
        let ours = ("load generator", std::process::id());
        let spent = |(role, pid)| environment::spent(pid).map(|(cpu, memory)| (role, cpu, memory));
        pids.into_iter().chain([ours]).filter_map(spent).collect()
    }

    /// What the runs ran on.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut environment = environment::machine();
        let way = match &self.way {
            Way::Http(http) => format!("by HTTP at {}", http.address.host),
            Way::Streams(_) => "straight into its streams".to_owned(),
        };
        let portal = match &self.own {
            Some(_) => format!("a private one, every role a process of its own; {way}"),
            None => way,
        };
        environment.push(("portal".to_owned(), portal));
        environment.push(("connections".to_owned(), self.connections.to_string()));
        environment
    }

    /// Ends what was started.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.own {
            Some(own) => own.stop().await,
            None => Ok(()),
        }
    }
}
