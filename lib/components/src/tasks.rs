//! The tasks of a component. A task that ends before shutdown fails the process.

use std::pin::Pin;
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinSet;
use worker_runtime::Supervisor;
use worker_runtime::health::Health;
use worker_runtime::shutdown::{ShutdownSignal, ShutdownTrigger};

/// How long tasks can take to finish after shutdown is requested.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Reasons a component failed.
#[derive(Debug, Error)]
pub enum ComponentError {
    #[error("{task}: {cause}")]
    Failed { task: String, cause: Box<dyn std::error::Error + Send + Sync> },
    /// A task panicked, or ended before shutdown.
    #[error("a task ended unexpectedly: {0}")]
    Ended(String),
    #[error("shutdown timed out after {} s: {left} tasks still running", DRAIN_TIMEOUT.as_secs())]
    ShutdownTimeout { left: usize },
}

type TaskResult = Result<String, ComponentError>;

/// Work of a task, boxed.
pub(crate) type BoxedTask =
    Pin<Box<dyn Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// Running tasks of a component, with their shutdown and health.
pub struct Tasks {
    set: JoinSet<TaskResult>,
    shutdown: ShutdownTrigger,
    health: Health,
}

impl Tasks {
    /// Creates an empty set. `shutdown` is the trigger of the signal that the tasks wait for.
    pub fn new(shutdown: ShutdownTrigger, health: Health) -> Tasks {
        Tasks { set: JoinSet::new(), shutdown, health }
    }

    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Returns the supervisor of a task. Operators see the name in the health, such as `projector 07`.
    pub fn supervisor(&self, name: &str, stop: &ShutdownSignal) -> Supervisor {
        Supervisor::new(self.health.register(name), stop.clone())
    }

    /// Spawns a task that cannot fail.
    pub fn run(&mut self, task: &str, run: impl Future<Output = ()> + Send + 'static) {
        self.spawn_boxed(
            task.to_owned(),
            Box::pin(async move {
                run.await;
                Ok(())
            }),
        );
    }

    pub fn spawn<E>(
        &mut self,
        task: impl Into<String>,
        run: impl Future<Output = Result<(), E>> + Send + 'static,
    ) where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.spawn_boxed(task.into(), Box::pin(async move { run.await.map_err(Into::into) }));
    }

    /// Spawns a boxed task: the runtime's machinery is compiled once, not for each kind of task.
    fn spawn_boxed(&mut self, task: String, run: BoxedTask) {
        self.set.spawn(async move {
            match run.await {
                Ok(()) => Ok(task),
                Err(cause) => Err(ComponentError::Failed { task, cause }),
            }
        });
    }

    /// Waits until a task ends before shutdown, and returns the reason. Without tasks, waits forever.
    pub async fn failed(&mut self) -> ComponentError {
        match self.set.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Ok(task))) => ComponentError::Ended(task),
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => ComponentError::Ended(panic.to_string()),
        }
    }

    /// Requests shutdown, and waits until all tasks have finished their work.
    pub async fn stop(mut self) -> Result<(), ComponentError> {
        self.shutdown.stop();
        let drained = tokio::time::timeout(DRAIN_TIMEOUT, async {
            let mut result = Ok(());
            while let Some(ended) = self.set.join_next().await {
                result = result.and(match ended {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) => Err(error),
                    Err(panic) => Err(ComponentError::Ended(panic.to_string())),
                });
            }
            result
        });
        match drained.await {
            Ok(result) => result,
            Err(_) => Err(ComponentError::ShutdownTimeout { left: self.set.len() }),
        }
    }
}
