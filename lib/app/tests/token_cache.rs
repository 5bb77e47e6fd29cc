//! Tests of the token cache, in paused time, over a store that counts its calls and can become unavailable.

use async_trait::async_trait;
use auction_app::ingress::accounts::{CacheLookup, TokenCache};
use auction_app::ports::Unavailable;
use auction_app::ports::people::tokens::{Revocation, TokenStore};
use auction_app::ports::people::{PrincipalKind, Role, TokenHash, TokenIdentity};
use auction_domain::{Timestamp, UserId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::Supervisor;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const REFRESH_INTERVAL: Duration = Duration::from_secs(10);
const NOW: Timestamp = Timestamp(1000);

#[derive(Default)]
struct State {
    valid: HashMap<TokenHash, TokenIdentity>,
    calls: usize,
    unavailable: bool,
}

#[derive(Clone, Default)]
struct Store(Arc<Mutex<State>>);

#[async_trait]
impl TokenStore for Store {
    async fn find(
        &self,
        tokens: &[TokenHash],
        _: Timestamp,
    ) -> Result<Vec<(TokenHash, TokenIdentity)>, Unavailable> {
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        if state.unavailable {
            return Err(Unavailable::new("postgres", "outage by the test"));
        }
        Ok(tokens.iter().filter_map(|token| Some((*token, *state.valid.get(token)?))).collect())
    }
}

fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

fn user(n: u8) -> UserId {
    UserId(Uuid::from_u128(n.into()))
}

fn holder(n: u8) -> TokenIdentity {
    TokenIdentity { principal: PrincipalKind::User(user(n)), role: Role::Bidder, expires_at: Timestamp(2000) }
}

struct Fixture {
    store: Store,
    cache: Arc<TokenCache>,
    _stopper: ShutdownTrigger,
}

impl Fixture {
    /// Creates a store with the valid tokens 1 to 9, and a cache that refreshes them.
    fn new(capacity: usize) -> Fixture {
        let store = Store::default();
        store.0.lock().unwrap().valid.extend((1..10).map(|n| (token(n), holder(n))));
        let cache = Arc::new(TokenCache::new(Arc::new(store.clone()), capacity, REFRESH_INTERVAL));
        let (stopper, stop) = shutdown_pair();
        let refreshing = Arc::clone(&cache);
        let supervisor = Supervisor::without_health("tokens", stop);
        tokio::spawn(async move { refreshing.run_refresh(|| NOW, supervisor).await });
        Fixture { store, cache, _stopper: stopper }
    }

    async fn look_up(&self, n: u8) {
        assert_eq!(self.cache.look_up(token(n), NOW).await.unwrap(), Some(holder(n)));
    }

    fn is_cached(&self, n: u8) -> bool {
        self.cache.get(token(n), NOW) == CacheLookup::Valid(holder(n))
    }

    fn calls(&self) -> usize {
        std::mem::take(&mut self.store.0.lock().unwrap().calls)
    }

    fn revoke(&self, n: u8) {
        self.store.0.lock().unwrap().valid.remove(&token(n));
    }

    fn unavailable(&self, unavailable: bool) {
        self.store.0.lock().unwrap().unavailable = unavailable;
    }
}

#[tokio::test(start_paused = true)]
async fn cached_token_needs_no_lookup_until_it_expires() {
    let fixture = Fixture::new(100);
    assert!(!fixture.is_cached(1));
    fixture.look_up(1).await;
    assert_eq!(fixture.calls(), 1);
    assert!(fixture.is_cached(1) && fixture.is_cached(1));
    assert_eq!(fixture.calls(), 0);
    assert_eq!(fixture.cache.get(token(1), Timestamp(2000)), CacheLookup::LookupRequired, "expired");
    assert_eq!(fixture.cache.look_up(token(99), NOW).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn token_cache_detects_a_missed_revocation() {
    let fixture = Fixture::new(100);
    for n in 1..5 {
        fixture.look_up(n).await;
    }
    assert!(fixture.is_cached(1) && fixture.is_cached(2));
    fixture.calls();
    fixture.revoke(1);
    tokio::time::sleep(REFRESH_INTERVAL + Duration::from_secs(1)).await;
    assert_eq!(fixture.calls(), 1, "one call, for the used tokens only");
    assert!(!fixture.is_cached(1) && fixture.is_cached(2) && fixture.is_cached(3));
    // A token that was not used for a long time is looked up before the next use.
    fixture.revoke(4);
    tokio::time::sleep(4 * REFRESH_INTERVAL).await;
    assert!(!fixture.is_cached(4));
    assert_eq!(fixture.cache.look_up(token(4), NOW).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn cached_tokens_stay_valid_during_an_outage_of_the_store() {
    let fixture = Fixture::new(100);
    for n in 1..4 {
        fixture.look_up(n).await;
    }
    assert!(fixture.is_cached(1) && fixture.is_cached(2));
    fixture.unavailable(true);
    tokio::time::sleep(10 * REFRESH_INTERVAL).await;
    assert!(fixture.is_cached(1) && fixture.is_cached(3), "within the outage");
    assert!(fixture.cache.look_up(token(4), NOW).await.is_err(), "an unknown token cannot be verified");
    fixture.revoke(2);
    fixture.unavailable(false);
    tokio::time::sleep(REFRESH_INTERVAL + Duration::from_secs(1)).await;
    assert!(!fixture.is_cached(2), "it was used before the outage");
    assert!(fixture.is_cached(1));
}

#[tokio::test(start_paused = true)]
async fn token_cache_removes_revoked_tokens_immediately() {
    let fixture = Fixture::new(100);
    for n in 1..4 {
        fixture.look_up(n).await;
    }
    fixture.cache.revoke(Revocation::Token(token(1)));
    fixture.cache.revoke(Revocation::User(user(2)));
    assert!(!fixture.is_cached(1) && !fixture.is_cached(2) && fixture.is_cached(3));
}

#[tokio::test(start_paused = true)]
async fn token_cache_respects_its_capacity() {
    let fixture = Fixture::new(1);
    // Both tokens belong to the same shard, which has room for one.
    fixture.store.0.lock().unwrap().valid.insert(token(65), holder(65));
    fixture.look_up(1).await;
    fixture.look_up(65).await;
    assert!(!fixture.is_cached(1) && fixture.is_cached(65));
}
