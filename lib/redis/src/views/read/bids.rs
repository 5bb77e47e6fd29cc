//! Pages of an auction's bids.

use super::{Reading, Replies, Source};
use crate::keys;
use crate::views::entry;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, BidEntry, BidPage};
use auction_domain::{AuctionId, UserId};
use auction_wire::PartitionId;
use redis::{Value, pipe};

fn bid(number: u64, line: Option<Vec<u8>>) -> Option<BidEntry> {
    let line = line?;
    let (bidder, json) = entry::read_user(&line)?;
    Some(BidEntry { number, bidder: bidder?, json: json.to_vec() })
}

impl Reading<'_> {
    /// The bids of these numbers: the last read of an answer.
    async fn bids(&mut self, key: &str, numbers: &[u64]) -> Result<Option<Vec<BidEntry>>, Unavailable> {
        let mut lines = pipe();
        if !numbers.is_empty() {
            lines.cmd("HMGET").arg(key).arg(numbers);
        }
        let Some(replies) = self.last(lines).await? else { return Ok(None) };
        if numbers.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let lines: Vec<Option<Vec<u8>>> = Replies(replies.into_iter()).next()?;
        Ok(Some(numbers.iter().zip(lines).filter_map(|(number, line)| bid(*number, line)).collect()))
    }
}

impl Source {
    pub(super) async fn page_of_bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        loop {
            let mut reading = self.reading(std::iter::once(partition)).await?;
            let keys = reading.keys(partition);
            let mut sizes = reading.checkpoints();
            sizes.cmd("EXISTS").arg(keys.auction(auction)).cmd("HLEN").arg(keys.bids(auction));
            let mut replies = Replies(reading.query::<Vec<Value>>(&sizes).await?.into_iter());
            let positions = reading.positions(&mut replies)?;
            let (exists, count): (bool, u64) = (replies.next()?, replies.next()?);
            let from = before.map_or(count, |before| count.min(before.saturating_sub(1)));
            let until = from.saturating_sub(limit as u64);
            let numbers: Vec<u64> = (until + 1..=from).rev().collect();
            let Some(bids) = reading.bids(&keys.bids(auction), &numbers).await? else { continue };
            let page = BidPage { count, bids, next: (until > 0).then_some(until + 1) };
            return Ok(AsOf { positions, shown: exists.then_some(page) });
        }
    }

    pub(super) async fn page_of_own_bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        loop {
            let mut reading = self.reading(std::iter::once(partition)).await?;
            let keys = reading.keys(partition);
            let first = format!("[{user}:");
            let last = format!("({}", keys::own_bid_member(user, before.unwrap_or(u64::MAX)));
            let mut own = reading.checkpoints();
            own.cmd("EXISTS").arg(keys.auction(auction));
            own.cmd("ZLEXCOUNT").arg(keys.own_bids(auction)).arg(&first).arg(format!("({user};"));
            own.cmd("ZREVRANGEBYLEX").arg(keys.own_bids(auction)).arg(last).arg(&first);
            own.arg("LIMIT").arg(0).arg(limit + 1);
            let mut replies = Replies(reading.query::<Vec<Value>>(&own).await?.into_iter());
            let positions = reading.positions(&mut replies)?;
            let (exists, count): (bool, u64) = (replies.next()?, replies.next()?);
            let members: Vec<String> = replies.next()?;
            let mut numbers: Vec<u64> =
                members.iter().filter_map(|member| keys::read_own_bid_member(member)).collect();
            // One more than is asked for tells whether there is another page.
            let next = (numbers.len() > limit).then(|| numbers[limit - 1]);
            numbers.truncate(limit);
            let Some(bids) = reading.bids(&keys.bids(auction), &numbers).await? else { continue };
            return Ok(AsOf { positions, shown: exists.then_some(BidPage { count, bids, next }) });
        }
    }
}
