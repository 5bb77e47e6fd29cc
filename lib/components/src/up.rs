//! `portal up`: all components in one process, with local backends if none are given.

use crate::admin;
use crate::capacity;
use crate::component::{Component, keep_functions};
use crate::connections::Connections;
use crate::open_files;
use crate::process::{ProcessError, Running, shutdown_requested};
use crate::settings::{Settings, SettingsLayers};
use crate::stderr;
use crate::tasks::Tasks;
use crate::telemetry;
use auction_local_servers::{LocalServerOptions, LocalServers, ServersError};
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use worker_runtime::health::{Health, watch};
use worker_runtime::shutdown::shutdown_pair;

/// Settings file in a data directory with the addresses of its local backends.
const SERVERS_FILE: &str = "servers.toml";

/// Connections of a local Postgres for operators and their tools.
const OTHER_CONNECTIONS: u64 = 100;

/// Connections that a local Postgres allows at least.
const MIN_CONNECTIONS: u64 = 400;

#[derive(Debug, Args)]
pub struct UpArgs {
    /// Data directory of the local backends; kept between starts.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data_dir: PathBuf,
    /// Address of the HTTP API [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Admin address: /livez, /readyz, /metrics. Has no authentication.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// Settings file; config/default.toml documents all settings.
    #[arg(long, env = "AUCTION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Returns the settings file of the local backends in a data directory.
pub fn servers_file(data_dir: &Path) -> PathBuf {
    data_dir.join(SERVERS_FILE)
}

/// Runs all components until Ctrl-C or SIGTERM; then drains them and stops the local backends.
pub fn up(args: UpArgs) -> Running<()> {
    Box::pin(execute(args))
}

async fn execute(args: UpArgs) -> Result<(), ProcessError> {
    let shutdown = shutdown_requested()?;
    let listen = args.listen.map(|listen| ("ingress.listen", listen.to_string()));
    let admin_listen = args.admin_listen.map(|listen| ("admin_listen", listen.to_string()));
    let flags = listen.into_iter().chain(admin_listen).collect();
    let mut layers = SettingsLayers { file: args.config.clone(), flags, ..SettingsLayers::default() };
    let mut settings = Settings::load(&layers)?;
    telemetry::start(&settings.log)?;
    open_files::raise_limit();
    let health = Health::new(Duration::from_secs(settings.max_stall_seconds.get().into()));
    watch(&health)?;
    let _admin = admin::listen(&settings, &health).await?;
    let mut servers = match (&settings.redis_url, &settings.database_url) {
        (Some(_), Some(_)) => None,
        (None, None) => Some(LocalServers::start(local_options(&args.data_dir, &settings)).await?),
        (given, _) => {
            let (given, other) =
                if given.is_some() { ("REDIS_URL", "DATABASE_URL") } else { ("DATABASE_URL", "REDIS_URL") };
            return Err(ProcessError::Usage(format!(
                "{given} is set and {other} is not: set both, or neither to use local backends"
            )));
        }
    };
    if let Some(servers) = &servers {
        settings = local_settings(&mut layers, &settings, servers)?;
    }
    let result = serve(&settings, servers.as_mut(), &health, shutdown).await;
    let stopped = match servers {
        Some(servers) => servers.stop().await,
        None => Ok(()),
    };
    // The first error is reported.
    result.and(stopped.map_err(ProcessError::from))
}

/// Returns the options of the local backends, with room for the connections of all partitions.
fn local_options(data_dir: &Path, settings: &Settings) -> LocalServerOptions {
    let mut options = LocalServerOptions::new(data_dir);
    let connections = capacity::postgres_connections(&Component::ALL, settings) + OTHER_CONNECTIONS;
    options.postgres_settings.push(format!("max_connections={}", connections.max(MIN_CONNECTIONS)));
    options
}

/// Returns the settings with the addresses of the local backends, and writes these to a file for other
/// commands.
///
/// On a loopback address, `X-User-Id` is trusted and rate limits are off unless the settings say otherwise:
/// only users of this machine can send requests.
fn local_settings(
    layers: &mut SettingsLayers,
    settings: &Settings,
    servers: &LocalServers,
) -> Result<Settings, ProcessError> {
    let urls = [("redis_url", servers.redis_url()), ("database_url", servers.database_url())];
    let content: String = urls.iter().map(|(key, url)| format!("{key} = {url:?}\n")).collect();
    let comment = "# Written by `portal up`: addresses of its local backends while it runs.\n";
    std::fs::write(servers_file(servers.data_dir()), format!("{comment}{content}"))?;
    layers.flags.extend(urls.map(|(key, url)| (key, url.to_owned())));
    if settings.ingress.listen.ip().is_loopback() {
        layers.defaults.push(("ingress.trust_gateway_user_header", "true".to_owned()));
        layers.defaults.push(("rate_limits.enabled", "false".to_owned()));
    }
    Ok(Settings::load(layers)?)
}

async fn serve(
    settings: &Settings,
    servers: Option<&mut LocalServers>,
    health: &Health,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ProcessError> {
    let (front_trigger, front_stop) = shutdown_pair();
    let (back_trigger, back_stop) = shutdown_pair();
    let mut front = Tasks::new(front_trigger, health.clone());
    let mut back = Tasks::new(back_trigger, health.clone());
    let shells = servers.as_deref().map(|servers| (servers.redis_cli(), servers.psql()));
    let backend_exit = async {
        match servers {
            Some(servers) => servers.wait_for_exit().await,
            None => std::future::pending::<ServersError>().await,
        }
    };
    let starting = back.supervisor("start", &back_stop);
    let start = async {
        let connections = Connections::ready(settings, &Component::ALL, &starting).await?;
        for component in [
            Component::Writer,
            Component::Projector,
            Component::Auctioneer,
            Component::Notifier,
            Component::Promoter,
        ] {
            component.start(settings, &connections, &mut back, &back_stop).await?;
        }
        Component::Ingress.start(settings, &connections, &mut front, &front_stop).await?;
        connections.watch_backends(&mut back, &back_stop);
        keep_functions(&connections, &mut back, &back_stop);
        Ok::<(), ProcessError>(())
    };
    tokio::pin!(shutdown, backend_exit);
    tokio::select! {
        started = start => started?,
        () = &mut shutdown => return Ok(()),
        error = &mut backend_exit => return Err(error.into()),
    }
    drop(starting);
    print_banner(settings, shells);
    tokio::select! {
        error = front.failed() => return Err(error.into()),
        error = back.failed() => return Err(error.into()),
        error = &mut backend_exit => return Err(error.into()),
        () = &mut shutdown => tracing::info!("shutting down"),
    }
    health.set_draining();
    // The ingress stops first: its last requests still need the other components.
    let front = front.stop().await;
    let back = back.stop().await;
    Ok(front.and(back)?)
}

/// Prints the addresses of the portal, and what to try next. `shells` opens the local Redis and Postgres.
fn print_banner(settings: &Settings, shells: Option<(String, String)>) {
    let url = format!("http://{}", settings.ingress.listen);
    stderr::line(format_args!("\nThe auction portal is running at {url}\n"));
    if let Some((redis_cli, psql)) = shells {
        stderr::line(format_args!("  Redis:         {redis_cli}\n  Postgres:      {psql}"));
    }
    if let Some(address) = settings.admin_listen {
        stderr::line(format_args!("  admin:         http://{address}/readyz and /metrics"));
    }
    if settings.ingress.trust_gateway_user_header {
        stderr::line(format_args!("  users:         X-User-Id is trusted without authentication"));
    }
    if !settings.rate_limits.enabled {
        stderr::line(format_args!("  rate limits:   off"));
    }
    let option = if url == "http://127.0.0.1:8080" { String::new() } else { format!(" --url {url}") };
    stderr::line(format_args!(
        "\nTry next:        target/release/portal replay{option} tests/data/history.csv"
    ));
    stderr::line(format_args!("Stop with Ctrl-C; the data is kept.\n"));
}
