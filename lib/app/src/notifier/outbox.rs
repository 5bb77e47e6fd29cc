//! Delivers notifications by webhook and e-mail (transactional outbox).
//!
//! The transaction that stores a notification also adds its deliveries to the outbox
//! ([`crate::ports::notifications::outbox`]). Any number of [`OutboxDispatcher`]s process them: each claims
//! some due deliveries for a limited time, sends them ([`crate::ports::notifications::transport`]), and
//! records the results. The deliveries that a crashed dispatcher had claimed are due again when the claims
//! expire. So every message is sent at least once, always with the same id.
//!
//! A missed [`Wakeup`] loses nothing: the dispatchers also poll.

mod dispatcher;
mod retry_schedule;
mod wakeup;

pub use dispatcher::{DispatcherConfig, OutboxDispatcher};
pub use retry_schedule::RetrySchedule;
pub use wakeup::Wakeup;
