//! One row of a history.

use crate::decimal::{Decimal, DecimalError};
use crate::money::{self, MoneyError};
use auction_domain::Title;
use csv::StringRecord;
use thiserror::Error;

/// The columns that are read; others (such as `days`) are left alone.
pub(super) const COLUMNS: [&str; 7] =
    ["auction", "item", "opening_bid", "closing_price", "bid", "day_offset", "bidder"];

/// Where they are.
pub(super) struct Columns {
    indices: [usize; COLUMNS.len()],
    in_all: usize,
}

impl Columns {
    /// Finds the columns by their names; `Err` lists those that are missing.
    pub(super) fn find(headers: &StringRecord) -> Result<Columns, String> {
        let find = |name: &str| headers.iter().position(|header| header.trim() == name);
        let missing: Vec<&str> = COLUMNS.into_iter().filter(|name| find(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(missing.join(", "));
        }
        Ok(Columns { indices: COLUMNS.map(|name| find(name).unwrap_or_default()), in_all: headers.len() })
    }
}

/// What a row says; amounts in minor units.
pub(super) struct Row {
    pub(super) auction: String,
    pub(super) item: String,
    pub(super) opening_bid: u64,
    pub(super) closing_price: u64,
    pub(super) amount: u64,
    pub(super) day_offset: Decimal,
    pub(super) bidder: String,
}

/// Why a row makes no sense.
#[derive(Debug, Error)]
pub(super) enum RowError {
    #[error("it has {has} columns, the first row names {named}")]
    Columns { has: usize, named: usize },
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
        if record.len() != columns.in_all {
            return Err(RowError::Columns { has: record.len(), named: columns.in_all });
        }
        let fields = columns.indices.map(|index| record.get(index).unwrap_or_default().trim());
        if let Some(empty) = fields.iter().position(|field| field.is_empty()) {
            return Err(RowError::Empty(COLUMNS[empty]));
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

/// What is wrong with a row that is no CSV, without its position.
pub(super) fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => format!("it is not UTF-8 text: {err}"),
        _ => error.to_string(),
    }
}
