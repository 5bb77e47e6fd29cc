//! Generations of views: another one is filled beside the live one, and takes its place.

use super::read_models::ReadModelConnector;
use crate::ports::Unavailable;
use auction_domain::{AuctionId, UserId};
use auction_wire::PartitionId;
use serde::Deserialize;
use std::fmt;
use std::future::Future;

/// At most so many differences are named.
const NAMED: usize = 20;

/// A generation of a partition's views. A newer one has a higher number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

impl Generation {
    /// The one that is live when nobody ever said which.
    pub const FIRST: Generation = Generation(1);
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The generations of all partitions.
pub trait Generations: Send + Sync {
    /// Writes to one of them.
    type Stores: ReadModelConnector;

    /// A new one, empty, which nobody else is given.
    fn begin(&self, partition: PartitionId) -> impl Future<Output = Result<Generation, Unavailable>> + Send;

    /// For writing to it, live or not.
    fn stores(&self, generation: Generation) -> Self::Stores;

    /// The auctions of a generation beside those of the live one.
    fn compare(
        &self,
        partition: PartitionId,
        generation: Generation,
    ) -> impl Future<Output = Result<Comparison, Unavailable>> + Send;

    /// Makes it the live one, in one step, unless it is behind.
    fn switch(
        &self,
        partition: PartitionId,
        to: Generation,
    ) -> impl Future<Output = Result<SwitchResult, Unavailable>> + Send;

    /// Removes everything older than the live generations, in small steps. Returns how many keys it were.
    fn drop_old(&self) -> impl Future<Output = Result<u64, Unavailable>> + Send;
}

/// Two generations of a partition, auction by auction. Both may move meanwhile: only views of the same
/// version are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The same version, byte for byte the same.
    pub same: u64,
    /// Of another version.
    pub moved: u64,
    /// The same version, and not the same; or not there at all. By name, at most a few.
    pub differing: Vec<String>,
    /// How many of those there are.
    pub differ: u64,
}

/// How an auction is shown in a generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComparedAuction {
    /// Its own view.
    pub view: Option<Vec<u8>>,
    /// Its line in the lists.
    pub line: Option<Vec<u8>>,
    /// Who leads or has won.
    pub leader: Option<UserId>,
}

/// All that is read of a view here.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

impl ComparedAuction {
    /// The version that both were written at; none if they were read while they changed, or are not there.
    fn version(&self) -> Option<u64> {
        let version = |json: &[u8]| Some(serde_json::from_slice::<Versioned>(json).ok()?.version);
        let (view, line) = (version(self.view.as_deref()?)?, version(self.line.as_deref()?)?);
        (view == line).then_some(view)
    }

    fn is_there(&self) -> bool {
        self.view.is_some() || self.line.is_some()
    }
}

impl Comparison {
    /// One more auction, as both show it.
    pub fn add(&mut self, auction: AuctionId, live: &ComparedAuction, other: &ComparedAuction) {
        if live == other {
            self.same += 1;
        } else if live.is_there() && other.is_there() && live.version() != other.version() {
            self.moved += 1;
        } else {
            self.differ += 1;
            if self.differing.len() < NAMED {
                self.differing.push(format!("auction {auction}"));
            }
        }
    }
}

/// What became of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchResult {
    /// It is live.
    Done,
    /// Nothing was switched: the live one has events that it has not. Catch up and try again.
    Behind,
    /// Nothing was switched: a newer one is live.
    Superseded,
}
