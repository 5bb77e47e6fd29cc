//! The composition root: settings, connections, logging and shutdown of the portal's components.
//!
//! A [`component`] starts the tasks of one process type. [`process`] runs one component as a process of its
//! own; [`up`] runs all of them in one process, with local backends if none are given. The other modules
//! implement the operator commands of the command line.

pub mod accounts;
mod admin;
mod capacity;
pub mod component;
pub mod connections;
pub mod dead_letters;
pub mod draws;
mod open_files;
pub mod operator;
pub mod parked_events;
pub mod process;
pub mod rebuild;
pub mod settings;
pub mod stderr;
pub mod streams;
pub mod tasks;
pub mod telemetry;
pub mod up;
pub mod verify;

pub use connections::Connections;
pub use settings::{Settings, SettingsError};

/// Requests, commands and events are many small allocations, most of them freed by another thread than the
/// one that allocated them. mimalloc is fast in this case.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
