//! A name is resolved once for each connection, every address that it leads to is checked, and the connection goes
//! to one of these. So a name that leads elsewhere a moment later leads nobody astray.

use auction_app::notifier::webhooks::UrlPolicy;
use hyper_util::client::legacy::connect::dns::Name;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use thiserror::Error;
use tower_service::Service;

/// A name leads to an address that is not gone to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the name leads to an address that is not allowed")]
pub(crate) struct AddressNotAllowed;

/// Resolves names as the machine does, as far as the addresses may be gone to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SsrfGuardResolver(pub(crate) UrlPolicy);

impl SsrfGuardResolver {
    /// All of them or none: a name that has a private address among others is not trusted with the others.
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
            // The port is that of the URL.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(guard.check(found)?.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_private_address_is_enough_to_stay_away() {
        let addresses =
            |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let guard = SsrfGuardResolver(UrlPolicy::default());
        let public = addresses(&["8.8.8.8:0", "[2606:4700::1111]:0"]);
        assert_eq!(guard.check(public.clone()), Ok(public));
        assert_eq!(guard.check(addresses(&["8.8.8.8:0", "127.0.0.1:0"])), Err(AddressNotAllowed));
    }
}
