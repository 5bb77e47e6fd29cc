//! Plain fields of a stream entry.

use thiserror::Error;
use uuid::Uuid;

/// Error reading a stream entry or a stored row.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    #[error("field `{0}` is missing")]
    MissingField(&'static str),
    #[error("field `{field}`: {reason}")]
    BadField { field: &'static str, reason: String },
    /// This program does not know the kind.
    #[error("unknown kind `{0}`")]
    UnknownKind(String),
    /// The kind is known, but not in this version.
    #[error("kind `{kind}` has no version {v}")]
    UnknownVersion { kind: &'static str, v: u16 },
    /// The body is not a valid body of its kind.
    #[error("body of `{kind}`: {reason}")]
    BadBody { kind: &'static str, reason: String },
    /// Bytes follow the end of the body.
    #[error("body of `{kind}`: {count} trailing bytes")]
    TrailingBytes { kind: &'static str, count: usize },
}

impl DecodeError {
    /// Returns whether a newer program may be able to read it: the kind or its version is unknown.
    pub fn is_unknown_kind(&self) -> bool {
        match self {
            DecodeError::UnknownKind(_) => true,
            DecodeError::UnknownVersion { v, .. } => *v > 0,
            _ => false,
        }
    }
}

/// Versions are numbered from 1, and every one up to the newest is readable.
pub(crate) fn check_version(kind: &'static str, v: u16, newest: u16) -> Result<(), DecodeError> {
    if (1..=newest).contains(&v) { Ok(()) } else { Err(DecodeError::UnknownVersion { kind, v }) }
}

/// Fields of one entry as received. Names and values are bytes, since a sender is not forced to write text.
pub type RawFields<Text> = [(Text, Text)];

/// Typed access to fields by name.
pub(crate) struct Fields<'a, Text>(pub(crate) &'a RawFields<Text>);

impl<'a, Text: AsRef<[u8]>> Fields<'a, Text> {
    pub(crate) fn bytes(&self, name: &'static str) -> Result<&'a [u8], DecodeError> {
        let found = self.0.iter().find(|(field, _)| field.as_ref() == name.as_bytes());
        found.map(|(_, value)| value.as_ref()).ok_or(DecodeError::MissingField(name))
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(name)?)
            .map_err(|_| DecodeError::BadField { field: name, reason: "is not UTF-8".to_owned() })
    }

    /// Returns a field that may be absent or empty; both are `None`.
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<&'a str>, DecodeError> {
        match self.text(name) {
            Ok("") | Err(DecodeError::MissingField(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    pub(crate) fn parse<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, DecodeError>
    where
        T::Err: std::fmt::Display,
    {
        parse(name, self.text(name)?)
    }

    pub(crate) fn id(&self, name: &'static str) -> Result<Uuid, DecodeError> {
        let text = self.text(name)?;
        Uuid::try_parse(text)
            .map_err(|_| DecodeError::BadField { field: name, reason: format!("{text:?} is not a UUID") })
    }
}

pub(crate) fn parse<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, DecodeError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| DecodeError::BadField { field, reason: format!("{text:?}: {error}") })
}
