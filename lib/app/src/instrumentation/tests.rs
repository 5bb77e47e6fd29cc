//! Every metric that is recorded is described, and listed in `docs/reference/metrics.md`.

use super::*;
use auction_testkit::reference_page::ReferencePage;
use metrics::{Counter, Histogram, Key, KeyName, Metadata, Recorder, SharedString};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

/// What is known of a metric.
#[derive(Default)]
struct Metric {
    described: Option<&'static str>,
    unit: Option<Unit>,
    help: String,
    /// Type and labels, once the metric is recorded.
    recorded: Option<(&'static str, Vec<String>)>,
}

/// Recorder that collects descriptions and names, and no values.
#[derive(Default)]
struct Collected(Mutex<BTreeMap<String, Metric>>);

impl Collected {
    fn describe(&self, kind: &'static str, name: &KeyName, unit: Option<Unit>, help: &SharedString) {
        let mut metrics = self.0.lock().unwrap();
        let metric = metrics.entry(name.as_str().to_owned()).or_default();
        (metric.described, metric.unit, metric.help) = (Some(kind), unit, help.to_string());
    }

    fn record(&self, kind: &'static str, key: &Key) {
        let labels = key.labels().map(|label| label.key().to_owned()).collect();
        self.0.lock().unwrap().entry(key.name().to_owned()).or_default().recorded = Some((kind, labels));
    }
}

impl Recorder for Collected {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe("counter", &name, unit, &help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe("gauge", &name, unit, &help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe("histogram", &name, unit, &help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.record("counter", key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.record("gauge", key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.record("histogram", key);
        Histogram::noop()
    }
}

/// Returns the metrics that a piece of code describes and records.
fn collect(run: impl FnOnce()) -> BTreeMap<String, Metric> {
    let collected = Collected::default();
    metrics::with_local_recorder(&collected, run);
    collected.0.into_inner().unwrap()
}

/// Calls every function that records a metric.
fn record_all() {
    let (component, partition) = ("writer", PartitionId(0));
    command_accepted("place_bid");
    load_sampled(Load { undecided: 1, memory_percent: 1 });
    load_shedding_active(true);
    command_shed("backlog");
    request_waiting();
    request_done();
    batch_stored(partition, 1, 1, 0.1);
    batch_settled(partition, 0.1);
    conflict(component, partition, "head");
    retry(component, partition, "store");
    recovery("stream_lost");
    event_parked(component, partition, "panicked");
    parked_aggregates(component, partition, 1);
    dead_letter(partition, "unreadable");
    events_handled(component, partition, 1);
    event_gap(component, partition, 1);
    drop(partition_active(component, partition));
    trimmed(partition, "events", 1);
    outcomes_deleted(1);
    accounts_expired(1);
    notified(partition, 1);
    delivery_attempt("email", "delivered");
    log_lines_dropped(1);
}

#[test]
fn every_recorded_metric_is_described() {
    let metrics = collect(|| {
        describe();
        record_all();
    });
    assert!(metrics.len() >= 26, "{:?}", metrics.keys());
    for (name, metric) in &metrics {
        let (kind, _) = metric.recorded.as_ref().unwrap_or_else(|| panic!("{name} is not recorded here"));
        assert_eq!(metric.described, Some(*kind), "{name} has another type or no help text");
        assert_eq!(metric.unit == Some(Unit::Seconds), name.ends_with("_seconds"), "{name}");
    }
    // Functions that `record_all` does not call.
    let source = include_str!("../instrumentation.rs");
    for name in source.split('"').filter(|text| text.starts_with("auction_")) {
        assert!(metrics.contains_key(name), "{name} is not recorded here");
    }
}

/// Adds the Rust files below a directory that use a macro of `metrics`.
fn add_files_with_metrics(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files_with_metrics(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            if ["counter", "gauge", "histogram"].iter().any(|kind| source.contains(&format!("{kind}!("))) {
                found.insert(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
}

#[test]
fn metrics_are_recorded_only_by_the_instrumentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = BTreeSet::new();
    for directory in ["lib", "bins"] {
        add_files_with_metrics(&root.join(directory), &mut found);
    }
    assert_eq!(found, ["instrumentation.rs".to_owned()].into());
}

#[test]
fn metrics_reference_page_is_current() {
    let mut page = ReferencePage::new(
        "metrics.md",
        "Metrics",
        "What does a process report at `/metrics` of its admin address (`admin_listen`)?",
        "`lib/app/src/instrumentation.rs`",
    );
    page.paragraph(
        "The format is Prometheus text. Histograms have the series `_bucket`, `_sum` and `_count`. A metric \
         appears after its first value.",
    );
    let portal = collect(|| {
        describe();
        record_all();
    });
    let process = collect(|| metrics_process::Collector::default().describe());
    for (title, metrics) in [("Portal", portal), ("Process", process)] {
        page.heading(2, title);
        let rows = metrics.into_iter().map(|(name, metric)| {
            let labels = metric.recorded.map(|(_, labels)| labels).unwrap_or_default();
            let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            let unit = match metric.unit {
                None | Some(Unit::Count) => {
                    if name.contains("_ratio") { "ratio" } else { "count" }.to_owned()
                }
                Some(unit) => unit.as_str().to_owned(),
            };
            let kind = metric.described.unwrap_or_default().to_owned();
            [format!("`{name}`"), kind, unit, labels, metric.help]
        });
        page.table(["metric", "type", "unit", "labels", "meaning"], rows);
    }
    page.assert_current();
}
