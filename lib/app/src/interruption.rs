//! Interruptions of a task that works on a partition: its connections are dropped, and it starts again.

use crate::instrumentation;
use crate::ports::Unavailable;
use auction_wire::PartitionId;
use worker_runtime::Supervisor;

/// Reasons a task starts again, or ends with the error `E`.
pub(crate) enum Interruption<E> {
    /// A backend is unavailable: wait, then start again.
    Unavailable(Unavailable),
    /// Another process works on the partition: start again soon. The text is the reason label in metrics.
    Conflict(&'static str),
    /// An event failed: it was parked, or the next batch is smaller to find it. Start again at once.
    EventFailed,
    /// The task cannot continue.
    Fatal(E),
}

impl<E> From<Unavailable> for Interruption<E> {
    fn from(error: Unavailable) -> Interruption<E> {
        Interruption::Unavailable(error)
    }
}

impl<E> Interruption<E> {
    /// Reports the interruption, and waits until the task may start again. Fails if it must not.
    pub(crate) async fn recover(
        self,
        component: &'static str,
        partition: PartitionId,
        supervisor: &Supervisor,
    ) -> Result<(), E> {
        match self {
            Interruption::Fatal(error) => return Err(error),
            Interruption::EventFailed => {}
            Interruption::Conflict(reason) => {
                instrumentation::conflict(component, partition, reason);
                tracing::warn!(component, %partition, reason, "conflict with another process: starting again");
                // The wait keeps two processes from taking over from each other continuously.
                supervisor.back_off().await;
            }
            Interruption::Unavailable(error) => {
                instrumentation::retry(component, partition, error.backend);
                supervisor.failed(&error).await;
            }
        }
        Ok(())
    }
}
