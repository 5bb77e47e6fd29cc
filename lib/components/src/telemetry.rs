//! Structured logs on standard error.

use crate::settings::{LogFormat, LogSettings};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Starts logging for this process. Earlier log events are lost; a second call has no effect.
pub fn start(settings: &LogSettings) -> Result<(), ParseError> {
    let filter: EnvFilter = settings.filter.parse()?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match settings.format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    // Only a test that starts two portals in one process gets here twice.
    drop(started);
    Ok(())
}
