//! All roles in one process, with private servers if none are given.

use crate::admin;
use crate::component::{Component, keep_functions};
use crate::connections::Connections;
use crate::process::{ProcessError, shutdown_requested};
use crate::settings::{Settings, SettingsLayers};
use crate::tasks::Tasks;
use crate::telemetry;
use auction_local_servers::{LocalServerOptions, LocalServers, ServersError};
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use worker_runtime::health::Health;
use worker_runtime::shutdown::shutdown_pair;

/// The file in a data directory that says where its private servers are, as settings.
const SERVERS_FILE: &str = "servers.toml";

/// `portal up`
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Where private servers keep their data; kept between starts.
    #[arg(long, default_value = "data", value_name = "DIR")]
    data_dir: PathBuf,
    /// The address that requests are taken at [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The address at which operators look into it: /livez, /readyz, /metrics.
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// A file with settings; config/default.toml explains them.
    #[arg(long, env = "AUCTION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The settings file of the private servers under a data directory.
pub fn servers_file(data_dir: &Path) -> PathBuf {
    data_dir.join(SERVERS_FILE)
}

/// Runs everything until Ctrl-C or SIGTERM; then drains, and stops what it started.
pub async fn up(args: UpArgs) -> Result<(), ProcessError> {
    let told = shutdown_requested()?;
    let listen = args.listen.map(|listen| ("ingress.listen", listen.to_string()));
    let admin_listen = args.admin_listen.map(|listen| ("admin_listen", listen.to_string()));
    let flags = listen.into_iter().chain(admin_listen).collect();
    let mut layers = SettingsLayers { file: args.config.clone(), flags, ..SettingsLayers::default() };
    let mut settings = Settings::load(&layers)?;
    telemetry::start(&settings.log)?;
    let health = Health::default();
    let _admin = admin::listen(&settings, &health).await?;
    let mut servers = match (&settings.redis_url, &settings.database_url) {
        (Some(_), Some(_)) => None,
        (None, None) => Some(LocalServers::start(LocalServerOptions::new(&args.data_dir)).await?),
        (given, _) => {
            let (given, other) =
                if given.is_some() { ("REDIS_URL", "DATABASE_URL") } else { ("DATABASE_URL", "REDIS_URL") };
            return Err(ProcessError::Usage(format!(
                "{given} is given and {other} is not: give both, or neither for private servers"
            )));
        }
    };
    if let Some(servers) = &servers {
        settings = private_settings(&mut layers, &settings, servers)?;
    }
    let result = serve(&settings, servers.as_mut(), &health, told).await;
    let stopped = match servers {
        Some(servers) => servers.stop().await,
        None => Ok(()),
    };
    // What went wrong first is what is told.
    result.and(stopped.map_err(ProcessError::from))
}

/// Points the settings at the private servers, writes where they are for other commands, and lets a
/// portal that only this machine can reach believe who calls, however often.
fn private_settings(
    layers: &mut SettingsLayers,
    settings: &Settings,
    servers: &LocalServers,
) -> Result<Settings, ProcessError> {
    let urls = [("redis_url", servers.redis_url()), ("database_url", servers.database_url())];
    let content: String = urls.iter().map(|(key, url)| format!("{key} = {url:?}\n")).collect();
    let comment = "# Written by `portal up`: where the private servers are while it runs.\n";
    std::fs::write(servers_file(servers.data_dir()), format!("{comment}{content}"))?;
    layers.flags.extend(urls.map(|(key, url)| (key, url.to_owned())));
    if settings.ingress.listen.ip().is_loopback() {
        layers.defaults.push(("ingress.trust_gateway_user_header", "true".to_owned()));
        // Whoever calls is the one who started it: a replay, or a load harness.
        layers.defaults.push(("limits.on", "false".to_owned()));
    }
    Ok(Settings::load(layers)?)
}

async fn serve(
    settings: &Settings,
    servers: Option<&mut LocalServers>,
    health: &Health,
    told: impl Future<Output = ()>,
) -> Result<(), ProcessError> {
    let (front_stopper, front_stop) = shutdown_pair();
    let (back_stopper, back_stop) = shutdown_pair();
    let mut front = Tasks::new(front_stopper, health.clone());
    let mut back = Tasks::new(back_stopper, health.clone());
    let greeting = servers.as_deref().map(|servers| (servers.redis_cli(), servers.psql()));
    let died = async {
        match servers {
            Some(servers) => servers.wait_for_exit().await,
            None => std::future::pending::<ServersError>().await,
        }
    };
    let starting = health.register("start");
    let start = async {
        let connections = Connections::ready(settings, &starting, back_stop.clone()).await?;
        for role in [
            Component::Writer,
            Component::Projector,
            Component::Auctioneer,
            Component::Notifier,
            Component::Promoter,
        ] {
            role.start(settings, &connections, &mut back, &back_stop).await?;
        }
        Component::Ingress.start(settings, &connections, &mut front, &front_stop).await?;
        connections.watch_durability(&mut back, &back_stop);
        keep_functions(&connections, &mut back, &back_stop);
        Ok::<(), ProcessError>(())
    };
    tokio::pin!(told, died);
    tokio::select! {
        started = start => started?,
        () = &mut told => return Ok(()),
        error = &mut died => return Err(error.into()),
    }
    drop(starting);
    print_banner(settings, greeting);
    tokio::select! {
        error = front.failed() => return Err(error.into()),
        error = back.failed() => return Err(error.into()),
        error = &mut died => return Err(error.into()),
        () = &mut told => tracing::info!("draining"),
    }
    health.set_draining();
    // Requests first: while they are answered, everything behind them still works.
    let front = front.stop().await;
    let back = back.stop().await;
    Ok(front.and(back)?)
}

/// Tells the person who started it where it is, and what to try next.
fn print_banner(settings: &Settings, private: Option<(String, String)>) {
    let url = format!("http://{}", settings.ingress.listen);
    eprintln!("\nThe auction portal is up at {url}\n");
    if let Some((redis_cli, psql)) = private {
        eprintln!("  its Redis:     {redis_cli}\n  its Postgres:  {psql}");
    }
    if let Some(address) = settings.admin_listen {
        eprintln!("  operators:     http://{address}/readyz and /metrics");
    }
    if settings.ingress.trust_gateway_user_header {
        eprintln!("  callers:       whoever X-User-Id says (as if a gateway had authenticated them)");
    }
    if !settings.limits.on {
        eprintln!("  limits:        none (nobody counts how often somebody calls)");
    }
    let option = if url == "http://127.0.0.1:8080" { String::new() } else { format!(" --url {url}") };
    eprintln!("\nTry next:        target/release/portal replay{option} tests/data/history.csv");
    eprintln!("Stop it with Ctrl-C; the data stays.\n");
}
