//! What the load is put on.

pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod listeners;
pub(crate) mod load_balancer;
pub(crate) mod local_portal;
pub(crate) mod streams;
