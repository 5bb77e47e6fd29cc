//! Existing accounts and token revocations.

use super::MemoryStore;
use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::people::accounts::PersonalDataErasure;
use auction_app::ports::people::tokens::{Revocation, Revocations};
use auction_domain::UserId;
use std::collections::BTreeSet;

impl MemoryStore {
    /// Adds the account of a user.
    pub fn open_account(&self, user: UserId) {
        self.state().accounts.insert(user);
    }

    /// Returns the users with an account.
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

#[derive(Clone, Copy, Debug)]
pub struct MemoryRevocations;

#[async_trait]
impl Revocations for MemoryRevocations {
    async fn publish(&self, _: &[Revocation]) -> Result<(), Unavailable> {
        Ok(())
    }
}
