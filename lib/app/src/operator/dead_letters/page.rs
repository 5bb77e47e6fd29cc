//! Dead letters in pages.

use super::{CHUNK, DeadLetter, Filter};
use crate::ports::Unavailable;
use crate::ports::operator::dead_letters::DeadLetterQueue;
use auction_wire::{PartitionCount, PartitionId};
use worker_runtime::EntryId;

/// So many are looked at for a page, about; those that are meant may be rare.
const LOOKED_AT: usize = 10_000;

/// Some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Those that are meant.
    pub letters: Vec<DeadLetter>,
    /// The name of the last that was looked at, if there may be more behind it.
    pub last: Option<String>,
}

/// At most `limit` letters that are meant, by partition, the oldest first, behind the one of that name.
pub async fn page(
    letters: &impl DeadLetterQueue,
    partitions: PartitionCount,
    filter: &Filter,
    behind: (PartitionId, EntryId),
    limit: usize,
) -> Result<Page, Unavailable> {
    let (mut found, mut looked_at) = (Vec::new(), 0);
    for partition in partitions.all().filter(|partition| *partition >= behind.0) {
        if filter.partition.is_some_and(|wanted| wanted != partition.0) {
            continue;
        }
        let mut after = if partition == behind.0 { behind.1 } else { EntryId::ZERO };
        loop {
            let chunk = letters.list(partition, after, CHUNK).await?;
            let Some(last) = chunk.last() else { break };
            after = last.id;
            looked_at += chunk.len();
            for letter in chunk.into_iter().filter(|letter| filter.matches(letter)) {
                if found.len() == limit {
                    let last = found.last().map(DeadLetter::name);
                    return Ok(Page { letters: found, last });
                }
                found.push(letter);
            }
            if looked_at >= LOOKED_AT {
                return Ok(Page { letters: found, last: Some(format!("{partition}/{after}")) });
            }
        }
    }
    Ok(Page { letters: found, last: None })
}
