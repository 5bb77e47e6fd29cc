//! Snapshots: the state of an auction at one version. Snapshots are a cache: an unreadable one is replaced
//! from the events, so there is one format at a time and no upcast.
//!
//! The body is MessagePack with field names, with the bids in columns (about 30 bytes per bid), followed by
//! its XXH3 hash of 8 bytes.

mod columns;

use crate::DecodeError;
use crate::body::{self, PromotionBody, SoftCloseBody, bad};
use auction_domain::auction::{Auction, AuctionState, Draws, Seed, Status, Terms, Winner};
use auction_domain::{Amount, BidId, Currency, DurationMs, Timestamp, UserId};
use columns::BidColumns;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

/// Version of the format. Increment it with every change of the body *and* of the state that events fold to
/// (`Auction::fold`). Snapshots of another format are ignored.
pub const FORMAT: u16 = 1;

const KIND: &str = "snapshot";
const HASH: usize = 8;

/// Snapshot of an auction, as stored in Postgres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRecord {
    /// Id of the auction.
    pub key: Uuid,
    /// Version of the auction: the number of its events in the snapshot.
    pub version: u64,
    /// Position of the partition up to which the events are in the snapshot.
    pub position: u64,
    /// Format of the body, see [`FORMAT`].
    pub format: u16,
    /// Encoded state with its hash.
    pub body: Vec<u8>,
}

impl SnapshotRecord {
    /// Encodes the state of an auction at a position of its partition.
    pub fn of(key: Uuid, position: u64, state: &AuctionState) -> SnapshotRecord {
        let mut body = body::encode(&SnapshotBody::of(key, position, state));
        let hash = xxh3_64(&body);
        body.extend_from_slice(&hash.to_be_bytes());
        SnapshotRecord { key, version: state.version, position, format: FORMAT, body }
    }

    /// Decodes the auction. Fails if the format is another one, the body is damaged, or its key, version or
    /// position differ from those of the record.
    pub fn auction(&self) -> Result<Auction, DecodeError> {
        if self.format != FORMAT {
            return Err(DecodeError::UnknownVersion { kind: KIND, v: self.format });
        }
        let (content, hash) = self.body.split_last_chunk::<HASH>().ok_or_else(|| bad(KIND, "too short"))?;
        if xxh3_64(content) != u64::from_be_bytes(*hash) {
            return Err(bad(KIND, "the hash does not match"));
        }
        let body: SnapshotBody = body::decode(KIND, content)?;
        if (body.auction, body.version, body.position) != (self.key, self.version, self.position) {
            return Err(bad(KIND, "the key, version or position does not match"));
        }
        Ok(Auction::restore(body.state()?))
    }
}

#[derive(Serialize, Deserialize)]
struct SnapshotBody {
    auction: Uuid,
    version: u64,
    position: u64,
    currency: String,
    opening_bid: u64,
    reserve: Option<u64>,
    starts_at: i64,
    agreed_end: i64,
    seller: Option<Uuid>,
    soft_close: Option<SoftCloseBody>,
    retraction_lock_ms: u32,
    promotion: Option<PromotionBody>,
    ends_at: i64,
    extensions: u32,
    status: String,
    winner: Option<(Uuid, Uuid, u64, u64)>,
    draws: DrawsBody,
    bids: BidColumns,
}

#[derive(Serialize, Deserialize)]
struct DrawsBody {
    recorded: u64,
    due: u64,
    due_at_version: u64,
    cancelled_at: Option<i64>,
    seed: Option<String>,
}

impl DrawsBody {
    fn of(draws: Draws) -> DrawsBody {
        let Draws { recorded, due, due_at_version, cancelled_at, seed } = draws;
        let (cancelled_at, seed) = (cancelled_at.map(|at| at.0), seed.map(|seed| seed.to_string()));
        DrawsBody { recorded, due, due_at_version, cancelled_at, seed }
    }

    fn draws(self) -> Result<Draws, DecodeError> {
        let DrawsBody { recorded, due, due_at_version, cancelled_at, seed } = self;
        let seed = seed.map(|seed| Seed::from_hex(&seed).ok_or_else(|| bad(KIND, "seed"))).transpose()?;
        Ok(Draws { recorded, due, due_at_version, cancelled_at: cancelled_at.map(Timestamp), seed })
    }
}

impl SnapshotBody {
    fn of(auction: Uuid, position: u64, state: &AuctionState) -> SnapshotBody {
        let AuctionState { terms, ends_at, extensions, status, version, draws, bids } = state;
        let (status, winner) = match status {
            Status::Open => ("open", None),
            Status::Cancelled => ("cancelled", None),
            Status::Closed(winner) => ("closed", *winner),
        };
        let winner = winner.map(|winner| {
            (winner.bid.0, winner.bidder.0, winner.price.minor_units(), winner.effective.minor_units())
        });
        SnapshotBody {
            auction,
            version: *version,
            position,
            currency: terms.currency.code().to_owned(),
            opening_bid: terms.opening_bid.minor_units(),
            reserve: terms.reserve.map(Amount::minor_units),
            starts_at: terms.starts_at.0,
            agreed_end: terms.ends_at.0,
            seller: terms.seller.map(|seller| seller.0),
            soft_close: terms.soft_close.map(Into::into),
            retraction_lock_ms: terms.retraction_lock.0,
            promotion: terms.promotion.map(Into::into),
            ends_at: ends_at.0,
            extensions: *extensions,
            status: status.to_owned(),
            winner,
            draws: DrawsBody::of(*draws),
            bids: BidColumns::of(bids),
        }
    }

    fn state(self) -> Result<AuctionState, DecodeError> {
        let amount = |minor_units| Amount::new(minor_units).map_err(|error| bad(KIND, error));
        let winner = self.winner.map(|(bid, bidder, pays, effective)| {
            let effective = Amount::effective(effective).map_err(|error| bad(KIND, error))?;
            Ok(Winner { bid: BidId(bid), bidder: UserId(bidder), price: amount(pays)?, effective })
        });
        let status = match self.status.as_str() {
            "open" => Status::Open,
            "cancelled" => Status::Cancelled,
            "closed" => Status::Closed(winner.transpose()?),
            other => return Err(bad(KIND, format!("unknown status {other:?}"))),
        };
        Ok(AuctionState {
            terms: Terms {
                currency: Currency::new(&self.currency).map_err(|error| bad(KIND, error))?,
                opening_bid: amount(self.opening_bid)?,
                reserve: self.reserve.map(amount).transpose()?,
                starts_at: Timestamp(self.starts_at),
                ends_at: Timestamp(self.agreed_end),
                seller: self.seller.map(UserId),
                soft_close: self.soft_close.map(Into::into),
                retraction_lock: DurationMs(self.retraction_lock_ms),
                promotion: self.promotion.map(|promotion| promotion.read(KIND)).transpose()?,
            },
            ends_at: Timestamp(self.ends_at),
            extensions: self.extensions,
            status,
            version: self.version,
            draws: self.draws.draws()?,
            bids: self.bids.bids()?,
        })
    }
}
