//! Pagination of dead letters.

use super::{CHUNK, DeadLetter, Filter};
use crate::ports::Unavailable;
use crate::ports::operator::dead_letters::DeadLetterQueue;
use auction_wire::{PartitionCount, PartitionId};
use worker_runtime::EntryId;

/// Approximate maximum number of dead letters read for one page: matching ones may be rare.
const MAX_READ: usize = 10_000;

/// Page of dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub dead_letters: Vec<DeadLetter>,
    /// The name of the last dead letter that was read, if there may be more after it.
    pub last: Option<String>,
}

/// Returns at most `limit` dead letters that match, after a cursor, ordered by partition and age, the oldest
/// first.
pub async fn page(
    dead_letters: &dyn DeadLetterQueue,
    partitions: PartitionCount,
    filter: &Filter,
    cursor: (PartitionId, EntryId),
    limit: usize,
) -> Result<Page, Unavailable> {
    let (mut found, mut read) = (Vec::new(), 0);
    for partition in partitions.all().filter(|partition| *partition >= cursor.0) {
        if filter.partition.is_some_and(|wanted| wanted != partition.0) {
            continue;
        }
        let mut after = if partition == cursor.0 { cursor.1 } else { EntryId::ZERO };
        loop {
            let chunk = dead_letters.list(partition, after, CHUNK).await?;
            let Some(last) = chunk.last() else { break };
            after = last.id;
            read += chunk.len();
            for dead_letter in chunk.into_iter().filter(|dead_letter| filter.matches(dead_letter)) {
                if found.len() == limit {
                    let last = found.last().map(DeadLetter::name);
                    return Ok(Page { dead_letters: found, last });
                }
                found.push(dead_letter);
            }
            if read >= MAX_READ {
                return Ok(Page { dead_letters: found, last: Some(format!("{partition}/{after}")) });
            }
        }
    }
    Ok(Page { dead_letters: found, last: None })
}
