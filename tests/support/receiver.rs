//! A webhook receiver that records all calls and answers each with a configurable status.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// An HTTP server for webhook calls. Clones share its state.
#[derive(Clone)]
pub struct WebhookReceiver {
    pub url: String,
    received: Arc<Mutex<Vec<WebhookCall>>>,
    status: Arc<AtomicU16>,
}

/// A received webhook call, whether it was answered or not.
#[derive(Clone, Debug)]
pub struct WebhookCall {
    pub headers: HeaderMap,
    pub body: String,
}

impl WebhookCall {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

impl WebhookReceiver {
    /// Starts a receiver that answers with 200.
    pub async fn start() -> WebhookReceiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver =
            WebhookReceiver { url, received: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let called = receiver.clone();
        let router = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            called.received.lock().unwrap().push(WebhookCall { headers, body });
            match called.status.load(Ordering::Relaxed) {
                0 => std::future::pending().await,
                status => StatusCode::from_u16(status).unwrap(),
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    /// Sets the status that calls are answered with from now on; with 0 they are never answered.
    pub fn respond_with(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub fn received(&self) -> Vec<WebhookCall> {
        self.received.lock().unwrap().clone()
    }
}
