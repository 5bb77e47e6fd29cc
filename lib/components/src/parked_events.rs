//! `portal parked-events`: events that a component cannot process, and the events that wait for them.

mod show;

use crate::operator::{BulkArgs, CommandContext, CommandOutput, Filters, ListArgs, SelectArgs};
use crate::process::{ProcessError, Running};
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_app::ports::operator::parked_events::{OperatorAction, ParkedAggregate, ParkedEvents};
use auction_wire::EventRecord;
use clap::{Args, Subcommand};
use serde_json::Value;
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
    List(ListArgs<ParkedFilters>),
    /// Show parked events with the events that wait for them
    Show(SelectArgs<ParkedFilters>),
    /// Process the event again, and then the events after it. The component must be running
    Retry(BulkArgs<ParkedFilters>),
    /// Skip the event, and process the events after it. The component must be running.
    /// Do not use this for the projector: read models need every event. Fix the cause and use `retry`
    Drop(BulkArgs<ParkedFilters>),
}

#[derive(Debug, Default, PartialEq, Args)]
struct ParkedFilters {
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

impl Filters for ParkedFilters {
    type Item = ParkedAggregate;

    const ITEM: &'static str = "parked event";

    async fn find(self, context: &CommandContext) -> Result<Vec<ParkedAggregate>, ProcessError> {
        let mut found = context.check(context.store.all().await)?;
        found.retain(|parked| self.matches(parked));
        Ok(found)
    }

    fn name(parked: &ParkedAggregate) -> String {
        format!("{} {}", parked.component, parked.event.key)
    }

    fn table(all: &[ParkedAggregate]) -> String {
        show::table(all)
    }

    fn json(parked: &ParkedAggregate) -> Value {
        show::json(parked)
    }
}

impl ParkedFilters {
    fn matches(&self, parked: &ParkedAggregate) -> bool {
        self.component.as_ref().is_none_or(|component| *component == parked.component)
            && self.partition.is_none_or(|partition| partition == parked.partition.0)
            && self.key.is_none_or(|key| key == parked.event.key)
            && self.reason.as_ref().is_none_or(|reason| reason == parked.event.reason.name())
    }
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
        Action::List(args) => args.run().await,
        Action::Show(selected) => {
            let ((context, found), mut text) = (selected.find().await?, String::new());
            for parked in found {
                let pending = context.check(pending_events(&context, &parked).await)?;
                text += &show::details(&parked, &pending);
            }
            Ok(CommandOutput::success(text))
        }
        Action::Retry(args) => args.apply("retried", retry_one).await,
        Action::Drop(args) => args.apply("dropped", drop_one).await,
    }
}

async fn retry_one(
    context: &CommandContext,
    parked: &ParkedAggregate,
) -> Result<CommandOutput, ProcessError> {
    context.check(request(context, parked, OperatorAction::Retry).await)
}

async fn drop_one(context: &CommandContext, parked: &ParkedAggregate) -> Result<CommandOutput, ProcessError> {
    context.check(request(context, parked, OperatorAction::Drop).await)
}
