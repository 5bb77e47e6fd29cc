//! The roles that follow what the writer decides, and how far they are.

use crate::Failure;
use crate::bench::backlog::partitions;
use crate::bench::environment::{BenchEnvironment, Process};
use crate::bench::read_models::ReadModels;
use auction_redis::keys;
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// By their roles, which are the names of their groups, too.
pub(crate) const CONSUMERS: [&str; 4] = ["projector", "notifier", "promoter", "auctioneer"];

/// Those that follow at once, and have no checkpoint: they count as far as events were handed to them.
const AT_ONCE: [&str; 2] = ["promoter", "auctioneer"];

/// Between two looks at how far they are.
const LOOK: Duration = Duration::from_millis(20);

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// All of them, running.
pub(crate) struct Consumers {
    processes: Vec<Process>,
    views: ReadModels,
    redis: MultiplexedConnection,
}

impl Consumers {
    /// Starts them, and waits until they have caught up.
    pub(crate) async fn start(bench: &BenchEnvironment) -> Result<Consumers, Failure> {
        let processes = CONSUMERS.iter().map(|role| bench.process(role, &[])).collect::<Result<_, _>>()?;
        let (views, redis) = (ReadModels::new(bench)?, bench.redis().await?);
        let mut consumers = Consumers { processes, views, redis };
        let events = bench.events().await?;
        consumers.reached(events).await?;
        consumers.told(bench).await?;
        Ok(consumers)
    }

    /// Waits until so many events are readable, and are known to promoter and auctioneer.
    pub(crate) async fn reached(&mut self, events: u64) -> Result<(), Failure> {
        self.views.reached(events).await?;
        let began = Instant::now();
        for role in AT_ONCE {
            while self.handed_to(role).await? < events {
                if began.elapsed() > PATIENCE {
                    return Err(format!("the {role} is behind after {PATIENCE:?}").into());
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Waits until whoever is concerned is told everything.
    pub(crate) async fn told(&self, bench: &BenchEnvironment) -> Result<(), Failure> {
        let behind = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                      WHERE coalesce(n.position, 0) < p.head";
        let began = Instant::now();
        while bench.database().query_one(behind, &[]).await?.get::<_, i64>(0) > 0 {
            if began.elapsed() > PATIENCE {
                return Err(format!("the notifier is behind after {PATIENCE:?}").into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// How many events were handed to a group.
    async fn handed_to(&mut self, group: &str) -> Result<u64, Failure> {
        let mut looks = redis::pipe();
        for partition in partitions()?.all() {
            looks.cmd("XINFO").arg("GROUPS").arg(keys::events(partition));
        }
        let streams: Vec<Vec<HashMap<String, Value>>> = looks.query_async(&mut self.redis).await?;
        let mut handed = 0;
        for of_stream in streams.iter().flatten() {
            let text = |name: &str| match of_stream.get(name) {
                Some(Value::BulkString(text)) => std::str::from_utf8(text).ok(),
                _ => None,
            };
            if text("name") == Some(group) {
                let last = text("last-delivered-id").and_then(|last| last.split('-').next());
                handed += last.ok_or("no last-delivered-id")?.parse::<u64>()?;
            }
        }
        Ok(handed)
    }

    /// The process of a role.
    pub(crate) fn process(&self, role: &str) -> Option<&Process> {
        CONSUMERS.iter().zip(&self.processes).find(|(name, _)| **name == role).map(|(_, process)| process)
    }

    /// Tells all of them to stop and waits.
    pub(crate) fn end(self) -> Result<(), Failure> {
        self.processes.into_iter().try_for_each(Process::end)
    }
}
