//! Webhooks are signed, and only allowed addresses are called.

#![allow(clippy::unwrap_used)]

use auction_app::notifier::webhooks::{UrlPolicy, WebhookSecrets};
use auction_app::ports::notifications::outbox::{DeliveryId, Destination, OutboxMessage};
use auction_app::ports::notifications::transport::{SendResult, Transport};
use auction_delivery::WebhookTransport;
use auction_wire::PartitionId;
use auction_wire::api::Money;
use auction_wire::notification::{NotificationBody, NotificationContent};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use uuid::Uuid;

const ALLOW_ALL: UrlPolicy = UrlPolicy { http: true, private_addresses: true };
const TIMEOUT: Duration = Duration::from_millis(500);

/// Starts a server that answers every request with `answer`. Returns its port and the requests it received.
async fn receiver(answer: String) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // A body ends with two braces: of `data` and of the whole object. A TLS handshake starts with 22.
            while !request.ends_with(b"}}") && request.first() != Some(&22) {
                if connection.read_buf(&mut request).await.unwrap() == 0 {
                    break;
                }
            }
            record.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, received)
}

fn answer(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n{headers}\r\n")
}

fn secrets() -> WebhookSecrets {
    WebhookSecrets::new(&[7; 32]).unwrap()
}

fn message(url: String, previous: bool) -> OutboxMessage {
    let price = Money { amount: 5, currency: "USD".to_owned() };
    let body = NotificationBody::AuctionWon { bid: Uuid::nil(), price: price.clone(), counts_for: price };
    let at = auction_wire::time::parse("2026-11-22T18:30:00Z").unwrap().into();
    let content =
        NotificationContent { at, auction: Uuid::nil(), title: "Töpfe".to_owned(), version: 3, body };
    let content = serde_json::to_vec(&content).unwrap();
    let destination = Destination::Webhook { url, secret: 2, previous };
    OutboxMessage {
        delivery: DeliveryId { partition: PartitionId(0), seq: 1 },
        claim: 1,
        endpoint: Uuid::from_u128(9),
        id: Uuid::from_u128(5),
        attempts: 0,
        content,
        destination,
    }
}

async fn send(url_policy: UrlPolicy, url: String) -> SendResult {
    WebhookTransport::new(secrets(), url_policy, TIMEOUT).unwrap().send(&message(url, false)).await
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let line = request.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {request}")).split_once(": ").unwrap().1
}

#[tokio::test]
async fn webhook_is_signed_with_current_and_previous_secret() {
    let (port, received) = receiver(answer("204 No Content", "")).await;
    let transport = WebhookTransport::new(secrets(), ALLOW_ALL, TIMEOUT).unwrap();
    for previous in [false, true] {
        let result = transport.send(&message(format!("http://127.0.0.1:{port}/hook?a=1"), previous)).await;
        assert_eq!(result, SendResult::Accepted { status: Some(204) });
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
async fn only_2xx_is_accepted_and_410_disables_the_endpoint() {
    for (status, expected) in [
        ("200 OK", SendResult::Accepted { status: Some(200) }),
        ("410 Gone", SendResult::EndpointGone { status: Some(410) }),
        ("404 Not Found", SendResult::Retryable { status: Some(404), error: "status" }),
        ("503 Service Unavailable", SendResult::Retryable { status: Some(503), error: "status" }),
    ] {
        let (port, _) = receiver(answer(status, "")).await;
        assert_eq!(send(ALLOW_ALL, format!("http://127.0.0.1:{port}/")).await, expected);
    }
}

#[tokio::test]
async fn webhook_redirect_is_not_followed() {
    let (target, received) = receiver(answer("200 OK", "")).await;
    let location = format!("location: http://127.0.0.1:{target}/\r\n");
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (port, _) = receiver(answer(status, &location)).await;
        let result = send(ALLOW_ALL, format!("http://127.0.0.1:{port}/")).await;
        assert!(
            matches!(result, SendResult::Retryable { status: Some(300..400), error: "status" }),
            "{result:?}"
        );
    }
    assert_eq!(*received.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn private_addresses_are_not_called_under_any_name() {
    let (port, received) = receiver(answer("200 OK", "")).await;
    let public_only = UrlPolicy { http: true, private_addresses: false };
    for host in ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "[::ffff:127.0.0.1]"] {
        let result = send(public_only, format!("http://{host}:{port}/")).await;
        assert_eq!(result, SendResult::Retryable { status: None, error: "address_not_allowed" }, "{host}");
    }
    assert_eq!(*received.lock().unwrap(), Vec::<String>::new());
    let result = send(ALLOW_ALL, format!("http://localhost:{port}/")).await;
    assert_eq!(
        result,
        SendResult::Accepted { status: Some(200) },
        "a name is resolved where the policy allows it"
    );
}

#[tokio::test]
async fn failed_attempt_has_an_error_code() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let retryable = |error| SendResult::Retryable { status: None, error };
    assert_eq!(send(ALLOW_ALL, format!("http://127.0.0.1:{port}/")).await, retryable("timed_out"));
    drop(silent);
    assert_eq!(send(ALLOW_ALL, format!("http://127.0.0.1:{port}/")).await, retryable("not_connected"));
    // A server without TLS: the transport does not fall back to plain HTTP.
    let (plain, received) = receiver(answer("200 OK", "")).await;
    assert_eq!(send(ALLOW_ALL, format!("https://127.0.0.1:{plain}/")).await, retryable("not_connected"));
    assert!(received.lock().unwrap().iter().all(|request| !request.contains("webhook-id")));
}
