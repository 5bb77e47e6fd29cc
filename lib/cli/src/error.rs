//! Errors of client commands, and their exit status.

use crate::auction::auction_csv::AuctionCsvError;
use crate::auction::draft::DraftError;
use crate::client::{ClientError, Problem};
use crate::console::Console;
use crate::money::MoneyError;
use crate::replay::history::HistoryError;
use std::process::ExitCode;
use thiserror::Error;

/// Reasons a client command failed.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("refused: {problem}")]
    Refused { problem: Box<Problem>, json: bool },
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error(transparent)]
    AuctionCsv(#[from] AuctionCsvError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("{0}")]
    Usage(&'static str),
    /// Some steps failed; their errors are already printed.
    #[error("not all steps succeeded")]
    Unfinished,
}

impl CliError {
    /// Prints the error: a refusal to standard output if JSON is requested, all others to standard error.
    pub(crate) fn print(&self, console: &Console) {
        match self {
            CliError::Refused { problem, json: true } => console.json(problem),
            CliError::Unfinished => {}
            error => console.eprint(&format!("error: {error}")),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            CliError::Client(error) if error.is_usage() => 2,
            CliError::Client(_) | CliError::Refused { .. } | CliError::Unfinished => 1,
            CliError::Money(_) | CliError::Draft(_) | CliError::Usage(_) => 2,
            CliError::AuctionCsv(_) | CliError::History(_) => 2,
        })
    }
}
