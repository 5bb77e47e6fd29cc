//! Conversion of errors. tokio-postgres does not display the cause of an error.

use auction_app::ports::Unavailable;
use std::error::Error;

/// Converts any error, with all its causes in one line.
pub fn unavailable(error: impl Error + Send + Sync + 'static) -> Unavailable {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    Unavailable::new("postgres", text)
}
