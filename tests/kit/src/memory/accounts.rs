//! Accounts, as far as anybody but an ingress has to do with them, and what is told of tokens.

use super::MemoryStore;
use auction_app::ports::Unavailable;
use auction_app::ports::people::accounts::PersonalDataErasure;
use auction_app::ports::people::tokens::{Revocation, Revocations};
use auction_domain::UserId;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

impl MemoryStore {
    /// A user signs up.
    pub fn open_account(&self, user: UserId) {
        self.state().accounts.insert(user);
    }

    /// Whose accounts there are.
    pub fn accounts(&self) -> BTreeSet<UserId> {
        self.state().accounts.clone()
    }
}

impl PersonalDataErasure for MemoryStore {
    async fn erase(&self, users: &[UserId]) -> Result<Vec<UserId>, Unavailable> {
        let mut state = self.state();
        Ok(users.iter().copied().filter(|user| state.accounts.remove(user)).collect())
    }
}

/// Hears everything; clones hear the same.
#[derive(Clone, Debug, Default)]
pub struct MemoryRevocations(Arc<Mutex<Vec<Revocation>>>);

impl MemoryRevocations {
    /// What was announced.
    pub fn heard(&self) -> Vec<Revocation> {
        self.0.lock().unwrap().clone()
    }
}

impl Revocations for MemoryRevocations {
    async fn publish(&self, revoked: &[Revocation]) -> Result<(), Unavailable> {
        self.0.lock().unwrap().extend(revoked);
        Ok(())
    }
}
