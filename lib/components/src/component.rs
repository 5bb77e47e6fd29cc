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
use worker_runtime::shutdown::Stop;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
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

impl Role {
    /// Its name: that of its program, and of its consumer group.
    pub fn name(self) -> &'static str {
        match self {
            Role::Ingress => "ingress",
            Role::Writer => "writer",
            Role::Projector => "projector",
            Role::Auctioneer => "auctioneer",
            Role::Notifier => "notifier",
            Role::Promoter => "promoter",
        }
    }

    /// Starts its tasks.
    pub async fn start(
        self,
        settings: &Settings,
        connections: &Connections,
        tasks: &mut Tasks,
        stop: &Stop,
    ) -> Result<(), RoleError> {
        match self {
            Role::Ingress => ingress::start(settings, connections, tasks, stop).await?,
            Role::Writer => {
                retention::start(settings, connections, tasks, stop)?;
                writer::start(settings, connections, tasks, stop);
            }
            Role::Projector => projector::start(settings, connections, tasks, stop)?,
            Role::Auctioneer => auctioneer::start(settings, connections, tasks, stop)?,
            Role::Notifier => notifier::start(settings, connections, tasks, stop).await?,
            Role::Promoter => promoter::start(settings, connections, tasks, stop).await?,
        }
        tracing::info!(role = self.name(), partitions = connections.partitions.get(), "started");
        Ok(())
    }
}

/// Sees that people find the functions for redis-cli in Redis. Once in each process.
pub fn keep_functions(connections: &Connections, tasks: &mut Tasks, stop: &Stop) {
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
