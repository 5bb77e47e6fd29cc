//! Notifiers are killed with SIGKILL under load. Each notification is in one inbox once, in order, and a reader sees
//! it once.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::wait_until_all_notified;
use auction_domain::{Timestamp, UserId};
use auction_oracle::notifications::notifications_match;
use auction_wire::notification::Notification;
use auction_wire::{CommandId, EventRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio_postgres::Row;
use uuid::Uuid;

const SETTINGS: [(&str, &str); 4] = [
    ("AUCTION__PARTITIONS", "8"),
    ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
    ("AUCTION__NOTIFIER__INTERVAL_MS", "100"),
    // Inboxes keep everything.
    ("AUCTION__NOTIFIER__INBOX_SIZE", "10000"),
];

/// Time in which a lease expires and the next notifier begins.
const DEADLINE: Duration = Duration::from_secs(30);

/// Notifications that a user has seen, and the cursor behind them.
#[derive(Default)]
struct Seen {
    cursor: Option<String>,
    notifications: Vec<Notification>,
}

/// Reads the new notifications of a user.
async fn read_new(user: &TestUser, seen: &mut Seen) {
    loop {
        let after = seen.cursor.as_ref().map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let page = user.get(&format!("/notifications?limit=50{after}"), &[]).await;
        let body = &page.assert_status(200).body;
        let new: Vec<Notification> = serde_json::from_value(body["notifications"].clone()).unwrap();
        if new.is_empty() {
            return;
        }
        seen.cursor = Some(new.last().unwrap().cursor.clone());
        seen.notifications.extend(new);
    }
}

#[tokio::test]
async fn notifications_are_seen_once_when_notifiers_are_killed() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &SETTINGS);
    components.add_all(["writer", "notifier", "notifier", "notifier", "ingress"]);
    components.wait_until_ready().await;
    let mut load = Load::prepare(&servers, 5).await;
    let readers: Vec<TestUser> = load
        .users
        .iter()
        .map(|user| {
            let mut reader = TestUser::anonymous(&components.url());
            reader.id = Some(user.to_string());
            reader
        })
        .collect();
    let mut seen: Vec<Seen> = readers.iter().map(|_| Seen::default()).collect();
    for round in 0..6 {
        load.send_bids(150).await;
        // One of three, by turns with bids on their way and with all of them decided.
        if round % 2 == 0 {
            load.wait_until_all_decided().await;
        }
        let pid = components.pids("notifier")[0];
        components.stop_process(pid, "-KILL");
        components.add("notifier");
        for (reader, seen) in readers.iter().zip(&mut seen) {
            read_new(reader, seen).await;
        }
    }
    load.wait_until_all_decided().await;
    let database = servers.database().await;
    wait_until_all_notified(&database).await;
    let rows = database
        .query("SELECT user_id, array_agg(seq ORDER BY seq), array_agg(id ORDER BY seq) FROM notifications GROUP BY 1", &[])
        .await
        .unwrap();
    let stored: BTreeMap<Uuid, (Vec<i64>, Vec<Uuid>)> =
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    for ((user, reader), seen) in load.users.iter().zip(&readers).zip(&mut seen) {
        let (numbers, ids) = &stored[&user.0];
        assert_eq!(*numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "{user}: no gap");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{user}: no repeat");
        // What a killed notifier placed and did not deliver is readable once the next one has begun.
        let began = Instant::now();
        while seen.notifications.len() < ids.len() && began.elapsed() < DEADLINE {
            read_new(reader, seen).await;
        }
        let seen_ids: Vec<Uuid> = seen.notifications.iter().map(|one| one.id).collect();
        assert_eq!(seen_ids, *ids, "{user} saw each once, in order");
    }
    let all =
        load.users.iter().zip(&seen).flat_map(|(user, seen)| {
            seen.notifications.iter().map(|notification| (*user, notification.clone()))
        });
    let all: Vec<(UserId, Notification)> = all.collect();
    assert!(all.len() > 300, "{}", all.len());
    notifications_match(&events(&database).await, &all, &|_, _| true).unwrap();
    components.terminate();
}

/// Returns the events of all partitions, each in order.
async fn events(database: &tokio_postgres::Client) -> Vec<EventRecord> {
    let query = "SELECT position, aggregate, version, kind, schema, at, command_id, body FROM events
        ORDER BY partition, position";
    let rows = database.query(query, &[]).await.unwrap();
    let event = |row: &Row| EventRecord {
        position: row.get::<_, i64>(0).cast_unsigned(),
        key: row.get(1),
        version: row.get::<_, i64>(2).cast_unsigned(),
        kind: row.get(3),
        schema: row.get::<_, i16>(4).cast_unsigned(),
        at: Timestamp(row.get(5)),
        cause: CommandId(row.get(6)),
        trace: String::new(),
        body: row.get(7),
    };
    rows.iter().map(event).collect()
}
