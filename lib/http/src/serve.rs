//! HTTP/1.1 server of the ingress, with timeouts for slow clients and a graceful shutdown.

use crate::address_limits::AddressPermit;
use crate::rate_limits::TooManyConnections;
use crate::routes::router;
use crate::state::{IngressState, Settings};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;
use worker_runtime::health::HealthHandle;

/// Maximum time for open connections to finish during shutdown. Requests that wait for an outcome are
/// answered well before.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Delay after a failed `accept`, such as when the process has no more file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Longest time to wait for a connection before the server reports that it is alive.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// Maximum size of the read and write buffers of a connection.
const MAX_BUFFER: usize = 64 * 1024;

/// Serves requests until the shutdown. Then it accepts no more connections and answers every request that it
/// has received. A connection that never completes its request delays the shutdown by at most
/// `SHUTDOWN_TIMEOUT`.
pub async fn serve(listener: TcpListener, portal: Arc<IngressState>) -> std::io::Result<()> {
    let (mut shutdown, timeouts) = (portal.shutdown.clone(), ConnectionTimeouts::of(&portal.settings));
    let health = portal.health.register("ingress connections");
    let limits = Arc::clone(&portal);
    let count: CountConnection = Box::new(move |peer| match &limits.rate_limits {
        Some(limits) => limits.count_connection(peer),
        None => Ok(None),
    });
    let server = ConnectionServer { router: router(portal), timeouts, count };
    server.serve(listener, &health, async move { shutdown.wait().await }).await
}

/// Timeouts for slow clients.
#[derive(Clone, Copy)]
struct ConnectionTimeouts {
    /// Timeout for receiving the head of a request, from the end of the previous request.
    header: Duration,
    /// Timeout for sending more of a response.
    write: Duration,
}

impl ConnectionTimeouts {
    fn of(settings: &Settings) -> ConnectionTimeouts {
        ConnectionTimeouts { header: settings.header_timeout, write: settings.write_timeout }
    }
}

/// Counts a connection of a peer, or refuses it.
type CountConnection = Box<dyn Fn(IpAddr) -> Result<Option<AddressPermit>, TooManyConnections> + Send + Sync>;

/// Server of the connections of an ingress.
struct ConnectionServer {
    router: Router,
    timeouts: ConnectionTimeouts,
    count: CountConnection,
}

impl ConnectionServer {
    async fn serve(
        self,
        listener: TcpListener,
        health: &HealthHandle,
        shutdown: impl Future<Output = ()>,
    ) -> std::io::Result<()> {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.timeouts.header).max_buf_size(MAX_BUFFER);
        let connections = GracefulShutdown::new();
        tokio::pin!(shutdown);
        health.set_up();
        loop {
            let accepted = tokio::select! {
                accepted = timeout(IDLE_INTERVAL, listener.accept()) => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok(Ok((stream, peer))) => {
                    health.set_up();
                    self.spawn(&http, &connections, stream, peer);
                }
                // The client has already disconnected.
                Ok(Err(error)) if is_connection_error(&error) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "accepting connections failed");
                    health.set_waiting(format_args!("accepting connections: {error}"));
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
                // No connection waits: whatever failed before is over.
                Err(_) => health.set_up(),
            }
        }
        drop(listener);
        tokio::select! {
            () = connections.shutdown() => {}
            () = tokio::time::sleep(SHUTDOWN_TIMEOUT) => {
                tracing::warn!("shutdown timeout: closing connections with incomplete requests");
            }
        }
        Ok(())
    }

    fn spawn(
        &self,
        http: &http1::Builder,
        connections: &GracefulShutdown,
        stream: TcpStream,
        peer: SocketAddr,
    ) {
        let Ok(permit) = (self.count)(peer.ip()) else {
            // Closed without a response: an answer would need the connection that is refused.
            tracing::debug!(%peer, "connection refused: rate_limits.max_connections_per_ip is reached");
            return;
        };
        // Nagle's algorithm would delay small writes. If this fails, the connection is only slower.
        let _ = stream.set_nodelay(true);
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request.map(Body::new))
        });
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.timeouts.write));
        let connection = connections.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        tokio::spawn(async move {
            let _counted = permit;
            // Expected when a client disconnects in the middle or is too slow.
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "connection ended with an error");
            }
        });
    }
}

fn is_connection_error(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::pin::pin;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use worker_runtime::health::Health;

    const SHORT: ConnectionTimeouts =
        ConnectionTimeouts { header: Duration::from_millis(100), write: Duration::from_millis(100) };

    /// Returns a server that serves this router without limits.
    fn unlimited(router: Router) -> ConnectionServer {
        ConnectionServer { router, timeouts: SHORT, count: Box::new(|_| Ok(None)) }
    }

    /// Sends these bytes and returns everything that the server sends until it closes the connection.
    async fn response_to(sent: &str) -> String {
        let health = Health::default().register("connections");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let router = Router::new().route("/", get(async || "here"));
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut received = String::new();
        let mut serving = pin!(unlimited(router).serve(listener, &health, std::future::pending()));
        let reading = tokio::time::timeout(Duration::from_secs(10), client.read_to_string(&mut received));
        tokio::select! {
            read = reading => read.expect("the server closes the connection").unwrap(),
            served = &mut serving => panic!("{served:?}"),
        };
        received
    }

    #[tokio::test]
    async fn connections_with_incomplete_heads_are_closed() {
        assert_eq!(response_to("GET / HTTP/1.1\r\nHost: x\r\nX-Slow").await, "");
    }

    #[tokio::test]
    async fn idle_connections_are_closed_after_the_last_response() {
        let response = response_to("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("\r\n\r\nhere"), "{response}");
    }

    #[tokio::test]
    async fn connections_whose_client_does_not_read_are_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (dropped, was_dropped) = oneshot::channel::<()>();
        let body = Arc::new(std::sync::Mutex::new(Some(dropped)));
        // An endless body that owns `dropped`, so that dropping the body closes the channel.
        let endless = move || {
            let held = body.lock().unwrap().take();
            let chunk = axum::body::Bytes::from(vec![b'x'; MAX_BUFFER]);
            let chunks = futures_util::stream::repeat_with(move || {
                let _ = &held;
                Ok::<_, std::convert::Infallible>(chunk.clone())
            });
            async move { Body::from_stream(chunks) }
        };
        let router = Router::new().route("/", get(endless));
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let health = Health::default().register("connections");
        let serving = unlimited(router).serve(listener, &health, std::future::pending());
        tokio::select! {
            dropped = tokio::time::timeout(Duration::from_secs(10), was_dropped) => {
                dropped.expect("the server closes the connection").unwrap_err();
            }
            served = serving => panic!("{served:?}"),
        }
    }

    #[tokio::test]
    async fn shutdown_answers_requests_in_progress_only() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (started, has_started) = oneshot::channel();
        let (resume, resumed) = oneshot::channel::<()>();
        let once = std::sync::Mutex::new(Some((started, resumed)));
        let handler = move || {
            let (started, resumed) = once.lock().unwrap().take().unwrap();
            async move {
                started.send(()).unwrap();
                resumed.await.unwrap();
                "late"
            }
        };
        let router = Router::new().route(
            "/",
            get({
                let handler = Arc::new(handler);
                async move || handler().await
            }),
        );
        let (shutdown, shutdown_requested) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let health = Health::default().register("connections");
            unlimited(router).serve(listener, &health, async move { drop(shutdown_requested.await) }).await
        });
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        has_started.await.unwrap();
        shutdown.send(()).unwrap();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        resume.send(()).unwrap();
        let mut received = String::new();
        client.read_to_string(&mut received).await.unwrap();
        assert!(received.ends_with("late"), "{received}");
        serving.await.unwrap().unwrap();
    }
}
