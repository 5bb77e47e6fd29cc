//! The portal under test and the clients that put the load on it.

pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod listeners;
pub(crate) mod load_balancer;
pub(crate) mod local_portal;
pub(crate) mod streams;
