//! `portal parked`: what services cannot handle, and what waits behind it.

mod show;

use crate::operator::{PortalConnection, ServersArgs};
use crate::process::ProcessError;
use auction_app::ports::Unavailable;
use auction_app::ports::events::event_store::{EventStore, EventStoreConnector};
use auction_app::ports::operator::parked_events::{OperatorAction, ParkedAggregate, ParkedEvents};
use auction_postgres::queries::PostgresQueries;
use auction_wire::EventRecord;
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long the service may take to do what was asked.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// `portal parked`
#[derive(Debug, Args)]
pub struct ParkedArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what is parked, by service and partition
    List {
        #[command(flatten)]
        which: Which,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// Show all there is to know, with the events that wait
    Show {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        servers: ServersArgs,
    },
    /// Let the service try again, with all that waits; it must be running
    Retry(BulkArgs),
    /// Give the event up and let the service go on with what waits behind it; it must be running. What a
    /// service folds from all events, as views are, still needs that one: there, mend and retry instead
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
    /// By this service, such as projector
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// In this partition
    #[arg(long, value_name = "NUMBER")]
    partition: Option<u16>,
    /// Of this user or auction
    #[arg(long, value_name = "ID")]
    key: Option<Uuid>,
    /// For this reason: unreadable, panicked or refused
    #[arg(long)]
    reason: Option<String>,
}

impl Which {
    fn is_empty(&self) -> bool {
        let Which { service, partition, key, reason } = self;
        service.is_none() && partition.is_none() && key.is_none() && reason.is_none()
    }

    fn takes(&self, parked: &ParkedAggregate) -> bool {
        self.service.as_ref().is_none_or(|service| *service == parked.service)
            && self.partition.is_none_or(|partition| partition == parked.partition.0)
            && self.key.is_none_or(|key| key == parked.event.key)
            && self.reason.as_ref().is_none_or(|reason| reason == parked.event.reason.name())
    }
}

/// What an action works on.
struct CommandContext {
    portal: PortalConnection,
    parking: PostgresQueries,
}

impl CommandContext {
    fn open(servers: ServersArgs) -> Result<CommandContext, ProcessError> {
        let portal = servers.connect()?;
        let parking = PostgresQueries::new(&portal.connections.stores, 1);
        let parking = parking.map_err(|error| ProcessError::Usage(error.to_string()))?;
        Ok(CommandContext { portal, parking })
    }

    async fn find(&self, which: &Which) -> Result<Vec<ParkedAggregate>, ProcessError> {
        let mut found = self.parking.all().await.map_err(|error| self.portal.backend_error(&error))?;
        found.retain(|parked| which.takes(parked));
        Ok(found)
    }

    /// The parked event, and those that wait behind it.
    async fn waiting(&self, parked: &ParkedAggregate) -> Result<Vec<EventRecord>, Unavailable> {
        let mut store = self.portal.connections.stores.open().await?;
        let mut events = store.history(&[parked.event.key], u64::MAX >> 1).await?;
        events.retain(|event| event.position >= parked.event.position);
        Ok(events)
    }

    /// Asks the service and waits until it has tried. What came of it, and whether that is well.
    async fn ask(
        &self,
        parked: &ParkedAggregate,
        asked: OperatorAction,
    ) -> Result<(String, bool), Unavailable> {
        let ParkedAggregate { service, partition, event, .. } = parked;
        if !self.parking.request(service, event.key, event.position, asked).await? {
            return Ok(("it is not parked there any more".to_owned(), true));
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let now = self.parking.of(service, *partition).await?;
            match now.into_iter().find(|parked| parked.event.key == event.key) {
                None => return Ok(("handled, with all that waited".to_owned(), true)),
                Some(now) if now.asked.is_none() => {
                    return Ok((format!("stays parked: {}", now.event.error), false));
                }
                Some(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
        let seconds = PATIENCE.as_secs();
        Ok((format!("not tried within {seconds} s; it will be when the {service} runs"), false))
    }
}

/// Does it and returns what there is to read, and whether all went well.
pub async fn run(args: ParkedArgs) -> Result<(String, bool), ProcessError> {
    match args.action {
        Action::List { which, json, servers } => {
            let found = CommandContext::open(servers)?.find(&which).await?;
            Ok((if json { show::lines(&found) } else { show::table(&found) }, true))
        }
        Action::Show { which, servers } => {
            let (desk, mut text) = (CommandContext::open(servers)?, String::new());
            for parked in desk.find(&which).await? {
                let waiting =
                    desk.waiting(&parked).await.map_err(|error| desk.portal.backend_error(&error))?;
                text += &show::whole(&parked, &waiting);
            }
            Ok((text, true))
        }
        Action::Retry(change) => ask_all(change, OperatorAction::Retry).await,
        Action::Drop(change) => ask_all(change, OperatorAction::Drop).await,
    }
}

async fn ask_all(change: BulkArgs, asked: OperatorAction) -> Result<(String, bool), ProcessError> {
    let BulkArgs { which, all, dry_run, servers } = change;
    if !all && which.is_empty() {
        return Err(ProcessError::Usage("say which: by --service, --key and the like, or --all".to_owned()));
    }
    let desk = CommandContext::open(servers)?;
    let found = desk.find(&which).await?;
    if dry_run {
        let would = match asked {
            OperatorAction::Retry => "tried again",
            OperatorAction::Drop => "dropped",
        };
        return Ok((format!("{}{} would be {would}\n", show::table(&found), found.len()), true));
    }
    let (mut text, mut all_well) = (String::new(), true);
    for parked in &found {
        let (what, well) =
            desk.ask(parked, asked).await.map_err(|error| desk.portal.backend_error(&error))?;
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{} {}: {what}", parked.service, parked.event.key);
        all_well &= well;
    }
    let _ = writeln!(text, "{} parked", found.len());
    Ok((text, all_well))
}
