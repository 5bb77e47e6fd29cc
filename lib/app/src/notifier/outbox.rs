//! Notifications go out of the house, to those who want to be told elsewhere than in their inboxes.
//!
//! What is to be sent is stored together with the notification itself ([`crate::ports::notifications::outbox`]). Any number of
//! [`Sender`]s take what is due: each claims some for a while, has them carried ([`crate::ports::notifications::transport`]), and notes
//! what came of it. What a killed one had claimed is due again when the claim ends. So everything is sent at least
//! once, and tells who it is by the same id every time.
//!
//! Nothing is lost when nobody hears the [`Bell`]: it only saves the wait for the next look.

mod dispatcher;
mod retry_schedule;
mod wakeup;

pub use dispatcher::{DispatcherConfig, OutboxDispatcher};
pub use retry_schedule::RetrySchedule;
pub use wakeup::Wakeup;
