//! Raw replies (RESP 2): finding where a reply ends, and decoding stream entries in place.

use crate::{Entry, EntryId, StreamError};
use bytes::Bytes;

/// Progress of receiving one reply, which may arrive in pieces.
#[derive(Debug)]
pub(crate) struct FrameProgress {
    /// Number of bytes that were checked: all of them belong to complete values.
    at: usize,
    /// Number of values still to be received.
    left: u64,
}

impl Default for FrameProgress {
    fn default() -> FrameProgress {
        FrameProgress { at: 0, left: 1 }
    }
}

impl FrameProgress {
    /// Whether `received` contains the whole reply. Bytes that an earlier call checked are not checked again.
    pub(crate) fn is_complete(&mut self, received: &[u8]) -> Result<bool, StreamError> {
        while self.left > 0 {
            let Some(header) = header(received, self.at)? else { return Ok(false) };
            let end = match (header.kind, header.length()?) {
                (b'*', items) => {
                    // The array counts as one of the values to be received, and adds its items.
                    self.left += items.unwrap_or_default() as u64;
                    header.end
                }
                (b'$', Some(length)) => header.end + length + 2,
                _ => header.end,
            };
            if end > received.len() {
                return Ok(false);
            }
            self.at = end;
            self.left -= 1;
        }
        Ok(true)
    }

    /// Length of the reply in bytes, once it is complete.
    pub(crate) fn length(&self) -> usize {
        self.at
    }
}

/// First line of a value.
struct Header<'a> {
    kind: u8,
    line: &'a [u8],
    /// Offset after the line.
    end: usize,
}

impl Header<'_> {
    /// Number of bytes of a string or of values of an array; 0 for other kinds, `None` for nil.
    fn length(&self) -> Result<Option<usize>, StreamError> {
        match (self.kind, self.line) {
            (b'+' | b'-' | b':', _) => Ok(Some(0)),
            (b'$' | b'*', b"-1") => Ok(None),
            (b'$' | b'*', digits) => number(digits).map(Some).ok_or_else(|| not_resp(digits)),
            _ => Err(not_resp(self.line)),
        }
    }
}

fn header(bytes: &[u8], at: usize) -> Result<Option<Header<'_>>, StreamError> {
    let Some((kind, rest)) = bytes.get(at..).and_then(<[u8]>::split_first) else { return Ok(None) };
    let Some(length) = rest.iter().position(|byte| *byte == b'\r') else { return Ok(None) };
    match rest.get(length + 1) {
        None => Ok(None),
        Some(b'\n') => Ok(Some(Header { kind: *kind, line: &rest[..length], end: at + length + 3 })),
        Some(_) => Err(not_resp(&rest[..length])),
    }
}

/// Parses a decimal number of at most 18 digits.
fn number(digits: &[u8]) -> Option<usize> {
    let well_formed = (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    well_formed.then(|| digits.iter().fold(0, |number, digit| 10 * number + usize::from(digit - b'0')))
}

fn not_resp(line: &[u8]) -> StreamError {
    let received = line.get(..200).unwrap_or(line);
    StreamError::Unexpected { command: "a command", received: String::from_utf8_lossy(received).into_owned() }
}

/// Decodes the reply of `XREADGROUP` or `XREAD`: streams with their entries, or nil.
pub(crate) fn entries(streams: &[String], frame: &Bytes) -> Result<Vec<Entry>, StreamError> {
    let mut reader = Reader { frame, at: 0 };
    let mut entries = Vec::new();
    for _ in 0..reader.array()?.unwrap_or_default() {
        reader.pair()?;
        let name = reader.text()?;
        let stream = streams.iter().position(|stream| *stream.as_bytes() == name).unwrap_or(usize::MAX);
        let count = reader.array()?.unwrap_or_default();
        entries.reserve(count);
        for _ in 0..count {
            entries.push(reader.entry(stream)?);
        }
    }
    Ok(entries)
}

/// Cursor over a complete frame.
struct Reader<'a> {
    frame: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn header(&mut self, kind: u8) -> Result<Option<usize>, StreamError> {
        let header = header(self.frame, self.at)?.ok_or_else(|| not_resp(b""))?;
        if header.kind == b'-' {
            // The `redis` crate decodes the kind of the error.
            redis::parse_redis_value(&self.frame[self.at..header.end])?.extract_error()?;
        }
        if header.kind != kind {
            return Err(not_resp(header.line));
        }
        self.at = header.end;
        header.length()
    }

    /// Reads the header of an array and returns its length; `None` for nil.
    fn array(&mut self) -> Result<Option<usize>, StreamError> {
        // Redis may send a nil string instead of an empty array.
        if self.frame[self.at..].starts_with(b"$-1\r\n") {
            return self.header(b'$');
        }
        self.header(b'*')
    }

    fn pair(&mut self) -> Result<(), StreamError> {
        match self.array()? {
            Some(2) => Ok(()),
            other => Err(not_resp(format!("{other:?}").as_bytes())),
        }
    }

    fn text(&mut self) -> Result<Bytes, StreamError> {
        let length = self.header(b'$')?.ok_or_else(|| not_resp(b"nil"))?;
        let begin = self.at;
        self.at += length + 2;
        Ok(self.frame.slice(begin..begin + length))
    }

    fn entry(&mut self, stream: usize) -> Result<Entry, StreamError> {
        self.pair()?;
        let id = self.text()?;
        let id: Option<EntryId> = std::str::from_utf8(&id).ok().and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| not_resp(b"an entry without an id"))?;
        // An entry that was deleted while it was pending has nil instead of fields.
        let count = self.array()?.unwrap_or_default();
        let mut fields = Vec::with_capacity(count / 2);
        for _ in 0..count / 2 {
            fields.push((self.text()?, self.text()?));
        }
        Ok(Entry { stream, id, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = b"*2\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$1\r\n\xff\r\n$1\r\nx\r\n$0\r\n\r\n$2\r\n\r\n\r\n*2\r\n$3\r\n2-0\r\n*-1\r\n*2\r\n$1\r\nt\r\n*0\r\n";

    #[test]
    fn reply_is_complete_at_its_last_byte_and_not_before() {
        for reply in [REPLY, b"*-1\r\n", b"$-1\r\n", b"+OK\r\n", b"-ERR no\r\n", b":-7\r\n", b"*0\r\n"] {
            let (mut progress, mut twice) = (FrameProgress::default(), reply.to_vec());
            for end in 0..reply.len() {
                assert!(!progress.is_complete(&reply[..end]).unwrap(), "{end} bytes");
            }
            twice.extend(reply);
            assert!(progress.is_complete(&twice).unwrap());
            assert_eq!(progress.length(), reply.len());
        }
    }

    #[test]
    fn entries_with_binary_fields_are_decoded_unchanged() {
        let streams = ["t".to_owned(), "s".to_owned()];
        let entries = entries(&streams, &Bytes::from_static(REPLY)).unwrap();
        let found: Vec<_> =
            entries.iter().map(|entry| (entry.stream, entry.id.ms, entry.fields.len())).collect();
        assert_eq!(found, [(1, 1, 2), (1, 2, 0)]);
        assert_eq!(entries[0].fields[0], (Bytes::from_static(&[0xff]), Bytes::from_static(b"x")));
        assert_eq!(entries[0].fields[1], (Bytes::new(), Bytes::from_static(b"\r\n")));
    }

    #[test]
    fn nil_has_no_entries_and_an_error_reply_is_an_error() {
        for nil in [b"*-1\r\n", b"$-1\r\n"] {
            assert!(entries(&[], &Bytes::from_static(nil)).unwrap().is_empty());
        }
        let error = entries(&[], &Bytes::from_static(b"-NOGROUP No such key\r\n")).unwrap_err();
        assert!(matches!(&error, StreamError::Redis(error) if error.code() == Some("NOGROUP")), "{error}");
    }

    #[test]
    fn bytes_that_are_not_resp_are_an_error() {
        for wrong in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"$x\r\n", b"*99999999999999999999\r\n", b"$1\rx"]
        {
            assert!(FrameProgress::default().is_complete(wrong).is_err(), "{wrong:?}");
        }
        for wrong in [
            &b"*1\r\n*1\r\n$1\r\ns\r\n"[..],
            b"+OK\r\n",
            b"*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$1\r\nx\r\n*0\r\n",
        ] {
            assert!(entries(&[], &Bytes::copy_from_slice(wrong)).is_err(), "{wrong:?}");
        }
    }
}
