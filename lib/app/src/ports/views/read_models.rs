//! Read models: the prepared JSON documents that `GET` requests return.
//!
//! A port knows three forms only: documents, sets of entries, and sorted lists. The views decide what is stored
//! in them (`lib/app/src/projector/views.rs`).
//!
//! The read models of a partition belong to a *generation*. Readers use the current generation. A rebuild
//! fills another one and then makes it the current one.

use crate::ports::Unavailable;
use async_trait::async_trait;
use auction_domain::Timestamp;
use auction_wire::{PartitionId, Positions};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use uuid::Uuid;

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

/// Form in which views are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewForm {
    /// Response body, as JSON. Its field is empty.
    Document,
    /// Set of entries, each under a field.
    Entries,
    /// Members, which are fields without values, sorted by their text: ASCII without `~`.
    List,
}

/// Name of a document, of a set of entries or of a list, unique in its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewName {
    /// Form in which it is stored.
    pub form: ViewForm,
    /// Content, such as `auction`. Part of the stored name, which never changes.
    pub kind: &'static str,
    /// Id of the user or auction that it belongs to; `None` if it belongs to the whole partition.
    pub id: Option<Uuid>,
}

impl fmt::Display for ViewName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Some(id) => write!(f, "{}:{id}", self.kind),
            None => f.write_str(self.kind),
        }
    }
}

/// One write to the read models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadModelWrite {
    /// Sets a document or an entry, or adds a member to a list.
    Set {
        /// Name of the document, set or list.
        name: ViewName,
        /// Field of the entry, or the member.
        field: String,
        /// The document or the entry.
        value: Vec<u8>,
    },
    /// Removes a member from a list.
    Remove {
        /// Name of the list.
        name: ViewName,
        /// Member to remove from the list.
        field: String,
    },
}

impl ReadModelWrite {
    /// Returns the write that sets a document.
    pub fn document(name: ViewName, json: Vec<u8>) -> ReadModelWrite {
        ReadModelWrite::Set { name, field: String::new(), value: json }
    }

    /// Adds a member to a list.
    pub fn add(name: ViewName, member: String) -> ReadModelWrite {
        ReadModelWrite::Set { name, field: member, value: Vec::new() }
    }
}

/// Reads the read models of the current generation. Every result contains its positions, also an empty one.
#[async_trait]
pub trait ReadModelReader: Send + Sync {
    /// Returns a document and the time of reading, by the clock that stamps commands; `None` if there is no
    /// such document.
    async fn document(
        &self,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<AsOf<Option<Document>>, Unavailable>;

    /// Returns a page of a list; `None` if the owner of the list does not exist.
    async fn page(&self, query: &PageQuery) -> Result<AsOf<Option<Page>>, Unavailable>;

    /// Returns the values of all fields, for comparisons. Read in steps, while they may change.
    async fn contents(
        &self,
        partition: PartitionId,
        name: ViewName,
    ) -> Result<BTreeMap<String, Vec<u8>>, Unavailable>;

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

/// Document with the time of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Response body, as JSON.
    pub json: Vec<u8>,
    /// Time of reading, by the clock that stamps commands.
    pub now: Timestamp,
}

/// Page to read of a list.
#[derive(Clone, Debug)]
pub struct PageQuery {
    /// Partition of the list. If it is `None`, the lists of this name in all partitions are merged.
    pub partition: Option<PartitionId>,
    /// Document without which there is no page.
    pub owner: Option<ViewName>,
    /// List, and where the page begins in it.
    pub list: ListRange,
    /// Maximum number of members, at least one.
    pub limit: usize,
    /// Sets that have an entry of each member. A member that lacks one of them is left out.
    pub parts: Vec<ViewName>,
    /// Returns the field of a member in the sets.
    pub field: fn(&str) -> String,
}

/// List, and where a page begins in it.
#[derive(Clone, Debug)]
pub enum ListRange {
    /// Numbers of a set of entries whose fields are the numbers from 1 on; the highest first. Only of one
    /// partition.
    Numbers {
        /// Name of the set.
        of: ViewName,
        /// The page has numbers below this one.
        before: Option<u64>,
    },
    /// Members of a list in the order of their text.
    Members {
        /// Name of the list.
        list: ViewName,
        /// Only members that begin with this text.
        prefix: String,
        /// Order of the page.
        order: Order,
        /// The page begins after this member, in its order.
        after: Option<String>,
    },
}

/// Order of the members of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The first member of the list comes first.
    Ascending,
    /// The last member of the list comes first.
    Descending,
}

/// Page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Number of members on all pages.
    pub count: u64,
    /// Members of the page; fewer than requested if some were without entries meanwhile.
    pub members: Vec<Member>,
    /// Last member of the page, after which the next page begins; `None` on the last page.
    pub next: Option<String>,
}

/// Member of a list with its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Text of the member.
    pub text: String,
    /// Its entries, in the order of the query.
    pub parts: Vec<Vec<u8>>,
}
