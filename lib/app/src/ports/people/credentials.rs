//! What people say of themselves, checked. None of it is shown by `Debug`, so that none gets into a log.

use std::fmt;
use thiserror::Error;

/// The longest address.
const LONGEST_EMAIL: usize = 254;

/// The longest name.
const LONGEST_NAME: usize = 100;

/// The shortest password.
pub const SHORTEST_PASSWORD: usize = 12;

/// The longest.
pub const LONGEST_PASSWORD: usize = 200;

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// It is no address.
    #[error("must be an e-mail address in ASCII, at most {LONGEST_EMAIL} characters, with one @")]
    Email,
    /// It is no name.
    #[error("must be one line of 1 to {LONGEST_NAME} characters")]
    Name,
    /// It is no password.
    #[error("must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")]
    Password,
}

macro_rules! said {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

said!(
    /// An e-mail address.
    Email
);
said!(
    /// What a person is called.
    Name
);
said!(
    /// A password.
    Password
);

impl Email {
    /// Checks it. Whether mail arrives there is another question.
    pub fn new(text: String) -> Result<Email, CredentialError> {
        let parts = text.split_once('@').filter(|(user, host)| !user.is_empty() && !host.is_empty());
        let one_at = parts.is_some_and(|(_, host)| !host.contains('@'));
        let good = one_at && text.len() <= LONGEST_EMAIL && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Email(text)) } else { Err(CredentialError::Email) }
    }
}

impl Name {
    /// Checks it.
    pub fn new(text: String) -> Result<Name, CredentialError> {
        let good = !text.trim().is_empty()
            && text.chars().count() <= LONGEST_NAME
            && !text.chars().any(char::is_control);
        if good { Ok(Name(text)) } else { Err(CredentialError::Name) }
    }
}

impl Password {
    /// Checks it: long is what counts.
    pub fn new(text: String) -> Result<Password, CredentialError> {
        let good = (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&text.chars().count());
        if good { Ok(Password(text)) } else { Err(CredentialError::Password) }
    }

    /// One that somebody gives to be recognised by: what was long enough when he chose it is for him to know.
    pub fn given(text: String) -> Result<Password, CredentialError> {
        let good = text.chars().count() <= LONGEST_PASSWORD;
        if good { Ok(Password(text)) } else { Err(CredentialError::Password) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_and_something_on_both_sides() {
        let email = |text: &str| Email::new(text.to_owned()).is_ok();
        assert!(email("ada@example.org") && email("A.d+a@b"));
        for wrong in
            ["", "ada", "@b", "a@", "a@b@c", "a b@c", "a@b\0", "ä@b", &format!("a@{}", "b".repeat(253))]
        {
            assert!(!email(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_long_and_a_name_is_one_line() {
        let password = |text: &str| Password::new(text.to_owned()).is_ok();
        assert!(password("twelve chars") && password(&"é".repeat(200)));
        assert!(!password("eleven char") && !password(&"é".repeat(201)));
        let name = |text: &str| Name::new(text.to_owned()).is_ok();
        assert!(name("Ada Lovelace") && !name(" ") && !name("a\nb") && !name(&"a".repeat(101)));
    }

    #[test]
    fn nothing_of_it_gets_into_a_log() {
        let password = Password::new("correct horse battery".to_owned()).unwrap();
        let email = Email::new("ada@example.org".to_owned()).unwrap();
        assert_eq!(format!("{password:?} {email:?}"), "Password(…) Email(…)");
    }
}
