//! The subset of HTTP/1.1 that the tests need.

use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
    headers: HashMap<String, String>,
}

#[derive(Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Response {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Response {
        let headers = vec![("Content-Type", "application/json".to_owned())];
        Response { status, headers, body: serde_json::to_string(body).unwrap() }
    }

    /// Returns problem details (RFC 9457) with additional members.
    pub(crate) fn problem(status: u16, code: &str, detail: &str, more: Value) -> Response {
        let mut body = json!({"type": format!("/problems/{}", code.replace('_', "-")), "title": code,
            "status": status, "detail": detail, "code": code});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let headers = vec![("Content-Type", "application/problem+json".to_owned())];
        Response { status, headers, body: body.to_string() }
    }

    pub(crate) fn unavailable() -> Response {
        Response::problem(503, "unavailable", "temporarily unavailable", json!({})).with("Retry-After", "0")
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("HTTP/1.1 {} x\r\nContent-Length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}

pub(crate) async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut parts = line.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { method, path, query, body, headers })
}

pub(crate) async fn write(stream: &mut BufReader<TcpStream>, response: Response) {
    let _gone = stream.write_all(&response.bytes()).await;
}

pub(crate) async fn write_half(stream: &mut BufReader<TcpStream>, response: Response) {
    let bytes = response.bytes();
    let _gone = stream.write_all(&bytes[..bytes.len() - response.body.len() / 2]).await;
}
