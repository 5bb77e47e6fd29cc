//! Rows of a history.

use crate::decimal::{Decimal, DecimalError};
use crate::money::{self, MoneyError};
use auction_domain::Title;
use csv::StringRecord;
use thiserror::Error;

/// The columns that are read; others (such as `days`) are ignored.
pub(super) const COLUMN_NAMES: [&str; 7] =
    ["auction", "item", "opening_bid", "closing_price", "bid", "day_offset", "bidder"];

/// Positions of the columns.
pub(super) struct Columns {
    indices: [usize; COLUMN_NAMES.len()],
    /// Number of columns in the file.
    count: usize,
}

impl Columns {
    /// Finds the columns by name. `Err` lists the missing ones.
    pub(super) fn find(headers: &StringRecord) -> Result<Columns, String> {
        let find = |name: &str| headers.iter().position(|header| header.trim() == name);
        let missing: Vec<&str> = COLUMN_NAMES.into_iter().filter(|name| find(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(missing.join(", "));
        }
        Ok(Columns { indices: COLUMN_NAMES.map(|name| find(name).unwrap_or_default()), count: headers.len() })
    }
}

/// Row of a history. Amounts are in minor units.
pub(super) struct Row {
    pub(super) auction: String,
    pub(super) item: String,
    pub(super) opening_bid: u64,
    pub(super) closing_price: u64,
    pub(super) amount: u64,
    pub(super) day_offset: Decimal,
    pub(super) bidder: String,
}

/// Reasons a row is malformed.
#[derive(Debug, Error)]
pub(super) enum RowError {
    #[error("it has {actual} columns instead of {expected}")]
    ColumnCount { actual: usize, expected: usize },
    #[error("{0} is empty")]
    Empty(&'static str),
    #[error("item {0}")]
    Item(auction_domain::text::TextError),
    #[error("{column}: {source}")]
    Money { column: &'static str, source: MoneyError },
    #[error("day_offset: {0}")]
    Time(#[from] DecimalError),
}

impl Row {
    pub(super) fn read(columns: &Columns, record: &StringRecord, currency: &str) -> Result<Row, RowError> {
        if record.len() != columns.count {
            return Err(RowError::ColumnCount { actual: record.len(), expected: columns.count });
        }
        let fields = columns.indices.map(|index| record.get(index).unwrap_or_default().trim());
        if let Some(empty) = fields.iter().position(|field| field.is_empty()) {
            return Err(RowError::Empty(COLUMN_NAMES[empty]));
        }
        let [auction, item, opening_bid, closing_price, bid, day_offset, bidder] = fields;
        let money =
            |column, text| money::read(text, currency).map_err(|source| RowError::Money { column, source });
        Title::new(item).map_err(RowError::Item)?;
        Ok(Row {
            auction: auction.to_owned(),
            item: item.to_owned(),
            opening_bid: money("opening_bid", opening_bid)?,
            closing_price: money("closing_price", closing_price)?,
            amount: money("bid", bid)?,
            day_offset: day_offset.parse()?,
            bidder: bidder.to_owned(),
        })
    }
}

/// Returns the text of a CSV error without the position.
pub(super) fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => format!("it is not UTF-8 text: {err}"),
        _ => error.to_string(),
    }
}
