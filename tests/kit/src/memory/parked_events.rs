//! What services have parked.

use auction_app::ports::Unavailable;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What is parked; clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryParkedEvents(Arc<Mutex<BTreeMap<(String, Uuid), ParkedAggregate>>>);

impl ParkedEvents for MemoryParkedEvents {
    async fn of(&self, service: &str, partition: PartitionId) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let all = self.0.lock().unwrap();
        let here = all.values().filter(|parked| parked.service == service && parked.partition == partition);
        let mut here: Vec<ParkedAggregate> = here.cloned().collect();
        here.sort_by_key(|parked| parked.event.position);
        Ok(here)
    }

    async fn all(&self) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let mut all: Vec<ParkedAggregate> = self.0.lock().unwrap().values().cloned().collect();
        all.sort_by_key(|parked| (parked.service.clone(), parked.partition, parked.event.position));
        Ok(all)
    }

    async fn park(
        &self,
        service: &str,
        partition: PartitionId,
        event: &ParkedEvent,
    ) -> Result<(), Unavailable> {
        let (service, event) = (service.to_owned(), event.clone());
        let place = (service.clone(), event.key);
        let parked = ParkedAggregate { service, partition, event, parked_at: Timestamp(1), asked: None };
        self.0.lock().unwrap().insert(place, parked);
        Ok(())
    }

    async fn unpark(&self, service: &str, key: Uuid, position: u64) -> Result<(), Unavailable> {
        let same = |parked: &ParkedAggregate| parked.service == service && parked.event.key == key;
        self.0.lock().unwrap().retain(|_, parked| !(same(parked) && parked.event.position == position));
        Ok(())
    }

    async fn request(
        &self,
        service: &str,
        key: Uuid,
        position: u64,
        asked: OperatorAction,
    ) -> Result<bool, Unavailable> {
        let mut all = self.0.lock().unwrap();
        let parked = all.get_mut(&(service.to_owned(), key));
        let parked = parked.filter(|parked| parked.event.position == position);
        Ok(parked.map(|parked| parked.asked = Some(asked)).is_some())
    }
}
