//! The REST ingress: requests become commands, read models become answers.
//!
//! [`routes`] is the table of all routes, one file per endpoint. Every answer that is not a success is a
//! [`problem`] by RFC 9457. Commands are answered at once (202 and a handle to ask with), or with their
//! outcome when it comes within the time the client prefers to wait ([`answer`]). [`admin`] is for operators,
//! at an address of its own, and of any process.

pub mod address;
pub mod admin;
mod admit;
pub mod answer;
pub mod body;
pub mod caller;
pub mod conditional;
pub mod consistency;
pub mod cors;
mod description;
mod desk;
mod guard;
pub mod idempotency_key;
pub mod if_match;
pub mod limits;
mod live;
pub mod portal;
pub mod prefer;
pub mod problem;
pub mod read_model;
mod readiness;
pub mod routes;
pub mod serve;
pub mod who;

pub use admin::{Admin, serve_admin};
pub use desk::OperatorPorts;
pub use portal::{IngressState, Ports, Settings};
pub use serve::serve;
