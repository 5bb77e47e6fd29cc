//! A bidding history: who bid what on which auction, and at what price it closed.

mod row;

use crate::decimal::Decimal;
use crate::money;
use auction_domain::Currency;
use row::{Columns, Row};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why there is nothing to replay.
#[derive(Debug, Error)]
pub(crate) enum HistoryError {
    #[error("the history {} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: csv::Error },
    #[error(
        "the history {} lacks the columns {missing}; its first row must name the columns {}",
        path.display(), row::COLUMNS.join(", ")
    )]
    MissingColumns { path: PathBuf, missing: String },
    #[error("the history {} has no row that can be replayed", path.display())]
    Empty { path: PathBuf },
    #[error("{0:?} is not a currency; write three capital letters, such as --currency EUR")]
    Currency(String),
}

/// All that is replayed, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) auctions: Vec<PastAuction>,
    pub(crate) bidders: Vec<PastBidder>,
    /// How many rows make no sense.
    pub(crate) malformed: u64,
    /// What people should know about the file: each malformed row, each contradiction.
    pub(crate) remarks: Vec<String>,
}

/// One auction of the history; amounts are minor units.
#[derive(Debug)]
pub(crate) struct PastAuction {
    pub(crate) name: String,
    pub(crate) item: String,
    pub(crate) opening_bid: u64,
    pub(crate) closing_price: u64,
    /// Where it appears first.
    pub(crate) line: u64,
    /// In time order; equal times in the order of the file.
    pub(crate) bids: Vec<PastBid>,
}

/// One bid of the history.
#[derive(Debug)]
pub(crate) struct PastBid {
    /// Index in [`History::bidders`].
    pub(crate) bidder: usize,
    pub(crate) amount: u64,
    pub(crate) day_offset: Decimal,
    pub(crate) line: u64,
}

/// One bidder of the history.
#[derive(Debug)]
pub(crate) struct PastBidder {
    pub(crate) name: String,
    /// Where he appears first.
    pub(crate) line: u64,
}

impl History {
    pub(crate) fn bids(&self) -> u64 {
        self.auctions.iter().map(|auction| auction.bids.len() as u64).sum()
    }
}

/// Reads a history. Malformed rows are remarks, and so are auctions whose rows disagree about them: what
/// their first row says is taken.
pub(crate) fn read(path: &Path, currency: &str) -> Result<History, HistoryError> {
    Currency::new(currency).map_err(|_| HistoryError::Currency(currency.to_owned()))?;
    let unreadable = |source| HistoryError::Unreadable { path: path.to_owned(), source };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(unreadable)?;
    let headers = reader.headers().map_err(unreadable)?;
    let columns = Columns::find(headers)
        .map_err(|missing| HistoryError::MissingColumns { path: path.to_owned(), missing })?;
    let mut reading =
        Reading { currency, history: History::default(), auctions: HashMap::new(), bidders: HashMap::new() };
    for record in reader.into_records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                match Row::read(&columns, &record, currency) {
                    Ok(row) => reading.take(line, row),
                    Err(error) => reading.malformed(line, &error.to_string()),
                }
            }
            Err(error) if error.is_io_error() => return Err(unreadable(error)),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                reading.malformed(line, &row::describe(&error));
            }
        }
    }
    let mut history = reading.history;
    if history.auctions.is_empty() {
        return Err(HistoryError::Empty { path: path.to_owned() });
    }
    for auction in &mut history.auctions {
        auction.bids.sort_by(|one, other| one.day_offset.cmp(&other.day_offset)); // stable: ties keep their order
    }
    Ok(history)
}

struct Reading<'a> {
    currency: &'a str,
    history: History,
    auctions: HashMap<String, usize>,
    bidders: HashMap<String, usize>,
}

impl Reading<'_> {
    fn malformed(&mut self, line: u64, why: &str) {
        self.history.malformed += 1;
        self.history.remarks.push(format!("line {line} is left out: {why}"));
    }

    fn take(&mut self, line: u64, row: Row) {
        let bidder = *self.bidders.entry(row.bidder).or_insert_with_key(|name| {
            self.history.bidders.push(PastBidder { name: name.clone(), line });
            self.history.bidders.len() - 1
        });
        let (opening_bid, closing_price) = (row.opening_bid, row.closing_price);
        let index = *self.auctions.entry(row.auction).or_insert_with_key(|name| {
            let (name, item) = (name.clone(), row.item);
            let bids = Vec::new();
            self.history.auctions.push(PastAuction { name, item, opening_bid, closing_price, line, bids });
            self.history.auctions.len() - 1
        });
        let auction = &mut self.history.auctions[index];
        for (column, says, first) in [
            ("opening_bid", opening_bid, auction.opening_bid),
            ("closing_price", closing_price, auction.closing_price),
        ] {
            if says != first {
                self.history.remarks.push(format!(
                    "line {line} gives auction {} the {column} {}, its first row (line {}) {}; the first is taken",
                    auction.name,
                    money::plain(says, self.currency),
                    auction.line,
                    money::plain(first, self.currency),
                ));
            }
        }
        auction.bids.push(PastBid { bidder, amount: row.amount, day_offset: row.day_offset, line });
    }
}

#[cfg(test)]
mod tests;
