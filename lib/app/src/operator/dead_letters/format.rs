//! What a letter was made of, for people.

use super::DeadLetter;
use std::fmt::Write;

impl DeadLetter {
    /// Its fields as text: a body is decoded, and what is no text is in hexadecimal.
    pub fn readable(&self) -> Vec<(String, String)> {
        self.fields.iter().map(|(name, value)| (readable(name), field(name, value))).collect()
    }
}

fn field(name: &[u8], value: &[u8]) -> String {
    let body = if name == b"body" { auction_wire::body::to_json(value) } else { None };
    body.unwrap_or_else(|| readable(value))
}

/// As text if it is one, else in hexadecimal.
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
    fn what_is_no_text_is_shown_in_hexadecimal() {
        assert_eq!(readable(b"place_bid"), "place_bid");
        assert_eq!(readable(&[0xff, 0x00]), "0xff00");
        assert_eq!(readable(b"a\x1b[2J"), "0x611b5b324a", "and cannot play with a terminal");
    }

    #[test]
    fn a_body_is_decoded() {
        assert_eq!(
            field(b"body", &[0x81, 0xa6, b'a', b'm', b'o', b'u', b'n', b't', 0x05]),
            r#"{"amount":5}"#
        );
        assert_eq!(field(b"body", &[0x81]), "0x81");
    }
}
