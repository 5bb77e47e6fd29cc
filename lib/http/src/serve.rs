//! Listening, until it is time to stop.

use crate::routes::router;
use crate::state::{IngressState, Ports, Settings};
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
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

/// How long open connections may take to finish when it is time to stop. Requests that wait for an outcome
/// are answered well before.
const STOPPING: Duration = Duration::from_secs(10);

/// When no more connections can be taken for now, because there are no more file handles.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The most that a connection keeps of what it reads and writes.
const BUFFER: usize = 64 * 1024;

/// Serves requests. When it is time to stop, no new connection is taken and every request that came in is
/// answered; a connection that sends half a request does not hold it up for ever.
pub async fn serve<P: Ports>(listener: TcpListener, portal: Arc<IngressState<P>>) -> std::io::Result<()> {
    let (mut stop, patience) = (portal.stop.clone(), Patience::of(&portal.settings));
    serve_router(listener, router(portal), patience, async move { stop.wait().await }).await
}

/// With slow clients.
#[derive(Clone, Copy)]
struct Patience {
    /// The head of a request must come within that time, counted from the end of the one before.
    head: Duration,
    /// Something of an answer must be taken within that time.
    write: Duration,
}

impl Patience {
    fn of(settings: &Settings) -> Patience {
        Patience { head: settings.head_within, write: settings.write_within }
    }
}

async fn serve_router(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    stop: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head).max_buf_size(BUFFER);
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => take(&http, &connections, &router, patience.write, (stream, peer)),
            // The client has gone already.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => {}
        () = tokio::time::sleep(STOPPING) => tracing::warn!("closing connections whose request never came whole"),
    }
    Ok(())
}

fn take(
    http: &http1::Builder,
    connections: &GracefulShutdown,
    router: &Router,
    write_within: Duration,
    (stream, peer): (TcpStream, SocketAddr),
) {
    // What is sent in small pieces would wait for acknowledgements. If it cannot be set, it is slower.
    let _ = stream.set_nodelay(true);
    let router = router.clone();
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(write_within));
    let connection = connections.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), answer));
    tokio::spawn(async move {
        // Clients that go away in the middle, and those that are too slow.
        if let Err(error) = connection.await {
            tracing::debug!(%peer, %error, "a connection ended");
        }
    });
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
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

    const SOON: Patience = Patience { head: Duration::from_millis(100), write: Duration::from_millis(100) };

    /// What a client gets that sends this and no more, until the connection is closed.
    async fn answer(sent: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let router = Router::new().route("/", get(async || "here"));
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut got = String::new();
        let mut serving = pin!(serve_router(listener, router, SOON, std::future::pending()));
        let reading = tokio::time::timeout(Duration::from_secs(10), client.read_to_string(&mut got));
        tokio::select! {
            read = reading => read.expect("it is closed").unwrap(),
            served = &mut serving => panic!("{served:?}"),
        };
        got
    }

    #[tokio::test]
    async fn who_never_ends_the_head_of_a_request_does_not_keep_a_connection() {
        assert_eq!(answer("GET / HTTP/1.1\r\nHost: x\r\nX-Slow").await, "");
    }

    #[tokio::test]
    async fn a_connection_without_requests_is_closed_behind_the_last_answer() {
        let answer = answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nhere"), "{answer}");
    }

    #[tokio::test]
    async fn who_does_not_read_does_not_keep_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (gone, has_gone) = oneshot::channel::<()>();
        let body = Arc::new(std::sync::Mutex::new(Some(gone)));
        // An answer without an end; what it holds goes with it.
        let endless = move || {
            let held = body.lock().unwrap().take();
            let chunk = axum::body::Bytes::from(vec![b'x'; BUFFER]);
            let chunks = futures_util::stream::repeat_with(move || {
                let _ = &held;
                Ok::<_, std::convert::Infallible>(chunk.clone())
            });
            async move { Body::from_stream(chunks) }
        };
        let router = Router::new().route("/", get(endless));
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let serving = serve_router(listener, router, SOON, std::future::pending());
        tokio::select! {
            gone = tokio::time::timeout(Duration::from_secs(10), has_gone) => {
                gone.expect("it is closed").unwrap_err();
            }
            served = serving => panic!("{served:?}"),
        }
    }

    #[tokio::test]
    async fn when_it_is_time_to_stop_a_request_in_hand_is_answered_and_no_other_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (come, has_come) = oneshot::channel();
        let (tell, told) = oneshot::channel::<()>();
        let once = std::sync::Mutex::new(Some((come, told)));
        let handler = move || {
            let (come, told) = once.lock().unwrap().take().unwrap();
            async move {
                come.send(()).unwrap();
                told.await.unwrap();
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
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve_router(listener, router, SOON, async move { drop(stopped.await) }));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        has_come.await.unwrap();
        stop.send(()).unwrap();
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        tell.send(()).unwrap();
        let mut got = String::new();
        client.read_to_string(&mut got).await.unwrap();
        assert!(got.ends_with("late"), "{got}");
        serving.await.unwrap().unwrap();
    }
}
