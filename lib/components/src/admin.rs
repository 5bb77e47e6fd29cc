//! The admin address of a process: health and metrics.

use crate::process::ProcessError;
use crate::settings::Settings;
use crate::stderr;
use auction_app::instrumentation;
use auction_http::{Admin, serve_admin};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use worker_runtime::health::Health;

/// Histogram buckets of durations, in seconds: from a commit on a fast disk to a backend that does not
/// answer.
const DURATION_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Histogram buckets of batch sizes.
const BATCH_BUCKETS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0];

/// Interval at which recorded durations are aggregated, so that they do not accumulate when nothing scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Serves the admin address until the returned value is dropped, if the settings have one.
///
/// Call it before anything else, so that an address in use is reported at once.
pub(crate) async fn listen(settings: &Settings, health: &Health) -> Result<JoinSet<()>, ProcessError> {
    let mut tasks = JoinSet::new();
    let Some(address) = settings.admin_listen else { return Ok(tasks) };
    let failed = |cause: Box<dyn std::error::Error + Send + Sync>| ProcessError::Admin { address, cause };
    let listener = TcpListener::bind(address).await.map_err(|error| failed(error.into()))?;
    let recorder = recorder().map_err(|error| failed(error.into()))?;
    instrumentation::describe();
    let process = Collector::default();
    process.describe();
    let upkeep = recorder.clone();
    let metrics = Arc::new(move || {
        process.collect();
        instrumentation::log_lines_dropped(stderr::dropped_lines());
        recorder.render()
    });
    let admin = Admin { health: health.clone(), metrics };
    tracing::info!(%address, "admin address listening");
    tasks.spawn(async move {
        if let Err(error) = serve_admin(listener, admin).await {
            tracing::error!(%error, "admin address failed: no health and metrics until restart");
        }
    });
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            upkeep.run_upkeep();
        }
    });
    Ok(tasks)
}

/// Installs the recorder of this process's metrics.
fn recorder() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), DURATION_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), BATCH_BUCKETS)?
        .install_recorder()
}
