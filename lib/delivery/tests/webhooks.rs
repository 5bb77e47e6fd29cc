//! Webhooks are signed, and called nowhere but where they may be.

#![allow(clippy::unwrap_used)]

use auction_app::notifier::webhooks::{UrlPolicy, WebhookSecrets};
use auction_app::ports::notifications::outbox::{Destination, OutboxMessage};
use auction_app::ports::notifications::transport::{SendResult, Transport};
use auction_delivery::WebhookTransport;
use auction_wire::api::Money;
use auction_wire::notification::{NotificationBody, NotificationContent};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

const EVERYWHERE: UrlPolicy = UrlPolicy { http: true, private_addresses: true };
const WITHIN: Duration = Duration::from_millis(500);

/// Answers everybody so, and writes down what it was sent.
async fn receiver(answer: String) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let write_down = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // Bodies end with the two braces of `data`, and of all of it; a handshake begins with 22.
            while !request.ends_with(b"}}") && request.first() != Some(&22) {
                if connection.read_buf(&mut request).await.unwrap() == 0 {
                    break;
                }
            }
            write_down.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, received)
}

fn answer(status: &str, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n{more}\r\n")
}

fn secrets() -> WebhookSecrets {
    WebhookSecrets::new(&[7; 32]).unwrap()
}

fn parcel(url: String, previous: bool) -> OutboxMessage {
    let pays = Money { amount: 5, currency: "USD".to_owned() };
    let what = NotificationBody::AuctionWon { bid: Uuid::nil(), pays: pays.clone(), counts_for: pays };
    let at = auction_wire::time::parse("2026-11-22T18:30:00Z").unwrap().into();
    let news = NotificationContent { at, auction: Uuid::nil(), title: "Töpfe".to_owned(), version: 3, what };
    let news = serde_json::to_vec(&news).unwrap();
    let to = Destination::Webhook { url, secret: 2, previous };
    OutboxMessage {
        seq: 1,
        claim: 1,
        endpoint: Uuid::from_u128(9),
        id: Uuid::from_u128(5),
        attempts: 0,
        news,
        to,
    }
}

async fn carry(reach: UrlPolicy, url: String) -> SendResult {
    WebhookTransport::new(secrets(), reach, WITHIN).unwrap().send(&parcel(url, false)).await
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let line = request.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {request}")).split_once(": ").unwrap().1
}

#[tokio::test]
async fn what_is_sent_is_signed_by_its_secret_and_by_the_one_before_while_that_counts() {
    let (port, received) = receiver(answer("204 No Content", "")).await;
    let courier = WebhookTransport::new(secrets(), EVERYWHERE, WITHIN).unwrap();
    for previous in [false, true] {
        let taken = courier.send(&parcel(format!("http://127.0.0.1:{port}/hook?a=1"), previous)).await;
        assert_eq!(taken, SendResult::Accepted { status: Some(204) });
        let request = received.lock().unwrap().pop().unwrap();
        assert!(request.starts_with("POST /hook?a=1 HTTP/1.1"), "{request}");
        assert_eq!(header(&request, "content-type"), "application/json");
        assert_eq!(header(&request, "webhook-id"), Uuid::from_u128(5).to_string());
        let timestamp: u64 = header(&request, "webhook-timestamp").parse().unwrap();
        let body = request.split_once("\r\n\r\n").unwrap().1;
        let sign = |number| {
            let secret = secrets().of(Uuid::from_u128(9), number);
            secret.sign(&Uuid::from_u128(5).to_string(), timestamp, body.as_bytes())
        };
        let expected = if previous { format!("{} {}", sign(2), sign(1)) } else { sign(2) };
        assert_eq!(header(&request, "webhook-signature"), expected);
    }
}

#[tokio::test]
async fn only_2xx_is_taken_and_410_wants_nothing_more() {
    for (status, expected) in [
        ("200 OK", SendResult::Accepted { status: Some(200) }),
        ("410 Gone", SendResult::EndpointGone { status: Some(410) }),
        ("404 Not Found", SendResult::Retryable { status: Some(404), error: "status" }),
        ("503 Service Unavailable", SendResult::Retryable { status: Some(503), error: "status" }),
    ] {
        let (port, _) = receiver(answer(status, "")).await;
        assert_eq!(carry(EVERYWHERE, format!("http://127.0.0.1:{port}/")).await, expected);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (inside, received) = receiver(answer("200 OK", "")).await;
    let location = format!("location: http://127.0.0.1:{inside}/\r\n");
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (port, _) = receiver(answer(status, &location)).await;
        let carried = carry(EVERYWHERE, format!("http://127.0.0.1:{port}/")).await;
        assert!(
            matches!(carried, SendResult::Retryable { status: Some(300..400), error: "status" }),
            "{carried:?}"
        );
    }
    assert_eq!(*received.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_private_address_is_not_called_by_whichever_name() {
    let (port, received) = receiver(answer("200 OK", "")).await;
    let only_http = UrlPolicy { http: true, private_addresses: false };
    for host in ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let carried = carry(only_http, format!("http://{host}:{port}/")).await;
        assert_eq!(carried, SendResult::Retryable { status: None, error: "address_not_allowed" }, "{host}");
    }
    assert_eq!(*received.lock().unwrap(), Vec::<String>::new());
    let carried = carry(EVERYWHERE, format!("http://localhost:{port}/")).await;
    assert_eq!(carried, SendResult::Accepted { status: Some(200) }, "where it is allowed, a name will do");
}

#[tokio::test]
async fn what_went_wrong_is_told_in_one_word() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let not_taken = |error| SendResult::Retryable { status: None, error };
    assert_eq!(carry(EVERYWHERE, format!("http://127.0.0.1:{port}/")).await, not_taken("timed_out"));
    drop(silent);
    assert_eq!(carry(EVERYWHERE, format!("http://127.0.0.1:{port}/")).await, not_taken("not_connected"));
    // No TLS there: and none is done without.
    let (plain, received) = receiver(answer("200 OK", "")).await;
    assert_eq!(carry(EVERYWHERE, format!("https://127.0.0.1:{plain}/")).await, not_taken("not_connected"));
    assert!(received.lock().unwrap().iter().all(|request| !request.contains("webhook-id")));
}
