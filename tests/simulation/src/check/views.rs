//! Checks that the views equal a projection of all events from the start.

use crate::network::Network;
use crate::redis::Value;
use crate::schedule::Schedule;
use crate::world::{Trace, World};
use auction_app::consume::{EventHandler, HandleResult};
use auction_app::ports::views::generations::Generation;
use auction_app::projector::Projector;
use auction_redis::keys::ViewKeys;
use auction_redis::views::RedisReadModelConnector;
use auction_testkit::fixtures::P;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

const ALL: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

pub(super) async fn check_views(schedule: &Schedule) -> Result<(), String> {
    let rebuilt = Network::new(&World::new(0, Trace::Off));
    let mut projector = Projector::new(RedisReadModelConnector::new(rebuilt.server()), P, ALL);
    let mut store = schedule.store.inner().clone();
    let events = store.events(P);
    projector.load_checkpoint(&mut store).await.map_err(|error| error.to_string())?;
    if !events.is_empty() {
        let handled = projector.handle(&mut store, &events, events.len() as u64).await;
        if !matches!(handled, Ok(HandleResult::Done)) {
            return Err(format!("the views cannot be rebuilt: {handled:?}"));
        }
    }
    let (actual, expected) = (views(&schedule.network), views(&rebuilt));
    if expected.is_empty() && !events.is_empty() {
        return Err("the rebuild wrote no views".to_owned());
    }
    if actual == expected {
        return Ok(());
    }
    let keys: Vec<String> = actual
        .iter()
        .filter(|(key, value)| expected.get(*key) != Some(value))
        .map(|(key, _)| key)
        .chain(expected.keys().filter(|key| !actual.contains_key(*key)))
        .map(|key| String::from_utf8_lossy(key).into_owned())
        .collect();
    Err(format!("views differ from a rebuild: {keys:?}"))
}

fn views(network: &Network) -> BTreeMap<Vec<u8>, Value> {
    let checkpoint = ViewKeys::new(P, Generation::FIRST).checkpoint();
    let prefix = checkpoint.trim_end_matches("checkpoint");
    network
        .redis(|redis| redis.with_prefix(prefix).map(|(key, value)| (key.to_vec(), value.clone())).collect())
}
