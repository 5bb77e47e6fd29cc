//! The write protocol and its subscription, run by seed.
//!
//! The code is the real one: lanes with their consumers, suspects and settling (`auction_app::writer`,
//! `auction_redis::command_stream`, `stream_worker`), followers with the projector and its views. What it stands on is modelled: a
//! Redis that answers as Redis does ([`redis`]), sockets that are slow and break ([`network`]), a store whose appends
//! land when they like ([`store`]), processes that are killed and paused between any two steps ([`process`]). All of it
//! runs on one thread, in time that only passes when nobody has anything to do, and whatever happens follows from one
//! seed: the same seed makes the same schedule, to the byte.
//!
//! [`schedule::run`] runs one and looks whether the promises were kept. The program `simulate` runs many.

#![allow(
    clippy::expect_used,
    reason = "what this crate sends to itself is well formed, or it is a mistake of its own"
)]

mod check;
mod locks;
pub mod mutations;
pub mod network;
pub mod process;
pub mod redis;
pub mod reply;
pub mod schedule;
pub mod store;
pub mod workload;
pub mod world;
