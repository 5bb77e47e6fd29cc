//! Ready-made answers: written by the projector with its checkpoint, read by everybody.

mod entry;
mod generations;
mod read;
mod write;

pub use generations::RedisGenerations;
pub use read::RedisViews;
pub use write::{RedisViewStore, RedisViewStores};
