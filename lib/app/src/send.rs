//! Notifications go out of the house, to those who want to be told elsewhere than in their inboxes.
//!
//! What is to be sent is stored together with the notification itself ([`crate::ports::outbox`]). Any number of
//! [`Sender`]s take what is due: each claims some for a while, has them carried ([`crate::ports::courier`]), and notes
//! what came of it. What a killed one had claimed is due again when the claim ends. So everything is sent at least
//! once, and tells who it is by the same id every time.
//!
//! Nothing is lost when nobody hears the [`Bell`]: it only saves the wait for the next look.

mod bell;
mod schedule;
mod sender;

pub use bell::Bell;
pub use schedule::Schedule;
pub use sender::{Limits, Sender};
