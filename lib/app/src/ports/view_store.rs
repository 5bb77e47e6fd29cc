//! Where the ready-made read models lie.

use super::Unavailable;
use auction_domain::{AuctionId, Timestamp, UserId};
use auction_wire::PartitionId;
use std::future::Future;

/// Makes connections for writing views.
pub trait ViewStores: Send + Sync {
    /// A connection.
    type Store: ViewStore;

    /// Connects.
    fn open(&self, partition: PartitionId) -> impl Future<Output = Result<Self::Store, Unavailable>> + Send;
}

/// The views of one partition, for their one writer.
pub trait ViewStore: Send {
    /// The position up to which events are in the views; zero if there are none.
    fn checkpoint(&mut self) -> impl Future<Output = Result<u64, Unavailable>> + Send;

    /// Writes views and moves the checkpoint from `from` to `to`, all or nothing, and only if the
    /// checkpoint still is `from`.
    fn commit(
        &mut self,
        from: u64,
        to: u64,
        writes: &[ViewWrite],
    ) -> impl Future<Output = Result<ViewCommit, Unavailable>> + Send;
}

/// Whether the views were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewCommit {
    /// They were.
    Done,
    /// They were not: somebody else moved the checkpoint.
    CheckpointMoved,
}

/// One view to write. Bodies are JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewWrite {
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
    /// A line of `GET /auctions`, ordered by end.
    Listed {
        /// Which.
        auction: AuctionId,
        /// Its end.
        ends_at: Timestamp,
        /// Its body.
        json: Vec<u8>,
    },
    /// No longer at that place of the list, because its end moved or its result is declared.
    Unlisted {
        /// Which.
        auction: AuctionId,
        /// The end it was listed with.
        ends_at: Timestamp,
    },
    /// `GET /auction/{id}/bids` of one user.
    OwnBids {
        /// Of which auction.
        auction: AuctionId,
        /// Whose.
        user: UserId,
        /// Its body.
        json: Vec<u8>,
    },
}

/// Reading views, by everybody.
pub trait Views: Send + Sync {
    /// The body of `GET /user/{id}`.
    fn user(
        &self,
        partition: PartitionId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Unavailable>> + Send;

    /// The body of `GET /auction/{id}`.
    fn auction(
        &self,
        partition: PartitionId,
        auction: AuctionId,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Unavailable>> + Send;

    /// The body of `GET /auction/{id}/bids` of one user.
    fn own_bids(
        &self,
        partition: PartitionId,
        auction: AuctionId,
        user: UserId,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, Unavailable>> + Send;

    /// At most `limit` (at least one) lines of `GET /auctions` behind a place, of all partitions, those that
    /// end first first.
    fn listed(
        &self,
        after: Option<(Timestamp, AuctionId)>,
        limit: usize,
    ) -> impl Future<Output = Result<ListedPage, Unavailable>> + Send;

    /// The position up to which a partition's events are in its views.
    fn checkpoint(&self, partition: PartitionId) -> impl Future<Output = Result<u64, Unavailable>> + Send;
}

/// A page of `GET /auctions`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// Its lines; fewer than asked for when auctions were closed meanwhile.
    pub lines: Vec<Listed>,
    /// The place behind which there is more.
    pub next: Option<(Timestamp, AuctionId)>,
}

/// A line of `GET /auctions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its end.
    pub ends_at: Timestamp,
    /// Which.
    pub auction: AuctionId,
    /// Its body.
    pub json: Vec<u8>,
}
