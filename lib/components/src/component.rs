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

use crate::connections::Connections;
use crate::settings::Settings;
use crate::tasks::{ComponentError, Tasks};
use auction_redis::functions;
use clap::ValueEnum;
use std::convert::Infallible;
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
        match self {
            Component::Ingress => ingress::start(settings, connections, tasks, stop).await?,
            Component::Writer => {
                retention::start(settings, connections, tasks, stop)?;
                writer::start(settings, connections, tasks, stop);
            }
            Component::Projector => projector::start(settings, connections, tasks, stop)?,
            Component::Auctioneer => auctioneer::start(settings, connections, tasks, stop)?,
            Component::Notifier => notifier::start(settings, connections, tasks, stop).await?,
            Component::Promoter => promoter::start(settings, connections, tasks, stop).await?,
        }
        tracing::info!(component = self.name(), partitions = connections.partitions.get(), "started");
        Ok(())
    }
}

/// Starts the task that keeps the read-only functions for operators loaded in Redis. Call it once per
/// process.
pub fn keep_functions(connections: &Connections, tasks: &mut Tasks, stop: &ShutdownSignal) {
    let (pool, stop) = (connections.redis_pool.clone(), stop.clone());
    tasks.spawn("Redis functions", async move {
        functions::keep_loaded(pool, stop).await;
        Ok::<(), Infallible>(())
    });
}

fn failed(task: &str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> ComponentError {
    let task = task.to_owned();
    move |cause| ComponentError::Failed { task, cause }
}
