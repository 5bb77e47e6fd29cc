//! Which connections of a process are too old to be used again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Time before which opened connections are not used again. All clones share the time.
///
/// If one connection finds that its server is not the one to use any more, the others that were opened before
/// lead to the same server, and each would fail a request of its own.
#[derive(Clone, Debug, Default)]
pub struct ConnectionCutoff(Arc<Mutex<Option<Instant>>>);

impl ConnectionCutoff {
    /// Excludes all connections that are open now.
    pub fn exclude_all(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Returns true if a connection that was opened at this time must not be used again.
    pub fn excludes(&self, opened: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|cutoff| opened <= cutoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutoff_excludes_connections_opened_before_it() {
        let cutoff = ConnectionCutoff::default();
        let before = Instant::now();
        assert!(!cutoff.excludes(before));
        cutoff.clone().exclude_all();
        assert!(cutoff.excludes(before));
        assert!(!cutoff.excludes(Instant::now() + std::time::Duration::from_secs(1)));
    }
}
