//! Handles of commands. A valid handle proves that the command was accepted, without anything being stored.
//!
//! A handle is 44 bytes in base64url: command id (16), time of receipt (6), fingerprint of the payload (8),
//! partition (2) and the first 12 bytes of an HMAC-SHA-256 over them. Handles without the partition, which
//! portals issued before, are still decoded.

use auction_domain::Timestamp;
use auction_wire::{CommandId, PartitionId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

const CONTENT: usize = 32;
/// Length of the content of handles without a partition.
const CONTENT_WITHOUT_PARTITION: usize = 30;
const MAC: usize = 12;

/// Content of a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandHandle {
    pub command: CommandId,
    /// Time of receipt, by the clock of the ingress.
    pub received_at: Timestamp,
    /// Fingerprint of the payload.
    pub fingerprint: u64,
    /// Partition of the command; none in handles that were issued before handles had it.
    pub partition: Option<PartitionId>,
}

/// Key of the MAC in handles, shared by all ingress processes of a portal.
#[derive(Clone)]
pub struct HandleKey(Hmac<Sha256>);

impl HandleKey {
    /// Creates a key from at least 32 random bytes; none from fewer.
    pub fn new(secret: &[u8]) -> Option<HandleKey> {
        let long_enough = secret.len() >= 32;
        long_enough.then(|| Hmac::new_from_slice(secret).ok().map(HandleKey)).flatten()
    }

    fn mac(&self, content: &[u8]) -> [u8; MAC] {
        let full = self.0.clone().chain_update(content).finalize().into_bytes();
        std::array::from_fn(|i| full[i])
    }

    /// Hashes a secret so that it cannot be guessed from the hash without the key.
    ///
    /// The label is longer than the content of a handle, so that the hash is never the MAC of a handle.
    /// Stored fingerprints depend on the label: do not change it.
    pub(super) fn keyed_hash(&self, secret: &[u8]) -> [u8; 32] {
        let label = b"concealed payload, not a handle: ";
        self.0.clone().chain_update(label).chain_update(secret).finalize().into_bytes().into()
    }

    pub fn encode(&self, handle: &CommandHandle) -> String {
        let mut bytes = Vec::with_capacity(CONTENT + MAC);
        bytes.extend_from_slice(handle.command.0.as_bytes());
        bytes.extend_from_slice(&handle.received_at.0.to_be_bytes()[2..]);
        bytes.extend_from_slice(&handle.fingerprint.to_be_bytes());
        bytes.extend(handle.partition.into_iter().flat_map(|partition| partition.0.to_be_bytes()));
        bytes.extend_from_slice(&self.mac(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Decodes a handle; none if it was not encoded with this key.
    pub fn decode(&self, text: &str) -> Option<CommandHandle> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        let partition = match content.len() {
            CONTENT => Some(PartitionId(u16::from_be_bytes([content[30], content[31]]))),
            CONTENT_WITHOUT_PARTITION => None,
            _ => return None,
        };
        self.0.clone().chain_update(content).verify_truncated_left(mac).ok()?;
        let mut time = [0; 8];
        time[2..].copy_from_slice(&content[16..22]);
        Some(CommandHandle {
            command: CommandId(Uuid::from_slice(&content[..16]).ok()?),
            received_at: Timestamp(i64::from_be_bytes(time)),
            fingerprint: u64::from_be_bytes(content[22..30].try_into().ok()?),
            partition,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle() -> CommandHandle {
        CommandHandle {
            command: CommandId(Uuid::from_u128(42)),
            received_at: Timestamp(1_795_372_200_123),
            fingerprint: u64::MAX - 1,
            partition: Some(PartitionId(77)),
        }
    }

    #[test]
    fn handle_round_trips() {
        let key = HandleKey::new(&[7; 32]).unwrap();
        let text = key.encode(&handle());
        assert_eq!(key.decode(&text), Some(handle()));
        assert_eq!(text.len(), 59);
    }

    /// Issued by version 0.1.0 before handles had a partition, with the same key.
    #[test]
    fn handle_without_a_partition_is_decoded() {
        let key = HandleKey::new(&[7; 32]).unwrap();
        let before = CommandHandle { partition: None, ..handle() };
        let text = "AAAAAAAAAAAAAAAAAAAAKgGiBIWwu__________-GW3ywrn33X-0bykM";
        assert_eq!(key.decode(text), Some(before));
    }

    #[test]
    fn handle_that_was_never_issued_is_rejected() {
        let key = HandleKey::new(&[7; 32]).unwrap();
        let text = key.encode(&handle());
        let other = HandleKey::new(&[8; 32]).unwrap();
        assert_eq!(other.decode(&text), None);
        assert_eq!(key.decode(""), None);
        assert_eq!(key.decode("../../etc/passwd"), None);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(key.decode(&String::from_utf8(forged).unwrap()), None, "changed at {at}");
        }
    }

    #[test]
    fn keyed_hash_depends_on_the_key() {
        let (ours, theirs) = (HandleKey::new(&[7; 32]).unwrap(), HandleKey::new(&[8; 32]).unwrap());
        assert_eq!(ours.keyed_hash(b"password"), ours.keyed_hash(b"password"));
        assert_ne!(ours.keyed_hash(b"password"), ours.keyed_hash(b"passwore"));
        assert_ne!(ours.keyed_hash(b"password"), theirs.keyed_hash(b"password"));
    }

    #[test]
    fn handle_key_requires_32_bytes() {
        assert!(HandleKey::new(&[7; 31]).is_none());
    }
}
