//! Structured logs on standard error. Logging never delays or ends a task, whatever reads the logs.

use crate::settings::{LogFormat, LogSettings};
use crate::stderr::QueuedStderr;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use worker_runtime::panic_message;

/// Starts logging for this process. Earlier log events are lost; a second call has no effect.
pub fn start(settings: &LogSettings) -> Result<(), ParseError> {
    let filter: EnvFilter = settings.filter.parse()?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| QueuedStderr)
        // These would be written to standard error directly, and panic if it is closed.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match settings.format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    // Only a test that starts two portals in one process gets here twice.
    drop(started);
    log_panics();
    Ok(())
}

/// Logs panics like everything else: the default hook waits for whatever reads standard error.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let (message, thread) = (panic_message(panic.payload()), std::thread::current());
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(message, location, thread = thread.name(), "panic");
    }));
}
