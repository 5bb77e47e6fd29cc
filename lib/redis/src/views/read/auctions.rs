//! Single auctions, which are read more than anything else. Requests that come in while one round trip is on its way
//! go into the next: one for all of them, and of an auction that many ask for one read. What each is shown was read
//! after he asked.

use super::{Replies, Source};
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, AuctionDocument};
use auction_domain::{AuctionId, Timestamp};
use auction_wire::PartitionId;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::{mpsc, oneshot};

/// At most so many requests in one round trip.
const TOGETHER: usize = 1000;

/// At most so many requests wait; more are told that Redis does not keep up.
const WAITING: usize = 10_000;

/// An auction as it is shown; none if there is none.
type Answer = AsOf<Option<AuctionDocument>>;

struct Asked {
    partition: PartitionId,
    auction: AuctionId,
    answer: oneshot::Sender<Result<Answer, Unavailable>>,
}

/// The way to the task that reads.
#[derive(Clone)]
pub(super) struct AuctionReader(mpsc::Sender<Asked>);

impl AuctionReader {
    /// Starts it; it ends when the last clone of this is dropped.
    pub(super) fn start(source: Source) -> AuctionReader {
        let (ask, asked) = mpsc::channel(WAITING);
        tokio::spawn(read_all(source, asked));
        AuctionReader(ask)
    }

    pub(super) async fn read(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<Answer, Unavailable> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { partition, auction, answer };
        self.0.try_send(asked).map_err(|error| Unavailable::new("redis", error.to_string()))?;
        answered.await.unwrap_or_else(|_| Err(Unavailable::new("redis", "nobody reads any more")))
    }
}

async fn read_all(source: Source, mut asked: mpsc::Receiver<Asked>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while asked.recv_many(&mut together, TOGETHER).await > 0 {
        let auctions = together.iter().map(|asked| (asked.partition, asked.auction)).collect();
        let answers = read(&source, &auctions).await;
        for Asked { partition, auction, answer } in together.drain(..) {
            // Whoever has gone meanwhile does not need it.
            let _ = answer.send(match &answers {
                Ok(answers) => answers.get(&(partition, auction)).cloned().ok_or_else(missing),
                Err(error) => Err(Unavailable::new(error.backend, error.cause.to_string())),
            });
        }
    }
}

/// Each of the auctions, by one round trip; by one more if another generation of views has become the live one.
async fn read(
    source: &Source,
    auctions: &BTreeSet<(PartitionId, AuctionId)>,
) -> Result<BTreeMap<(PartitionId, AuctionId), Answer>, Unavailable> {
    let mut partitions: Vec<PartitionId> = auctions.iter().map(|(partition, _)| *partition).collect();
    partitions.dedup();
    loop {
        let mut reading = source.reading(partitions.iter().copied()).await?;
        let mut pipeline = reading.checkpoints();
        pipeline.cmd("TIME");
        for (partition, auction) in auctions {
            pipeline.cmd("GET").arg(reading.keys(*partition).auction(*auction));
        }
        let Some(replies) = reading.last(pipeline).await? else { continue };
        let mut replies = Replies(replies.into_iter());
        let positions = reading.positions(&mut replies)?;
        let (seconds, micros): (i64, i64) = replies.next()?;
        let now = Timestamp(1000 * seconds + micros / 1000);
        let read = |(partition, auction): &(PartitionId, AuctionId)| {
            let json: Option<Vec<u8>> = replies.next()?;
            let shown = json.map(|json| AuctionDocument { json, now });
            Ok(((*partition, *auction), AsOf { positions: positions.within(&[*partition]), shown }))
        };
        return auctions.iter().map(read).collect();
    }
}

/// Each was read who was asked for.
fn missing() -> Unavailable {
    Unavailable::new("redis", "an auction was not read")
}
