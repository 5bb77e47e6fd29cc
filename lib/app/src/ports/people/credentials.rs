//! Validated credentials. `Debug` does not show their values, so that they do not get into a log.

use std::fmt;
use thiserror::Error;

const MAX_EMAIL_LENGTH: usize = 254;

const MAX_NAME_LENGTH: usize = 100;

const MIN_PASSWORD_LENGTH: usize = 12;

const MAX_PASSWORD_LENGTH: usize = 200;

/// Reasons a credential is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    #[error("must be an e-mail address in ASCII, at most {MAX_EMAIL_LENGTH} characters, with one @")]
    Email,
    #[error("must be one line of 1 to {MAX_NAME_LENGTH} characters")]
    Name,
    #[error("must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters")]
    Password,
}

macro_rules! credential {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
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

credential!(Email);
credential!(
    /// Display name of a person.
    Name
);
credential!(Password);

impl Email {
    /// Validates the syntax of an e-mail address, not that it exists.
    pub fn new(text: String) -> Result<Email, CredentialError> {
        let parts = text.split_once('@').filter(|(user, host)| !user.is_empty() && !host.is_empty());
        let one_at = parts.is_some_and(|(_, host)| !host.contains('@'));
        let good =
            one_at && text.len() <= MAX_EMAIL_LENGTH && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Email(text)) } else { Err(CredentialError::Email) }
    }
}

impl Name {
    pub fn new(text: String) -> Result<Name, CredentialError> {
        let good = !text.trim().is_empty()
            && text.chars().count() <= MAX_NAME_LENGTH
            && !text.chars().any(char::is_control);
        if good { Ok(Name(text)) } else { Err(CredentialError::Name) }
    }
}

impl Password {
    /// Validates a new password. Only the length counts.
    pub fn new(text: String) -> Result<Password, CredentialError> {
        let good = (MIN_PASSWORD_LENGTH..=MAX_PASSWORD_LENGTH).contains(&text.chars().count());
        if good { Ok(Password(text)) } else { Err(CredentialError::Password) }
    }

    /// Accepts a password for verification at sign-in, without the minimum length of new passwords.
    pub fn for_sign_in(text: String) -> Result<Password, CredentialError> {
        let good = text.chars().count() <= MAX_PASSWORD_LENGTH;
        if good { Ok(Password(text)) } else { Err(CredentialError::Password) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_has_one_at_sign_between_two_parts() {
        let email = |text: &str| Email::new(text.to_owned()).is_ok();
        assert!(email("ada@example.org") && email("A.d+a@b"));
        for wrong in
            ["", "ada", "@b", "a@", "a@b@c", "a b@c", "a@b\0", "ä@b", &format!("a@{}", "b".repeat(253))]
        {
            assert!(!email(wrong), "{wrong}");
        }
    }

    #[test]
    fn passwords_are_long_and_names_are_one_line() {
        let password = |text: &str| Password::new(text.to_owned()).is_ok();
        assert!(password("twelve chars") && password(&"é".repeat(200)));
        assert!(!password("eleven char") && !password(&"é".repeat(201)));
        let name = |text: &str| Name::new(text.to_owned()).is_ok();
        assert!(name("Ada Lovelace") && !name(" ") && !name("a\nb") && !name(&"a".repeat(101)));
    }

    #[test]
    fn debug_output_hides_credentials() {
        let password = Password::new("correct horse battery".to_owned()).unwrap();
        let email = Email::new("ada@example.org".to_owned()).unwrap();
        assert_eq!(format!("{password:?} {email:?}"), "Password(…) Email(…)");
    }
}
