//! The plain fields of a stream entry.

use thiserror::Error;
use uuid::Uuid;

/// Why an entry of a stream, or a stored row, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A field is not there.
    #[error("field `{0}` is missing")]
    MissingField(&'static str),
    /// A field is there and makes no sense.
    #[error("field `{field}`: {why}")]
    BadField {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody knows this kind.
    #[error("unknown kind `{0}`")]
    UnknownKind(String),
    /// The kind is known, but not in this version.
    #[error("kind `{kind}` has no version {v}")]
    UnknownVersion {
        /// The kind.
        kind: &'static str,
        /// The version.
        v: u16,
    },
    /// The body is not what the kind says.
    #[error("body of `{kind}`: {why}")]
    BadBody {
        /// The kind.
        kind: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The body goes on after its end.
    #[error("body of `{kind}`: {count} trailing bytes")]
    TrailingBytes {
        /// The kind.
        kind: &'static str,
        /// How many.
        count: usize,
    },
}

/// The fields of one entry as they came: names and values are bytes, since nothing forces a sender to
/// write text.
pub type RawFields<Text> = [(Text, Text)];

/// Reads fields by name.
pub(crate) struct Fields<'a, Text>(pub(crate) &'a RawFields<Text>);

impl<'a, Text: AsRef<[u8]>> Fields<'a, Text> {
    pub(crate) fn bytes(&self, name: &'static str) -> Result<&'a [u8], DecodeError> {
        let found = self.0.iter().find(|(field, _)| field.as_ref() == name.as_bytes());
        found.map(|(_, value)| value.as_ref()).ok_or(DecodeError::MissingField(name))
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes(name)?)
            .map_err(|_| DecodeError::BadField { field: name, why: "is not UTF-8".to_owned() })
    }

    /// A field that may be absent or empty.
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
            .map_err(|_| DecodeError::BadField { field: name, why: format!("{text:?} is not a UUID") })
    }
}

pub(crate) fn parse<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, DecodeError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| DecodeError::BadField { field, why: format!("{text:?}: {error}") })
}
