//! Bidding histories: the bids of past auctions, and their closing prices.

mod row;

use crate::decimal::Decimal;
use crate::money;
use auction_domain::Currency;
use row::{Columns, Row};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Reasons a history cannot be replayed.
#[derive(Debug, Error)]
pub(crate) enum HistoryError {
    #[error("the history {} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: csv::Error },
    #[error(
        "the history {} lacks the columns {missing}; its first row must name the columns {}",
        path.display(), row::COLUMN_NAMES.join(", ")
    )]
    MissingColumns { path: PathBuf, missing: String },
    #[error("the history {} has no valid rows", path.display())]
    Empty { path: PathBuf },
    #[error("{0:?} is not a currency; use three capital letters, such as --currency EUR")]
    Currency(String),
}

/// Auctions, bids and bidders of a history, in the order of the file.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) auctions: Vec<PastAuction>,
    pub(crate) bidders: Vec<PastBidder>,
    /// Number of malformed rows.
    pub(crate) malformed: u64,
    /// One line per malformed row and per contradiction.
    pub(crate) warnings: Vec<String>,
}

/// Auction of a history. Amounts are in minor units.
#[derive(Debug)]
pub(crate) struct PastAuction {
    pub(crate) name: String,
    pub(crate) item: String,
    pub(crate) opening_bid: u64,
    pub(crate) closing_price: u64,
    /// Line of its first row.
    pub(crate) line: u64,
    /// By time; bids with equal times in the order of the file.
    pub(crate) bids: Vec<PastBid>,
}

#[derive(Debug)]
pub(crate) struct PastBid {
    /// Index of the bidder in [`History::bidders`].
    pub(crate) bidder: usize,
    pub(crate) amount: u64,
    pub(crate) day_offset: Decimal,
    pub(crate) line: u64,
}

#[derive(Debug)]
pub(crate) struct PastBidder {
    pub(crate) name: String,
    /// Line of the bidder's first bid.
    pub(crate) line: u64,
}

impl History {
    pub(crate) fn bids(&self) -> u64 {
        self.auctions.iter().map(|auction| auction.bids.len() as u64).sum()
    }
}

/// Reads a history. Malformed rows are skipped with a warning. If the rows of an auction contradict each
/// other, the first row counts, with a warning.
pub(crate) fn read(path: &Path, currency: &str) -> Result<History, HistoryError> {
    Currency::new(currency).map_err(|_| HistoryError::Currency(currency.to_owned()))?;
    let unreadable = |source| HistoryError::Unreadable { path: path.to_owned(), source };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(unreadable)?;
    let headers = reader.headers().map_err(unreadable)?;
    let columns = Columns::find(headers)
        .map_err(|missing| HistoryError::MissingColumns { path: path.to_owned(), missing })?;
    let mut builder = HistoryBuilder {
        currency,
        history: History::default(),
        auctions: HashMap::new(),
        bidders: HashMap::new(),
    };
    for record in reader.into_records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                match Row::read(&columns, &record, currency) {
                    Ok(row) => builder.add(line, row),
                    Err(error) => builder.skip(line, &error.to_string()),
                }
            }
            Err(error) if error.is_io_error() => return Err(unreadable(error)),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                builder.skip(line, &row::describe(&error));
            }
        }
    }
    let mut history = builder.history;
    if history.auctions.is_empty() {
        return Err(HistoryError::Empty { path: path.to_owned() });
    }
    for auction in &mut history.auctions {
        auction.bids.sort_by(|one, other| one.day_offset.cmp(&other.day_offset)); // stable: ties keep their order
    }
    Ok(history)
}

struct HistoryBuilder<'a> {
    currency: &'a str,
    history: History,
    auctions: HashMap<String, usize>,
    bidders: HashMap<String, usize>,
}

impl HistoryBuilder<'_> {
    fn skip(&mut self, line: u64, reason: &str) {
        self.history.malformed += 1;
        self.history.warnings.push(format!("line {line} is skipped: {reason}"));
    }

    fn add(&mut self, line: u64, row: Row) {
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
        for (column, value, first) in [
            ("opening_bid", opening_bid, auction.opening_bid),
            ("closing_price", closing_price, auction.closing_price),
        ] {
            if value != first {
                self.history.warnings.push(format!(
                    "line {line}: {column} of auction {} is {}, but {2} in its first row (line {3}); {2} is used",
                    auction.name,
                    money::plain(value, self.currency),
                    money::plain(first, self.currency),
                    auction.line,
                ));
            }
        }
        auction.bids.push(PastBid { bidder, amount: row.amount, day_offset: row.day_offset, line });
    }
}

#[cfg(test)]
mod tests;
