//! Protection against server-side request forgery (SSRF).
//!
//! A host name is resolved once per connection. All its addresses are checked, and the connection uses one of
//! them. So a name that resolves to another address a moment later (DNS rebinding) has no effect.

use auction_app::notifier::webhooks::UrlPolicy;
use hyper_util::client::legacy::connect::dns::Name;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use thiserror::Error;
use tower_service::Service;

/// Error for a host name with an address that the policy forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the host name resolves to an address that is not allowed")]
pub(crate) struct AddressNotAllowed;

/// Resolver of the operating system, which fails for addresses that the policy forbids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SsrfGuardResolver(pub(crate) UrlPolicy);

impl SsrfGuardResolver {
    /// Allows all addresses or none: a name with one private address is not trusted for its other addresses.
    fn check(self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, AddressNotAllowed> {
        if addresses.iter().all(|address| self.0.address(address.ip())) {
            Ok(addresses)
        } else {
            Err(AddressNotAllowed)
        }
    }
}

impl Service<Name> for SsrfGuardResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let guard = *self;
        Box::pin(async move {
            // Port 0: the connector sets the port of the URL.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(guard.check(found)?.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_with_one_private_address_is_rejected() {
        let addresses =
            |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let guard = SsrfGuardResolver(UrlPolicy::default());
        let public = addresses(&["8.8.8.8:0", "[2606:4700::1111]:0"]);
        assert_eq!(guard.check(public.clone()), Ok(public));
        assert_eq!(guard.check(addresses(&["8.8.8.8:0", "127.0.0.1:0"])), Err(AddressNotAllowed));
    }
}
