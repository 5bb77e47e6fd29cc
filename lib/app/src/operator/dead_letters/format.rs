//! Text format of the fields of a dead letter.

use super::DeadLetter;
use std::fmt::Write;

impl DeadLetter {
    /// Returns the fields as text. The body is decoded to JSON; binary values are hexadecimal.
    pub fn readable(&self) -> Vec<(String, String)> {
        self.fields.iter().map(|(name, value)| (readable(name), field(name, value))).collect()
    }
}

fn field(name: &[u8], value: &[u8]) -> String {
    let body = if name == b"body" { auction_wire::body::to_json(value) } else { None };
    body.unwrap_or_else(|| readable(value))
}

/// Returns printable text unchanged, and other bytes as hexadecimal.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.iter().fold("0x".to_owned(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_bytes_are_shown_as_hexadecimal() {
        assert_eq!(readable(b"place_bid"), "place_bid");
        assert_eq!(readable(&[0xff, 0x00]), "0xff00");
        assert_eq!(readable(b"a\x1b[2J"), "0x611b5b324a", "terminal escape sequences are not printed");
    }

    #[test]
    fn valid_body_is_decoded_to_json() {
        assert_eq!(
            field(b"body", &[0x81, 0xa6, b'a', b'm', b'o', b'u', b'n', b't', 0x05]),
            r#"{"amount":5}"#
        );
        assert_eq!(field(b"body", &[0x81]), "0x81");
    }
}
