//! Somebody who is called by webhooks, and writes down what he is told.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// He is called at a URL.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<AtomicU16>,
}

/// What he was told once.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

impl Receiver {
    /// Answers with 200, until he is told otherwise.
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Receiver { url, received: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let called = receiver.clone();
        let router = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            called.received.lock().unwrap().push(Received { headers, body });
            match called.status.load(Ordering::Relaxed) {
                0 => std::future::pending().await,
                status => StatusCode::from_u16(status).unwrap(),
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    /// From now on he answers so; with 0 never.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}
