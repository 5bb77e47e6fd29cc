//! Minimal HTTP client whose own cost is negligible.

use crate::Failure;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept alive.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(server: SocketAddr) -> Result<Client, Failure> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; 64 * 1024] })
    }

    /// Sends a request and returns the body of a successful response. The response must have a Content-Length
    /// and fit into the buffer.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<&[u8], Failure> {
        self.stream.write_all(request).await?;
        let (mut filled, mut whole) = (0, None);
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection was closed, or the response is too long".into());
            }
            filled += read;
            if whole.is_none() {
                whole = body(&self.buffer[..filled])?;
            }
            if let Some((begin, end)) = whole
                && filled >= end
            {
                return Ok(&self.buffer[begin..end]);
            }
        }
    }
}

/// Returns the start and end of the body; none if the headers are incomplete.
fn body(response: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    let Some(begin) = response.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&response[..begin])?;
    if !head.starts_with("HTTP/1.1 2") {
        return Err(head.to_owned().into());
    }
    let length = head.lines().filter_map(|line| line.split_once(": "));
    let length = length
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, length)| length)
        .next();
    let length: usize = length.ok_or("response without Content-Length")?.parse()?;
    Ok(Some((begin + 4, begin + 4 + length)))
}
