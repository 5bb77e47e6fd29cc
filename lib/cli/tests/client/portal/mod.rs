//! The real router over ports in memory, behind a server that injects faults.

mod backends;
mod ingress;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use backends::Backends;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

/// Injected faults: each affects every n-th request; 0 disables it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Closes the connection before the request is handled.
    pub(crate) lost_request: u64,
    /// Handles the request and closes the connection without a response.
    pub(crate) lost_answer: u64,
    /// Handles the request and closes the connection within the response.
    pub(crate) cut_answer: u64,
    /// Answers 503 without handling the request.
    pub(crate) unavailable: u64,
    /// Answers 202 and decides the command later.
    pub(crate) pending: u64,
}

pub(crate) struct TestPortal {
    pub(crate) url: String,
    pub(crate) backends: Backends,
    address: SocketAddr,
    server: Arc<Server>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

struct Server {
    router: Mutex<Router>,
    faults: Faults,
    requests: AtomicU64,
    /// Number of requests for a command handle that the ingress did not issue.
    unknown_handles: AtomicU64,
}

impl TestPortal {
    pub(crate) async fn start(faults: Faults) -> TestPortal {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, backends) = (listener.local_addr().unwrap(), Backends::start().await);
        let server = Arc::new(Server {
            router: Mutex::new(ingress::router(&backends)),
            faults,
            requests: AtomicU64::new(0),
            unknown_handles: AtomicU64::new(0),
        });
        let serving = Mutex::new(Some(tokio::spawn(serve(listener, server.clone()))));
        TestPortal { url: format!("http://{address}"), backends, address, server, serving }
    }

    /// Simulates the end of the ingress: all connections break and new ones are refused. The next ingress
    /// knows no handle of this one, as after a change of its secret. The backends keep running.
    pub(crate) fn kill(&self) {
        if let Some(serving) = self.serving.lock().unwrap().take() {
            serving.abort();
        }
        *self.server.router.lock().unwrap() = ingress::router(&self.backends);
    }

    pub(crate) async fn restart(&self) {
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        *self.serving.lock().unwrap() = Some(tokio::spawn(serve(listener, self.server.clone())));
    }

    /// Waits until this number of requests has arrived.
    pub(crate) async fn wait_for_requests(&self, requests: u64) {
        while self.server.requests.load(Ordering::Relaxed) < requests {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn unknown_handles(&self) -> u64 {
        self.server.unknown_handles.load(Ordering::Relaxed)
    }
}

impl Drop for TestPortal {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.lock().unwrap().take() {
            serving.abort();
        }
    }
}

async fn serve(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new(); // aborted with this task
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.spawn(handle_connection(stream, server.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn handle_connection(stream: TcpStream, server: Arc<Server>) {
    let service = service_fn(|request| server.answer(request));
    // An error of the service closes the connection without a response.
    let _fault = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response, &'static str> {
        let count = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let is_due = |every: u64| every != 0 && count.is_multiple_of(every);
        if is_due(self.faults.lost_request) {
            return Err("lost request");
        }
        if is_due(self.faults.unavailable) {
            return Ok((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "0")]).into_response());
        }
        let mut request = with_short_pages(request.map(Body::new));
        if is_due(self.faults.pending) && request.method() != Method::GET {
            request.headers_mut().remove("prefer");
        }
        let asks_for_handle = request.uri().path().starts_with("/command/");
        let router = self.router.lock().unwrap().clone();
        let Ok(mut response) = router.oneshot(request).await;
        if asks_for_handle && response.status() == StatusCode::NOT_FOUND {
            self.unknown_handles.fetch_add(1, Ordering::Relaxed);
        }
        // The client would wait for a second.
        if let Some(retry_after) = response.headers_mut().get_mut(header::RETRY_AFTER) {
            *retry_after = HeaderValue::from_static("0");
        }
        if is_due(self.faults.lost_answer) {
            return Err("lost answer");
        }
        Ok(if is_due(self.faults.cut_answer) { cut(response).await } else { response })
    }
}

/// Limits the pages of auction lists to two entries, so that lists have several pages.
fn with_short_pages(mut request: Request<Body>) -> Request<Body> {
    let uri = request.uri().to_string();
    if let Some((path, query)) = uri.split_once("?limit=").filter(|(path, _)| *path == "/auctions") {
        let rest = query.split_once('&').map_or_else(String::new, |(_, rest)| format!("&{rest}"));
        *request.uri_mut() = format!("{path}?limit=2{rest}").parse::<Uri>().unwrap();
    }
    request
}

/// Ends the body of a response in the middle, with an error that closes the connection.
async fn cut(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let chunks = [Ok(body.slice(..body.len() / 2)), Err("cut answer")];
    Response::from_parts(parts, Body::from_stream(futures_util::stream::iter(chunks)))
}
