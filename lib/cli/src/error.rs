//! Why a command of the client did not work, and what its exit code is.

use crate::auction::auction_csv::CatalogueError;
use crate::auction::draft::OfferError;
use crate::client::{ClientError, Problem};
use crate::console::Console;
use crate::money::MoneyError;
use crate::replay::history::HistoryError;
use std::process::ExitCode;
use thiserror::Error;

/// Why it did not work.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("refused: {problem}")]
    Refused { problem: Box<Problem>, json: bool },
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Offer(#[from] OfferError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("{0}")]
    Usage(&'static str),
    /// What is missing was said already.
    #[error("not everything is done")]
    Unfinished,
}

impl CliError {
    /// Says it: a refusal asked for as JSON on standard output, everything else on standard error.
    pub(crate) fn tell(&self, screen: &Console) {
        match self {
            CliError::Refused { problem, json: true } => screen.json(problem),
            CliError::Unfinished => {}
            error => screen.eprint(&format!("error: {error}")),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            CliError::Client(error) if error.is_usage() => 2,
            CliError::Client(_) | CliError::Refused { .. } | CliError::Unfinished => 1,
            CliError::Money(_) | CliError::Offer(_) | CliError::Usage(_) => 2,
            CliError::Catalogue(_) | CliError::History(_) => 2,
        })
    }
}
