//! Metrics. Without a recorder in the process these functions do nothing.

use crate::ports::commands::load_probe::Load;
use auction_wire::PartitionId;
use metrics::{Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Registers the help text of every metric with the recorder.
pub fn describe() {
    describe_counter!("auction_commands_accepted_total", "Commands added to their streams, by kind.");
    describe_gauge!("auction_command_backlog", "Commands on the streams without an outcome.");
    describe_gauge!(
        "auction_redis_memory_used_ratio",
        "Used share of the memory available to the command streams, from 0 to 1."
    );
    describe_gauge!(
        "auction_load_shedding_active",
        "1 while this ingress refuses new commands because of load, else 0."
    );
    describe_counter!("auction_commands_shed_total", "Commands refused because of load, by reason.");
    describe_gauge!(
        "auction_requests_awaiting_outcome",
        "HTTP requests that wait for the outcome of a command."
    );
    describe_counter!(
        "auction_commands_decided_total",
        "Commands decided and stored, including refused ones."
    );
    describe_counter!("auction_events_stored_total", "Events appended to the event store.");
    describe_histogram!("auction_batch_commands", "Commands per stored batch.");
    describe_histogram!(
        "auction_append_duration_seconds",
        Unit::Seconds,
        "Time from a decided batch to its commit."
    );
    describe_histogram!(
        "auction_settle_duration_seconds",
        Unit::Seconds,
        "Time to publish, acknowledge and answer a stored batch."
    );
    describe_counter!(
        "auction_conflicts_total",
        "Restarts because another process wrote to the partition or handled its events, by reason."
    );
    describe_counter!(
        "auction_backend_retries_total",
        "Retries after a backend was unavailable, by backend."
    );
    describe_counter!(
        "auction_dead_letters_total",
        "Commands moved to the dead letters because they cannot be processed, by reason."
    );
    describe_counter!("auction_events_handled_total", "Events handled by event consumers.");
    describe_counter!("auction_event_gaps_total", "Gaps in an event stream filled from the event store.");
    describe_counter!("auction_event_gap_events_total", "Events read from the event store to fill gaps.");
    describe_counter!(
        "auction_recoveries_total",
        "Automatic recoveries from lost stream or read-model data, by cause."
    );
    describe_counter!(
        "auction_events_parked_total",
        "Events parked because they cannot be handled, by reason."
    );
    describe_gauge!("auction_parked_aggregates", "Users and auctions with parked events.");
    describe_counter!(
        "auction_entries_trimmed_total",
        "Entries trimmed from streams at the end of their retention."
    );
    describe_counter!("auction_outcomes_deleted_total", "Outcomes deleted at the end of their retention.");
    describe_counter!("auction_notifications_total", "Notifications stored for users.");
    describe_counter!(
        "auction_delivery_attempts_total",
        "Webhook and e-mail delivery attempts, by channel and result."
    );
    describe_counter!("auction_accounts_expired_total", "Accounts deleted after a failed or lost sign-up.");
    describe_counter!("auction_log_lines_dropped_total", "Log lines dropped without a reader.");
    describe_gauge!("auction_partition_active", "1 while this process owns the partition, else 0.");
}

/// Counts a command that was added to its stream.
pub fn command_accepted(kind: &'static str) {
    counter!("auction_commands_accepted_total", "kind" => kind).increment(1);
}

/// Records the load of the command streams.
pub fn load_sampled(load: Load) {
    gauge!("auction_command_backlog").set(load.undecided as f64);
    gauge!("auction_redis_memory_used_ratio").set(load.memory_percent as f64 / 100.0);
}

/// Records whether this ingress refuses new commands.
pub fn load_shedding_active(active: bool) {
    gauge!("auction_load_shedding_active").set(if active { 1.0 } else { 0.0 });
}

/// Counts a command that was refused because of load.
pub fn command_shed(reason: &'static str) {
    counter!("auction_commands_shed_total", "reason" => reason).increment(1);
}

/// Counts a request that starts to wait for an outcome. Pair each call with [`request_done`].
pub fn request_waiting() {
    gauge!("auction_requests_awaiting_outcome").increment(1.0);
}

/// Counts a request that no longer waits for an outcome.
pub fn request_done() {
    gauge!("auction_requests_awaiting_outcome").decrement(1.0);
}

/// Records a batch that was decided and stored; `seconds` is the time from the decision to the commit.
pub fn batch_stored(partition: PartitionId, commands: usize, events: usize, seconds: f64) {
    let partition = partition.to_string();
    counter!("auction_commands_decided_total", "partition" => partition.clone()).increment(commands as u64);
    counter!("auction_events_stored_total", "partition" => partition.clone()).increment(events as u64);
    histogram!("auction_batch_commands", "partition" => partition.clone()).record(commands as f64);
    histogram!("auction_append_duration_seconds", "partition" => partition).record(seconds);
}

/// Records a batch that was published, acknowledged and answered.
pub fn batch_settled(partition: PartitionId, seconds: f64) {
    histogram!("auction_settle_duration_seconds", "partition" => partition.to_string()).record(seconds);
}

/// Labels of the metrics of one component and partition.
fn labels(component: &'static str, partition: PartitionId) -> [(&'static str, String); 2] {
    [("component", component.to_owned()), ("partition", partition.to_string())]
}

fn labels_with(
    component: &'static str,
    partition: PartitionId,
    name: &'static str,
    value: &'static str,
) -> [(&'static str, String); 3] {
    let [component, partition] = labels(component, partition);
    [component, partition, (name, value.to_owned())]
}

/// Counts a restart because another process wrote to the partition or handled its events.
pub fn conflict(component: &'static str, partition: PartitionId, reason: &'static str) {
    let labels = labels_with(component, partition, "reason", reason);
    counter!("auction_conflicts_total", &labels).increment(1);
}

/// Counts a retry after a backend was unavailable.
pub fn retry(component: &'static str, partition: PartitionId, backend: &'static str) {
    let labels = labels_with(component, partition, "backend", backend);
    counter!("auction_backend_retries_total", &labels).increment(1);
}

/// Counts an automatic recovery.
///
/// Causes: `stream_lost`, an event stream was missing and is published again from the store; `event_gap`,
/// events were missing on a stream; `state_lost`, the results of a consumer were lost, and it handles the
/// events again.
pub fn recovery(cause: &'static str) {
    counter!("auction_recoveries_total", "cause" => cause).increment(1);
}

/// Counts an event that was parked.
pub fn event_parked(component: &'static str, partition: PartitionId, reason: &'static str) {
    let labels = labels_with(component, partition, "reason", reason);
    counter!("auction_events_parked_total", &labels).increment(1);
}

/// Records the number of users and auctions with parked events.
pub fn parked_aggregates(component: &'static str, partition: PartitionId, count: usize) {
    let labels = labels(component, partition);
    gauge!("auction_parked_aggregates", &labels).set(count as f64);
}

/// Counts a command that was moved to the dead letters.
pub fn dead_letter(partition: PartitionId, reason: &str) {
    let labels = [("partition", partition.to_string()), ("reason", reason.to_owned())];
    counter!("auction_dead_letters_total", &labels).increment(1);
}

/// Counts events that an event consumer handled.
pub fn events_handled(component: &'static str, partition: PartitionId, events: usize) {
    let labels = labels(component, partition);
    counter!("auction_events_handled_total", &labels).increment(events as u64);
}

/// Counts a gap in an event stream; `events` is the number of missing events.
pub fn event_gap(component: &'static str, partition: PartitionId, events: u64) {
    let labels = labels(component, partition);
    counter!("auction_event_gaps_total", &labels).increment(1);
    counter!("auction_event_gap_events_total", &labels).increment(events);
}

/// Marks a partition as owned by this process until the returned guard is dropped.
pub fn partition_active(component: &'static str, partition: PartitionId) -> PartitionGuard {
    let labels = labels(component, partition);
    let gauge = gauge!("auction_partition_active", &labels);
    gauge.set(1.0);
    PartitionGuard(gauge)
}

/// Ownership of a partition, as shown by the metrics.
pub struct PartitionGuard(Gauge);

impl Drop for PartitionGuard {
    fn drop(&mut self) {
        self.0.set(0.0);
    }
}

/// Counts entries that were trimmed from the streams of a partition; `stream` is `commands` or `events`.
pub fn trimmed(partition: PartitionId, stream: &'static str, entries: u64) {
    let labels = [("partition", partition.to_string()), ("stream", stream.to_owned())];
    counter!("auction_entries_trimmed_total", &labels).increment(entries);
}

/// Counts outcomes that were deleted at the end of their retention.
pub fn outcomes_deleted(count: u64) {
    counter!("auction_outcomes_deleted_total").increment(count);
}

/// Counts accounts that were deleted because their user was never created.
pub fn accounts_expired(count: u64) {
    counter!("auction_accounts_expired_total").increment(count);
}

/// Counts notifications that were stored.
pub fn notified(partition: PartitionId, notifications: usize) {
    counter!("auction_notifications_total", "partition" => partition.to_string())
        .increment(notifications as u64);
}

/// Counts a webhook or e-mail delivery attempt.
pub fn delivery_attempt(channel: &'static str, result: &'static str) {
    counter!("auction_delivery_attempts_total", "channel" => channel, "result" => result).increment(1);
}

/// Records the number of log lines dropped since the start of the process.
pub fn log_lines_dropped(total: u64) {
    counter!("auction_log_lines_dropped_total").absolute(total);
}

#[cfg(test)]
mod tests;
