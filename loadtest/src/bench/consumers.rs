//! The components that consume events, and their progress.

use crate::Failure;
use crate::bench::backlog::partitions;
use crate::bench::environment::{BenchEnvironment, Process};
use crate::bench::read_models::ReadModels;
use auction_redis::keys;
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Components, which are also the names of their consumer groups.
pub(crate) const CONSUMERS: [&str; 4] = ["projector", "notifier", "promoter", "auctioneer"];

/// Components without a stored checkpoint: their progress is the last event delivered to their group.
const WITHOUT_CHECKPOINT: [&str; 2] = ["promoter", "auctioneer"];

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Time limit for reaching a position.
const TIMEOUT: Duration = Duration::from_secs(600);

/// All event consumers, running.
pub(crate) struct Consumers {
    processes: Vec<Process>,
    views: ReadModels,
    redis: MultiplexedConnection,
}

impl Consumers {
    /// Starts all consumers and waits until they have caught up.
    pub(crate) async fn start(bench: &BenchEnvironment) -> Result<Consumers, Failure> {
        let processes =
            CONSUMERS.iter().map(|component| bench.process(component, &[])).collect::<Result<_, _>>()?;
        let (views, redis) = (ReadModels::new(bench)?, bench.redis().await?);
        let mut consumers = Consumers { processes, views, redis };
        let events = bench.events().await?;
        consumers.wait_for_events(events).await?;
        consumers.wait_until_notified(bench).await?;
        Ok(consumers)
    }

    /// Waits until this many events are in the read models and delivered to promoter and auctioneer.
    pub(crate) async fn wait_for_events(&mut self, events: u64) -> Result<(), Failure> {
        self.views.wait_for_events(events).await?;
        let began = Instant::now();
        for component in WITHOUT_CHECKPOINT {
            while self.delivered_to(component).await? < events {
                if began.elapsed() > TIMEOUT {
                    return Err(format!("the {component} did not catch up within {TIMEOUT:?}").into());
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        }
        Ok(())
    }

    /// Waits until the notifier has handled all events.
    pub(crate) async fn wait_until_notified(&self, bench: &BenchEnvironment) -> Result<(), Failure> {
        let lagging = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                      WHERE coalesce(n.position, 0) < p.head";
        let began = Instant::now();
        while bench.database().query_one(lagging, &[]).await?.get::<_, i64>(0) > 0 {
            if began.elapsed() > TIMEOUT {
                return Err(format!("the notifier did not catch up within {TIMEOUT:?}").into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Returns the number of events delivered to a group.
    async fn delivered_to(&mut self, group: &str) -> Result<u64, Failure> {
        let mut queries = redis::pipe();
        for partition in partitions()?.all() {
            queries.cmd("XINFO").arg("GROUPS").arg(keys::events(partition));
        }
        let streams: Vec<Vec<HashMap<String, Value>>> = queries.query_async(&mut self.redis).await?;
        let mut delivered = 0;
        for group_info in streams.iter().flatten() {
            let text = |name: &str| match group_info.get(name) {
                Some(Value::BulkString(text)) => std::str::from_utf8(text).ok(),
                _ => None,
            };
            if text("name") == Some(group) {
                let last = text("last-delivered-id").and_then(|last| last.split('-').next());
                delivered += last.ok_or("no last-delivered-id")?.parse::<u64>()?;
            }
        }
        Ok(delivered)
    }

    pub(crate) fn process(&self, component: &str) -> Option<&Process> {
        CONSUMERS
            .iter()
            .zip(&self.processes)
            .find(|(name, _)| **name == component)
            .map(|(_, process)| process)
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        self.processes.into_iter().try_for_each(Process::end)
    }
}
