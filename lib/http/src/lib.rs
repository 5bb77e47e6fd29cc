//! HTTP API of the ingress: requests become commands, and read models become responses.
//!
//! [`routes`] lists all routes, one file per endpoint. Errors are RFC 9457 problem details ([`problem`]). A
//! command is answered at once with 202 and a handle, or with its outcome if that arrives within the time
//! that the client prefers to wait ([`command_response`]). [`admin`] serves the health and metrics of any
//! process at an address of its own.

pub mod access;
pub mod address_limits;
pub mod admin;
mod auth;
pub mod body;
pub mod caller;
pub mod client_ip;
pub mod command_response;
pub mod conditional;
pub mod consistency;
pub mod cors;
pub mod idempotency_key;
pub mod if_match;
mod middleware;
mod openapi;
pub mod prefer;
pub mod problem;
pub mod rate_limits;
pub mod read_model;
mod readiness;
pub mod routes;
pub mod serve;
mod sse_response;
pub mod state;

pub use admin::{Admin, serve_admin};
pub use serve::serve;
pub use state::{IngressState, Settings};
