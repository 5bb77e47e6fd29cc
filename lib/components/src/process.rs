//! A component as a process of its own.

use crate::admin;
use crate::component::{Component, keep_functions};
use crate::connections::{ConnectError, Connections};
use crate::open_files;
use crate::settings::{Settings, SettingsError, SettingsLayers};
use crate::stderr;
use crate::tasks::{ComponentError, Tasks};
use crate::telemetry;
use clap::{Args, CommandFactory, FromArgMatches, Parser, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use worker_runtime::health::{Health, watch};
use worker_runtime::shutdown::shutdown_pair;

/// Reasons a process ends with an error.
#[derive(Debug, Error)]
pub enum ProcessError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("settings: log.filter: {0}")]
    LogFilter(#[from] tracing_subscriber::filter::ParseError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Component(#[from] ComponentError),
    #[error(transparent)]
    LocalServers(#[from] auction_local_servers::ServersError),
    /// Stored events cannot be loaded.
    #[error(transparent)]
    Stored(#[from] auction_app::consume::stored_events::LoadError),
    #[error(transparent)]
    Rebuild(#[from] auction_app::projector::rebuild::RebuildError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("admin_listen {address}: {cause}")]
    Admin { address: SocketAddr, cause: Box<dyn std::error::Error + Send + Sync> },
    /// Invalid arguments, or settings that contradict each other.
    #[error("{0}")]
    Usage(String),
}

/// Arguments of every component.
#[derive(Debug, Args)]
#[command(about = None, long_about = None)] // keeps the description of the program that flattens this
pub struct ComponentArgs {
    /// Settings file; config/default.toml documents all settings.
    #[arg(long, env = "AUCTION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of the HTTP API (ingress only).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Admin address: /livez, /readyz, /metrics. Has no authentication.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
}

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    args: ComponentArgs,
}

/// The main function of a component's own program. Exit status: 0 after a signal, 1 after a failure, 2 for
/// invalid arguments or settings.
pub fn main(component: Component) -> ExitCode {
    let value = component.to_possible_value();
    let about = value.and_then(|value| value.get_help().cloned()).unwrap_or_default();
    let parsed = Program::from_arg_matches(&Program::command().about(about).get_matches());
    run_component(component, parsed.unwrap_or_else(|error| error.exit()).args)
}

/// Runs one component, with the exit status of [`main`].
pub fn run_component(component: Component, args: ComponentArgs) -> ExitCode {
    let listen = args.listen.map(|listen| ("ingress.listen", listen));
    let admin_listen = args.admin_listen.map(|listen| ("admin_listen", listen));
    let flags = listen.into_iter().chain(admin_listen).collect();
    let layers = SettingsLayers { file: args.config, flags, ..SettingsLayers::default() };
    report(block_on(Box::pin(run(component, layers))))
}

/// Work of a command. It is boxed so that it is compiled in its own crate, and not once more in every program.
pub type Running<T> = Pin<Box<dyn Future<Output = Result<T, ProcessError>>>>;

/// Runs the work of a command on a new runtime.
pub fn block_on<T>(run: Running<T>) -> Result<T, ProcessError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run)
}

/// Returns the exit status of a result, prints its error to standard error, and writes the rest of the log.
pub fn report(result: Result<(), ProcessError>) -> ExitCode {
    let Err(error) = result else {
        stderr::flush();
        return ExitCode::SUCCESS;
    };
    // Not logged: logging may not have started yet.
    stderr::line(format_args!("error: {error}"));
    stderr::flush();
    let usage = matches!(
        error,
        ProcessError::Settings(_)
            | ProcessError::LogFilter(_)
            | ProcessError::Usage(_)
            | ProcessError::Connect(ConnectError::Settings(_))
    );
    ExitCode::from(if usage { 2 } else { 1 })
}

async fn run(component: Component, layers: SettingsLayers) -> Result<(), ProcessError> {
    let settings = Settings::load(&layers)?;
    telemetry::start(&settings.log)?;
    open_files::raise_limit();
    let shutdown = shutdown_requested()?;
    let (trigger, stop) = shutdown_pair();
    let health = Health::new(Duration::from_secs(settings.max_stall_seconds.get().into()));
    watch(&health)?;
    let _admin = admin::listen(&settings, &health).await?;
    let mut tasks = Tasks::new(trigger, health.clone());
    let starting = tasks.supervisor("start", &stop);
    let start = async {
        let connections = Connections::ready(&settings, &[component], &starting).await?;
        component.start(&settings, &connections, &mut tasks, &stop).await?;
        connections.watch_backends(&mut tasks, &stop);
        keep_functions(&connections, &mut tasks, &stop);
        Ok::<(), ProcessError>(())
    };
    tokio::pin!(shutdown);
    tokio::select! {
        started = start => started?,
        () = &mut shutdown => return Ok(()),
    }
    drop(starting);
    tokio::select! {
        error = tasks.failed() => return Err(error.into()),
        () = &mut shutdown => tracing::info!(component = component.name(), "shutting down"),
    }
    health.set_draining();
    if component == Component::Ingress {
        // Load balancers poll readiness: until they notice, new requests still arrive.
        let grace = Duration::from_secs(settings.ingress.shutdown_grace_seconds.into());
        tokio::select! {
            error = tasks.failed() => return Err(error.into()),
            () = tokio::time::sleep(grace) => {}
        }
    }
    Ok(tasks.stop().await?)
}

/// Returns a future that resolves at Ctrl-C or SIGTERM. Both signals are caught from this call on.
pub fn shutdown_requested() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
