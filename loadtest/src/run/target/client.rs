//! A client of one connection that knows no more of HTTP than it needs: it shares the processors with the portal.

use crate::Failure;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than a portal may hold an answer back.
const PATIENCE: Duration = Duration::from_secs(45);

/// At most so many headers are read.
const HEADERS: usize = 32;

/// A longer answer is none.
const LONGEST: usize = 16 << 20;

/// Where a portal is: `http://host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// `host:port`
    pub(crate) host: String,
}

impl Address {
    /// From a URL.
    pub(crate) fn read(url: &str) -> Result<Address, Failure> {
        let host =
            url.strip_prefix("http://").ok_or_else(|| format!("--url {url}: it must begin with http://"))?;
        let host = host.trim_end_matches('/');
        if host.is_empty() || host.contains('/') {
            return Err(format!("--url {url}: it must be http://HOST:PORT").into());
        }
        let host = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        Ok(Address { host })
    }
}

/// One connection, kept alive.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What was answered.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// Where everything is in an answer.
struct Head {
    status: u16,
    begin: usize,
    end: usize,
}

impl Client {
    pub(crate) async fn connect(address: &Address) -> Result<Client, Failure> {
        let connect = TcpStream::connect(&address.host);
        let stream = tokio::time::timeout(PATIENCE, connect).await?;
        let stream = stream.map_err(|error| format!("nobody answers at {}: {error}", address.host))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; 16 * 1024] })
    }

    /// Sends a request that is whole and waits for the answer. After an error the connection is of no use.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        let head = tokio::time::timeout(PATIENCE, self.exchange(request)).await??;
        Ok(Answer { status: head.status, body: &self.buffer[head.begin..head.end] })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Head, Failure> {
        self.stream.write_all(request).await?;
        let (mut filled, mut known) = (0, None);
        loop {
            if filled == self.buffer.len() {
                if filled >= LONGEST {
                    return Err(format!("an answer of more than {LONGEST} bytes").into());
                }
                self.buffer.resize(2 * filled, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection was closed".into());
            }
            filled += read;
            if known.is_none() {
                known = head(&self.buffer[..filled])?;
            }
            match known.take() {
                Some(head) if filled >= head.end => return Ok(head),
                head => known = head,
            }
        }
    }
}

/// The head of an answer, once it is whole.
fn head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = answer.parse(bytes)? else { return Ok(None) };
    let length = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let status = answer.code.ok_or("an answer without a status")?;
    let length: usize = match length {
        Some(length) => std::str::from_utf8(length.value)?.trim().parse()?,
        None if matches!(status, 204 | 304) => 0,
        None => return Err("an answer without a length".into()),
    };
    Ok(Some(Head { status, begin, end: begin + length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let host = |url| Address::read(url).map(|address| address.host).map_err(|error| error.to_string());
        assert_eq!(host("http://127.0.0.1:8080"), Ok("127.0.0.1:8080".to_owned()));
        assert_eq!(host("http://[::1]:8080/"), Ok("[::1]:8080".to_owned()));
        assert_eq!(host("http://portal"), Ok("portal:80".to_owned()));
        for wrong in ["https://portal", "portal:80", "http://portal/below", "http://"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let text = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello";
        assert!(head(&text[..30]).unwrap().is_none());
        let found = head(text).unwrap().unwrap();
        assert_eq!((found.status, &text[found.begin..found.end]), (201, &b"hello"[..]));
        assert!(head(b"HTTP/1.1 200 OK\r\n\r\n").is_err(), "no length");
    }
}
