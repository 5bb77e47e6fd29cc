//! E-mail: what the house sends by it reaches its user, whoever is killed, and says by its id when it comes twice.

use crate::support::components::Roles;
use crate::support::mail_server::{Mail, MailServer};
use crate::support::polling_readers::all_told;
use crate::support::test_user::TestUser;
use crate::support::{database, eventually};
use auction_local_servers::{LocalServerOptions, LocalServers};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

fn ids(mails: &[Mail]) -> BTreeSet<String> {
    mails.iter().map(|mail| mail.header("Message-ID").to_owned()).collect()
}

async fn account(database: &tokio_postgres::Client, person: &TestUser, email: &str) {
    let insert = "INSERT INTO accounts (user_id, email, name, password_hash, role, state, command_id, created_at) \
                  VALUES ($1, $2, '', '', 'bidder', 'active', $1, 0)";
    let user: Uuid = person.id.as_ref().unwrap().parse().unwrap();
    database.execute(insert, &[&user, &email]).await.unwrap();
}

async fn deliveries(database: &tokio_postgres::Client) -> Vec<(String, i32, Option<i16>, Option<String>)> {
    let query = "SELECT state, attempts, status, error FROM deliveries WHERE way = 'email' ORDER BY seq";
    let rows = database.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

#[tokio::test]
async fn an_e_mail_survives_kill_nine_and_has_the_same_id_when_it_comes_twice() {
    let directory = tempfile::tempdir().unwrap();
    let servers = LocalServers::start(LocalServerOptions::new(directory.path())).await.unwrap();
    let server = MailServer::start().await;
    let settings = [
        ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
        ("AUCTION__NOTIFIER__INTERVAL_MS", "50"),
        ("AUCTION__EMAIL__SMTP_URL", server.url.as_str()),
        ("AUCTION__EMAIL__FROM", "The house <no-reply@house.example>"),
        ("AUCTION__EMAIL__KINDS", "auction_won,highest_bid"),
        ("AUCTION__EMAIL__TIMEOUT_SECONDS", "2"),
        ("AUCTION__EMAIL__SCHEDULE_SECOND_MS", "10"),
    ];
    let mut roles = Roles::none(&servers, &settings);
    for role in ["writer", "notifier", "auctioneer", "ingress"] {
        roles.add(role);
    }
    roles.ready().await;
    let url = roles.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let database = database(servers.database_url()).await;
    account(&database, &ada, "ada@users.example").await;
    let auction = sue.offer(json!({})).await;

    // The server has the letter, and its sender is killed before it knows.
    server.answers(0);
    ada.bid(&auction, 10_000).await.is(201);
    bob.bid(&auction, 20_000).await.is(201);
    eventually("it came", || async { (!server.came().is_empty()).then_some(()) }).await;
    let pid = roles.pids("notifier")[0];
    roles.end(pid, "-KILL");
    server.answers(250);
    roles.add("notifier");
    eventually("it came again", || async { (server.came().len() == 2).then_some(()) }).await;
    let came = server.came();
    assert_eq!(ids(&came).len(), 1, "{came:?}");
    let database = &database;
    let delivered = || async { (deliveries(database).await[0].0 == "delivered").then_some(()) };
    eventually("it is known to be taken", delivered).await;
    assert_eq!(came[1].to, "ada@users.example");
    assert_eq!(came[1].header("From"), "\"The house\" <no-reply@house.example>");
    assert!(came[1].header("Subject").starts_with("Cartier wristwatch: you were outbid"), "{came:?}");
    assert!(came[1].header("Message-ID").ends_with("@house.example>"), "{came:?}");

    // Not now is tried again; never is not.
    server.answers(451);
    ada.bid(&auction, 30_000).await.is(201);
    bob.bid(&auction, 40_000).await.is(201);
    eventually("it is refused for now, twice", || async { (server.came().len() >= 4).then_some(()) }).await;
    server.answers(550);
    let refused = || async {
        let last = deliveries(database).await.pop().unwrap();
        (last.0 == "failed").then_some(last)
    };
    let (_, attempts, status, error) = eventually("it is given up", refused).await;
    assert!(attempts >= 3, "{attempts}");
    assert_eq!((status, error.as_deref()), (Some(550), Some("status")));

    // Bob has no address: nothing is to be sent to him. With a won auction there is one more for Ada.
    server.answers(250);
    ada.bid(&auction, 50_000).await.is(201);
    sue.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")]).await.is(200);
    let won = || async {
        let came = server.came();
        came.iter().any(|mail| mail.header("Subject").contains("you won")).then_some(())
    };
    eventually("she is told that she won", won).await;
    all_told(database).await;
    assert!(server.came().iter().all(|mail| mail.to == "ada@users.example"));
    assert!(roles.terminate().iter().all(|code| *code == Some(0)));
}
