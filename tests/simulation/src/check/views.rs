//! Views are what the events come to, whatever happened on the way.

use crate::network::Network;
use crate::redis::Value;
use crate::schedule::Schedule;
use crate::world::{Trace, World};
use auction_app::consume::{EventHandler, HandleResult};
use auction_app::projector::Projector;
use auction_redis::keys;
use auction_redis::views::RedisViewStores;
use auction_testkit::fixtures::P;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

const ALL: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

pub(super) async fn are_those_of_the_events(schedule: &Schedule) -> Result<(), String> {
    let anew = Network::new(&World::new(0, Trace::Off));
    let mut projector = Projector::new(RedisViewStores::new(anew.server()), P, ALL);
    let mut store = schedule.store.inner().clone();
    let events = store.events(P);
    projector.load_checkpoint(&mut store).await.map_err(|error| error.to_string())?;
    if !events.is_empty() {
        let handled = projector.handle(&mut store, &events, events.len() as u64).await;
        if !matches!(handled, Ok(HandleResult::Done)) {
            return Err(format!("views cannot be made anew: {handled:?}"));
        }
    }
    let (shown, expected) = (views(&schedule.network), views(&anew));
    if shown == expected {
        return Ok(());
    }
    let keys: Vec<String> = shown
        .iter()
        .filter(|(key, value)| expected.get(*key) != Some(value))
        .map(|(key, _)| key)
        .chain(expected.keys().filter(|key| !shown.contains_key(*key)))
        .map(|key| String::from_utf8_lossy(key).into_owned())
        .collect();
    Err(format!("other views than those of the events: {keys:?}"))
}

fn views(network: &Network) -> BTreeMap<Vec<u8>, Value> {
    let events = keys::events(P);
    let prefix = format!("{}view:", events.trim_end_matches("evt"));
    network
        .redis(|redis| redis.with_prefix(&prefix).map(|(key, value)| (key.to_vec(), value.clone())).collect())
}
