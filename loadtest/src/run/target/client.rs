//! Minimal HTTP client with one connection. It is small because it shares the processors with the portal.

use crate::Failure;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than the portal may delay a response.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Maximum number of headers of a response.
const MAX_HEADERS: usize = 32;

/// Maximum size of a response.
const MAX_RESPONSE_BYTES: usize = 16 << 20;

/// Address of a portal.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// Host and port, separated by a colon.
    pub(crate) host: String,
}

impl Address {
    /// Parses a URL of the form `http://HOST:PORT`.
    pub(crate) fn parse(url: &str) -> Result<Address, Failure> {
        let host = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("--url {url}: the URL must begin with http://"))?;
        let host = host.trim_end_matches('/');
        if host.is_empty() || host.contains('/') {
            return Err(format!("--url {url}: the URL must be http://HOST:PORT").into());
        }
        let host = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        Ok(Address { host })
    }
}

/// A connection that is kept alive.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// Status of a response and the position of its body in the buffer.
struct Head {
    status: u16,
    begin: usize,
    end: usize,
}

impl Client {
    pub(crate) async fn connect(address: &Address) -> Result<Client, Failure> {
        let connect = TcpStream::connect(&address.host);
        let stream = tokio::time::timeout(TIMEOUT, connect).await?;
        let stream = stream.map_err(|error| format!("cannot connect to {}: {error}", address.host))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Sends a complete request and waits for the response. After an error the connection must not be used
    /// again.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<Response<'_>, Failure> {
        let head = tokio::time::timeout(TIMEOUT, self.exchange(request)).await??;
        Ok(Response { status: head.status, body: &self.buffer[head.begin..head.end] })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Head, Failure> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                if filled >= MAX_RESPONSE_BYTES {
                    return Err(format!("response exceeds {MAX_RESPONSE_BYTES} bytes").into());
                }
                self.buffer.resize(2 * filled, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            filled += read;
            if let Some(head) = head(&self.buffer[..filled])?
                && filled >= head.end
            {
                return Ok(head);
            }
        }
    }
}

/// Parses the head of a response; none if it is incomplete.
fn head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = response.parse(bytes)? else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let status = response.code.ok_or("response without a status")?;
    let length: usize = match length {
        Some(length) => std::str::from_utf8(length.value)?.trim().parse()?,
        None if matches!(status, 204 | 304) => 0,
        None => return Err("response without Content-Length".into()),
    };
    Ok(Some(Head { status, begin, end: begin + length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_parses_to_host_and_port() {
        let host = |url| Address::parse(url).map(|address| address.host).map_err(|error| error.to_string());
        assert_eq!(host("http://127.0.0.1:8080"), Ok("127.0.0.1:8080".to_owned()));
        assert_eq!(host("http://[::1]:8080/"), Ok("[::1]:8080".to_owned()));
        assert_eq!(host("http://portal"), Ok("portal:80".to_owned()));
        for wrong in ["https://portal", "portal:80", "http://portal/below", "http://"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn response_is_complete_when_its_body_is() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello";
        assert!(head(&text[..30]).unwrap().is_none());
        let found = head(text).unwrap().unwrap();
        assert_eq!((found.status, &text[found.begin..found.end]), (201, &b"hello"[..]));
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "no length");
    }
}
