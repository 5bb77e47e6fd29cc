//! Middleware of all requests: the request timeout, the answer to a panic (without internals), and
//! conditional requests. All of it is one layer because every layer costs each request an allocation or two.

use crate::conditional::Conditions;
use crate::prefer::Prefer;
use crate::problem::Problem;
use crate::problem::types::requests;
use crate::state::Settings;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// Timeouts that apply to all requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    max_wait: Duration,
    request: Duration,
}

impl Timeouts {
    pub(crate) fn of(settings: &Settings) -> Timeouts {
        Timeouts { max_wait: settings.max_wait, request: settings.request_timeout }
    }
}

/// Handles a request. The timeout does not include the time that the client prefers to wait. After a timeout,
/// a command that is already on its stream is still processed.
pub(crate) async fn request_middleware(
    State(timeouts): State<Timeouts>,
    request: Request,
    next: Next,
) -> Response {
    let wait = Prefer::from_headers(request.headers()).wait(timeouts.max_wait).unwrap_or_default();
    let conditions = Conditions::of(&request);
    // Unwind safe: the state of the request is dropped after a panic.
    let response = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match tokio::time::timeout(wait + timeouts.request, response).await {
        Ok(Ok(response)) => response,
        // The panic hook has logged the message.
        Ok(Err(_)) => Problem::of(&requests::INTERNAL_ERROR).into_response(),
        Err(_) => Problem::of(&requests::REQUEST_TIMEOUT)
            .with("timeout_seconds", timeouts.request.as_secs())
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            .into_response(),
    };
    conditions.apply(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    async fn panics() -> &'static str {
        panic!("postgres://user:secret@10.0.0.7 said no")
    }

    async fn response_to(path: &str) -> String {
        let timeouts = Timeouts { max_wait: Duration::from_secs(30), request: Duration::from_millis(50) };
        let hangs = get(std::future::pending::<&'static str>);
        let layer = from_fn_with_state(timeouts, request_middleware);
        let router = Router::new().route("/panics", get(panics)).route("/hangs", hangs).layer(layer);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).await.unwrap();
        response
    }

    #[tokio::test]
    async fn panics_are_answered_without_internals() {
        let response = response_to("/panics").await;
        assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
        assert!(
            response.contains("\"code\":\"internal_error\"") && !response.contains("secret"),
            "{response}"
        );
    }

    #[tokio::test]
    async fn slow_requests_time_out() {
        let response = response_to("/hangs").await;
        assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
        assert!(
            response.contains("\"code\":\"request_timeout\"") && response.contains("retry-after: 1"),
            "{response}"
        );
    }
}
