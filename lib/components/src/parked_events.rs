//! `portal parked-events`: events that a component cannot process, and the events that wait for them.

mod show;

use crate::operator::{BackendArgs, BulkArgs, CommandContext, CommandOutput, Selection, apply_to_each};
use crate::process::{ProcessError, Running};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_app::ports::operator::parked_events::{OperatorAction, ParkedAggregate, ParkedEvents};
use auction_wire::EventRecord;
use clap::{Args, Subcommand};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long to wait for the component to take a requested action.
const ACTION_TIMEOUT: Duration = Duration::from_secs(30);

const POLL_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
pub struct ParkedEventsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List parked events, by component and partition
    List {
        #[command(flatten)]
        filters: Filters,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        backends: BackendArgs,
    },
    /// Show parked events with the events that wait for them
    Show {
        #[command(flatten)]
        filters: Filters,
        #[command(flatten)]
        backends: BackendArgs,
    },
    /// Process the event again, and then the events after it. The component must be running
    Retry(BulkArgs<Filters>),
    /// Skip the event, and process the events after it. The component must be running.
    /// Do not use this for the projector: read models need every event. Fix the cause and use `retry`
    Drop(BulkArgs<Filters>),
}

/// Filters of parked events; all given filters must match.
#[derive(Debug, Args)]
struct Filters {
    /// Component that parked the event, such as projector
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Number of the partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// Id of the user or auction
    #[arg(long, value_name = "ID")]
    key: Option<Uuid>,
    /// Reason: unreadable, panicked or refused
    #[arg(long)]
    reason: Option<String>,
}

impl Selection for Filters {
    fn is_empty(&self) -> bool {
        let Filters { component, partition, key, reason } = self;
        component.is_none() && partition.is_none() && key.is_none() && reason.is_none()
    }
}

impl Filters {
    fn matches(&self, parked: &ParkedAggregate) -> bool {
        self.component.as_ref().is_none_or(|component| *component == parked.component)
            && self.partition.is_none_or(|partition| partition == parked.partition.0)
            && self.key.is_none_or(|key| key == parked.event.key)
            && self.reason.as_ref().is_none_or(|reason| reason == parked.event.reason.name())
    }
}

async fn find_selected(
    context: &CommandContext,
    filters: &Filters,
) -> Result<Vec<ParkedAggregate>, ProcessError> {
    let mut found = context.check(context.store.all().await)?;
    found.retain(|parked| filters.matches(parked));
    Ok(found)
}

/// Returns the parked event and the events of its user or auction after it.
async fn pending_events(
    context: &CommandContext,
    parked: &ParkedAggregate,
) -> Result<Vec<EventRecord>, Unavailable> {
    let mut store = context.connections.stores.open().await?;
    let mut events = store.history(&[parked.event.key], u64::MAX >> 1).await?;
    events.retain(|event| event.position >= parked.event.position);
    Ok(events)
}

/// Requests an action, and waits until the component has taken it.
async fn request(
    context: &CommandContext,
    parked: &ParkedAggregate,
    action: OperatorAction,
) -> Result<CommandOutput, Unavailable> {
    let ParkedAggregate { component, partition, event, .. } = parked;
    if !context.store.request(component, event.key, event.position, action).await? {
        return Ok(CommandOutput::success("no longer parked at this event".to_owned()));
    }
    let started = Instant::now();
    while started.elapsed() < ACTION_TIMEOUT {
        let parked_now = context.store.of(component, *partition).await?;
        match parked_now.into_iter().find(|parked| parked.event.key == event.key) {
            None => return Ok(CommandOutput::success("processed, with all pending events".to_owned())),
            Some(parked) if parked.requested_action.is_none() => {
                return Ok(CommandOutput::failure(format!("still parked: {}", parked.event.error)));
            }
            Some(_) => tokio::time::sleep(POLL_INTERVAL).await,
        }
    }
    let seconds = ACTION_TIMEOUT.as_secs();
    Ok(CommandOutput::failure(format!(
        "no result after {seconds} s: the action stays requested until the {component} runs"
    )))
}

pub fn run(args: ParkedEventsArgs) -> Running<CommandOutput> {
    Box::pin(execute(args))
}

async fn execute(args: ParkedEventsArgs) -> Result<CommandOutput, ProcessError> {
    match args.action {
        Action::List { filters, json, backends } => {
            let found = find_selected(&backends.connect()?, &filters).await?;
            Ok(CommandOutput::success(if json { show::json_lines(&found) } else { show::table(&found) }))
        }
        Action::Show { filters, backends } => {
            let (context, mut text) = (backends.connect()?, String::new());
            for parked in find_selected(&context, &filters).await? {
                let pending = context.check(pending_events(&context, &parked).await)?;
                text += &show::details(&parked, &pending);
            }
            Ok(CommandOutput::success(text))
        }
        Action::Retry(args) => request_for_selected(args, OperatorAction::Retry).await,
        Action::Drop(args) => request_for_selected(args, OperatorAction::Drop).await,
    }
}

async fn request_for_selected(
    args: BulkArgs<Filters>,
    action: OperatorAction,
) -> Result<CommandOutput, ProcessError> {
    args.require_selection()?;
    let context = args.backends.connect()?;
    let found = find_selected(&context, &args.selection).await?;
    if args.dry_run {
        let changed = match action {
            OperatorAction::Retry => "retried",
            OperatorAction::Drop => "dropped",
        };
        let text = format!("{}{} would be {changed}\n", show::table(&found), found.len());
        return Ok(CommandOutput::success(text));
    }
    let name = |parked: &ParkedAggregate| format!("{} {}", parked.component, parked.event.key);
    apply_to_each(&found, "parked events", name, async |parked| {
        context.check(request(&context, parked, action).await)
    })
    .await
}
