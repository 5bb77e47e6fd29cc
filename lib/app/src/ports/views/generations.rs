//! Generations of read models: a rebuild fills a new one and then makes it the current one.

use super::read_models::{ReadModelConnector, ViewName};
use crate::ports::Unavailable;
use auction_wire::PartitionId;
use serde::Deserialize;
use std::fmt;
use std::future::Future;
use uuid::Uuid;

/// Maximum number of differences that a [`Comparison`] names.
const MAX_NAMED: usize = 20;

/// Number of a generation: a complete set of read models of a partition. A newer one has a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

impl Generation {
    /// Generation that is current if no other one was ever made current.
    pub const FIRST: Generation = Generation(1);
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Generations of all partitions.
pub trait Generations: Send + Sync {
    /// Opens connections for writing to one generation.
    type Stores: ReadModelConnector;

    /// Creates an empty generation. Each call returns another one.
    fn begin(&self, partition: PartitionId) -> impl Future<Output = Result<Generation, Unavailable>> + Send;

    /// Returns a connector for writing to a generation, current or not.
    fn stores(&self, generation: Generation) -> Self::Stores;

    /// Compares documents of a generation, and the entries of their ids, with those of the current one.
    /// Entries and documents end with JSON that has a `version`.
    fn compare(
        &self,
        partition: PartitionId,
        generation: Generation,
        entries: ViewName,
        document: fn(Uuid) -> ViewName,
    ) -> impl Future<Output = Result<Comparison, Unavailable>> + Send;

    /// Makes a generation the current one, atomically, unless its checkpoint is lower than that of the
    /// current one.
    fn switch(
        &self,
        partition: PartitionId,
        to: Generation,
    ) -> impl Future<Output = Result<SwitchResult, Unavailable>> + Send;

    /// Deletes all generations older than the current ones, in small steps. Returns the number of deleted
    /// keys.
    fn drop_old(&self) -> impl Future<Output = Result<u64, Unavailable>> + Send;
}

/// Comparison of two generations of a partition, auction by auction. Both may change meanwhile, so only views
/// of the same version are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Number of auctions whose views are identical, byte for byte.
    pub same: u64,
    /// Number of auctions that have different versions in the two generations, and cannot be compared.
    pub moved: u64,
    /// Names of the first differing auctions.
    pub differing: Vec<String>,
    /// Number of auctions whose views differ at the same version, or are missing in one generation.
    pub differ: u64,
}

/// Document of an auction in a generation, and its entry.
pub type ComparedViews = [Option<Vec<u8>>; 2];

/// The only member of a view that the comparison reads.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// Returns the version of both views; `None` if they have different versions, because they changed while they
/// were read, or are missing.
fn version(views: &ComparedViews) -> Option<u64> {
    let version = |view: &Option<Vec<u8>>| {
        let view = view.as_deref()?;
        let json = view.iter().position(|byte| *byte == b'{')?;
        Some(serde_json::from_slice::<Versioned>(&view[json..]).ok()?.version)
    };
    let [document, entry] = views.each_ref().map(version);
    document.filter(|_| document == entry)
}

impl Comparison {
    /// Adds a document, with its views in the current and in the other generation.
    pub fn add(&mut self, name: ViewName, current: &ComparedViews, other: &ComparedViews) {
        let exists = |views: &ComparedViews| views.iter().any(Option::is_some);
        if current == other {
            self.same += 1;
        } else if exists(current) && exists(other) && version(current) != version(other) {
            self.moved += 1;
        } else {
            self.differ += 1;
            if self.differing.len() < MAX_NAMED {
                self.differing.push(name.to_string());
            }
        }
    }
}

/// Result of switching the current generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchResult {
    /// The generation is current.
    Done,
    /// Nothing was switched: the current generation has events that the other one does not have. Process them
    /// and try again.
    Behind,
    /// Nothing was switched: a newer generation is current.
    Superseded,
}
