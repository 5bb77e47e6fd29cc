//! What is counted and timed. Nothing happens unless the process has a recorder.

use auction_wire::PartitionId;
use metrics::{counter, histogram};

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

/// Somebody else wrote to the partition: the lane takes over again.
pub fn conflict(partition: PartitionId, why: &'static str) {
    counter!("auction_conflicts_total", "partition" => partition.to_string(), "why" => why).increment(1);
}

/// A server was away: the same again, after a while.
pub fn retry(partition: PartitionId, service: &'static str) {
    counter!("auction_retries_total", "partition" => partition.to_string(), "server" => service).increment(1);
}

/// A command went to the dead letters.
pub fn dead_letter(partition: PartitionId, reason: &str) {
    let labels = [("partition", partition.to_string()), ("reason", reason.to_owned())];
    counter!("auction_dead_letters_total", &labels).increment(1);
}
