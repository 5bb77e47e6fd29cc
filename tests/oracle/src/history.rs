//! Checks that stored events follow the rules.

use crate::auction::{AuctionModel, apply};
use auction_domain::auction::AuctionEvent;
use auction_wire::{Event, EventRecord};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// All auctions of a history.
#[derive(Default)]
pub struct History {
    auctions: BTreeMap<Uuid, Option<AuctionModel>>,
    /// Auctions with the number of the draw after which a bid was doubled.
    doubled: BTreeSet<(Uuid, u64)>,
}

/// Checks all events. `events` holds the events of all partitions, each partition in order. Returns the auction,
/// the version and the violated rule of the first event that breaks one.
pub fn follows_rules(events: &[EventRecord]) -> Result<(), String> {
    let mut history = History::default();
    for record in events {
        if let Event::Auction(event) = record.event().unwrap() {
            history.apply(record, &event)?;
        }
    }
    for (key, auction) in &history.auctions {
        if let Some(next) = auction.as_ref().and_then(|auction| auction.following.front()) {
            return Err(format!("auction {key}: {next:?} is missing at the end"));
        }
    }
    Ok(())
}

impl History {
    pub fn auction(&self, key: Uuid) -> Option<&AuctionModel> {
        self.auctions.get(&key)?.as_ref()
    }

    /// Applies an event and checks that it was allowed. Further events can follow after an error.
    pub fn apply(&mut self, record: &EventRecord, event: &AuctionEvent) -> Result<(), String> {
        let auction = self.auctions.entry(record.key).or_default();
        let mut allowed = apply(auction, event, record.at);
        if let Some(auction) = auction {
            let version = auction.version() - auction.following.len() as u64;
            if version != record.version {
                allowed = allowed.and(Err(format!("versions have a gap or repeat, expected {version}")));
            }
            let is_draw =
                matches!(event, AuctionEvent::BidDoubled { .. }) && auction.terms.promotion.is_some();
            if is_draw && !self.doubled.insert((record.key, auction.draws)) {
                allowed = allowed.and(Err(format!("two doubled bids in interval {}", auction.draws)));
            }
        }
        allowed
            .map_err(|rule| format!("auction {} version {}: {event:?}: {rule}", record.key, record.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auction_domain::auction::{Commitment, Draw, Promotion, Proof, SoftClose, Terms, Winner};
    use auction_domain::{
        Amount, BidId, Currency, Description, DurationMs, PromoterOptions, Timestamp, Title, UserId,
    };
    use auction_wire::CommandId;

    fn amount(minor_units: u64) -> Amount {
        Amount::new(minor_units).unwrap()
    }

    /// Returns an auction from 0 to 1000 ms with a draw every 100 ms, and a soft close.
    fn created() -> AuctionEvent {
        let terms = Terms {
            currency: Currency::new("EUR").unwrap(),
            opening_bid: amount(100),
            reserve: None,
            starts_at: Timestamp(0),
            ends_at: Timestamp(1_000),
            seller: None,
            soft_close: Some(SoftClose {
                extend_by: DurationMs(50),
                within: DurationMs(10),
                max_extensions: 1,
            }),
            retraction_lock: DurationMs(0),
            promotion: Some(Promotion { interval: DurationMs(100), commitment: Commitment([0; 32]) }),
        };
        let (title, description) = (Title::new("A thing").unwrap(), Description::new("").unwrap());
        AuctionEvent::AuctionCreated { title, description, terms }
    }

    fn placed(id: u128, user: u128, face: u64) -> AuctionEvent {
        let (bid, bidder) = (BidId(Uuid::from_u128(id)), UserId(Uuid::from_u128(user)));
        AuctionEvent::BidPlaced { bid, bidder, amount: amount(face) }
    }

    fn doubled(n: u128, effective: u64) -> AuctionEvent {
        let (bid, bidder) = (BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(n)));
        AuctionEvent::BidDoubled { bid, bidder, effective: amount(effective) }
    }

    fn won(n: u128, face: u64, effective: u64) -> AuctionEvent {
        let (bid, bidder) = (BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(n)));
        let (price, effective) = (amount(face), amount(effective));
        AuctionEvent::WinnerAnnounced(Winner { bid, bidder, price, effective })
    }

    fn held(number: u64, at_version: u64, chosen: u128) -> AuctionEvent {
        AuctionEvent::DrawHeld(Box::new(Draw {
            number,
            at_version,
            options: PromoterOptions::new("[]").unwrap(),
            settings_version: 0,
            eligible: 2,
            chosen: Some(BidId(Uuid::from_u128(chosen))),
            proof: Proof([1; 32]),
        }))
    }

    /// Returns the records of an auction with the bids 1 of 150 and 2 of 140, each of a bidder with the same
    /// number, followed by these events.
    fn records(then: &[(i64, AuctionEvent)]) -> Vec<EventRecord> {
        let begin = [(0, created()), (1, placed(1, 1, 150)), (2, placed(2, 2, 140))];
        let record = |(n, (at, event)): (u64, &(i64, AuctionEvent))| {
            let event = Event::Auction(event.clone());
            EventRecord {
                position: n,
                key: Uuid::nil(),
                version: n,
                kind: event.kind().to_owned(),
                schema: event.schema(),
                at: Timestamp(*at),
                cause: CommandId(Uuid::nil()),
                trace: String::new(),
                body: event.encode(),
            }
        };
        (1..).zip(begin.iter().chain(then)).map(record).collect()
    }

    #[track_caller]
    fn assert_detected(then: &[(i64, AuctionEvent)], rule: &str) {
        let error = follows_rules(&records(then)).unwrap_err();
        assert!(error.starts_with(&format!("auction {}", Uuid::nil())) && error.contains(rule), "{error}");
    }

    #[test]
    fn correct_histories_are_accepted() {
        assert_eq!(follows_rules(&records(&[(1_000, won(1, 150, 150))])), Ok(()));
        let drawn = [(100, held(1, 3, 2)), (100, doubled(2, 280)), (1_000, won(2, 140, 280))];
        assert_eq!(follows_rules(&records(&drawn)), Ok(()));
        let late = [(995, placed(3, 3, 200)), (995, extended(1_050)), (1_050, won(3, 200, 200))];
        assert_eq!(follows_rules(&records(&late)), Ok(()));
    }

    fn extended(ends_at: i64) -> AuctionEvent {
        AuctionEvent::AuctionExtended { ends_at: Timestamp(ends_at) }
    }

    #[test]
    fn wrong_results_are_detected() {
        assert_detected(&[(1_000, won(2, 140, 140))], "expected WinnerAnnounced");
        assert_detected(&[(50, doubled(2, 280)), (1_000, won(1, 150, 150))], "expected WinnerAnnounced");
        assert_detected(&[(999, won(1, 150, 150))], "version 4");
        assert_detected(
            &[(999, won(1, 150, 150))],
            "too_early_to_close [(\"ends_at\", Time(Timestamp(1000)))]",
        );
        assert_detected(&[(1_000, won(1, 150, 150)), (1_000, won(1, 150, 150))], "auction_closed");
    }

    #[test]
    fn forbidden_bids_are_detected() {
        let below = "not_above_your_latest [(\"your_latest\", Amount(Amount(150)))";
        assert_detected(&[(3, placed(3, 1, 150))], below);
        assert_detected(&[(3, placed(1, 1, 160))], "bid_exists");
        assert_detected(&[(3, placed(3, 3, 99))], "below_opening_bid");
        assert_detected(&[(1_000, placed(3, 3, 200))], "auction_ended");
        assert_detected(&[(3, doubled(2, 280)), (4, doubled(2, 280))], "already_doubled");
        assert_detected(&[(3, doubled(2, 281))], "expected BidDoubled");
    }

    #[test]
    fn missing_and_superfluous_extensions_are_detected() {
        assert_detected(
            &[(995, placed(3, 3, 200))],
            "AuctionExtended { ends_at: Timestamp(1050) } is missing",
        );
        let next = [(995, placed(3, 3, 200)), (996, placed(4, 4, 210))];
        assert_detected(&next, "expected AuctionExtended");
        assert_detected(&[(995, extended(1_050))], "no command causes this event");
    }

    #[test]
    fn wrong_draws_are_detected() {
        assert_detected(&[(99, held(1, 3, 2))], "draw_too_early");
        assert_detected(&[(100, held(1, 2, 2))], "draw_of_another_version");
        assert_detected(&[(200, held(2, 3, 2)), (200, doubled(2, 280))], "expected DrawsMissed");
        let missed = AuctionEvent::DrawsMissed { first: 1, last: 2 };
        assert_detected(&[(200, missed)], "expected DrawsMissed { first: 1, last: 1 }");
        let twice = [(100, held(1, 3, 2)), (100, doubled(2, 280)), (101, doubled(1, 300))];
        assert_detected(&twice, "two doubled bids in interval 1");
    }

    #[test]
    fn version_gaps_are_detected() {
        let mut events = records(&[]);
        events.remove(1);
        assert!(follows_rules(&events).unwrap_err().contains("expected 2"));
    }
}
