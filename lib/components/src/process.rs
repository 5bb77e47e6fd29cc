//! One role as a process of its own.

use crate::admin;
use crate::component::{Component, keep_functions};
use crate::connections::{ConnectError, Connections};
use crate::settings::{Settings, SettingsError, SettingsLayers};
use crate::tasks::{RoleError, Tasks};
use crate::telemetry;
use clap::{Args, Parser};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use worker_runtime::health::Health;
use worker_runtime::shutdown::shutdown_pair;

/// Why a process ends before it was told to.
#[derive(Debug, Error)]
pub enum ProcessError {
    /// Its settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// What is to be logged.
    #[error("settings: log.filter: {0}")]
    LogFilter(#[from] tracing_subscriber::filter::ParseError),
    /// Its servers.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Its work.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// Private servers.
    #[error(transparent)]
    Servers(#[from] auction_local_servers::ServersError),
    /// What is stored.
    #[error(transparent)]
    Stored(#[from] auction_app::writer::aggregate_cache::LoadError),
    /// Views could not be made anew.
    #[error(transparent)]
    Rebuild(#[from] auction_app::projector::rebuild::RebuildError),
    /// Files, signals, threads.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The address for operators.
    #[error("admin_listen {address}: {cause}")]
    Admin {
        /// Which.
        address: SocketAddr,
        /// What is wrong with it.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two settings that do not go together.
    #[error("{0}")]
    Usage(String),
}

/// What every role can be told.
#[derive(Debug, Args)]
pub struct RoleArgs {
    /// A file with settings; config/default.toml explains them.
    #[arg(long, env = "AUCTION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address that requests are taken at (ingress only).
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The address at which operators look into the process: /livez, /readyz, /metrics.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<String>,
}

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    args: RoleArgs,
}

/// The main function of a role's own program. Ends with 0 after a signal, with 1 after a failure, with 2
/// when it was called wrongly.
pub fn main(role: Component) -> ExitCode {
    run_role(role, Program::parse().args)
}

/// Runs one role, as [`main`] does.
pub fn run_role(role: Component, args: RoleArgs) -> ExitCode {
    let listen = args.listen.map(|listen| ("ingress.listen", listen));
    let admin_listen = args.admin_listen.map(|listen| ("admin_listen", listen));
    let flags = listen.into_iter().chain(admin_listen).collect();
    report(block_on(run(role, SettingsLayers { file: args.config, flags, ..SettingsLayers::default() })))
}

/// Runs a future on a runtime of its own.
pub fn block_on<T>(run: impl Future<Output = Result<T, ProcessError>>) -> Result<T, ProcessError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run)
}

/// The exit status of a result; the error goes to standard error.
pub fn report(result: Result<(), ProcessError>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    // Not by the log alone: it may not have been started yet.
    eprintln!("error: {error}");
    let usage = matches!(
        error,
        ProcessError::Settings(_)
            | ProcessError::LogFilter(_)
            | ProcessError::Usage(_)
            | ProcessError::Connect(ConnectError::Settings(_))
    );
    ExitCode::from(if usage { 2 } else { 1 })
}

async fn run(role: Component, layers: SettingsLayers) -> Result<(), ProcessError> {
    let settings = Settings::load(&layers)?;
    telemetry::start(&settings.log)?;
    let told = shutdown_requested()?;
    let (stopper, stop) = shutdown_pair();
    let health = Health::default();
    let _admin = admin::listen(&settings, &health).await?;
    let mut tasks = Tasks::new(stopper, health.clone());
    let starting = health.register("start");
    let start = async {
        let connections = Connections::ready(&settings, &starting, stop.clone()).await?;
        role.start(&settings, &connections, &mut tasks, &stop).await?;
        connections.watch_durability(&mut tasks, &stop);
        keep_functions(&connections, &mut tasks, &stop);
        Ok::<(), ProcessError>(())
    };
    tokio::pin!(told);
    tokio::select! {
        started = start => started?,
        () = &mut told => return Ok(()),
    }
    drop(starting);
    tokio::select! {
        error = tasks.failed() => return Err(error.into()),
        () = &mut told => tracing::info!(role = role.name(), "draining"),
    }
    health.set_draining();
    if role == Component::Ingress {
        // Load balancers look now and then: until they have, requests go on coming here.
        let grace = Duration::from_secs(settings.ingress.grace_seconds.into());
        tokio::select! {
            error = tasks.failed() => return Err(error.into()),
            () = tokio::time::sleep(grace) => {}
        }
    }
    Ok(tasks.stop().await?)
}

/// Resolves at Ctrl-C or SIGTERM. Both are caught from this call on.
pub fn shutdown_requested() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
