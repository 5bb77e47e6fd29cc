//! What is counted and timed. Nothing happens unless the process has a recorder.

use crate::ports::commands::load_probe::Load;
use auction_wire::PartitionId;
use metrics::{Gauge, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Tells the recorder what each of these is.
pub fn describe() {
    describe_counter!("auction_commands_accepted_total", "Commands put on their streams by this process.");
    describe_gauge!("auction_undecided_commands", "Commands on their streams that are not decided yet.");
    describe_gauge!("auction_redis_memory_percent", "How much of the memory that Redis may use is used.");
    describe_gauge!("auction_shedding", "1 while this ingress refuses new commands because of load, else 0.");
    describe_counter!("auction_commands_shed_total", "Commands refused because of load.");
    describe_gauge!("auction_requests_waiting", "Requests that wait for an outcome.");
    describe_counter!("auction_commands_decided_total", "Commands decided and stored, refused ones too.");
    describe_counter!("auction_events_stored_total", "Events stored.");
    describe_histogram!("auction_batch_commands", "Commands in a batch that was stored.");
    describe_histogram!("auction_store_seconds", Unit::Seconds, "From a decided batch to its commit.");
    describe_histogram!(
        "auction_settle_seconds",
        Unit::Seconds,
        "Publishing, acknowledging and answering a batch that is stored."
    );
    describe_counter!(
        "auction_conflicts_total",
        "Times somebody else wrote to a partition, or handled its events: the service began again."
    );
    describe_counter!(
        "auction_retries_total",
        "Times a server was away: the service waited and began again."
    );
    describe_counter!("auction_dead_letters_total", "Commands put away because they cannot be handled.");
    describe_counter!("auction_events_followed_total", "Events handled.");
    describe_counter!(
        "auction_holes_total",
        "Times events were missing on a stream and came from the store."
    );
    describe_counter!("auction_hole_events_total", "Events that were missing on a stream.");
    describe_counter!("auction_incidents_total", "What should not happen, did, and was mended; by what.");
    describe_counter!("auction_events_parked_total", "Events that a service could not handle.");
    describe_gauge!("auction_parked", "Users and auctions that wait behind such an event.");
    describe_counter!("auction_entries_trimmed_total", "Old entries taken from streams.");
    describe_counter!("auction_outcomes_deleted_total", "Outcomes deleted at the end of their retention.");
    describe_counter!(
        "auction_sent_total",
        "Attempts to send a notification out of the house, and what came of them."
    );
    describe_counter!(
        "auction_accounts_swept_total",
        "Accounts removed because their users never came to be."
    );
    describe_gauge!("auction_partition_held", "1 while this process works on the partition, else 0.");
}

/// A command is on its stream, on disk.
pub fn accepted(kind: &'static str) {
    counter!("auction_commands_accepted_total", "kind" => kind).increment(1);
}

/// What lies between accepting and deciding.
pub fn pressure(pressure: Load) {
    gauge!("auction_undecided_commands").set(pressure.undecided as f64);
    gauge!("auction_redis_memory_percent").set(pressure.memory_percent as f64);
}

/// Whether new commands are refused.
pub fn load_shedding_active(sheds: bool) {
    gauge!("auction_shedding").set(if sheds { 1.0 } else { 0.0 });
}

/// A command was refused because of load.
pub fn command_shed(why: &'static str) {
    counter!("auction_commands_shed_total", "why" => why).increment(1);
}

/// A request waits for an outcome.
pub fn request_waiting() {
    gauge!("auction_requests_waiting").increment(1.0);
}

/// It waits no more.
pub fn request_done() {
    gauge!("auction_requests_waiting").decrement(1.0);
}

/// A batch of commands was decided and stored.
pub fn batch_stored(partition: PartitionId, commands: usize, events: usize, seconds: f64) {
    let lane = partition.to_string();
    counter!("auction_commands_decided_total", "partition" => lane.clone()).increment(commands as u64);
    counter!("auction_events_stored_total", "partition" => lane.clone()).increment(events as u64);
    histogram!("auction_batch_commands", "partition" => lane.clone()).record(commands as f64);
    histogram!("auction_store_seconds", "partition" => lane).record(seconds);
}

/// A batch was published, acknowledged and answered.
pub fn settled(partition: PartitionId, seconds: f64) {
    histogram!("auction_settle_seconds", "partition" => partition.to_string()).record(seconds);
}

/// Somebody else wrote to the partition, or handled its events: the service begins again.
pub fn conflict(service: &'static str, partition: PartitionId, why: &'static str) {
    let labels =
        [("service", service.to_owned()), ("partition", partition.to_string()), ("why", why.to_owned())];
    counter!("auction_conflicts_total", &labels).increment(1);
}

/// A server was away: the same again, after a while.
pub fn retry(service: &'static str, partition: PartitionId, server: &'static str) {
    let labels = [
        ("service", service.to_owned()),
        ("partition", partition.to_string()),
        ("server", server.to_owned()),
    ];
    counter!("auction_retries_total", &labels).increment(1);
}

/// Something happened that should not, and was mended: `stream_lost`, an event stream was gone; `hole`,
/// events were not on it; `made_anew`, what a service had made of events was gone.
pub fn recovery(what: &'static str) {
    counter!("auction_incidents_total", "what" => what).increment(1);
}

/// A service could not handle an event.
pub fn event_parked(service: &'static str, partition: PartitionId, reason: &'static str) {
    let labels = [
        ("service", service.to_owned()),
        ("partition", partition.to_string()),
        ("reason", reason.to_owned()),
    ];
    counter!("auction_events_parked_total", &labels).increment(1);
}

/// So many users and auctions are parked.
pub fn parked(service: &'static str, partition: PartitionId, count: usize) {
    let labels = [("service", service.to_owned()), ("partition", partition.to_string())];
    gauge!("auction_parked", &labels).set(count as f64);
}

/// A command went to the dead letters.
pub fn dead_letter(partition: PartitionId, reason: &str) {
    let labels = [("partition", partition.to_string()), ("reason", reason.to_owned())];
    counter!("auction_dead_letters_total", &labels).increment(1);
}

/// A service handled events of a partition.
pub fn events_handled(service: &'static str, partition: PartitionId, events: usize) {
    let labels = [("service", service.to_owned()), ("partition", partition.to_string())];
    counter!("auction_events_followed_total", &labels).increment(events as u64);
}

/// So many events were not on the stream and came from the store.
pub fn event_gap(service: &'static str, partition: PartitionId, events: u64) {
    let labels = [("service", service.to_owned()), ("partition", partition.to_string())];
    counter!("auction_holes_total", &labels).increment(1);
    counter!("auction_hole_events_total", &labels).increment(events);
}

/// This process works on a partition for a service, until what is returned is dropped.
pub fn partition_active(service: &'static str, partition: PartitionId) -> PartitionGuard {
    let labels = [("service", service.to_owned()), ("partition", partition.to_string())];
    let gauge = gauge!("auction_partition_held", &labels);
    gauge.set(1.0);
    PartitionGuard(gauge)
}

/// A partition that is worked on.
pub struct PartitionGuard(Gauge);

impl Drop for PartitionGuard {
    fn drop(&mut self) {
        self.0.set(0.0);
    }
}

/// Old entries were taken from the streams of a partition: `commands` or `events`.
pub fn trimmed(partition: PartitionId, streams: &'static str, entries: u64) {
    let labels = [("partition", partition.to_string()), ("streams", streams.to_owned())];
    counter!("auction_entries_trimmed_total", &labels).increment(entries);
}

/// Outcomes were deleted at the end of their retention.
pub fn outcomes_deleted(count: u64) {
    counter!("auction_outcomes_deleted_total").increment(count);
}

/// Accounts were removed whose users never came to be.
pub fn accounts_swept(count: u64) {
    counter!("auction_accounts_swept_total").increment(count);
}

/// Notifications were stored and delivered.
pub fn notified(partition: PartitionId, notifications: usize) {
    counter!("auction_notifications_total", "partition" => partition.to_string())
        .increment(notifications as u64);
}

/// An attempt to send a notification out of the house ended so.
pub fn sent(way: &'static str, result: &'static str) {
    counter!("auction_sent_total", "way" => way, "result" => result).increment(1);
}
