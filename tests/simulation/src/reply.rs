//! Commands and replies as bytes (RESP 2), seen from the server.

use bytes::{Buf, BytesMut};

/// A command: its name and what follows.
pub type Command = Vec<Vec<u8>>;

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+OK` and the like.
    Simple(&'static str),
    /// A code and a sentence.
    Error(String),
    /// A number.
    Int(i64),
    /// A text.
    Bulk(Vec<u8>),
    /// No text.
    Nil,
    /// No array.
    NilArray,
    /// Several.
    Array(Vec<Reply>),
}

impl Reply {
    /// A text.
    pub fn text(text: impl Into<Vec<u8>>) -> Reply {
        Reply::Bulk(text.into())
    }

    /// Appends its bytes.
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

/// Takes the next command off what was received, if all of it is there. Whoever sends is our own code: anything that is
/// no command is a mistake of this crate.
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
    assert_eq!(rest[0], kind, "a command is an array of texts");
    let number = std::str::from_utf8(&rest[1..end]).ok()?.parse().ok()?;
    Some((number, at + end + 2))
}
