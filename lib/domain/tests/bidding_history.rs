//! Runs the bids of real auctions through the domain and checks outcomes and winners.
//!
//! `AUCTION_HISTORY` names the file. Without a file the test passes and prints a message.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use auction_domain::auction::{
    Auction, AuctionCommand, CloseAuction, CreateAuction, EndAuction, PlaceBid, Status,
};
use auction_domain::{
    Actor, Amount, BidId, Currency, Description, Detail, Details, DurationMs, OperatorId, RefusalInfo,
    Timestamp, Title, UserId,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use uuid::Uuid;

const DAY: i64 = 86_400_000;

/// Bid in the history.
struct HistoricBid {
    amount: Amount,
    /// Time since the start, in billionths of a day.
    offset: i64,
    bidder: UserId,
}

/// Auction in the history.
struct HistoricAuction {
    title: String,
    opening_bid: Amount,
    closing_price: Amount,
    days: i64,
    bids: Vec<HistoricBid>,
}

/// Results of the run.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    auctions: usize,
    bids: usize,
    accepted: usize,
    refused: BTreeMap<&'static str, usize>,
    below_the_highest: usize,
    not_leading: usize,
    at_the_closing_price: usize,
    at_another_price: Vec<String>,
}

/// Parses a decimal number as a whole number of units of 10^-`places`, without rounding.
fn decimal(text: &str, places: usize) -> u64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= places, "{text} has more than {places} decimals");
    format!("{whole}{fraction:0<places$}").parse().unwrap()
}

fn money(text: &str) -> Amount {
    Amount::new(decimal(text, 2)).unwrap()
}

fn user(name: &str) -> UserId {
    let number = name.strip_prefix("bidder-").unwrap();
    UserId(Uuid::from_u128(number.parse().unwrap()))
}

fn history() -> Option<BTreeMap<String, HistoricAuction>> {
    let path = std::env::var_os("AUCTION_HISTORY").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/ebay-bids.csv")),
        PathBuf::from,
    );
    if !path.exists() {
        println!("skipped: no bidding history at {}", path.display());
        return None;
    }
    let mut auctions = BTreeMap::<String, HistoricAuction>::new();
    for record in csv::Reader::from_path(path).unwrap().records() {
        let record = record.unwrap();
        let auction = auctions.entry(record[0].to_owned()).or_insert_with(|| HistoricAuction {
            title: record[1].to_owned(),
            opening_bid: money(&record[3]),
            closing_price: money(&record[4]),
            days: record[2].parse().unwrap(),
            bids: Vec::new(),
        });
        let offset = i64::try_from(decimal(&record[6], 9)).unwrap();
        auction.bids.push(HistoricBid { amount: money(&record[5]), offset, bidder: user(&record[7]) });
    }
    // The sort is stable: bids at the same time stay in the order of the file.
    auctions.values_mut().for_each(|auction| auction.bids.sort_by_key(|bid_line| bid_line.offset));
    Some(auctions)
}

fn send(state: &mut Option<Auction>, command: AuctionCommand, at: Timestamp) -> Result<Details, RefusalInfo> {
    let actor = match &command {
        AuctionCommand::PlaceBid(place) => Actor::User(place.bidder),
        _ => Actor::Operator(OperatorId::Unidentified),
    };
    for event in command.decide(state.as_ref(), actor, None, at)? {
        Auction::apply(state, &event, at);
    }
    Ok(command.details(state.as_ref().unwrap()))
}

fn create(historic: &HistoricAuction) -> AuctionCommand {
    AuctionCommand::CreateAuction(Box::new(CreateAuction {
        title: Title::new(historic.title.clone()).unwrap(),
        description: Description::new("").unwrap(),
        currency: Currency::new("USD").unwrap(),
        opening_bid: historic.opening_bid,
        reserve: None,
        starts_at: None,
        ends_at: Timestamp(historic.days * DAY),
        seller: None,
        soft_close: None,
        retraction_lock: DurationMs(0),
        promotion: None,
    }))
}

fn run(name: &str, historic: &HistoricAuction, tally: &mut Tally) {
    let mut state = None;
    send(&mut state, create(historic), Timestamp(0)).unwrap();
    for bid_line in &historic.bids {
        tally.bids += 1;
        let highest = state.as_ref().and_then(Auction::leader).map(|leader| leader.effective());
        let bid = BidId(Uuid::from_u128(tally.bids as u128));
        let place = PlaceBid { bid, bidder: bid_line.bidder, amount: bid_line.amount };
        let at = Timestamp(bid_line.offset * DAY / 1_000_000_000);
        match send(&mut state, AuctionCommand::PlaceBid(place), at) {
            Err(refused) => *tally.refused.entry(refused.code).or_default() += 1,
            Ok(details) => {
                tally.accepted += 1;
                tally.below_the_highest += usize::from(highest > Some(bid_line.amount));
                tally.not_leading += usize::from(details.contains(&("leads", Detail::Flag(false))));
            }
        }
    }
    // All bids of the history are before the last millisecond.
    let end = Timestamp(historic.days * DAY - 1);
    send(&mut state, AuctionCommand::EndAuction(EndAuction), end).unwrap();
    let close = send(&mut state, AuctionCommand::CloseAuction(CloseAuction), end).unwrap();
    let Status::Closed(Some(winner)) = state.unwrap().status() else { panic!("{name} was not sold") };
    assert_eq!(close, vec![("sold", Detail::Flag(true)), ("price", Detail::Amount(winner.price))]);
    tally.auctions += 1;
    if winner.price == historic.closing_price {
        tally.at_the_closing_price += 1;
    } else {
        tally.at_another_price.push(name.to_owned());
    }
}

#[test]
fn real_auctions_end_with_their_historic_winners() {
    let Some(history) = history() else { return };
    let mut tally = Tally::default();
    for (name, historic) in &history {
        run(name, historic, &mut tally);
    }
    let expected = Tally {
        auctions: 364,
        bids: 6_109,
        accepted: 6_070,
        refused: BTreeMap::from([("below_opening_bid", 2), ("not_above_your_latest", 37)]),
        below_the_highest: 2_687,
        not_leading: 3_096,
        at_the_closing_price: 363,
        // The highest bid of this auction is above the closing price in the history.
        at_another_price: vec!["3017736272".to_owned()],
    };
    assert_eq!(tally, expected);
}

#[test]
fn decimals_are_exact() {
    assert_eq!(decimal("200.01", 2), 20_001);
    assert_eq!(decimal("0.1", 2), 10);
    assert_eq!(decimal("99", 2), 9_900);
    assert_eq!(decimal("3.66293", 9), 3_662_930_000);
}
