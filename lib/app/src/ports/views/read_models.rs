//! Read models: the prepared JSON documents that `GET` requests return.
//!
//! The read models of a partition belong to a *generation*. Readers use the current generation. A rebuild
//! fills another one and then makes it the current one.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::view::AuctionStatus;
use auction_wire::{PartitionId, Positions};
use std::future::Future;

/// Opens connections for writing the read models of a partition.
pub trait ReadModelConnector: Send + Sync {
    /// Connection that this connector opens.
    type Store: ReadModelWriter;

    /// Opens a connection for one partition.
    fn open(&self, partition: PartitionId) -> impl Future<Output = Result<Self::Store, Unavailable>> + Send;
}

/// Writes the read models of one partition in one generation. After an error, drop it and open another one.
pub trait ReadModelWriter: Send {
    /// Returns the checkpoint: the position up to which events are in the read models; zero if there are
    /// none.
    fn checkpoint(&mut self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Writes views and moves the checkpoint from `from` to `to`, all or nothing, if the checkpoint is `from`
    /// and the current generation has not changed since the connection was opened.
    fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ReadModelWrite],
    ) -> impl Future<Output = Result<ReadModelCommit, Unavailable>> + Send;
}

/// Result of writing views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadModelCommit {
    /// The views and the checkpoint are written.
    Done,
    /// Nothing was written: another process moved the checkpoint, or made another generation the current one.
    CheckpointMoved,
}

/// Place of an auction in the lists of `GET /auctions`: the list of its status, sorted by end time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListKey {
    /// Status, which selects the list.
    pub status: AuctionStatus,
    /// End time of the auction.
    pub ends_at: Timestamp,
}

/// One write to the read models. Bodies are JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadModelWrite {
    /// Sets the body of `GET /user/{id}`.
    User {
        /// Id of the user.
        user: UserId,
        /// Response body, as JSON.
        json: Vec<u8>,
    },
    /// Sets the body of `GET /auction/{id}`.
    Auction {
        /// Id of the auction.
        auction: AuctionId,
        /// Response body, as JSON.
        json: Vec<u8>,
    },
    /// Adds an auction to a list of `GET /auctions`.
    AddToAuctionList {
        /// Id of the auction.
        auction: AuctionId,
        /// Place in the lists.
        place: ListKey,
    },
    /// Sets an entry of `GET /auctions`.
    AuctionListEntry {
        /// Id of the auction.
        auction: AuctionId,
        /// Status of the auction.
        status: AuctionStatus,
        /// Leading bidder; the winner if the auction is closed.
        leader: Option<UserId>,
        /// The entry, as JSON.
        json: Vec<u8>,
    },
    /// Removes an auction from a list of `GET /auctions`, because its end time or its status changed.
    RemoveFromAuctionList {
        /// Id of the auction.
        auction: AuctionId,
        /// Previous place in the lists.
        place: ListKey,
    },
    /// Sets an entry of `GET /auction/{id}/bids`.
    Bid {
        /// Id of the auction.
        auction: AuctionId,
        /// Number of the bid in the order of placing, from 1.
        number: u64,
        /// User who placed the bid.
        bidder: UserId,
        /// The entry, as JSON.
        json: Vec<u8>,
    },
    /// Sets the user's part of an entry of `GET /user/{id}/bids`: their bids in one auction.
    BidderAuctionEntry {
        /// Id of the bidder.
        user: UserId,
        /// Id of the auction.
        auction: AuctionId,
        /// Members of the JSON object.
        json: Vec<u8>,
    },
    /// Adds an auction to the list of `GET /user/{id}/bids`.
    AddToBidderAuctions {
        /// Id of the bidder.
        user: UserId,
        /// Id of the auction.
        auction: AuctionId,
    },
}

/// Reads the read models of the current generation. Every result contains its positions, also an empty one.
#[async_trait]
pub trait ReadModelReader: Send + Sync {
    /// Returns the body of `GET /user/{id}`; `None` if there is no such user.
    async fn user(&self, partition: PartitionId, user: UserId) -> Result<AsOf<Option<Vec<u8>>>, Unavailable>;

    /// Returns the body of `GET /auction/{id}` and the time of reading, by the clock that stamps commands;
    /// `None` if there is no such auction.
    async fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> Result<AsOf<Option<AuctionDocument>>, Unavailable>;

    /// Returns at most `limit` bids of an auction with numbers below `before`, the newest first; `None` if
    /// there is no such auction.
    async fn bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable>;

    /// Returns the bids of one user in an auction, otherwise as [`ReadModelReader::bids`].
    async fn bids_by_user(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<AsOf<Option<BidPage>>, Unavailable>;

    /// Returns at most `limit` (at least one) entries of `GET /auctions` after a place, of all partitions.
    /// Open auctions are sorted by ascending end time, others by descending end time.
    async fn auctions_by_status(
        &self,
        status: AuctionStatus,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> Result<AsOf<AuctionPage>, Unavailable>;

    /// Returns at most `limit` (at least one) auctions with ids below `before` in which a user has bid, of
    /// all partitions, the newest first.
    async fn bidder_auctions(
        &self,
        user: UserId,
        before: Option<AuctionId>,
        limit: usize,
    ) -> Result<AsOf<BidderAuctionPage>, Unavailable>;

    /// Returns the checkpoints of these partitions, in one round trip.
    async fn checkpoints(&self, partitions: &[PartitionId]) -> Result<Positions, Unavailable>;

    /// Returns the checkpoint of a partition.
    async fn checkpoint(&self, partition: PartitionId) -> Result<u64, Unavailable> {
        Ok(self.checkpoints(&[partition]).await?.get(partition))
    }
}

/// A value, and the positions of the events that it contains at least.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsOf<T> {
    /// Positions of all partitions that the value is made of. The value contains all events up to them, and
    /// may contain later ones.
    pub positions: Positions,
    /// Value that was read.
    pub value: T,
}

/// The body of `GET /auction/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionDocument {
    /// Response body, as JSON.
    pub json: Vec<u8>,
    /// Time of reading, by the clock that stamps commands.
    pub now: Timestamp,
}

/// Page of `GET /auction/{id}/bids`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BidPage {
    /// Total number of bids.
    pub count: u64,
    /// Bids of the page.
    pub bids: Vec<BidEntry>,
    /// Value of `before` for the next page; `None` on the last one.
    pub next: Option<u64>,
}

/// Entry of `GET /auction/{id}/bids`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidEntry {
    /// Number of the bid.
    pub number: u64,
    /// User who placed the bid. Must not be disclosed to other users.
    pub bidder: UserId,
    /// The entry, as JSON.
    pub json: Vec<u8>,
}

/// Page of `GET /auctions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuctionPage {
    /// Entries of the page; fewer than requested if auctions moved between lists meanwhile.
    pub entries: Vec<AuctionEntry>,
    /// Value of `after` for the next page; `None` on the last one.
    pub next: Option<(Timestamp, AuctionId)>,
}

/// Entry of `GET /auctions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionEntry {
    /// End time of the auction.
    pub ends_at: Timestamp,
    /// Id of the auction.
    pub auction: AuctionId,
    /// The entry, as JSON.
    pub json: Vec<u8>,
}

/// Page of `GET /user/{id}/bids`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BidderAuctionPage {
    /// Entries of the page.
    pub entries: Vec<BidderAuction>,
    /// Value of `before` for the next page; `None` on the last one.
    pub next: Option<AuctionId>,
}

/// Parts of an entry of `GET /user/{id}/bids`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidderAuction {
    /// Id of the auction.
    pub auction: AuctionId,
    /// Status of the auction.
    pub status: AuctionStatus,
    /// Leading bidder, or the winner.
    pub leader: Option<UserId>,
    /// Bids of the user in the auction: members of a JSON object.
    pub bidder: Vec<u8>,
    /// Entry of the auction in `GET /auctions`.
    pub auction_entry: Vec<u8>,
}
