//! What holds for every request, whatever its endpoint does: it is answered in time, a mistake of ours ends in an
//! answer that says nothing of our insides, and who has the answer already is told so. One layer for all of it: each
//! costs every request an allocation or two.

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

/// How long requests may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    longest_wait: Duration,
    deadline: Duration,
}

impl Timeouts {
    /// Those of the settings.
    pub(crate) fn of(settings: &Settings) -> Timeouts {
        Timeouts { longest_wait: settings.longest_wait, deadline: settings.deadline }
    }
}

/// The layer around all routes. Besides the time that the client prefers to wait, each request has its deadline. A
/// command that was handed over goes on its way all the same.
pub(crate) async fn request_middleware(
    State(deadlines): State<Timeouts>,
    request: Request,
    next: Next,
) -> Response {
    let waits = Prefer::from_headers(request.headers()).wait(deadlines.longest_wait).unwrap_or_default();
    let conditions = Conditions::of(&request);
    // Nothing that the request used is used again.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match tokio::time::timeout(waits + deadlines.deadline, answer).await {
        Ok(Ok(response)) => response,
        // What was said in the panic went to the log with it.
        Ok(Err(_)) => Problem::of(&requests::INTERNAL_ERROR).into_response(),
        Err(_) => Problem::of(&requests::TOOK_TOO_LONG)
            .with("within_seconds", deadlines.deadline.as_secs())
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

    async fn answer(path: &str) -> String {
        let deadlines =
            Timeouts { longest_wait: Duration::from_secs(30), deadline: Duration::from_millis(50) };
        let hangs = get(std::future::pending::<&'static str>);
        let guard = from_fn_with_state(deadlines, request_middleware);
        let router = Router::new().route("/panics", get(panics)).route("/hangs", hangs).layer(guard);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_tells_nothing() {
        let answer = answer("/panics").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.contains("\"code\":\"internal_error\"") && !answer.contains("secret"), "{answer}");
    }

    #[tokio::test]
    async fn who_takes_too_long_is_answered_for() {
        let answer = answer("/hangs").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.contains("\"code\":\"took_too_long\"") && answer.contains("retry-after: 1"),
            "{answer}"
        );
    }
}
