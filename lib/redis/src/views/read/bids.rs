//! Pages of an auction's bids.

use super::{Reading, Replies, Source};
use crate::keys;
use crate::views::entry;
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{AsOf, BidEntry, BidPage};
use auction_domain::{AuctionId, UserId};
use auction_wire::PartitionId;
use redis::{Value, pipe};

fn bid_entry(number: u64, entry: Option<Vec<u8>>) -> Option<BidEntry> {
    let entry = entry?;
    let (bidder, json) = entry::decode_user(&entry)?;
    Some(BidEntry { number, bidder: bidder?, json: json.to_vec() })
}

impl Reading<'_> {
    /// The bids of these numbers: the last read of an answer.
    async fn bids(&mut self, key: &str, numbers: &[u64]) -> Result<Option<Vec<BidEntry>>, Unavailable> {
        let mut entries = pipe();
        if !numbers.is_empty() {
            entries.cmd("HMGET").arg(key).arg(numbers);
        }
        let Some(replies) = self.finish(entries).await? else { return Ok(None) };
        if numbers.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let entries: Vec<Option<Vec<u8>>> = Replies(replies.into_iter()).next()?;
        Ok(Some(
            numbers.iter().zip(entries).filter_map(|(number, entry)| bid_entry(*number, entry)).collect(),
        ))
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
            let mut reading = self.begin(std::iter::once(partition)).await?;
            let keys = reading.keys(partition);
            let mut commands = reading.checkpoints();
            commands.cmd("EXISTS").arg(keys.auction(auction)).cmd("HLEN").arg(keys.bids(auction));
            let mut replies = Replies(reading.query::<Vec<Value>>(&commands).await?.into_iter());
            let positions = reading.positions(&mut replies)?;
            let (exists, count): (bool, u64) = (replies.next()?, replies.next()?);
            let from = before.map_or(count, |before| count.min(before.saturating_sub(1)));
            let until = from.saturating_sub(limit as u64);
            let numbers: Vec<u64> = (until + 1..=from).rev().collect();
            let Some(bids) = reading.bids(&keys.bids(auction), &numbers).await? else { continue };
            let page = BidPage { count, bids, next: (until > 0).then_some(until + 1) };
            return Ok(AsOf { positions, value: exists.then_some(page) });
        }
    }

    pub(super) async fn page_of_bids_by_user(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable> {
        loop {
            let mut reading = self.begin(std::iter::once(partition)).await?;
            let keys = reading.keys(partition);
            let first = format!("[{user}:");
            let last = format!("({}", keys::bids_by_user_member(user, before.unwrap_or(u64::MAX)));
            let mut commands = reading.checkpoints();
            commands.cmd("EXISTS").arg(keys.auction(auction));
            commands.cmd("ZLEXCOUNT").arg(keys.bids_by_user(auction)).arg(&first).arg(format!("({user};"));
            commands.cmd("ZREVRANGEBYLEX").arg(keys.bids_by_user(auction)).arg(last).arg(&first);
            commands.arg("LIMIT").arg(0).arg(limit + 1);
            let mut replies = Replies(reading.query::<Vec<Value>>(&commands).await?.into_iter());
            let positions = reading.positions(&mut replies)?;
            let (exists, count): (bool, u64) = (replies.next()?, replies.next()?);
            let members: Vec<String> = replies.next()?;
            let mut numbers: Vec<u64> =
                members.iter().filter_map(|member| keys::read_bids_by_user_member(member)).collect();
            // One more than requested shows whether there is another page.
            let next = (numbers.len() > limit).then(|| numbers[limit - 1]);
            numbers.truncate(limit);
            let Some(bids) = reading.bids(&keys.bids(auction), &numbers).await? else { continue };
            return Ok(AsOf { positions, value: exists.then_some(BidPage { count, bids, next }) });
        }
    }
}
