//! What has happened, and who has read of it.

use super::test_user::TestUser;
use super::{DEADLINE, eventually};
use auction_domain::{Timestamp, UserId};
use auction_wire::notification::{Notification, NotificationList};
use auction_wire::{CommandId, EventRecord};
use std::collections::BTreeMap;
use std::time::Instant;
use tokio_postgres::Client;
use uuid::Uuid;

/// People who ask again and again what is new.
pub struct PollingReaders {
    people: Vec<(UserId, TestUser)>,
    /// What each has seen, in the order in which he did.
    pub seen: BTreeMap<UserId, Vec<Notification>>,
}

impl PollingReaders {
    pub fn new(users: &[UserId], url: &str) -> PollingReaders {
        let person = |user: &UserId| {
            let mut person = TestUser::nobody(url);
            person.id = Some(user.to_string());
            (*user, person)
        };
        PollingReaders { people: users.iter().map(person).collect(), seen: BTreeMap::new() }
    }

    /// Everybody looks once.
    pub async fn look(&mut self) {
        for (user, person) in &self.people {
            let seen = self.seen.entry(*user).or_default();
            let after = seen.last().map(|last| format!("&after={}", last.cursor)).unwrap_or_default();
            let answer = person.get(&format!("/notifications?limit=1000{after}"), &[]).await;
            if answer.status == 503 {
                continue; // a server is away; the next look shows it
            }
            let list: NotificationList = serde_json::from_value(answer.is(200).body.clone()).unwrap();
            seen.extend(list.notifications);
        }
    }

    /// They look until each has seen all that is stored for him, each once and in order.
    pub async fn see_all(&mut self, database: &Client) {
        let users: Vec<UserId> = self.people.iter().map(|(user, _)| *user).collect();
        for user in users {
            let stored = "SELECT id FROM notifications WHERE user_id = $1 ORDER BY seq";
            let stored = database.query(stored, &[&user.0]).await.unwrap();
            let stored: Vec<Uuid> = stored.iter().map(|row| row.get(0)).collect();
            let began = Instant::now();
            while self.seen.get(&user).map_or(0, Vec::len) < stored.len() {
                assert!(began.elapsed() < DEADLINE, "{user} never saw all");
                self.look().await;
            }
            let seen = self.seen.get(&user).into_iter().flatten();
            let seen: Vec<Uuid> = seen.map(|one| one.id).collect();
            assert_eq!(seen, stored, "{user} saw each once, in order");
        }
    }
}

/// All events are told.
pub async fn all_told(database: &Client) {
    let behind = "SELECT count(*) FROM partitions p LEFT JOIN notifier_checkpoints n ON n.partition = p.id \
                  WHERE coalesce(n.position, 0) < p.head";
    eventually("all events are told", || async {
        (database.query_one(behind, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
    })
    .await;
}

/// Everything that has happened, in the order of each partition.
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

impl PollingReaders {
    /// All that was seen, and by whom.
    pub fn told(&self) -> Vec<(UserId, Notification)> {
        self.seen.iter().flat_map(|(user, seen)| seen.iter().map(|one| (*user, one.clone()))).collect()
    }
}
