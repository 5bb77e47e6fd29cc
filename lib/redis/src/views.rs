//! Ready-made answers: written by the projector with its checkpoint, read by everybody.

mod generations;
mod line;
mod read;
mod write;

pub use generations::RedisGenerations;
pub use read::RedisViews;
pub use write::{RedisViewStore, RedisViewStores};
