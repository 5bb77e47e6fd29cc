//! Escapes paths for URLs and shell commands.

use std::fmt::Write as _;

/// Escapes `text` for the path or a query value of a URL.
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

/// Quotes `text` as one word of a shell command.
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
    fn odd_paths_survive_url_and_shell_escaping() {
        assert_eq!(url_escaped("/a b/ü@%?&"), "/a%20b/%C3%BC%40%25%3F%26");
        assert_eq!(shell_quoted("/plain/path"), "/plain/path");
        assert_eq!(shell_quoted("/it's here"), r"'/it'\''s here'");
    }
}
