//! RESP 2 from the server's side: decodes commands and encodes replies.

use bytes::{Buf, BytesMut};

/// Name and arguments of a command.
pub type Command = Vec<Vec<u8>>;

/// Reply of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Simple string, such as `+OK`.
    Simple(&'static str),
    /// Error code and message.
    Error(String),
    Int(i64),
    Bulk(Vec<u8>),
    Nil,
    NilArray,
    Array(Vec<Reply>),
}

impl Reply {
    pub fn text(text: impl Into<Vec<u8>>) -> Reply {
        Reply::Bulk(text.into())
    }

    /// Appends the encoded reply to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Reply::Simple(text) => line(out, '+', text),
            Reply::Error(text) => line(out, '-', text),
            Reply::Int(number) => line(out, ':', &number.to_string()),
            Reply::Nil => line(out, '$', "-1"),
            Reply::NilArray => line(out, '*', "-1"),
            Reply::Bulk(bytes) => {
                line(out, '$', &bytes.len().to_string());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Reply::Array(replies) => {
                line(out, '*', &replies.len().to_string());
                replies.iter().for_each(|reply| reply.write(out));
            }
        }
    }
}

fn line(out: &mut Vec<u8>, kind: char, text: &str) {
    out.push(kind as u8);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Removes the next command from the received bytes, if it is complete. Panics if the bytes are no command:
/// only the simulated code sends here.
pub fn next_command(received: &mut BytesMut) -> Option<Command> {
    let (count, mut at) = header(received, 0, b'*')?;
    let mut command = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, begins) = header(received, at, b'$')?;
        command.push(received.get(begins..begins + length)?.to_vec());
        at = begins + length + 2;
    }
    (at <= received.len()).then(|| received.advance(at))?;
    Some(command)
}

fn header(received: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let rest = received.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'\r')?;
    assert_eq!(rest[0], kind, "a command is an array of bulk strings");
    let number = std::str::from_utf8(&rest[1..end]).ok()?.parse().ok()?;
    Some((number, at + end + 2))
}
