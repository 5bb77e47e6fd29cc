//! What the load is put on.

pub(crate) mod balance;
pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod listeners;
pub(crate) mod own_portal;
pub(crate) mod streams;
