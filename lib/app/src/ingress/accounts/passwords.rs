//! Password hashing with argon2id. It is slow and uses much memory by design, and therefore runs on blocking
//! threads with limited concurrency, so that other requests are not delayed.

use crate::ports::Unavailable;
use crate::ports::people::Password;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Maximum number of waiting hashes for each running one. Further requests are refused and must retry.
const MAX_WAITING_PER_RUNNING: usize = 16;

const DUMMY_PASSWORD: &str = "password of no user";

/// Hashes and verifies passwords.
pub struct Passwords {
    max_concurrent: usize,
    permits: Semaphore,
    /// Number of running and waiting hashes.
    active: AtomicUsize,
    /// A valid hash of no user's password.
    dummy_hash: Arc<str>,
}

impl Passwords {
    /// Limits the number of concurrent hashes. Each uses 19 MiB of memory.
    pub fn new(max_concurrent: NonZeroUsize) -> Result<Passwords, Unavailable> {
        let max_concurrent = max_concurrent.get();
        let dummy_hash = hash(DUMMY_PASSWORD).map_err(hash_error)?.into();
        let permits = Semaphore::new(max_concurrent);
        Ok(Passwords { max_concurrent, permits, active: AtomicUsize::new(0), dummy_hash })
    }

    /// Hashes a password. Returns a PHC string.
    pub async fn hash(&self, password: Password) -> Result<String, Unavailable> {
        self.run(move || hash(password.as_str())).await?.map_err(hash_error)
    }

    /// Returns whether a password matches a hash. Without a hash it returns false after the same time, so
    /// that the time does not show whether the account exists.
    pub async fn verify(&self, password: Password, expected: Option<String>) -> Result<bool, Unavailable> {
        let (exists, dummy_hash) = (expected.is_some(), Arc::clone(&self.dummy_hash));
        let matches = move || {
            let hash = expected.as_deref().unwrap_or(&dummy_hash);
            let hash = PasswordHash::new(hash)?;
            Ok(Argon2::default().verify_password(password.as_str().as_bytes(), &hash).is_ok())
        };
        Ok(self.run(matches).await?.map_err(hash_error)? && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let active = Active::register(&self.active);
        if active.others >= self.max_concurrent * (MAX_WAITING_PER_RUNNING + 1) {
            return Err(Unavailable::new("passwords", "too many concurrent requests"));
        }
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await.map_err(|error| Unavailable::new("passwords", error))?;
        spawn_blocking(work).await.map_err(|error| Unavailable::new("passwords", error))
    }
}

/// Registration of a running or waiting hash, which ends when it is dropped.
struct Active<'a> {
    count: &'a AtomicUsize,
    others: usize,
}

impl<'a> Active<'a> {
    fn register(count: &'a AtomicUsize) -> Active<'a> {
        Active { count, others: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hashes with the argon2id parameters recommended by OWASP: 19 MiB of memory, two passes, one lane.
fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
}

fn hash_error(error: argon2::password_hash::Error) -> Unavailable {
    Unavailable::new("passwords", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[tokio::test]
    async fn password_is_verified_by_its_hash() {
        let passwords = Passwords::new(NonZeroUsize::MIN).unwrap();
        let hash = passwords.hash(password("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let is = async |text, hash| passwords.verify(password(text), hash).await.unwrap();
        assert!(is("correct horse battery", Some(hash.clone())).await);
        assert!(!is("correct horse batterz", Some(hash)).await);
        assert!(!is(DUMMY_PASSWORD, None).await, "the dummy hash matches no user");
    }

    #[tokio::test]
    async fn password_hashing_rejects_when_the_queue_is_full() {
        let passwords = Passwords::new(NonZeroUsize::MIN).unwrap();
        passwords.active.store(MAX_WAITING_PER_RUNNING + 1, Ordering::Relaxed);
        assert!(passwords.verify(password("correct horse battery"), None).await.is_err());
        assert_eq!(
            passwords.active.load(Ordering::Relaxed),
            MAX_WAITING_PER_RUNNING + 1,
            "a refused request is not counted"
        );
    }
}
