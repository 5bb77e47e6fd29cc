//! Advice to operators for errors that mean that Redis and Postgres hold different histories.

use auction_app::consume::ConsumeError;
use auction_app::writer::partition_writer::WriterError;
use auction_redis::keys;
use auction_wire::PartitionId;
use std::error::Error;

/// Adds the advice to an error that it applies to.
pub(super) fn advise_on_consumer(error: ConsumeError) -> Box<dyn Error + Send + Sync> {
    match error {
        ConsumeError::AheadOfStore { partition, .. } | ConsumeError::StreamDiverged { partition, .. } => {
            with_advice(&error, partition)
        }
        ConsumeError::Load(_) | ConsumeError::Broken { .. } => error.into(),
    }
}

/// Adds the advice to an error that it applies to.
pub(super) fn advise_on_writer(error: WriterError) -> Box<dyn Error + Send + Sync> {
    match error {
        WriterError::StreamDiverged { partition, .. } => with_advice(&error, partition),
        WriterError::Unreadable { .. } => error.into(),
    }
}

fn with_advice(error: &dyn Error, partition: PartitionId) -> Box<dyn Error + Send + Sync> {
    let (events, views) = (keys::events(partition), format!("ap:{{{partition}}}:read-model:*"));
    format!(
        "{error}. Postgres was restored from an older backup, or REDIS_URL points to another installation. If the \
         database is right: stop all processes, delete the keys `{events}` and `{views}`, and start again. They are \
         rebuilt from Postgres"
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_mismatch_names_the_keys_to_delete() {
        let (component, partition) = ("projector", PartitionId(7));
        let ahead = ConsumeError::AheadOfStore { component, partition, position: 9, head: 5 };
        let text = advise_on_consumer(ahead).to_string();
        assert!(text.starts_with("projector, partition 07: the checkpoint 9 is ahead of"), "{text}");
        assert!(text.contains("delete the keys `ap:{07}:evt` and `ap:{07}:read-model:*`"), "{text}");
        let broken = ConsumeError::Broken { component, partition, error: "by the test".to_owned() };
        assert!(!advise_on_consumer(broken).to_string().contains("REDIS_URL"));
    }
}
