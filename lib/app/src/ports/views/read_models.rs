//! Where the ready-made read models lie.
//!
//! The views of a partition are of a *generation*. One of them is live: that is what everybody reads. A
//! rebuild fills another one and makes it the live one.

use crate::ports::Unavailable;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{PartitionId, Positions};
use std::future::Future;

/// Makes connections for writing views.
pub trait ReadModelConnector: Send + Sync {
    /// A connection.
    type Store: ReadModelWriter;

    /// Connects.
    fn open(&self, partition: PartitionId) -> impl Future<Output = Result<Self::Store, Unavailable>> + Send;
}

/// The views of one partition in one generation, for their one writer.
pub trait ReadModelWriter: Send {
    /// The position up to which events are in the views; zero if there are none.
    fn checkpoint(&mut self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Writes views and moves the checkpoint from `from` to `to`, all or nothing, and only if the
    /// checkpoint still is `from`, and the live generation is what it was when the connection was made.
    fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> impl Future<Output = Result<ReadModelCommit, Unavailable>> + Send;
}

/// Whether the views were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadModelCommit {
    /// They were.
    Done,
    /// They were not: somebody else moved the checkpoint, or made another generation the live one.
    CheckpointMoved,
}

/// Where an auction stands in the lists: in that of its status, by its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey {
    /// Which list.
    pub status: AuctionStatus,
    /// Its end.
    pub ends_at: Timestamp,
}

/// One view to write. Bodies are JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadModelWrite {
    /// `GET /user/{id}`.
    User {
        /// Whose.
        user: UserId,
        /// Its body.
        json: Vec<u8>,
    },
    /// `GET /auction/{id}`.
    Auction {
        /// Which.
        auction: AuctionId,
        /// Its body.
        json: Vec<u8>,
    },
    /// From now on at that place of the lists of `GET /auctions`.
    AddToAuctionList {
        /// Which.
        auction: AuctionId,
        /// Where.
        place: ListKey,
    },
    /// A line of `GET /auctions`.
    AuctionListEntry {
        /// Which.
        auction: AuctionId,
        /// Where it is in its life.
        status: AuctionStatus,
        /// Who leads; when it is closed, who won.
        leader: Option<UserId>,
        /// Its body.
        json: Vec<u8>,
    },
    /// No longer at that place of the lists: its end or its status changed.
    RemoveFromAuctionList {
        /// Which.
        auction: AuctionId,
        /// Where it was.
        place: ListKey,
    },
    /// A line of `GET /auction/{id}/bids`.
    Bid {
        /// Of which auction.
        auction: AuctionId,
        /// Its place in the order in which they were placed, from 1.
        number: u64,
        /// Whose.
        bidder: UserId,
        /// Its body.
        json: Vec<u8>,
    },
    /// What a user has bid in one auction: a part of a line of `GET /user/{id}/bids`.
    BidderAuctionEntry {
        /// Who.
        user: UserId,
        /// Where.
        auction: AuctionId,
        /// Its members.
        json: Vec<u8>,
    },
    /// From now on among the auctions of `GET /user/{id}/bids`.
    AddToBidderAuctions {
        /// Who.
        user: UserId,
        /// Where.
        auction: AuctionId,
    },
}

/// Reading views, by everybody: always those of the live generation. Whatever is read says how fresh it is, also
/// when there is nothing.
pub trait ReadModelReader: Send + Sync {
    /// The body of `GET /user/{id}`.
    fn user(
        &self,
        partition: PartitionId,
        user: UserId,
    ) -> impl Future<Output = Result<AsOf<Option<Vec<u8>>>, Unavailable>> + Send;

    /// The body of `GET /auction/{id}`, and what the portal's clock said when it was read.
    fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> impl Future<Output = Result<AsOf<Option<AuctionDocument>>, Unavailable>> + Send;

    /// At most `limit` bids of an auction, the newest first: those with numbers below `before`. None if
    /// there is no such auction.
    fn bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        before: Option<u64>,
        limit: usize,
    ) -> impl Future<Output = Result<AsOf<Option<BidPage>>, Unavailable>> + Send;

    /// The same of the bids of one user in it.
    fn bids_of(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> impl Future<Output = Result<AsOf<Option<BidPage>>, Unavailable>> + Send;

    /// At most `limit` (at least one) lines of `GET /auctions` behind a place, of all partitions. Open ones
    /// are listed by their end, those that end first first; others the other way round.
    fn listed(
        &self,
        status: AuctionStatus,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> impl Future<Output = Result<AsOf<AuctionPage>, Unavailable>> + Send;

    /// At most `limit` (at least one) auctions in which a user has bid, of all partitions, the newest
    /// first: those with ids below `before`.
    fn bidder(
        &self,
        user: UserId,
        before: Option<AuctionId>,
        limit: usize,
    ) -> impl Future<Output = Result<AsOf<BidderAuctionPage>, Unavailable>> + Send;

    /// The positions up to which the events of these partitions are in their views, in one round trip.
    fn checkpoints(
        &self,
        partitions: &[PartitionId],
    ) -> impl Future<Output = Result<Positions, Unavailable>> + Send;

    /// The position up to which a partition's events are in its views.
    fn checkpoint(&self, partition: PartitionId) -> impl Future<Output = Result<u64, Unavailable>> + Send {
        async move { Ok(self.checkpoints(&[partition]).await?.get(partition)) }
    }
}

/// What was read, and how fresh it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsOf<T> {
    /// It shows at least the events up to these positions, of every partition that it is made of. What it shows
    /// beyond them is a chance.
    pub positions: Positions,
    /// What was read.
    pub shown: T,
}

/// The body of `GET /auction/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionDocument {
    /// The body.
    pub json: Vec<u8>,
    /// What the portal's clock said.
    pub now: Timestamp,
}

/// A page of bids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BidPage {
    /// How many there are in all.
    pub count: u64,
    /// The page.
    pub bids: Vec<BidEntry>,
    /// The number below which there are more.
    pub next: Option<u64>,
}

/// A line of `GET /auction/{id}/bids`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidEntry {
    /// Its number.
    pub number: u64,
    /// Whose; not to be told.
    pub bidder: UserId,
    /// Its body.
    pub json: Vec<u8>,
}

/// A page of `GET /auctions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuctionPage {
    /// Its lines; fewer than asked for when auctions changed lists meanwhile.
    pub lines: Vec<AuctionEntry>,
    /// The place behind which there is more.
    pub next: Option<(Timestamp, AuctionId)>,
}

/// A line of `GET /auctions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionEntry {
    /// Its end.
    pub ends_at: Timestamp,
    /// Which.
    pub auction: AuctionId,
    /// Its body.
    pub json: Vec<u8>,
}

/// A page of `GET /user/{id}/bids`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BidderAuctionPage {
    /// Its lines.
    pub lines: Vec<BidderAuction>,
    /// The auction below which there are more.
    pub next: Option<AuctionId>,
}

/// What a line of `GET /user/{id}/bids` is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidderAuction {
    /// Which auction.
    pub auction: AuctionId,
    /// Where it is in its life.
    pub status: AuctionStatus,
    /// Who leads or has won.
    pub leader: Option<UserId>,
    /// What the user has bid: the members of an object.
    pub bidder: Vec<u8>,
    /// The line of the auction.
    pub item: Vec<u8>,
}
