//! The REST ingress: requests become commands, read models become answers.
//!
//! [`routes`] is the table of all routes, one file per endpoint. Every answer that is not a success is a
//! [`problem`] by RFC 9457. Commands are answered at once (202 and a handle to ask with), or with their
//! outcome when it comes within the time the client prefers to wait ([`command_response`]). [`admin`] is for operators,
//! at an address of its own, and of any process.

pub mod access;
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
mod operator_ports;
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
pub use operator_ports::OperatorPorts;
pub use serve::serve;
pub use state::{IngressState, Ports, Settings};
