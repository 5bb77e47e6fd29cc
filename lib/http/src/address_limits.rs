//! Maximum numbers of connections and live streams per client address, so that one address cannot take all of
//! them. A network is counted as one address, as for rate limits.

use crate::client_ip::rate_limit_network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Current number of uses per address. Clones share it.
#[derive(Clone, Debug)]
pub struct AddressLimit {
    max: NonZeroUsize,
    used: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One use by an address, until it is dropped.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    limit: AddressLimit,
    network: IpAddr,
}

impl AddressLimit {
    /// Allows each address `max` uses at a time.
    pub fn new(max: NonZeroUsize) -> AddressLimit {
        AddressLimit { max, used: Arc::default() }
    }

    /// Returns the maximum per address.
    pub(crate) fn max(&self) -> usize {
        self.max.get()
    }

    /// Counts a use; none if the address has reached the maximum.
    pub(crate) fn acquire(&self, address: IpAddr) -> Option<AddressPermit> {
        let network = rate_limit_network(address.to_canonical());
        let mut used = self.lock();
        let count = used.entry(network).or_default();
        if *count >= self.max.get() {
            return None;
        }
        *count += 1;
        Some(AddressPermit { limit: self.clone(), network })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // The counts are consistent after every operation, so a panic of another holder does no harm.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut used = self.limit.lock();
        if let Some(count) = used.get_mut(&self.network) {
            *count -= 1;
            // Addresses without a use take no memory.
            if *count == 0 {
                used.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_limit_counts_per_network_until_a_use_ends() {
        let limit = AddressLimit::new(NonZeroUsize::new(2).unwrap());
        let acquire = |address: &str| limit.acquire(address.parse().unwrap());
        let (one, _two) = (acquire("2001:db8::1"), acquire("2001:db8::2"));
        assert!(acquire("2001:db8::3").is_none(), "the same /64 network");
        assert!(acquire("2001:db8:0:1::3").is_some());
        drop(one);
        assert!(acquire("2001:db8::3").is_some());
        assert!(acquire("10.0.0.1").is_some() && acquire("::ffff:10.0.0.1").is_some());
        assert_eq!(limit.lock().len(), 1);
    }
}
