//! Errors of Postgres: their text, and the rule for the errors that end a connection.

use auction_app::ports::Unavailable;
use deadpool_postgres::{HookError, PoolError};
use std::error::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Converts any error to the error of the ports.
pub fn unavailable(error: impl Error + Send + Sync + 'static) -> Unavailable {
    Unavailable::new("postgres", error_text(&error))
}

/// Converts the error of a pool without a usable connection.
pub(crate) fn no_connection(error: PoolError) -> Unavailable {
    match error {
        PoolError::Backend(error) => unavailable(error),
        // The hook is the check of a new connection.
        PoolError::PostCreateHook(HookError::Message(refused)) => {
            Unavailable::new("postgres", refused.into_owned())
        }
        other => unavailable(other),
    }
}

/// Returns the text of an error with all its causes, in one line. An error that Postgres reports has its
/// message, SQLSTATE, detail and hint: tokio-postgres displays such an error as `db error`.
pub fn error_text(error: &(dyn Error + 'static)) -> String {
    if let Some(reported) = error.downcast_ref::<DbError>() {
        return reported_text(reported);
    }
    let (own, Some(cause)) = (error.to_string(), error.source()) else { return error.to_string() };
    let (cause_text, cause_shown) = (error_text(cause), cause.to_string());
    if cause.is::<DbError>() {
        // The error shows itself as `db error`.
        cause_text
    } else if own.contains(&cause_shown) {
        own.replace(&cause_shown, &cause_text)
    } else {
        format!("{own}: {cause_text}")
    }
}

fn reported_text(error: &DbError) -> String {
    let mut text = format!("{} (SQLSTATE {}", error.message(), error.code().code());
    for (name, value) in [("detail", error.detail()), ("hint", error.hint())] {
        if let Some(value) = value {
            text = format!("{text}, {name}: {}", value.replace('\n', " "));
        }
    }
    format!("{text})")
}

/// Returns true if a connection must not be used again after this error. A new connection resolves the address
/// of the server again.
///
/// * The connection is closed or broken.
/// * The session is read-only: the server is a standby, or was read-only when the session began.
/// * The server ends the session, shuts down, or is starting (class 57P), or reports a broken connection
///   (class 08).
/// * A prepared statement of the session cannot be used any more: a migration has changed the type of its result
///   (0A000), or a pooler has removed it or given the session to another client (26000, 42P05).
pub(crate) fn ends_connection(error: &tokio_postgres::Error) -> bool {
    let Some(reported) = error.as_db_error() else { return true };
    let fatal = matches!(reported.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    fatal || ends_session(reported.code())
}

fn ends_session(code: &SqlState) -> bool {
    [
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::FEATURE_NOT_SUPPORTED,
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
    ]
    .contains(code)
        || ["57P", "08"].iter().any(|class| code.code().starts_with(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot migrate: {0}")]
    struct Shown(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect")]
    struct Hidden(#[source] std::io::Error);

    #[test]
    fn error_text_contains_each_cause_once() {
        let refused = || std::io::Error::other("refused");
        assert_eq!(error_text(&Shown(refused())), "cannot migrate: refused");
        assert_eq!(error_text(&Hidden(refused())), "cannot connect: refused");
        assert_eq!(error_text(&refused()), "refused");
    }

    #[test]
    fn read_only_and_ended_sessions_end_the_connection() {
        for code in ["25006", "57P01", "57P02", "57P03", "57P04", "57P05", "08006", "08003", "0A000", "26000"]
        {
            assert!(ends_session(&SqlState::from_code(code)), "{code}");
        }
        for code in ["23505", "57014", "53100", "53300", "40001", "55P03", "42P01", "22021"] {
            assert!(!ends_session(&SqlState::from_code(code)), "{code}");
        }
    }
}
