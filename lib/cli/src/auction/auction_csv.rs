//! CSV files of auctions to create, one per row.

use super::draft::{AuctionDraft, DraftError};
use auction_domain::Timestamp;
use auction_wire::command::create_auction::CreateAuctionRequest;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Reasons a CSV file creates no auctions.
#[derive(Debug, Error)]
pub(crate) enum AuctionCsvError {
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: csv::Error },
    #[error("{} has invalid rows, no auction is created:{}", path.display(), list(rows))]
    InvalidRows { path: PathBuf, rows: Vec<InvalidRow> },
    #[error("{} has no rows", path.display())]
    Empty { path: PathBuf },
}

#[derive(Debug)]
pub(crate) struct InvalidRow {
    line: u64,
    error: RowError,
}

#[derive(Debug, Error)]
enum RowError {
    #[error(transparent)]
    Csv(csv::Error),
    #[error(transparent)]
    Draft(DraftError),
}

fn list(rows: &[InvalidRow]) -> String {
    rows.iter().map(|row| format!("\n  line {}: {}", row.line, row.error)).collect()
}

#[derive(Debug)]
pub(crate) struct ValidRow {
    pub(crate) line: u64,
    pub(crate) request: CreateAuctionRequest,
}

/// Reads a file. If rows are invalid, the error lists all of them.
pub(crate) fn read(path: &Path, now: Timestamp) -> Result<Vec<ValidRow>, AuctionCsvError> {
    let unreadable = |source| AuctionCsvError::Unreadable { path: path.to_owned(), source };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
    let headers = reader.headers().map_err(unreadable)?.clone();
    let (mut valid, mut invalid) = (Vec::new(), Vec::new());
    for record in reader.into_records() {
        let row = record.and_then(|record| {
            let line = record.position().map_or(0, csv::Position::line);
            record.deserialize::<AuctionDraft>(Some(&headers)).map(|draft| (line, draft))
        });
        match row {
            Ok((line, draft)) => match draft.request(now) {
                Ok(request) => valid.push(ValidRow { line, request }),
                Err(error) => invalid.push(InvalidRow { line, error: RowError::Draft(error) }),
            },
            Err(error) if error.is_io_error() => return Err(unreadable(error)),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                invalid.push(InvalidRow { line, error: RowError::Csv(error) });
            }
        }
    }
    match (valid.is_empty(), invalid.is_empty()) {
        (_, false) => Err(AuctionCsvError::InvalidRows { path: path.to_owned(), rows: invalid }),
        (true, true) => Err(AuctionCsvError::Empty { path: path.to_owned() }),
        (false, true) => Ok(valid),
    }
}
