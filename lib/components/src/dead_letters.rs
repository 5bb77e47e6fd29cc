//! `portal dead-letters`: commands that could not be processed.

mod show;

use crate::operator::{BulkArgs, CommandContext, CommandOutput, Filters, ListArgs, SelectArgs};
use crate::process::{ProcessError, Running};
use auction_app::operator::dead_letters::{Filter, RequeueResult, find, requeue};
use auction_app::ports::operator::dead_letters::DeadLetter;
use auction_app::ports::operator::dead_letters::DeadLetterQueue;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List dead letters, the oldest of each partition first
    List(ListArgs<DeadLetterFilters>),
    /// Show all details of dead letters, with the command body decoded
    Show(SelectArgs<DeadLetterFilters>),
    /// Send the commands of dead letters again. They count as received now, and take effect at most once
    Requeue(BulkArgs<DeadLetterFilters>),
    /// Delete dead letters permanently. The outcome of their commands stays `failed`
    Drop(BulkArgs<DeadLetterFilters>),
}

#[derive(Debug, Default, PartialEq, Args)]
struct DeadLetterFilters {
    /// Names of dead letters, such as 07/1795372100000-0
    names: Vec<String>,
    /// Number of the partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// Reason: unreadable, panicked, process_crash or rejected
    #[arg(long)]
    reason: Option<String>,
    /// Kind of the command, such as place_bid
    #[arg(long)]
    kind: Option<String>,
    /// Id of the command
    #[arg(long, value_name = "ID")]
    command: Option<Uuid>,
    /// Id of the user or auction
    #[arg(long, value_name = "ID")]
    key: Option<Uuid>,
    /// Minimum age, since the command was dead-lettered
    #[arg(long, value_name = "SECONDS")]
    older_than: Option<u64>,
}

impl Filters for DeadLetterFilters {
    type Item = DeadLetter;

    const ITEM: &'static str = "dead letter";

    async fn find(self, context: &CommandContext) -> Result<Vec<DeadLetter>, ProcessError> {
        let filter = Filter {
            names: self.names.into_iter().collect(),
            partition: self.partition,
            reason: self.reason,
            kind: self.kind,
            command: self.command,
            key: self.key,
            before_ms: self.older_than.map(|seconds| now_ms().saturating_sub(1000 * seconds)),
        };
        let found =
            context.check(find(&context.dead_letters(), context.connections.partitions, &filter).await)?;
        let existing: Vec<String> = found.iter().map(DeadLetter::name).collect();
        match filter.names.iter().find(|name| !existing.contains(name)) {
            Some(name) => {
                Err(ProcessError::Usage(format!("there is no dead letter {name} that matches the filters")))
            }
            None => Ok(found),
        }
    }

    fn name(dead_letter: &DeadLetter) -> String {
        dead_letter.name()
    }

    fn table(dead_letters: &[DeadLetter]) -> String {
        show::table(dead_letters, now_ms())
    }

    fn json(dead_letter: &DeadLetter) -> Value {
        show::json(dead_letter)
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

pub fn run(args: DeadLettersArgs) -> Running<CommandOutput> {
    Box::pin(execute(args))
}

async fn execute(args: DeadLettersArgs) -> Result<CommandOutput, ProcessError> {
    match args.action {
        Action::List(args) => args.run().await,
        Action::Show(selected) => {
            let (_, found) = selected.find().await?;
            Ok(CommandOutput::success(found.iter().map(show::details).collect()))
        }
        Action::Requeue(args) => args.apply("requeued", requeue_one).await,
        Action::Drop(args) => args.apply("dropped", drop_one).await,
    }
}

async fn requeue_one(
    context: &CommandContext,
    dead_letter: &DeadLetter,
) -> Result<CommandOutput, ProcessError> {
    let result = requeue(&context.dead_letters(), &context.store, dead_letter).await;
    Ok(match context.check(result)? {
        RequeueResult::Done(entry) => {
            CommandOutput::success(format!("requeued as {entry} of {}", dead_letter.stream))
        }
        RequeueResult::Decided(command) => CommandOutput::failure(format!(
            "not requeued: command {command} is already decided; drop this dead letter"
        )),
        RequeueResult::Gone => {
            CommandOutput::failure("not requeued: it was requeued or dropped meanwhile".to_owned())
        }
    })
}

async fn drop_one(context: &CommandContext, dead_letter: &DeadLetter) -> Result<CommandOutput, ProcessError> {
    let dropped = context.check(context.dead_letters().delete(dead_letter).await)?;
    Ok(CommandOutput::success(if dropped { "dropped".to_owned() } else { "no longer exists".to_owned() }))
}
