//! Writing a path into a URL or a shell command.

use std::fmt::Write as _;

/// `text` as a part of a URL, where every byte that could mean something else is escaped.
pub(crate) fn url_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// `text` as one word of a shell command.
pub(crate) fn shell_quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._=+:,@".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_odd_characters_survives_a_url_and_a_shell() {
        assert_eq!(url_escaped("/a b/ü@%?&"), "/a%20b/%C3%BC%40%25%3F%26");
        assert_eq!(shell_quoted("/plain/path"), "/plain/path");
        assert_eq!(shell_quoted("/it's here"), r"'/it'\''s here'");
    }
}
