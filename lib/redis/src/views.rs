//! Read models: written by the projector together with its checkpoint, read by the ingress.

mod generations;
mod read;
mod write;

pub use generations::RedisGenerations;
pub use read::RedisReadModelReader;
pub use write::{RedisReadModelConnector, RedisReadModelWriter};
