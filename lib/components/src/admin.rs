//! The address at which operators look into one process.

use crate::process::ProcessError;
use crate::settings::Settings;
use auction_app::instrumentation;
use auction_http::{Admin, serve_admin};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use worker_runtime::health::Health;

/// Upper bounds of what is timed, in seconds: from a commit on a fast disk to a server that does not answer.
const SECONDS: &[f64] = &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Upper bounds of the sizes of batches.
const COMMANDS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0];

/// How often what was timed is gathered, also when nobody asks.
const GATHER: Duration = Duration::from_secs(5);

/// Listens for operators until the value is dropped, if the settings say where. Before anything else is
/// done: an address that is taken should show at once.
pub(crate) async fn listen(settings: &Settings, health: &Health) -> Result<JoinSet<()>, ProcessError> {
    let mut tasks = JoinSet::new();
    let Some(address) = settings.admin_listen else { return Ok(tasks) };
    let failed = |cause: Box<dyn std::error::Error + Send + Sync>| ProcessError::Admin { address, cause };
    let listener = TcpListener::bind(address).await.map_err(|error| failed(error.into()))?;
    let recorder = recorder().map_err(|error| failed(error.into()))?;
    instrumentation::describe();
    let process = Collector::default();
    process.describe();
    let gathered = recorder.clone();
    let metrics = Arc::new(move || {
        process.collect();
        recorder.render()
    });
    let admin = Admin { health: health.clone(), metrics };
    tracing::info!(%address, "operators: /livez, /readyz, /metrics");
    tasks.spawn(async move {
        if let Err(error) = serve_admin(listener, admin).await {
            tracing::error!(%error, "operators cannot look into this process any more");
        }
    });
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(GATHER).await;
            gathered.run_upkeep();
        }
    });
    Ok(tasks)
}

/// Records what this process counts from now on.
fn recorder() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), COMMANDS)?
        .install_recorder()
}
