//! The roles: what each process does.

mod auctioneer;
mod commitments;
mod email;
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
use crate::tasks::{RoleError, Tasks};
use auction_redis::functions;
use clap::ValueEnum;
use std::convert::Infallible;
use worker_runtime::shutdown::ShutdownSignal;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Component {
    /// Takes requests.
    Ingress,
    /// Decides commands.
    Writer,
    /// Keeps the read models.
    Projector,
    /// Closes auctions.
    Auctioneer,
    /// Tells users.
    Notifier,
    /// Draws bids by lot.
    Promoter,
}

impl Component {
    /// Its name: that of its program, and of its consumer group.
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

    /// Starts its tasks.
    pub async fn start(
        self,
        settings: &Settings,
        connections: &Connections,
        tasks: &mut Tasks,
        stop: &ShutdownSignal,
    ) -> Result<(), RoleError> {
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
        tracing::info!(role = self.name(), partitions = connections.partitions.get(), "started");
        Ok(())
    }
}

/// Sees that people find the functions for redis-cli in Redis. Once in each process.
pub fn keep_functions(connections: &Connections, tasks: &mut Tasks, stop: &ShutdownSignal) {
    let (pool, stop) = (connections.redis_pool.clone(), stop.clone());
    tasks.spawn("functions for redis-cli", async move {
        functions::keep(pool, stop).await;
        Ok::<(), Infallible>(())
    });
}

/// Why a role could not even start.
fn failed(task: &str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> RoleError {
    let task = task.to_owned();
    move |cause| RoleError::Failed { task, cause }
}
