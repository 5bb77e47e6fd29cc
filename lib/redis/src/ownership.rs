//! Ownership of a Redis: the id of the one portal that uses it.
//!
//! The id is created with the database. The first process that connects sets it in Redis, once; every later
//! connection compares it. A Redis that lost its data receives the id again. Without this check, two portals
//! with different databases on one Redis would decide each other's commands.

use crate::keys;
use redis::{Cmd, Value, cmd};
use stream_worker::value::text;
use stream_worker::{DedicatedConnection, StreamError};
use thiserror::Error;
use tokio::sync::watch;
use uuid::Uuid;

/// Sets the id if there is none, and returns the id that was there. Also if the memory of Redis is full: the
/// processes that free memory need connections.
const CLAIM: &str = "#!lua flags=allow-oom
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET')";

/// Error: Redis belongs to another portal than the database.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "Redis belongs to portal {found} (key `{key}`), and the database to portal {expected}. Set REDIS_URL to the \
     Redis of portal {expected}, or DATABASE_URL to the database of portal {found}. Each portal needs a Redis, or \
     a logical database of one, of its own. If portal {found} does not exist any more, delete the key `{key}`, and \
     start again",
    key = keys::PORTAL
)]
pub struct ForeignRedis {
    pub expected: Uuid,
    /// Value of the key, shortened to the length of an id.
    pub found: String,
}

/// Id of this portal, and whether a Redis of another one was found. Clones share the finding.
#[derive(Clone, Debug)]
pub struct Ownership {
    portal: Uuid,
    foreign: watch::Sender<Option<ForeignRedis>>,
}

impl Ownership {
    pub fn new(portal: Uuid) -> Ownership {
        Ownership { portal, foreign: watch::Sender::new(None) }
    }

    /// Returns the command that reads the owner.
    pub(crate) fn read() -> Cmd {
        let mut read = cmd("GET");
        read.arg(keys::PORTAL);
        read
    }

    /// Checks the owner that was read. Without an owner, Redis is empty or lost its data.
    pub(crate) fn check(&self, owner: &Value) -> Result<(), StreamError> {
        let owner = match owner {
            Value::Nil => return Ok(()),
            owner => text(owner).unwrap_or_default(),
        };
        if Uuid::try_parse(owner).is_ok_and(|owner| owner == self.portal) {
            return Ok(());
        }
        let found = owner.chars().take(36).collect();
        let foreign = ForeignRedis { expected: self.portal, found };
        self.foreign.send_replace(Some(foreign.clone()));
        Err(StreamError::Refused(foreign.to_string()))
    }

    /// Makes this portal the owner of a Redis that has none.
    pub(crate) async fn claim(&self, connection: &mut DedicatedConnection) -> Result<(), StreamError> {
        if connection.send_one(&Ownership::read()).await? != Value::Nil {
            return Ok(()); // checked by the handshake
        }
        let mut claim = cmd("EVAL");
        claim.arg(CLAIM).arg(1).arg(keys::PORTAL).arg(self.portal.to_string());
        let owner = connection.send_one(&claim).await?;
        if owner == Value::Nil {
            tracing::info!(portal = %self.portal, key = keys::PORTAL, "Redis belongs to this portal from now on");
        }
        self.check(&owner)
    }

    /// Returns the error if a Redis of another portal was found.
    pub fn violation(&self) -> Option<ForeignRedis> {
        self.foreign.borrow().clone()
    }

    /// Waits until a connection finds that Redis belongs to another portal.
    pub async fn wait_for_violation(&self) -> ForeignRedis {
        let mut foreign = self.foreign.subscribe();
        loop {
            // The sender is in `self`, so the channel is open.
            let found = foreign.wait_for(Option::is_some).await.ok().and_then(|found| found.clone());
            if let Some(found) = found {
                return found;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn ownership_accepts_its_own_id_and_none() {
        let ownership = Ownership::new(Uuid::from_u128(7));
        assert!(ownership.check(&Value::Nil).is_ok());
        assert!(ownership.check(&stored(&Uuid::from_u128(7).to_string())).is_ok());
        assert_eq!(ownership.violation(), None);
    }

    #[tokio::test]
    async fn ownership_error_names_both_ids_and_the_settings() {
        let (ours, theirs) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let ownership = Ownership::new(ours);
        let error = ownership.clone().check(&stored(&theirs.to_string())).unwrap_err();
        for part in [&ours.to_string(), &theirs.to_string(), "REDIS_URL", "DATABASE_URL", "`ap:portal`"] {
            assert!(error.to_string().contains(part), "{part} is not in {error}");
        }
        assert_eq!(ownership.wait_for_violation().await.found, theirs.to_string());
        assert!(ownership.check(&stored("another application")).is_err());
    }
}
