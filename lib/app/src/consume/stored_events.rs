//! Decoding of stored events.

use crate::ports::Unavailable;
use auction_wire::{DecodeError, Event, EventRecord};
use thiserror::Error;
use uuid::Uuid;

/// Reasons stored events could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The event was written by a newer version of the program, or is damaged. A retry does not help.
    #[error("event {version} of {key} cannot be decoded: {error}")]
    Unreadable {
        /// The user, auction or promoter settings the event belongs to.
        key: Uuid,
        version: u64,
        error: DecodeError,
    },
}

/// Decodes the body of a stored event.
pub fn read_event(record: &EventRecord) -> Result<Event, LoadError> {
    record.event().map_err(|error| LoadError::Unreadable { key: record.key, version: record.version, error })
}
