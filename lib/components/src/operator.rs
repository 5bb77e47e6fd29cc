//! Shared parts of the operator commands, which work on Redis and Postgres directly.

use crate::connections::Connections;
use crate::process::ProcessError;
use crate::settings::{Settings, SettingsLayers};
use crate::up::servers_file;
use auction_app::ports::Unavailable;
use auction_postgres::queries::PostgresQueries;
use auction_redis::dead_letters::RedisDeadLetters;
use auction_redis::revocations::RedisRevocations;
use clap::Args;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments that select the backends of an operator command.
#[derive(Debug, Args)]
pub struct BackendArgs {
    /// Data directory of a running `portal up` with local backends
    #[arg(long, default_value = "data", value_name = "DIR")]
    data_dir: PathBuf,
    /// Settings file with the addresses of other backends
    #[arg(long, env = "AUCTION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl BackendArgs {
    /// Finds the backends: those of the settings, otherwise the local ones. Connects lazily.
    pub(crate) fn connect(self) -> Result<CommandContext, ProcessError> {
        let given = SettingsLayers { file: self.config, ..SettingsLayers::default() };
        let mut settings = Settings::load(&given)?;
        let local = settings.redis_url.is_none() && settings.database_url.is_none();
        if local {
            let file = servers_file(&self.data_dir);
            if !file.exists() {
                return Err(ProcessError::Usage(format!(
                    "{} does not exist: pass the data directory of a running `portal up` with --data-dir, or \
                     set REDIS_URL and DATABASE_URL",
                    file.display()
                )));
            }
            settings = Settings::load(&SettingsLayers { file: Some(file), ..given })?;
        }
        let connections = Connections::new(&settings)?;
        let store = PostgresQueries::new(&connections.stores, 1);
        let store = store.map_err(|error| ProcessError::Usage(error.to_string()))?;
        Ok(CommandContext { connections, store, data_dir: local.then_some(self.data_dir) })
    }
}

/// Open connections of an operator command.
pub(crate) struct CommandContext {
    pub(crate) connections: Connections,
    pub(crate) store: PostgresQueries,
    /// Set for local backends.
    data_dir: Option<PathBuf>,
}

impl CommandContext {
    pub(crate) fn dead_letters(&self) -> RedisDeadLetters {
        RedisDeadLetters::new(self.connections.redis_pool.clone())
    }

    pub(crate) fn revocations(&self) -> RedisRevocations {
        RedisRevocations::new(self.connections.redis_pool.clone())
    }

    /// Returns the error to print when a backend is unavailable.
    pub(crate) fn backend_error(&self, error: &Unavailable) -> ProcessError {
        ProcessError::Usage(match &self.data_dir {
            Some(dir) => format!("{error}. Is `portal up --data-dir {}` running?", dir.display()),
            None => error.to_string(),
        })
    }

    /// Converts an unavailable backend into the error to print.
    pub(crate) fn check<T>(&self, result: Result<T, Unavailable>) -> Result<T, ProcessError> {
        result.map_err(|error| self.backend_error(&error))
    }
}

/// Output of an operator command.
pub struct CommandOutput {
    pub text: String,
    /// Whether the command succeeded; decides the exit status.
    pub success: bool,
}

impl CommandOutput {
    pub(crate) fn success(text: String) -> CommandOutput {
        CommandOutput { text, success: true }
    }

    pub(crate) fn failure(text: String) -> CommandOutput {
        CommandOutput { text, success: false }
    }
}

/// Filters of an operator command that selects some of many items.
pub(crate) trait Selection: Args {
    /// Returns whether no filter is given.
    fn is_empty(&self) -> bool;
}

/// Arguments of an operator command that changes all selected items.
#[derive(Debug, Args)]
pub(crate) struct BulkArgs<S: Selection> {
    #[command(flatten)]
    pub(crate) selection: S,
    /// Select all, without a filter
    #[arg(long)]
    all: bool,
    /// Print what would be changed, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) backends: BackendArgs,
}

impl<S: Selection> BulkArgs<S> {
    /// Fails if nothing is selected, so that a forgotten filter does not change every item.
    pub(crate) fn require_selection(&self) -> Result<(), ProcessError> {
        if self.all || !self.selection.is_empty() {
            return Ok(());
        }
        Err(ProcessError::Usage("nothing is selected: pass a filter (see --help), or --all".to_owned()))
    }
}

/// Applies an action to each item. The output has a line per item, and their number with the noun `items`.
pub(crate) async fn apply_to_each<T>(
    selected: &[T],
    items: &str,
    name: impl Fn(&T) -> String,
    action: impl AsyncFn(&T) -> Result<CommandOutput, ProcessError>,
) -> Result<CommandOutput, ProcessError> {
    let mut output = CommandOutput::success(String::new());
    for item in selected {
        let CommandOutput { text, success } = action(item).await?;
        // Writing into a string cannot fail.
        let _ = writeln!(output.text, "{}: {text}", name(item));
        output.success &= success;
    }
    let _ = writeln!(output.text, "{} {items}", selected.len());
    Ok(output)
}
