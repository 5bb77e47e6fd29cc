//! Sends a command and prints its outcome.

use crate::client::{Client, Command};
use crate::console::Console;
use crate::error::CliError;
use auction_wire::api::CommandDone;

/// Sends a command, and prints its outcome as JSON, or as the line that `line` returns.
pub(crate) async fn send_and_print(
    client: &Client,
    console: &Console,
    command: &Command,
    json: bool,
    line: impl FnOnce(&CommandDone) -> Result<String, CliError>,
) -> Result<(), CliError> {
    let done = client.command(command).await?.map_err(|problem| CliError::Refused { problem, json })?;
    if json {
        console.json(&done);
    } else {
        console.line(&line(&done)?);
    }
    Ok(())
}
