//! What an ingress knows of tokens, in paused time, over a store that counts how often it is asked and can be away.

use auction_app::ingress::accounts::{
    CacheLookup, PrincipalKind, Role, TokenCache, TokenHash, TokenIdentity,
};
use auction_app::ports::Unavailable;
use auction_app::ports::people::tokens::{Revocation, TokenStore};
use auction_domain::{Timestamp, UserId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;
use worker_runtime::shutdown::{ShutdownTrigger, shutdown_pair};

const EVERY: Duration = Duration::from_secs(10);
const NOW: Timestamp = Timestamp(1000);

#[derive(Default)]
struct State {
    good: HashMap<TokenHash, TokenIdentity>,
    asked: usize,
    away: bool,
}

#[derive(Clone, Default)]
struct Store(Arc<Mutex<State>>);

impl TokenStore for Store {
    async fn find(
        &self,
        tokens: &[TokenHash],
        _: Timestamp,
    ) -> Result<Vec<(TokenHash, TokenIdentity)>, Unavailable> {
        let mut state = self.0.lock().unwrap();
        state.asked += 1;
        if state.away {
            return Err(Unavailable::new("postgres", "away"));
        }
        Ok(tokens.iter().filter_map(|token| Some((*token, *state.good.get(token)?))).collect())
    }
}

fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

fn user(n: u8) -> UserId {
    UserId(Uuid::from_u128(n.into()))
}

fn holder(n: u8) -> TokenIdentity {
    TokenIdentity { who: PrincipalKind::User(user(n)), role: Role::Bidder, expires_at: Timestamp(2000) }
}

struct World {
    store: Store,
    known: Arc<TokenCache<Store>>,
    _stopper: ShutdownTrigger,
}

impl World {
    /// Tokens 1 to 9 are good, and somebody looks again now and then.
    fn new(most: usize) -> World {
        let store = Store::default();
        store.0.lock().unwrap().good.extend((1..10).map(|n| (token(n), holder(n))));
        let known = Arc::new(TokenCache::new(store.clone(), most, EVERY));
        let (stopper, stop) = shutdown_pair();
        let keeping = Arc::clone(&known);
        tokio::spawn(async move { keeping.run_refresh(|| NOW, stop).await });
        World { store, known, _stopper: stopper }
    }

    async fn learn(&self, n: u8) {
        assert_eq!(self.known.look_up(token(n), NOW).await.unwrap(), Some(holder(n)));
    }

    fn knows(&self, n: u8) -> bool {
        self.known.get(token(n), NOW) == CacheLookup::Known(holder(n))
    }

    fn asked(&self) -> usize {
        std::mem::take(&mut self.store.0.lock().unwrap().asked)
    }

    fn revoke(&self, n: u8) {
        self.store.0.lock().unwrap().good.remove(&token(n));
    }

    fn away(&self, away: bool) {
        self.store.0.lock().unwrap().away = away;
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_token_needs_no_look_up_until_it_expires() {
    let world = World::new(100);
    assert!(!world.knows(1));
    world.learn(1).await;
    assert_eq!(world.asked(), 1);
    assert!(world.knows(1) && world.knows(1));
    assert_eq!(world.asked(), 0);
    assert_eq!(world.known.get(token(1), Timestamp(2000)), CacheLookup::NotSure, "expired");
    assert_eq!(world.known.look_up(token(99), NOW).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_nobody_heard_of_is_found_out() {
    let world = World::new(100);
    for n in 1..5 {
        world.learn(n).await;
    }
    assert!(world.knows(1) && world.knows(2));
    world.asked();
    world.revoke(1);
    tokio::time::sleep(EVERY + Duration::from_secs(1)).await;
    assert_eq!(world.asked(), 1, "in one go, and only those that were used");
    assert!(!world.knows(1) && world.knows(2) && world.knows(3));
    // One that was not used for long is looked up before it is used.
    world.revoke(4);
    tokio::time::sleep(4 * EVERY).await;
    assert!(!world.knows(4));
    assert_eq!(world.known.look_up(token(4), NOW).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_stays_good_while_the_store_is_away_and_is_looked_up_when_it_is_back() {
    let world = World::new(100);
    for n in 1..4 {
        world.learn(n).await;
    }
    assert!(world.knows(1) && world.knows(2));
    world.away(true);
    tokio::time::sleep(10 * EVERY).await;
    assert!(world.knows(1) && world.knows(3), "for its time");
    assert!(world.known.look_up(token(4), NOW).await.is_err(), "who is not known cannot be let in");
    world.revoke(2);
    world.away(false);
    tokio::time::sleep(EVERY + Duration::from_secs(1)).await;
    assert!(!world.knows(2), "it was used before, and not since");
    assert!(world.knows(1));
}

#[tokio::test(start_paused = true)]
async fn who_is_revoked_is_forgotten_at_once() {
    let world = World::new(100);
    for n in 1..4 {
        world.learn(n).await;
    }
    world.known.revoked(Revocation::Token(token(1)));
    world.known.revoked(Revocation::User(user(2)));
    assert!(!world.knows(1) && !world.knows(2) && world.knows(3));
}

#[tokio::test(start_paused = true)]
async fn there_are_never_more_than_there_is_room_for() {
    let world = World::new(1);
    // Both go where there is room for one.
    world.store.0.lock().unwrap().good.insert(token(65), holder(65));
    world.learn(1).await;
    world.learn(65).await;
    assert!(!world.knows(1) && world.knows(65));
}
