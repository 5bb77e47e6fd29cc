//! The ingress as a process of its own, with the Redis and Postgres of the settings.

use auction_components::{component::Component, process};
use std::process::ExitCode;

fn main() -> ExitCode {
    process::main(Component::Ingress)
}
