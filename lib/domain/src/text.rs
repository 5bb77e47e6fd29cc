//! Texts that people write, bounded and free of control characters (Postgres refuses a NUL).

use std::fmt;
use thiserror::Error;

/// Why a text is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing, or only white space.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("must have at most {max} characters, has {has}")]
    TooLong {
        /// How many are allowed.
        max: usize,
        /// How many there are.
        has: usize,
    },
    /// A character such as NUL or escape (line breaks and tabs are fine in descriptions).
    #[error("must not contain control characters")]
    ControlCharacter,
}

fn check(text: &str, min: usize, max: usize, lines: bool) -> Result<(), TextError> {
    if min > 0 && text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    let has = text.chars().count();
    if has > max {
        return Err(TextError::TooLong { max, has });
    }
    if text.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'))) {
        return Err(TextError::ControlCharacter);
    }
    Ok(())
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $min:literal ..= $max:literal, lines: $lines:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            pub fn new(text: impl Into<String>) -> Result<$name, TextError> {
                let text = text.into();
                check(&text, $min, $max, $lines)?;
                Ok($name(text))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(
    /// The name of what is auctioned: one line of 1 to 200 characters.
    Title, 1..=200, lines: false
);
text!(
    /// What is auctioned, in up to 10,000 characters; may be empty.
    Description, 0..=10_000, lines: true
);
text!(
    /// Why an operator did something: one line of 1 to 500 characters.
    Reason, 1..=500, lines: false
);
text!(
    /// Options of the promoter as data, one line of up to 4,000 characters. What they say is none of the
    /// domain's business.
    PromoterOptions, 1..=4_000, lines: false
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_with_something_in_it() {
        assert!(Title::new("Cartier wristwatch").is_ok());
        assert_eq!(Title::new("  "), Err(TextError::Empty));
        assert_eq!(Title::new("a\0b"), Err(TextError::ControlCharacter));
        assert_eq!(Title::new("a\nb"), Err(TextError::ControlCharacter));
        assert_eq!(Title::new("é".repeat(201)), Err(TextError::TooLong { max: 200, has: 201 }));
    }

    #[test]
    fn a_description_may_be_empty_and_have_lines() {
        assert!(Description::new("").is_ok());
        assert!(Description::new("one\ntwo\tthree").is_ok());
        assert_eq!(Description::new("\u{1b}[31m"), Err(TextError::ControlCharacter));
    }
}
