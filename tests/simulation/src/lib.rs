//! Deterministic simulation of the write protocol and the projector.
//!
//! The simulated code is the real code: partition writers with command streams, crash tracking and settling
//! (`auction_app::writer`, `auction_redis::command_stream`, `stream_worker`), and event consumers with the
//! projector and its views. Its environment is modelled: a Redis ([`redis`]), sockets that are slow and break
//! ([`network`]), an event store whose appends may take effect late ([`faulty_port`]), and processes that are
//! killed and paused between any two steps ([`process`]). Everything runs on one thread, in time that
//! advances only when all tasks wait, and depends on one seed: the same seed produces the same schedule, byte
//! for byte.
//!
//! [`schedule::run`] runs one schedule and checks the guarantees. The program `simulate` runs many.

#![allow(
    clippy::expect_used,
    reason = "this crate sends only well-formed data to itself; anything else is a bug in it"
)]

mod check;
pub mod faulty_port;
pub mod locks;
pub mod mutations;
pub mod network;
pub mod older_writer;
pub mod process;
pub mod redis;
pub mod reply;
pub mod schedule;
pub mod streams;
pub mod workload;
pub mod world;
