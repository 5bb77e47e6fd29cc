//! Secrets of webhooks, which sign the requests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

/// Derives the secrets of all webhooks.
///
/// A secret is derived from a key that all processes share, the id of the webhook, and the number of its
/// secret. So no webhook secret is stored.
#[derive(Clone)]
pub struct WebhookSecrets(Hmac<Sha256>);

impl WebhookSecrets {
    /// Creates the derivation from a key; `None` if it has fewer than 32 bytes.
    pub fn new(secret: &[u8]) -> Option<WebhookSecrets> {
        let long_enough = secret.len() >= 32;
        long_enough.then(|| Hmac::new_from_slice(secret).ok().map(WebhookSecrets)).flatten()
    }

    /// Returns a secret of a webhook by its number: 1, 2, 3 …
    pub fn of(&self, webhook: Uuid, number: u32) -> WebhookSecret {
        let named = self.0.clone().chain_update(webhook.as_bytes()).chain_update(number.to_be_bytes());
        WebhookSecret(named.finalize().into_bytes().to_vec())
    }
}

/// Secret of one webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Vec<u8>);

impl WebhookSecret {
    /// Returns the signature of a message: `v1,` and the base64 form of an HMAC-SHA-256 of
    /// `id.timestamp.body`.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        // An HMAC takes keys of any length.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        let signed = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body).finalize();
        format!("v1,{}", STANDARD.encode(signed.into_bytes()))
    }
}

impl fmt::Display for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "whsec_{}", STANDARD.encode(&self.0))
    }
}

/// Hides the secret from logs.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_matches_the_example_of_the_standard() {
        let secret = WebhookSecret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        assert_eq!(secret.to_string(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn webhook_secret_differs_by_webhook_and_number() {
        assert!(WebhookSecrets::new(&[1; 31]).is_none());
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let secrets = WebhookSecrets::new(&[1; 32]).unwrap();
        assert_eq!(secrets.of(one, 1), secrets.of(one, 1));
        assert_ne!(secrets.of(one, 1), secrets.of(one, 2));
        assert_ne!(secrets.of(one, 1), secrets.of(other, 1));
        assert_ne!(secrets.of(one, 1), WebhookSecrets::new(&[2; 32]).unwrap().of(one, 1));
        // The standard asks for 24 to 64 bytes.
        assert_eq!(secrets.of(one, 1).0.len(), 32);
        assert_eq!(format!("{:?}", secrets.of(one, 1)), "Secret");
    }
}
