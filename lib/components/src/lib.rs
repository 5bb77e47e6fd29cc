//! Running the roles: settings, connections, logs, stopping.
//!
//! Each role is a function that runs until it is told to stop ([`role`]). [`process`] runs one of them as
//! a process of its own, [`up`] all of them in one process, with private servers if none are given.

pub mod accounts;
mod admin;
pub mod component;
pub mod connections;
pub mod dead_letters;
pub mod draws;
pub mod operator;
pub mod parked_events;
pub mod process;
pub mod rebuild;
pub mod settings;
pub mod streams;
pub mod tasks;
pub mod telemetry;
pub mod up;
pub mod verify;

pub use connections::Connections;
pub use settings::{Settings, SettingsError};

/// Requests, commands and events are many small allocations, most of them freed by another thread than the one that
/// made them: that is what it is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
