//! Fixtures for given/when/then tests of commands: an auction with an opening bid of 100, open for one minute
//! from [`AT`] on. Ada, Bob and Cyd bid; Sue sells.

use super::*;
use crate::{BidId, Currency, Description, DurationMs, Title};
use uuid::Uuid;

pub(crate) const AT: Timestamp = Timestamp(1_000_000);
pub(crate) const END: Timestamp = Timestamp(1_060_000);
pub(crate) const ADA: UserId = UserId(Uuid::from_u128(0xA));
pub(crate) const BOB: UserId = UserId(Uuid::from_u128(0xB));
pub(crate) const CYD: UserId = UserId(Uuid::from_u128(0xC));
pub(crate) const SUE: UserId = UserId(Uuid::from_u128(0x5));

pub(crate) fn bid(n: u128) -> BidId {
    BidId(Uuid::from_u128(n))
}

pub(crate) fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).unwrap()
}

pub(crate) fn create() -> CreateAuction {
    CreateAuction {
        title: Title::new("Cartier wristwatch").unwrap(),
        description: Description::new("").unwrap(),
        currency: Currency::new("USD").unwrap(),
        opening_bid: amount(100),
        reserve: None,
        starts_at: Some(AT),
        ends_at: END,
        seller: Some(SUE),
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    }
}

pub(crate) fn soft_close() -> SoftClose {
    SoftClose { extend_by: DurationMs::seconds(30), within: DurationMs::seconds(10), max_extensions: 1 }
}

/// Returns the auction of [`create`] after these events.
pub(crate) fn given(events: &[AuctionEvent]) -> Auction {
    given_terms(&create(), events)
}

/// Returns another auction after these events.
pub(crate) fn given_terms(create: &CreateAuction, events: &[AuctionEvent]) -> Auction {
    let mut auction = None;
    let created = create.decide(None, AT).unwrap();
    for event in created.iter().chain(events) {
        Auction::apply(&mut auction, event, AT);
    }
    auction.unwrap()
}

pub(crate) fn placed(id: u128, bidder: UserId, minor_units: u64) -> AuctionEvent {
    AuctionEvent::BidPlaced { bid: bid(id), bidder, amount: amount(minor_units) }
}

pub(crate) fn doubled(id: u128, bidder: UserId, effective: u64) -> AuctionEvent {
    AuctionEvent::BidDoubled { bid: bid(id), bidder, effective: amount(effective) }
}

pub(crate) fn deleted(id: u128, bidder: UserId) -> AuctionEvent {
    AuctionEvent::BidDeleted { bid: bid(id), bidder }
}

pub(crate) fn extended() -> AuctionEvent {
    AuctionEvent::AuctionExtended { ends_at: END + soft_close().extend_by }
}

pub(crate) const SEED: Seed = Seed([0; 32]);

/// The auction of [`create`], with a draw every ten seconds.
pub(crate) fn create_promoted() -> CreateAuction {
    let hash = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
    let commitment = Commitment::from_hex(hash).unwrap();
    CreateAuction { promotion: Some(Promotion { interval: DurationMs::seconds(10), commitment }), ..create() }
}

pub(crate) fn draw(number: u64, at_version: u64, chosen: Option<u128>) -> Draw {
    Draw {
        number,
        at_version,
        options: crate::PromoterOptions::new("[]").unwrap(),
        settings_version: 0,
        eligible: u32::from(chosen.is_some()),
        chosen: chosen.map(bid),
        proof: Proof([1; 32]),
    }
}
