//! The projector as a process of its own, against given servers.

use auction_components::{component::Component, process};
use std::process::ExitCode;

fn main() -> ExitCode {
    process::main(Component::Projector)
}
