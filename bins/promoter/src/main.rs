//! The promoter as a process of its own, against given servers.

use auction_service::{process, role::Role};
use std::process::ExitCode;

fn main() -> ExitCode {
    process::main(Role::Promoter)
}
