//! The components: the six process types of the portal.

mod auctioneer;
mod commitments;
mod email;
mod history_mismatch;
mod ingress;
mod leased;
mod notifier;
mod projector;
mod promoter;
mod rate_limits;
mod retention;
mod shared_secret;
mod webhooks;
mod writer;

pub(crate) use notifier::PLACER_CONNECTIONS;

use crate::connections::Connections;
use crate::settings::Settings;
use crate::tasks::{ComponentError, Tasks};
use auction_postgres::queries::PostgresQueries;
use auction_redis::command_queue::RedisCommandQueue;
use auction_redis::functions;
use clap::ValueEnum;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::ShutdownSignal;

/// Process type of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Component {
    /// Serves the HTTP API
    Ingress,
    /// Decides commands and appends events
    Writer,
    /// Updates the read models
    Projector,
    /// Closes auctions at their end time
    Auctioneer,
    /// Creates notifications and delivers them by webhook and e-mail
    Notifier,
    /// Draws and doubles bids
    Promoter,
}

impl Component {
    /// Every component of a portal.
    pub const ALL: [Component; 6] = [
        Component::Ingress,
        Component::Writer,
        Component::Projector,
        Component::Auctioneer,
        Component::Notifier,
        Component::Promoter,
    ];

    /// Returns the name of its program, which is also the name of its consumer group.
    pub fn name(self) -> &'static str {
        match self {
            Component::Ingress => "ingress",
            Component::Writer => "writer",
            Component::Projector => "projector",
            Component::Auctioneer => "auctioneer",
            Component::Notifier => "notifier",
            Component::Promoter => "promoter",
        }
    }

    pub async fn start(
        self,
        settings: &Settings,
        connections: &Connections,
        tasks: &mut Tasks,
        stop: &ShutdownSignal,
    ) -> Result<(), ComponentError> {
        let context = &mut StartContext { settings, connections, tasks, stop };
        match self {
            Component::Ingress => ingress::start(context).await?,
            Component::Writer => {
                retention::start(context)?;
                writer::start(context);
            }
            Component::Projector => projector::start(context)?,
            Component::Auctioneer => auctioneer::start(context)?,
            Component::Notifier => notifier::start(context).await?,
            Component::Promoter => promoter::start(context).await?,
        }
        tracing::info!(component = self.name(), partitions = connections.partitions.get(), "started");
        Ok(())
    }
}

/// Everything that a component is started with.
struct StartContext<'a> {
    settings: &'a Settings,
    connections: &'a Connections,
    tasks: &'a mut Tasks,
    stop: &'a ShutdownSignal,
}

impl StartContext<'_> {
    /// Returns the supervisor of a task that runs until shutdown.
    fn supervisor(&self, name: &str) -> Supervisor {
        self.tasks.supervisor(name, self.stop)
    }

    /// Returns a pool of connections to Postgres. An error names the task.
    fn queries(&self, task: &str, max_connections: usize) -> Result<PostgresQueries, ComponentError> {
        PostgresQueries::new(&self.connections.stores, max_connections).map_err(failed(task))
    }

    /// Starts the queue of a component, which adds commands to their streams.
    fn command_queue(&self, component: &str) -> RedisCommandQueue {
        let Connections { redis, redis_pool, partitions, .. } = self.connections;
        let supervisor = self.supervisor(&format!("{component} command queue"));
        RedisCommandQueue::supervised(redis.clone(), *partitions, redis_pool.clone(), supervisor)
    }
}

/// Starts the task that keeps the read-only functions for operators loaded in Redis. Call it once per
/// process.
pub fn keep_functions(connections: &Connections, tasks: &mut Tasks, stop: &ShutdownSignal) {
    // The portal works without them.
    let supervisor = Supervisor::without_health("Redis functions", stop.clone());
    tasks.run("Redis functions", functions::keep_loaded(connections.redis_pool.clone(), supervisor));
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(task: &str) -> impl FnOnce(E) -> ComponentError {
    let task = task.to_owned();
    move |cause| ComponentError::Failed { task, cause: cause.into() }
}
