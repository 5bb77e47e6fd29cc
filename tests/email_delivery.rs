//! Notifications by e-mail reach their users when notifiers are killed. Repeated e-mails have the same
//! message id.

use crate::support::components::RunningComponents;
use crate::support::mail_server::{MailServer, ReceivedMail};
use crate::support::servers::TestServers;
use crate::support::test_user::TestUser;
use crate::support::{eventually, wait_until_all_notified};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

fn ids(mails: &[ReceivedMail]) -> BTreeSet<String> {
    mails.iter().map(|mail| mail.header("Message-ID").to_owned()).collect()
}

async fn add_account(database: &tokio_postgres::Client, user: &TestUser, email: &str) {
    let insert = "INSERT INTO accounts \
                  (user_id, email, name, password_hash, role, state, command_id, created_at) \
                  VALUES ($1, $2, '', '', 'bidder', 'active', $1, 0)";
    let user_id: Uuid = user.id.as_ref().unwrap().parse().unwrap();
    database.execute(insert, &[&user_id, &email]).await.unwrap();
}

async fn deliveries(database: &tokio_postgres::Client) -> Vec<(String, i32, Option<i16>, Option<String>)> {
    let query = "SELECT state, attempts, status, error FROM deliveries WHERE channel = 'email' ORDER BY seq";
    let rows = database.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

#[tokio::test]
async fn emails_survive_kill_9_and_keep_their_message_id() {
    let servers = TestServers::start().await;
    let server = MailServer::start().await;
    let settings = [
        ("AUCTION__NOTIFIER__LEASE_SECONDS", "2"),
        ("AUCTION__NOTIFIER__INTERVAL_MS", "50"),
        ("AUCTION__EMAIL__SMTP_URL", server.url.as_str()),
        ("AUCTION__EMAIL__FROM", "The auctions <no-reply@auctions.example>"),
        ("AUCTION__EMAIL__KINDS", "auction_won,highest_bid"),
        ("AUCTION__EMAIL__TIMEOUT_SECONDS", "2"),
        ("AUCTION__EMAIL__SCHEDULE_SECOND_MS", "10"),
    ];
    let mut components = RunningComponents::new(&servers, &settings);
    components.add_all(["writer", "notifier", "auctioneer", "ingress"]);
    components.wait_until_ready().await;
    let url = components.url();
    let (sue, ada, bob) = (TestUser::new(&url).await, TestUser::new(&url).await, TestUser::new(&url).await);
    let database = servers.database().await;
    add_account(&database, &ada, "ada@users.example").await;
    let auction = sue.create_auction(json!({})).await;

    // The mail server has received the e-mail, and the notifier is killed before the response.
    server.respond_with(0);
    ada.bid(&auction, 10_000).await.assert_status(201);
    bob.bid(&auction, 20_000).await.assert_status(201);
    eventually("the e-mail is received", || async { (!server.received().is_empty()).then_some(()) }).await;
    let pid = components.pids("notifier")[0];
    components.stop_process(pid, "-KILL");
    server.respond_with(250);
    components.add("notifier");
    eventually("the e-mail is received again", || async { (server.received().len() == 2).then_some(()) })
        .await;
    let received = server.received();
    assert_eq!(ids(&received).len(), 1, "{received:?}");
    let database = &database;
    let delivered = || async { (deliveries(database).await[0].0 == "delivered").then_some(()) };
    eventually("the delivery is recorded as delivered", delivered).await;
    assert_eq!(received[1].to, "ada@users.example");
    assert_eq!(received[1].header("From"), "\"The auctions\" <no-reply@auctions.example>");
    assert!(received[1].header("Subject").starts_with("Cartier wristwatch: you were outbid"), "{received:?}");
    assert!(received[1].header("Message-ID").ends_with("@auctions.example>"), "{received:?}");

    // A temporary failure is retried; a permanent one is not.
    server.respond_with(451);
    ada.bid(&auction, 30_000).await.assert_status(201);
    bob.bid(&auction, 40_000).await.assert_status(201);
    eventually("the e-mail is retried after a temporary failure", || async {
        (server.received().len() >= 4).then_some(())
    })
    .await;
    server.respond_with(550);
    let refused = || async {
        let last = deliveries(database).await.pop().unwrap();
        (last.0 == "failed").then_some(last)
    };
    let (_, attempts, status, error) = eventually("the delivery has failed", refused).await;
    assert!(attempts >= 3, "{attempts}");
    assert_eq!((status, error.as_deref()), (Some(550), Some("status")));

    // Bob has no e-mail address and gets no e-mail. Ada gets one more for the auction she won.
    server.respond_with(250);
    ada.bid(&auction, 50_000).await.assert_status(201);
    sue.post(&format!("/auction/{auction}/end"), json!({}), &[("prefer", "wait=30")])
        .await
        .assert_status(200);
    let won = || async {
        let received = server.received();
        received.iter().any(|mail| mail.header("Subject").contains("you won")).then_some(())
    };
    eventually("ada receives the e-mail about the won auction", won).await;
    wait_until_all_notified(database).await;
    assert!(server.received().iter().all(|mail| mail.to == "ada@users.example"));
    components.terminate();
}
