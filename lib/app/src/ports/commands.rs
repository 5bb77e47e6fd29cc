//! Ports for commands: queue, streams, outcomes and load.

pub mod command_queue;
pub mod command_stream;
pub mod decision_probe;
pub mod load_probe;
pub mod outcomes;
