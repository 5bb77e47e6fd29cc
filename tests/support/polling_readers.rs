//! Users that poll their notifications, and access to all events.

use super::test_user::TestUser;
use super::{DEADLINE, eventually};
use auction_domain::{Timestamp, UserId};
use auction_wire::notification::{Notification, NotificationList};
use auction_wire::{CommandId, EventRecord};
use std::collections::BTreeMap;
use std::time::Instant;
use tokio_postgres::Client;
use uuid::Uuid;

/// Users that poll `GET /notifications` and remember what they received.
pub struct PollingReaders {
    readers: Vec<(UserId, TestUser)>,
    /// All notifications received by each user, in that order.
    received: BTreeMap<UserId, Vec<Notification>>,
}

impl PollingReaders {
    pub fn new(users: &[UserId], url: &str) -> PollingReaders {
        let reader = |user: &UserId| {
            let mut reader = TestUser::anonymous(url);
            reader.id = Some(user.to_string());
            (*user, reader)
        };
        PollingReaders { readers: users.iter().map(reader).collect(), received: BTreeMap::new() }
    }

    /// Polls once for each user.
    pub async fn poll(&mut self) {
        for (user, reader) in &self.readers {
            let received = self.received.entry(*user).or_default();
            let after = received.last().map(|last| format!("&after={}", last.cursor)).unwrap_or_default();
            let response = reader.get(&format!("/notifications?limit=1000{after}"), &[]).await;
            if response.status == 503 {
                continue; // a backend is unavailable; the next poll returns the notifications
            }
            let list = response.assert_status(200).body.clone();
            let list: NotificationList = serde_json::from_value(list).unwrap();
            received.extend(list.notifications);
        }
    }

    /// Polls until every user has received all their stored notifications. Asserts that each was received
    /// once and in order.
    pub async fn poll_until_complete(&mut self, database: &Client) {
        let users: Vec<UserId> = self.readers.iter().map(|(user, _)| *user).collect();
        for user in users {
            let stored = "SELECT id FROM notifications WHERE user_id = $1 ORDER BY seq";
            let stored = database.query(stored, &[&user.0]).await.unwrap();
            let stored: Vec<Uuid> = stored.iter().map(|row| row.get(0)).collect();
            let began = Instant::now();
            while self.received.get(&user).map_or(0, Vec::len) < stored.len() {
                assert!(began.elapsed() < DEADLINE, "user {user} did not receive all notifications");
                self.poll().await;
            }
            let received = self.received.get(&user).into_iter().flatten();
            let received: Vec<Uuid> = received.map(|notification| notification.id).collect();
            assert_eq!(received, stored, "user {user} received each notification once, in order");
        }
    }

    /// Returns all received notifications with their users.
    pub fn notifications(&self) -> Vec<(UserId, Notification)> {
        let received = self.received.iter();
        received.flat_map(|(user, list)| list.iter().map(|one| (*user, one.clone()))).collect()
    }
}

/// Waits until the notifiers have processed all stored events.
pub async fn wait_until_all_notified(database: &Client) {
    let lagging = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                   WHERE coalesce(n.position, 0) < p.head";
    eventually("the notifiers have processed all events", || async {
        (database.query_one(lagging, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

/// Returns all stored events, in the order of each partition.
pub async fn all_events(database: &Client) -> Vec<EventRecord> {
    let query = "SELECT position, aggregate, version, kind, schema, at, command_id, body FROM events \
                 ORDER BY partition, position";
    let record = |row: &tokio_postgres::Row| EventRecord {
        position: row.get::<_, i64>(0) as u64,
        key: row.get(1),
        version: row.get::<_, i64>(2) as u64,
        kind: row.get(3),
        schema: row.get::<_, i16>(4) as u16,
        at: Timestamp(row.get(5)),
        cause: CommandId(row.get(6)),
        trace: String::new(),
        body: row.get(7),
    };
    database.query(query, &[]).await.unwrap().iter().map(record).collect()
}
