//! Reads documents, the most frequent reads. Calls that arrive during a round trip share the next one, which
//! reads each document once. Every result is read after its call arrived.

use super::{Replies, Source};
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, Document, ViewName};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::{mpsc, oneshot};

/// Maximum number of calls in one round trip.
const MAX_BATCH: usize = 1000;

/// Maximum number of queued calls. Further calls fail: Redis does not keep up.
const MAX_QUEUED: usize = 10_000;

/// Document; `None` if it does not exist.
type ReadResult = AsOf<Option<Document>>;

struct ReadCall {
    partition: PartitionId,
    name: ViewName,
    result: oneshot::Sender<Result<ReadResult, Unavailable>>,
}

/// Handle of the task that reads documents.
#[derive(Clone)]
pub(super) struct DocumentReader(mpsc::Sender<ReadCall>);

impl DocumentReader {
    /// Starts the task. It ends when the last clone is dropped.
    pub(super) fn start(source: Source) -> DocumentReader {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED);
        tokio::spawn(read_all(source, receiver));
        DocumentReader(sender)
    }

    pub(super) async fn read(
        &self,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<ReadResult, Unavailable> {
        let (result, receiver) = oneshot::channel();
        let call = ReadCall { partition, name, result };
        self.0.try_send(call).map_err(|error| Unavailable::new("redis", error.to_string()))?;
        receiver.await.unwrap_or_else(|_| Err(Unavailable::new("redis", "document reader has ended")))
    }
}

async fn read_all(source: Source, mut receiver: mpsc::Receiver<ReadCall>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while receiver.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let documents = batch.iter().map(|call| (call.partition, call.name)).collect();
        let results = read(&source, &documents).await;
        for ReadCall { partition, name, result } in batch.drain(..) {
            // A caller that was dropped meanwhile does not need the result.
            let _ = result.send(match &results {
                Ok(results) => results.get(&(partition, name)).cloned().ok_or_else(missing),
                Err(error) => Err(Unavailable::new(error.backend, error.cause.to_string())),
            });
        }
    }
}

/// Reads the documents in one round trip, or in one more if another generation has become the current one.
async fn read(
    source: &Source,
    documents: &BTreeSet<(PartitionId, ViewName)>,
) -> Result<BTreeMap<(PartitionId, ViewName), ReadResult>, Unavailable> {
    let mut partitions: Vec<PartitionId> = documents.iter().map(|(partition, _)| *partition).collect();
    partitions.dedup();
    loop {
        let mut reading = source.begin(partitions.iter().copied()).await?;
        let mut pipeline = reading.checkpoints();
        pipeline.cmd("TIME");
        for (partition, name) in documents {
            pipeline.cmd("GET").arg(reading.keys(*partition).key(*name));
        }
        let Some(replies) = reading.finish(pipeline).await? else { continue };
        let mut replies = Replies(replies.into_iter());
        let positions = reading.positions(&mut replies)?;
        let (seconds, micros): (i64, i64) = replies.next()?;
        let now = Timestamp(1000 * seconds + micros / 1000);
        let read = |(partition, name): &(PartitionId, ViewName)| {
            let json: Option<Vec<u8>> = replies.next()?;
            let value = json.map(|json| Document { json, now });
            Ok(((*partition, *name), AsOf { positions: positions.within(&[*partition]), value }))
        };
        return documents.iter().map(read).collect();
    }
}

fn missing() -> Unavailable {
    Unavailable::new("redis", "internal error: a requested document was not read")
}
