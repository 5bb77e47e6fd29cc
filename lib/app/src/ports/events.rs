//! Ports for stored and published events.

pub mod auction_event_reader;
pub mod event_store;
pub mod event_stream;
pub mod event_stream_reader;
pub mod event_tail;
pub mod heads;
pub mod partition_lock;
pub mod retention;
