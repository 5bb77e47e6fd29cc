//! Pages of auction lists, merged over all partitions.

use super::{Replies, Source};
use crate::views::entry;
use crate::{client_error, keys};
use auction_app::ports::Unavailable;
use auction_app::ports::views::read_models::{
    AsOf, AuctionEntry, AuctionPage, BidderAuction, BidderAuctionPage,
};
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionStatus;
use redis::{Value, pipe};
use uuid::Uuid;

impl Source {
    pub(super) async fn page_of_auctions(
        &self,
        status: AuctionStatus,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<AsOf<AuctionPage>, Unavailable> {
        let from =
            after.map(|(ends_at, auction)| format!("({}", keys::auctions_by_status_member(ends_at, auction)));
        let (range, first, last) = match status {
            AuctionStatus::Open => ("ZRANGEBYLEX", "-", "+"),
            _ => ("ZREVRANGEBYLEX", "+", "-"),
        };
        loop {
            let mut reading = self.begin(self.partitions.all()).await?;
            let mut ranges = reading.checkpoints();
            for partition in self.partitions.all() {
                ranges.cmd(range).arg(reading.keys(partition).auctions_by_status(status));
                ranges.arg(from.as_deref().unwrap_or(first)).arg(last);
                ranges.arg("LIMIT").arg(0).arg(limit + 1);
            }
            let mut replies = Replies(reading.query::<Vec<Value>>(&ranges).await?.into_iter());
            let positions = reading.positions(&mut replies)?;
            let members: Vec<Vec<String>> = replies.rest()?;
            let mut places: Vec<(Timestamp, AuctionId)> = members
                .iter()
                .flatten()
                .filter_map(|member| keys::read_auctions_by_status_member(member))
                .collect();
            places.sort_unstable();
            if status != AuctionStatus::Open {
                places.reverse();
            }
            // One more than requested shows whether there is another page.
            let next = (places.len() > limit).then(|| places[limit - 1]);
            places.truncate(limit);
            let mut entries = pipe();
            for (_, auction) in &places {
                let keys = reading.keys(self.partitions.of(auction.0));
                entries.cmd("HGET").arg(keys.auction_entries()).arg(auction.to_string());
            }
            let Some(replies) = reading.finish(entries).await? else { continue };
            let mut page = AuctionPage { entries: Vec::with_capacity(places.len()), next };
            for ((ends_at, auction), reply) in places.into_iter().zip(replies) {
                let encoded: Option<Vec<u8>> = redis::from_redis_value(reply).map_err(client_error)?;
                // An auction whose status changed between the two reads is in another list by now.
                if let Some((_, _, json)) =
                    encoded.as_deref().and_then(entry::decode_auction).filter(|(of, ..)| *of == status)
                {
                    page.entries.push(AuctionEntry { ends_at, auction, json: json.to_vec() });
                }
            }
            return Ok(AsOf { positions, value: page });
        }
    }

    pub(super) async fn page_of_bidder(
        &self,
        user: UserId,
        before: Option<AuctionId>,
        limit: usize,
    ) -> Result<AsOf<BidderAuctionPage>, Unavailable> {
        let from = before.map_or("+".to_owned(), |before| format!("({before}"));
        loop {
            let mut reading = self.begin(self.partitions.all()).await?;
            let mut ranges = reading.checkpoints();
            for partition in self.partitions.all() {
                ranges.cmd("ZREVRANGEBYLEX").arg(reading.keys(partition).bidder_auctions(user));
                ranges.arg(&from).arg("-").arg("LIMIT").arg(0).arg(limit + 1);
            }
            let mut replies = Replies(reading.query::<Vec<Value>>(&ranges).await?.into_iter());
            let positions = reading.positions(&mut replies)?;
            let members: Vec<Vec<String>> = replies.rest()?;
            let members = members.iter().flatten();
            let mut auctions: Vec<AuctionId> =
                members.filter_map(|member| Uuid::try_parse(member).ok()).map(AuctionId).collect();
            auctions.sort_unstable_by(|one, other| other.cmp(one));
            let next = (auctions.len() > limit).then(|| auctions[limit - 1]);
            auctions.truncate(limit);
            let mut entries = pipe();
            for auction in &auctions {
                let keys = reading.keys(self.partitions.of(auction.0));
                entries.cmd("HGET").arg(keys.bidder(user)).arg(auction.to_string());
                entries.cmd("HGET").arg(keys.auction_entries()).arg(auction.to_string());
            }
            let Some(replies) = reading.finish(entries).await? else { continue };
            let (mut replies, mut page) = (Replies(replies.into_iter()), BidderAuctionPage::default());
            page.next = next;
            for auction in auctions {
                let (bidder, encoded): (Option<Vec<u8>>, Option<Vec<u8>>) =
                    (replies.next()?, replies.next()?);
                if let (Some(bidder), Some((status, leader, auction_entry))) =
                    (bidder, encoded.as_deref().and_then(entry::decode_auction))
                {
                    page.entries.push(BidderAuction {
                        auction,
                        status,
                        leader,
                        bidder,
                        auction_entry: auction_entry.to_vec(),
                    });
                }
            }
            return Ok(AsOf { positions, value: page });
        }
    }
}
