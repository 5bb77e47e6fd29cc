//! Passwords, by argon2id. It is made to take long, and a lot of memory: on threads of its own, a few at a time, so
//! that everybody else is served meanwhile.

use super::Password;
use crate::ports::Unavailable;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// So many wait for each that is in work; more are told to come again.
const WAITING: usize = 16;

/// Hashes and compares.
pub struct Passwords {
    at_a_time: usize,
    turns: Semaphore,
    here: AtomicUsize,
    nobodys: Arc<str>,
}

impl Passwords {
    /// At most so many at a time, each with 19 MiB of memory.
    pub fn new(at_a_time: NonZeroUsize) -> Result<Passwords, Unavailable> {
        let at_a_time = at_a_time.get();
        let nobodys = hash("nobody's password").map_err(failed)?.into();
        Ok(Passwords { at_a_time, turns: Semaphore::new(at_a_time), here: AtomicUsize::new(0), nobodys })
    }

    /// The hash of a password, as a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, Unavailable> {
        self.in_turn(move || hash(password.as_str())).await?.map_err(failed)
    }

    /// Whether it is the password of that hash. Without a hash it is not, which takes as long.
    pub async fn verify(&self, password: Password, of: Option<String>) -> Result<bool, Unavailable> {
        let (known, nobodys) = (of.is_some(), Arc::clone(&self.nobodys));
        let is = move || {
            let hash = of.as_deref().unwrap_or(&nobodys);
            let hash = PasswordHash::new(hash)?;
            Ok(Argon2::default().verify_password(password.as_str().as_bytes(), &hash).is_ok())
        };
        Ok(self.in_turn(is).await?.map_err(failed)? && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let here = Here::come(&self.here);
        if here.others >= self.at_a_time * (WAITING + 1) {
            return Err(Unavailable::new("passwords", "too many at once"));
        }
        // It is never closed.
        let _turn = self.turns.acquire().await.map_err(|error| Unavailable::new("passwords", error))?;
        spawn_blocking(work).await.map_err(|error| Unavailable::new("passwords", error))
    }
}

/// Counts who is here, also when he goes before his turn.
struct Here<'a> {
    count: &'a AtomicUsize,
    others: usize,
}

impl<'a> Here<'a> {
    fn come(count: &'a AtomicUsize) -> Here<'a> {
        Here { count, others: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Argon2id with the parameters that OWASP recommends: 19 MiB, two passes, one lane.
fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
}

fn failed(error: argon2::password_hash::Error) -> Unavailable {
    Unavailable::new("passwords", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_other_is() {
        let passwords = Passwords::new(NonZeroUsize::MIN).unwrap();
        let hash = passwords.hash(password("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let is = async |text, of| passwords.verify(password(text), of).await.unwrap();
        assert!(is("correct horse battery", Some(hash.clone())).await);
        assert!(!is("correct horse batterz", Some(hash)).await);
        assert!(!is("nobody's password", None).await, "nobody has it");
    }

    #[tokio::test]
    async fn more_than_can_be_done_soon_are_told_to_come_again() {
        let passwords = Passwords::new(NonZeroUsize::MIN).unwrap();
        passwords.here.store(WAITING + 1, Ordering::Relaxed);
        assert!(passwords.verify(password("correct horse battery"), None).await.is_err());
        assert_eq!(passwords.here.load(Ordering::Relaxed), WAITING + 1, "who is told so has gone");
    }
}
