use async_trait::async_trait;
use auction_app::ports::Unavailable;
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// Parked events of all components. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryParkedEvents(Arc<Mutex<BTreeMap<(String, Uuid), ParkedAggregate>>>);

#[async_trait]
impl ParkedEvents for MemoryParkedEvents {
    async fn of(&self, component: &str, partition: PartitionId) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let all = self.0.lock().unwrap();
        let here =
            all.values().filter(|parked| parked.component == component && parked.partition == partition);
        let mut here: Vec<ParkedAggregate> = here.cloned().collect();
        here.sort_by_key(|parked| parked.event.position);
        Ok(here)
    }

    async fn all(&self) -> Result<Vec<ParkedAggregate>, Unavailable> {
        let mut all: Vec<ParkedAggregate> = self.0.lock().unwrap().values().cloned().collect();
        all.sort_by_key(|parked| (parked.component.clone(), parked.partition, parked.event.position));
        Ok(all)
    }

    async fn park(
        &self,
        component: &str,
        partition: PartitionId,
        event: &ParkedEvent,
    ) -> Result<(), Unavailable> {
        let (component, event) = (component.to_owned(), event.clone());
        let id = (component.clone(), event.key);
        let parked =
            ParkedAggregate { component, partition, event, parked_at: Timestamp(1), requested_action: None };
        self.0.lock().unwrap().insert(id, parked);
        Ok(())
    }

    async fn unpark(&self, component: &str, key: Uuid, position: u64) -> Result<(), Unavailable> {
        let same = |parked: &ParkedAggregate| parked.component == component && parked.event.key == key;
        self.0.lock().unwrap().retain(|_, parked| !(same(parked) && parked.event.position == position));
        Ok(())
    }

    async fn request(
        &self,
        component: &str,
        key: Uuid,
        position: u64,
        action: OperatorAction,
    ) -> Result<bool, Unavailable> {
        let mut all = self.0.lock().unwrap();
        let parked = all.get_mut(&(component.to_owned(), key));
        let parked = parked.filter(|parked| parked.event.position == position);
        Ok(parked.map(|parked| parked.requested_action = Some(action)).is_some())
    }
}
