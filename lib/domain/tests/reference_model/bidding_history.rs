//! Plays recorded auctions on the domain and the oracle, and checks outcomes and winners.

use crate::run::{Run, creation};
use auction_domain::auction::{AuctionCommand, CloseAuction, EndAuction, PlaceBid, Status, Winner};
use auction_domain::{Actor, Amount, BidId, Detail, OperatorId, Timestamp, UserId};
use auction_oracle::auction::{AuctionModel, SentCommand, effective};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const DAY: u128 = 86_400_000;

/// Decimals of the time of a bid, which is in days.
const PLACES: usize = 20;

/// Auction in the history, with its bids by time: bids at the same time are in the order of the file.
#[derive(Default)]
struct HistoricAuction {
    days: u128,
    opening_bid: u64,
    closing_price: u64,
    bids: BTreeMap<u128, Vec<(u64, u128)>>,
}

/// Parses a decimal number as a whole number of units of 10^-`places`, without rounding.
fn decimal(text: &str, places: usize) -> u128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= places, "{text} has more than {places} decimals");
    format!("{whole}{fraction:0<places$}").parse().unwrap()
}

fn history(path: &Path) -> BTreeMap<String, HistoricAuction> {
    let mut auctions = BTreeMap::<String, HistoricAuction>::new();
    for record in csv::Reader::from_path(path).unwrap().records() {
        let record = record.unwrap();
        let cents = |column: usize| decimal(&record[column], 2) as u64;
        let auction = auctions.entry(record[0].to_owned()).or_default();
        auction.days = record[2].parse().unwrap();
        (auction.opening_bid, auction.closing_price) = (cents(3), cents(4));
        let bidder = record[7].strip_prefix("bidder-").unwrap().parse().unwrap();
        auction.bids.entry(decimal(&record[6], PLACES)).or_default().push((cents(5), bidder));
    }
    auctions
}

/// Plays an auction and counts its outcomes. Returns the winner.
fn play(historic: &HistoricAuction, count: &mut impl FnMut(&str)) -> Winner {
    let mut run = Run::default();
    let mut send = |command, actor, at| {
        let outcome = run.send(&SentCommand { command, actor, expected_version: None, at }).unwrap();
        (outcome, run.model.clone().unwrap())
    };
    let (operator, end) =
        (Actor::Operator(OperatorId::Unidentified), Timestamp((historic.days * DAY) as i64));
    // The last bid may be at the very end: the auction is open for another day, and is ended instead.
    let open_until = Timestamp(end.0 + DAY as i64);
    let create = Box::new(creation(Amount::new(historic.opening_bid).unwrap(), open_until));
    let (_, mut before) = send(AuctionCommand::CreateAuction(create), operator, Timestamp(0));
    let bids = historic.bids.iter().flat_map(|(offset, bids)| bids.iter().map(move |bid| (offset, bid)));
    for (n, (offset, (amount, bidder))) in (1..).zip(bids) {
        let (bid, bidder) = (BidId(Uuid::from_u128(n)), UserId(Uuid::from_u128(*bidder)));
        let place = PlaceBid { bid, bidder, amount: Amount::new(*amount).unwrap() };
        let at = Timestamp((offset * DAY / 10_u128.pow(PLACES as u32)) as i64);
        let (outcome, after) = send(AuctionCommand::PlaceBid(place), Actor::User(bidder), at);
        count("bids");
        match outcome {
            Err(refused) => count(refused.code),
            Ok((_, details)) => {
                count("accepted");
                if before.leader().map_or(0, effective) > *amount {
                    count("accepted_below_highest");
                }
                if details.contains(&("leads", Detail::Flag(false))) {
                    count("accepted_not_leading");
                }
            }
        }
        before = after;
    }
    send(AuctionCommand::EndAuction(EndAuction), operator, end).0.unwrap();
    let (_, AuctionModel { status, .. }) = send(AuctionCommand::CloseAuction(CloseAuction), operator, end);
    let Status::Closed(Some(winner)) = status else { panic!("the auction is not sold") };
    winner
}

/// Plays all auctions. Returns the summary of a replay with the winners.
fn summary(path: &Path) -> Value {
    let (mut counts, mut winners) = (BTreeMap::<String, u64>::new(), BTreeMap::new());
    let mut count = |what: &str| *counts.entry(what.to_owned()).or_default() += 1;
    for (name, historic) in history(path) {
        let winner = play(&historic, &mut count);
        count("auctions");
        let pays = winner.price.minor_units();
        if pays == historic.closing_price {
            count("winners_equal_to_closing_price");
        }
        winners.insert(
            name,
            json!({"bidder": format!("bidder-{:02}", winner.bidder.0.as_u128()), "pays": pays}),
        );
    }
    let refused = ["below_opening_bid", "not_above_your_latest"].map(|code| (code, counts.remove(code)));
    let mut summary = json!({"unfinished": 0, "malformed_rows": 0, "winners": winners});
    summary["refused"] = json!(BTreeMap::from(refused));
    counts.into_iter().for_each(|(name, count)| summary[name] = json!(count));
    summary
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

fn expected(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(data(name)).unwrap()).unwrap()
}

/// Auction 1002 has equal highest bids, 1003 equal times in different notations, 1004 times whose order as text or
/// binary fractions differs, 1005 bids below the opening bid, 1006 bids not above the bidder's latest.
#[test]
fn bundled_auctions_end_with_the_expected_winners() {
    assert_eq!(summary(&data("history.csv")), expected("history.expected.json"));
}

/// `AUCTION_HISTORY` names the file. Without a file the test passes and prints a message.
#[test]
fn real_auctions_end_with_their_historic_winners() {
    let beside = || data("../../../shared/data/ebay-bids.csv");
    let path = std::env::var_os("AUCTION_HISTORY").map_or_else(beside, PathBuf::from);
    if !path.exists() {
        println!("skipped: no bidding history at {}", path.display());
        return;
    }
    let mut summary = summary(&path);
    summary.as_object_mut().unwrap().remove("winners");
    assert_eq!(summary, expected("real_history.expected.json"));
}
