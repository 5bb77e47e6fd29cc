//! A client that knows no more of HTTP than it needs, so that it costs next to nothing.

use crate::Failure;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection, kept alive.
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

    /// The body of an answer that is a success and has a length.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<&[u8], Failure> {
        self.stream.write_all(request).await?;
        let (mut filled, mut whole) = (0, None);
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err("the connection was closed, or the answer is too long".into());
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

/// Where the body begins and ends, once all headers are there.
fn body(answer: &[u8]) -> Result<Option<(usize, usize)>, Failure> {
    let Some(begin) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..begin])?;
    if !head.starts_with("HTTP/1.1 2") {
        return Err(head.to_owned().into());
    }
    let length = head.lines().filter_map(|line| line.split_once(": "));
    let length = length
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, length)| length)
        .next();
    let length: usize = length.ok_or("an answer without a length")?.parse()?;
    Ok(Some((begin + 4, begin + 4 + length)))
}
