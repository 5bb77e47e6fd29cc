//! [`ParkedEvents`]: what services cannot handle, kept until somebody does something about it.

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

async fn of(parking: &impl ParkedEvents, service: &str) -> Vec<ParkedEvent> {
    parking.of(service, P).await.unwrap().into_iter().map(|parked| parked.event).collect()
}

/// See its name.
pub async fn what_is_parked_comes_back_as_it_was_by_service_and_partition(parking: &impl ParkedEvents) {
    let (late, early) = (event(fresh(), 9), event(fresh(), 4));
    parking.park("projector", P, &late).await.unwrap();
    parking.park("projector", P, &early).await.unwrap();
    assert_eq!(of(parking, "projector").await, [early, late]);
    assert_eq!(of(parking, "notifier").await, []);
    assert_eq!(parking.of("projector", PartitionId(1)).await.unwrap(), []);
    assert_eq!(parking.all().await.unwrap(), parking.of("projector", P).await.unwrap());
    let parked: Vec<ParkedAggregate> = parking.of("projector", P).await.unwrap();
    assert!(parked[0].parked_at > Timestamp(0) && parked[0].service == "projector");
    assert_eq!((parked[0].partition, parked[0].asked), (P, None));
}

/// See its name.
pub async fn parked_anew_it_is_there_once_and_nothing_is_asked(parking: &impl ParkedEvents) {
    let key = fresh();
    parking.park("projector", P, &event(key, 4)).await.unwrap();
    assert!(parking.request("projector", key, 4, OperatorAction::Retry).await.unwrap());
    let panicked = ParkedEvent { reason: ParkReason::Panicked, error: "a\0b".to_owned(), ..event(key, 7) };
    parking.park("projector", P, &panicked).await.unwrap();
    let parked = parking.of("projector", P).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((parked[0].event.position, parked[0].event.reason), (7, ParkReason::Panicked));
    assert_eq!(parked[0].asked, None);
}

/// See its name.
pub async fn what_an_operator_asks_for_is_seen_by_the_service(parking: &impl ParkedEvents) {
    let key = fresh();
    parking.park("projector", P, &event(key, 4)).await.unwrap();
    parking.park("notifier", P, &event(key, 4)).await.unwrap();
    for asked in OperatorAction::ALL {
        assert!(parking.request("projector", key, 4, asked).await.unwrap());
        assert_eq!(parking.of("projector", P).await.unwrap()[0].asked, Some(asked));
    }
    assert_eq!(parking.of("notifier", P).await.unwrap()[0].asked, None);
    assert!(
        !parking.request("projector", key, 5, OperatorAction::Drop).await.unwrap(),
        "it is not parked there"
    );
    assert!(!parking.request("projector", fresh(), 4, OperatorAction::Drop).await.unwrap());
}

/// See its name.
pub async fn only_what_is_parked_at_that_position_is_taken_away(parking: &impl ParkedEvents) {
    let key = fresh();
    parking.park("projector", P, &event(key, 4)).await.unwrap();
    parking.park("notifier", P, &event(key, 4)).await.unwrap();
    parking.unpark("projector", key, 3).await.unwrap();
    assert_eq!(of(parking, "projector").await.len(), 1);
    parking.unpark("projector", key, 4).await.unwrap();
    assert_eq!(of(parking, "projector").await, []);
    assert_eq!(of(parking, "notifier").await.len(), 1);
}
