//! `portal dead-letters`: commands that could not be handled.

mod show;

use crate::operator::{PortalConnection, ServersArgs};
use crate::process::ProcessError;
use auction_app::operator::dead_letters::{DeadLetter, Filter, RequeueResult, find, requeue};
use auction_app::ports::operator::dead_letters::DeadLetterQueue;
use auction_postgres::queries::PostgresQueries;
use auction_redis::dead_letters::RedisDeadLetters;
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// `portal dead-letters`
#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them, the oldest of each partition first
    List {
        #[command(flatten)]
        which: Which,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// Show all there is to know, with the body decoded
    Show {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// Send them again: they count as received now, and have no second effect
    Requeue(BulkArgs),
    /// Delete them for good; the outcome of their commands stays `failed`
    Drop(BulkArgs),
}

#[derive(Debug, Args)]
struct BulkArgs {
    #[command(flatten)]
    which: Which,
    /// All there are
    #[arg(long)]
    all: bool,
    /// Only say which
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    servers: ServersArgs,
}

/// Those that are all of what is given.
#[derive(Debug, Args)]
struct Which {
    /// By name, such as 07/1795372100000-0
    letters: Vec<String>,
    /// In this partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// For this reason: unreadable, panicked, ended_its_process or rejected
    #[arg(long)]
    reason: Option<String>,
    /// Of this kind, such as place_bid
    #[arg(long)]
    kind: Option<String>,
    /// Of this command
    #[arg(long, value_name = "ID")]
    command: Option<Uuid>,
    /// For this user or auction
    #[arg(long, value_name = "ID")]
    key: Option<Uuid>,
    /// Put away at least so many seconds ago
    #[arg(long, value_name = "SECONDS")]
    older_than: Option<u64>,
}

impl Which {
    fn filter(self) -> Filter {
        let before_ms = self.older_than.map(|seconds| now_ms().saturating_sub(1000 * seconds));
        Filter {
            names: self.letters.into_iter().collect(),
            partition: self.partition,
            reason: self.reason,
            kind: self.kind,
            command: self.command,
            key: self.key,
            before_ms,
        }
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// What an action works on.
struct CommandContext {
    portal: PortalConnection,
    letters: RedisDeadLetters,
    lookup: PostgresQueries,
}

impl CommandContext {
    fn open(servers: ServersArgs) -> Result<CommandContext, ProcessError> {
        let portal = servers.connect()?;
        let letters = RedisDeadLetters::new(portal.connections.redis_pool.clone());
        let lookup = PostgresQueries::new(&portal.connections.stores, 1);
        let lookup = lookup.map_err(|error| ProcessError::Usage(error.to_string()))?;
        Ok(CommandContext { portal, letters, lookup })
    }

    async fn find(&self, which: Which) -> Result<Vec<DeadLetter>, ProcessError> {
        let filter = which.filter();
        let found = find(&self.letters, self.portal.connections.partitions, &filter).await;
        let found = found.map_err(|error| self.portal.backend_error(&error))?;
        let there: Vec<String> = found.iter().map(DeadLetter::name).collect();
        match filter.names.iter().find(|name| !there.contains(name)) {
            Some(name) => Err(ProcessError::Usage(format!("there is no such dead letter: {name}"))),
            None => Ok(found),
        }
    }
}

/// Does it and returns what there is to read, and whether all went well.
pub async fn run(args: DeadLettersArgs) -> Result<(String, bool), ProcessError> {
    match args.action {
        Action::List { which, json, servers } => {
            let found = CommandContext::open(servers)?.find(which).await?;
            let lines = if json { show::lines(&found) } else { show::table(&found, now_ms()) };
            Ok((lines, true))
        }
        Action::Show { which, servers } => {
            let found = CommandContext::open(servers)?.find(which).await?;
            Ok((found.iter().map(show::whole).collect(), true))
        }
        Action::Requeue(change) => change_all(change, "requeued", again).await,
        Action::Drop(change) => change_all(change, "dropped", away).await,
    }
}

/// What became of a letter, and whether that is well.
type Changed = Result<(String, bool), ProcessError>;

async fn again(desk: &CommandContext, letter: &DeadLetter) -> Changed {
    let requeued = requeue(&desk.letters, &desk.lookup, letter).await;
    Ok(match requeued.map_err(|error| desk.portal.backend_error(&error))? {
        RequeueResult::Done(entry) => (format!("requeued as {entry} of {}", letter.stream), true),
        RequeueResult::Decided(command) => {
            (format!("not requeued: command {command} was decided since; drop the letter"), false)
        }
        RequeueResult::Gone => ("not requeued: somebody else did it, or dropped it".to_owned(), false),
    })
}

async fn away(desk: &CommandContext, letter: &DeadLetter) -> Changed {
    let dropped = desk.letters.drop(letter).await.map_err(|error| desk.portal.backend_error(&error))?;
    Ok(if dropped { ("dropped".to_owned(), true) } else { ("gone already".to_owned(), true) })
}

async fn change_all(
    change: BulkArgs,
    done: &str,
    one: impl AsyncFn(&CommandContext, &DeadLetter) -> Changed,
) -> Changed {
    let BulkArgs { which, all, dry_run, servers } = change;
    if !all && which_is_empty(&which) {
        return Err(ProcessError::Usage("say which: by name, by --reason and the like, or --all".to_owned()));
    }
    let desk = CommandContext::open(servers)?;
    let found = desk.find(which).await?;
    if dry_run {
        let text = format!("{}{} would be {done}\n", show::table(&found, now_ms()), found.len());
        return Ok((text, true));
    }
    let (mut text, mut all_well) = (String::new(), true);
    for letter in &found {
        let (what, well) = one(&desk, letter).await?;
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{}: {what}", letter.name());
        all_well &= well;
    }
    let _ = writeln!(text, "{} dead letters", found.len());
    Ok((text, all_well))
}

fn which_is_empty(which: &Which) -> bool {
    let Which { letters, partition, reason, kind, command, key, older_than } = which;
    let said = partition.is_some() || reason.is_some() || kind.is_some() || older_than.is_some();
    letters.is_empty() && !said && command.is_none() && key.is_none()
}
