//! Contract of [`ParkedEvents`]: events that a component cannot process, kept until an operator acts.

use crate::fixtures::{P, fresh};
use auction_app::ports::operator::parked_events::{
    OperatorAction, ParkReason, ParkedAggregate, ParkedEvent, ParkedEvents,
};
use auction_domain::Timestamp;
use auction_wire::PartitionId;
use uuid::Uuid;

fn event(key: Uuid, position: u64) -> ParkedEvent {
    let (kind, error) = ("bid_raffled".to_owned(), "no such kind".to_owned());
    ParkedEvent { key, position, version: 3, kind, reason: ParkReason::Unreadable, error }
}

async fn parked_by(parked_events: &impl ParkedEvents, component: &str) -> Vec<ParkedEvent> {
    parked_events.of(component, P).await.unwrap().into_iter().map(|parked| parked.event).collect()
}

pub async fn parked_events_are_listed_by_component_and_partition(parked_events: &impl ParkedEvents) {
    let (late, early) = (event(fresh(), 9), event(fresh(), 4));
    parked_events.park("projector", P, &late).await.unwrap();
    parked_events.park("projector", P, &early).await.unwrap();
    assert_eq!(parked_by(parked_events, "projector").await, [early, late]);
    assert_eq!(parked_by(parked_events, "notifier").await, []);
    assert_eq!(parked_events.of("projector", PartitionId(1)).await.unwrap(), []);
    assert_eq!(parked_events.all().await.unwrap(), parked_events.of("projector", P).await.unwrap());
    let parked: Vec<ParkedAggregate> = parked_events.of("projector", P).await.unwrap();
    assert!(parked[0].parked_at > Timestamp(0) && parked[0].component == "projector");
    assert_eq!((parked[0].partition, parked[0].requested_action), (P, None));
}

pub async fn parking_again_replaces_the_event_and_clears_the_action(parked_events: &impl ParkedEvents) {
    let key = fresh();
    parked_events.park("projector", P, &event(key, 4)).await.unwrap();
    assert!(parked_events.request("projector", key, 4, OperatorAction::Retry).await.unwrap());
    let panicked = ParkedEvent { reason: ParkReason::Panicked, error: "a\0b".to_owned(), ..event(key, 7) };
    parked_events.park("projector", P, &panicked).await.unwrap();
    let parked = parked_events.of("projector", P).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].event.position, parked[0].event.reason), (7, ParkReason::Panicked));
    assert_eq!(parked[0].requested_action, None);
}

pub async fn requested_action_is_visible_to_the_component(parked_events: &impl ParkedEvents) {
    let key = fresh();
    parked_events.park("projector", P, &event(key, 4)).await.unwrap();
    parked_events.park("notifier", P, &event(key, 4)).await.unwrap();
    for action in OperatorAction::ALL {
        assert!(parked_events.request("projector", key, 4, action).await.unwrap());
        assert_eq!(parked_events.of("projector", P).await.unwrap()[0].requested_action, Some(action));
    }
    assert_eq!(parked_events.of("notifier", P).await.unwrap()[0].requested_action, None);
    assert!(
        !parked_events.request("projector", key, 5, OperatorAction::Drop).await.unwrap(),
        "no event is parked at position 5"
    );
    assert!(!parked_events.request("projector", fresh(), 4, OperatorAction::Drop).await.unwrap());
}

pub async fn unpark_removes_only_the_event_at_the_position(parked_events: &impl ParkedEvents) {
    let key = fresh();
    parked_events.park("projector", P, &event(key, 4)).await.unwrap();
    parked_events.park("notifier", P, &event(key, 4)).await.unwrap();
    parked_events.unpark("projector", key, 3).await.unwrap();
    assert_eq!(parked_by(parked_events, "projector").await.len(), 1);
    parked_events.unpark("projector", key, 4).await.unwrap();
    assert_eq!(parked_by(parked_events, "projector").await, []);
    assert_eq!(parked_by(parked_events, "notifier").await.len(), 1);
}
