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
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Finds the backends: those of the settings, otherwise the local ones. Connects lazily, except to check
    /// Postgres and to read the id of the portal. A standby, a replica and the Redis of another portal are refused.
    /// Without Postgres, the owner of Redis is not checked.
    pub(crate) async fn connect(self) -> Result<CommandContext, ProcessError> {
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
        let connections = Connections::for_operator(&settings).await?;
        let store = PostgresQueries::new(&connections.stores, 1);
        let store = store.map_err(|error| ProcessError::Usage(error.to_string()))?;
        let connections = match store.portal_id().await {
            Ok(Some(portal)) => connections.owned(portal, &settings)?,
            Ok(None) | Err(_) => connections,
        };
        let writer_lease = Duration::from_secs(settings.writer.lease_seconds.get().into());
        Ok(CommandContext { connections, store, writer_lease, data_dir: local.then_some(self.data_dir) })
    }
}

/// Open connections of an operator command.
pub(crate) struct CommandContext {
    pub(crate) connections: Connections,
    pub(crate) store: PostgresQueries,
    /// Time to live of the leases of writers.
    pub(crate) writer_lease: Duration,
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

/// Filters of the items that an operator command lists or changes, such as dead letters. All given filters
/// must match.
pub(crate) trait Filters: Args + Default + PartialEq {
    type Item;

    /// Noun for an item, whose plural ends in "s".
    const ITEM: &'static str;

    /// Returns the items that match.
    async fn find(self, context: &CommandContext) -> Result<Vec<Self::Item>, ProcessError>;

    /// Returns the name of an item.
    fn name(item: &Self::Item) -> String;

    /// Returns a table of the items, with a header.
    fn table(items: &[Self::Item]) -> String;

    /// Returns an item as JSON.
    fn json(item: &Self::Item) -> Value;
}

/// Arguments of an operator command that shows all selected items.
#[derive(Debug, Args)]
pub(crate) struct SelectArgs<F: Filters> {
    #[command(flatten)]
    filters: F,
    #[command(flatten)]
    backends: BackendArgs,
}

impl<F: Filters> SelectArgs<F> {
    /// Returns the selected items.
    pub(crate) async fn find(self) -> Result<(CommandContext, Vec<F::Item>), ProcessError> {
        let context = self.backends.connect().await?;
        let found = self.filters.find(&context).await?;
        Ok((context, found))
    }
}

/// Arguments of an operator command that lists all selected items.
#[derive(Debug, Args)]
pub(crate) struct ListArgs<F: Filters> {
    #[command(flatten)]
    selected: SelectArgs<F>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl<F: Filters> ListArgs<F> {
    pub(crate) async fn run(self) -> Result<CommandOutput, ProcessError> {
        let (_, found) = self.selected.find().await?;
        let json_lines = || found.iter().map(|item| format!("{}\n", F::json(item))).collect();
        Ok(CommandOutput::success(if self.json { json_lines() } else { table::<F>(&found) }))
    }
}

fn table<F: Filters>(items: &[F::Item]) -> String {
    if items.is_empty() { format!("no {}s\n", F::ITEM) } else { F::table(items) }
}

/// Arguments of an operator command that changes all selected items.
#[derive(Debug, Args)]
pub(crate) struct BulkArgs<F: Filters> {
    #[command(flatten)]
    selected: SelectArgs<F>,
    /// Select all, without a filter
    #[arg(long)]
    all: bool,
    /// Print what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl<F: Filters> BulkArgs<F> {
    /// Applies an action to each selected item. The output has a line per item, and their number.
    ///
    /// Fails if nothing is selected, so that a forgotten filter does not change every item. `changed` is the
    /// participle of the action.
    pub(crate) async fn apply(
        self,
        changed: &str,
        action: impl AsyncFn(&CommandContext, &F::Item) -> Result<CommandOutput, ProcessError>,
    ) -> Result<CommandOutput, ProcessError> {
        if !self.all && self.selected.filters == F::default() {
            return Err(ProcessError::Usage(
                "nothing is selected: pass a filter (see --help), or --all".to_owned(),
            ));
        }
        let (context, found) = self.selected.find().await?;
        if self.dry_run {
            let text = format!("{}{} would be {changed}\n", table::<F>(&found), found.len());
            return Ok(CommandOutput::success(text));
        }
        let mut output = CommandOutput::success(String::new());
        for item in &found {
            let CommandOutput { text, success } = action(&context, item).await?;
            // Writing into a string cannot fail.
            let _ = writeln!(output.text, "{}: {text}", F::name(item));
            output.success &= success;
        }
        let plural = if found.len() == 1 { "" } else { "s" };
        let _ = writeln!(output.text, "{} {}{plural}", found.len(), F::ITEM);
        Ok(output)
    }
}
