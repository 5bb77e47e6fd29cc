//! Texts from users and operators: limited in length, without control characters (Postgres rejects NUL).

use thiserror::Error;

/// Reasons a text is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// The text is empty or only white space.
    #[error("must not be empty")]
    Empty,
    #[error("must have at most {max} characters, has {has}")]
    TooLong { max: usize, has: usize },
    /// The text contains a control character. Line breaks and tabs are allowed in texts of several lines.
    #[error("must not contain control characters")]
    ControlCharacter,
}

pub(crate) fn check(text: &str, min: usize, max: usize, multiline: bool) -> Result<(), TextError> {
    if min > 0 && text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    let has = text.chars().count();
    if has > max {
        return Err(TextError::TooLong { max, has });
    }
    if text.chars().any(|c| c.is_control() && !(multiline && matches!(c, '\n' | '\r' | '\t'))) {
        return Err(TextError::ControlCharacter);
    }
    Ok(())
}

/// Declares a type of texts with its length, such as `text!(/// Note of a bidder. Note, 0..=100, multiline: false)`.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $min:literal ..= $max:literal, multiline: $multiline:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Result<$name, $crate::text::TextError> {
                let text = text.into();
                $crate::text::check(&text, $min, $max, $multiline)?;
                Ok($name(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text;

text!(
    /// Title of an auction: one line of 1 to 200 characters, not blank.
    Title, 1..=200, multiline: false
);
text!(
    /// Description of an auction: up to 10,000 characters, possibly none.
    Description, 0..=10_000, multiline: true
);
text!(
    /// Options of the promoter as JSON: one line of 1 to 4,000 characters. The domain does not interpret
    /// them.
    PromoterOptions, 1..=4_000, multiline: false
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_is_one_line_and_not_blank() {
        assert!(Title::new("Cartier wristwatch").is_ok());
        assert_eq!(Title::new("  "), Err(TextError::Empty));
        assert_eq!(Title::new("a\0b"), Err(TextError::ControlCharacter));
        assert_eq!(Title::new("a\nb"), Err(TextError::ControlCharacter));
        assert_eq!(Title::new("é".repeat(201)), Err(TextError::TooLong { max: 200, has: 201 }));
    }

    #[test]
    fn description_may_be_empty_and_have_several_lines() {
        assert!(Description::new("").is_ok());
        assert!(Description::new("one\ntwo\tthree").is_ok());
        assert_eq!(Description::new("\u{1b}[31m"), Err(TextError::ControlCharacter));
    }
}
