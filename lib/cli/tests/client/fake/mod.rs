//! A fake portal in memory, served over a real socket.

mod http;
mod portal;
mod view;

use http::{Request, Response};
use portal::Portal;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

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

pub(crate) struct Fake {
    pub(crate) url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    portal: Mutex<Portal>,
    faults: Faults,
    requests: AtomicU64,
}

impl Fake {
    pub(crate) async fn start(faults: Faults) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { portal: Mutex::default(), faults, requests: AtomicU64::new(0) });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Fake { url: format!("http://{address}"), address, shared, serving: Mutex::new(Some(serving)) }
    }

    /// Simulates the end of the process: all connections break, new ones are refused, command handles are
    /// lost. Decided and accepted commands are kept, as on disk.
    pub(crate) fn kill(&self) {
        if let Some(serving) = self.serving.lock().unwrap().take() {
            serving.abort();
        }
        self.portal().forget_handles();
    }

    pub(crate) async fn restart(&self) {
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        *self.serving.lock().unwrap() = Some(tokio::spawn(serve(listener, self.shared.clone())));
    }

    pub(crate) fn portal(&self) -> MutexGuard<'_, Portal> {
        self.shared.portal.lock().unwrap()
    }

    /// Waits until this number of requests has arrived.
    pub(crate) async fn wait_for_requests(&self, requests: u64) {
        while self.shared.requests.load(Ordering::Relaxed) < requests {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new(); // aborted with this task
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.spawn(handle_connection(stream, shared.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn handle_connection(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = http::read(&mut stream).await {
        let count = shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let is_due = |every: u64| every != 0 && count.is_multiple_of(every);
        let faults = shared.faults;
        if is_due(faults.lost_request) {
            return;
        }
        if is_due(faults.unavailable) {
            http::write(&mut stream, Response::unavailable()).await;
            continue;
        }
        let response = answer(&shared, &request, is_due(faults.pending));
        if is_due(faults.lost_answer) {
            return;
        }
        if is_due(faults.cut_answer) {
            http::write_half(&mut stream, response).await;
            return;
        }
        http::write(&mut stream, response).await;
    }
}

fn answer(shared: &Shared, request: &Request, delay: bool) -> Response {
    shared.portal.lock().unwrap().answer(request, delay)
}
