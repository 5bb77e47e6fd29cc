//! A file of offers, one a row.

use super::draft::{AuctionDraft, OfferError};
use auction_domain::Timestamp;
use auction_wire::api::CreateAuctionRequest;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a catalogue creates nothing.
#[derive(Debug, Error)]
pub(crate) enum CatalogueError {
    #[error("the catalogue {} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: csv::Error },
    #[error("nothing is created, because some rows of {} make no sense:{}", path.display(), list(rows))]
    BadRows { path: PathBuf, rows: Vec<BadRow> },
    #[error("the catalogue {} has no rows", path.display())]
    Empty { path: PathBuf },
}

/// A row that makes no sense.
#[derive(Debug)]
pub(crate) struct BadRow {
    line: u64,
    why: RowError,
}

#[derive(Debug, Error)]
enum RowError {
    #[error(transparent)]
    Csv(csv::Error),
    #[error(transparent)]
    Offer(OfferError),
}

fn list(rows: &[BadRow]) -> String {
    rows.iter().map(|row| format!("\n  line {}: {}", row.line, row.why)).collect()
}

/// One row that can be sent.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) line: u64,
    pub(crate) request: CreateAuctionRequest,
}

/// Reads all of it, or says what is wrong with each row that makes no sense.
pub(crate) fn read(path: &Path, now: Timestamp) -> Result<Vec<Item>, CatalogueError> {
    let unreadable = |source| CatalogueError::Unreadable { path: path.to_owned(), source };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let headers = reader.headers().map_err(unreadable)?.clone();
    let (mut items, mut rows) = (Vec::new(), Vec::new());
    for record in reader.into_records() {
        let row = record.and_then(|record| {
            let line = record.position().map_or(0, csv::Position::line);
            record.deserialize::<AuctionDraft>(Some(&headers)).map(|offer| (line, offer))
        });
        match row {
            Ok((line, offer)) => match offer.request(now) {
                Ok(request) => items.push(Item { line, request }),
                Err(error) => rows.push(BadRow { line, why: RowError::Offer(error) }),
            },
            Err(error) if error.is_io_error() => return Err(unreadable(error)),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                rows.push(BadRow { line, why: RowError::Csv(error) });
            }
        }
    }
    match (items.is_empty(), rows.is_empty()) {
        (_, false) => Err(CatalogueError::BadRows { path: path.to_owned(), rows }),
        (true, true) => Err(CatalogueError::Empty { path: path.to_owned() }),
        (false, true) => Ok(items),
    }
}
