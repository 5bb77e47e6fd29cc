//! The real lane of a writer on ports in memory: whatever fails, whenever, and however many lanes run,
//! each command has one outcome, in order, and nothing is left behind.

#![allow(clippy::unwrap_used)]

mod effects;
mod history;
mod poison;
mod schedules;
mod world;
