//! The tasks of a role. One that ends before it was told to is a failure of the process.

use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinSet;
use worker_runtime::health::{Health, HealthHandle};
use worker_runtime::shutdown::ShutdownTrigger;

/// How long tasks may take to finish what is in hand.
const DRAIN: Duration = Duration::from_secs(20);

/// Why a role failed.
#[derive(Debug, Error)]
pub enum RoleError {
    /// One of its tasks gave up.
    #[error("{task}: {cause}")]
    Failed {
        /// Which.
        task: String,
        /// Why.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One of its tasks panicked, or ended without being told to.
    #[error("a task ended unexpectedly: {0}")]
    Ended(String),
    /// They did not finish in time.
    #[error("not finished within {} s of being told to stop: {left} tasks", DRAIN.as_secs())]
    Overrun {
        /// How many are left.
        left: usize,
    },
}

type Ended = Result<String, RoleError>;

/// Running tasks, how to stop them, and where they say how they are.
pub struct Tasks {
    set: JoinSet<Ended>,
    stopper: ShutdownTrigger,
    health: Health,
}

impl Tasks {
    /// None yet; `stopper` is what they listen to, `health` that of their process.
    pub fn new(stopper: ShutdownTrigger, health: Health) -> Tasks {
        Tasks { set: JoinSet::new(), stopper, health }
    }

    /// The health of their process.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// A part of their process's health, which starts. Its name is shown to operators: `projector 07`.
    pub fn part(&self, name: impl Into<String>) -> HealthHandle {
        self.health.register(name)
    }

    /// Runs one more.
    pub fn spawn<E>(
        &mut self,
        task: impl Into<String>,
        run: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let task = task.into();
        self.set.spawn(async move {
            match run.await {
                Ok(()) => Ok(task),
                Err(cause) => Err(RoleError::Failed { task, cause: cause.into() }),
            }
        });
    }

    /// Waits for the first that ends although nobody told it to, and says why. Without tasks it waits for
    /// ever.
    pub async fn failed(&mut self) -> RoleError {
        match self.set.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Ok(task))) => RoleError::Ended(task),
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => RoleError::Ended(panic.to_string()),
        }
    }

    /// Tells all of them to finish what is in hand, and waits until they have.
    pub async fn stop(mut self) -> Result<(), RoleError> {
        self.stopper.stop();
        let drained = tokio::time::timeout(DRAIN, async {
            let mut result = Ok(());
            while let Some(ended) = self.set.join_next().await {
                result = result.and(match ended {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) => Err(error),
                    Err(panic) => Err(RoleError::Ended(panic.to_string())),
                });
            }
            result
        });
        match drained.await {
            Ok(result) => result,
            Err(_) => Err(RoleError::Overrun { left: self.set.len() }),
        }
    }
}
