//! Reads single auctions, the most frequent reads. Calls that arrive during a round trip share the next one,
//! which reads each auction once. Every result is read after its call arrived.

use super::{Replies, Source};
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, AuctionDocument};
use auction_domain::{AuctionId, Timestamp};
use auction_wire::PartitionId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::{mpsc, oneshot};

/// Maximum number of calls in one round trip.
const MAX_BATCH: usize = 1000;

/// Maximum number of queued calls. Further calls fail: Redis does not keep up.
const MAX_QUEUED: usize = 10_000;

/// Document of an auction; `None` if it does not exist.
type AuctionResult = AsOf<Option<AuctionDocument>>;

struct ReadCall {
    partition: PartitionId,
    auction: AuctionId,
    result: oneshot::Sender<Result<AuctionResult, Unavailable>>,
}

/// Handle of the task that reads auctions.
#[derive(Clone)]
pub(super) struct AuctionReader(mpsc::Sender<ReadCall>);

impl AuctionReader {
    /// Starts the task. It ends when the last clone is dropped.
    pub(super) fn start(source: Source) -> AuctionReader {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED);
        tokio::spawn(read_all(source, receiver));
        AuctionReader(sender)
    }

    pub(super) async fn read(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<AuctionResult, Unavailable> {
        let (result, receiver) = oneshot::channel();
        let call = ReadCall { partition, auction, result };
        self.0.try_send(call).map_err(|error| Unavailable::new("redis", error.to_string()))?;
        receiver.await.unwrap_or_else(|_| Err(Unavailable::new("redis", "auction reader has ended")))
    }
}

async fn read_all(source: Source, mut receiver: mpsc::Receiver<ReadCall>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while receiver.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let auctions = batch.iter().map(|call| (call.partition, call.auction)).collect();
        let results = read(&source, &auctions).await;
        for ReadCall { partition, auction, result } in batch.drain(..) {
            // A caller that was dropped meanwhile does not need the result.
            let _ = result.send(match &results {
                Ok(results) => results.get(&(partition, auction)).cloned().ok_or_else(missing),
                Err(error) => Err(Unavailable::new(error.backend, error.cause.to_string())),
            });
        }
    }
}

/// Reads the auctions in one round trip, or in one more if another generation has become the current one.
async fn read(
    source: &Source,
    auctions: &BTreeSet<(PartitionId, AuctionId)>,
) -> Result<BTreeMap<(PartitionId, AuctionId), AuctionResult>, Unavailable> {
    let mut partitions: Vec<PartitionId> = auctions.iter().map(|(partition, _)| *partition).collect();
    partitions.dedup();
    loop {
        let mut reading = source.begin(partitions.iter().copied()).await?;
        let mut pipeline = reading.checkpoints();
        pipeline.cmd("TIME");
        for (partition, auction) in auctions {
            pipeline.cmd("GET").arg(reading.keys(*partition).auction(*auction));
        }
        let Some(replies) = reading.finish(pipeline).await? else { continue };
        let mut replies = Replies(replies.into_iter());
        let positions = reading.positions(&mut replies)?;
        let (seconds, micros): (i64, i64) = replies.next()?;
        let now = Timestamp(1000 * seconds + micros / 1000);
        let read = |(partition, auction): &(PartitionId, AuctionId)| {
            let json: Option<Vec<u8>> = replies.next()?;
            let value = json.map(|json| AuctionDocument { json, now });
            Ok(((*partition, *auction), AsOf { positions: positions.within(&[*partition]), value }))
        };
        return auctions.iter().map(read).collect();
    }
}

fn missing() -> Unavailable {
    Unavailable::new("redis", "internal error: a requested auction was not read")
}
