//! Whose address a request comes from: the peer's, unless the peer is a proxy that is trusted to say whose.

use axum::http::HeaderMap;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, Ipv6Addr};

/// Which header the proxies write. Only that one is read: another could come from the client.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[serde(rename = "X-Forwarded-For")]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies in front.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    /// Where they are.
    pub trusted: Vec<IpNet>,
    /// What they write.
    pub header: ForwardedHeader,
}

impl TrustedProxies {
    /// The address of the client: behind the proxies, as far as they are trusted.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for said in self.said(headers).into_iter().rev() {
            // What a trusted proxy says and nobody understands is no reason to believe what stands before it.
            let Some(address) = said else { break };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The hops, the nearest last.
    fn said(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ForwardedHeader::XForwardedFor => ("x-forwarded-for", address),
            ForwardedHeader::Forwarded => ("forwarded", forwarded_for),
        };
        let values = headers.get_all(name).iter();
        values.flat_map(|value| value.to_str().unwrap_or("?").split(',').map(read)).collect()
    }
}

/// One element of `Forwarded`, such as `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"'))
}

/// An address, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok().map(IpAddr::V6);
    }
    text.parse().ok().or_else(|| text.split_once(':')?.0.parse().ok())
}

/// What is counted for an address: of IPv6 its network of 64 bits, since everybody has all of one.
pub fn rate_limit_network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(header: ForwardedHeader, peer: &str, said: &[(&'static str, &'static str)]) -> String {
        let trusted = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()).to_vec();
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(*name, HeaderValue::from_static(value));
        }
        TrustedProxies { trusted, header }.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let by = |peer, said| client(ForwardedHeader::XForwardedFor, peer, &[("x-forwarded-for", said)]);
        assert_eq!(by("192.0.2.9", "203.0.113.5"), "192.0.2.9", "anybody could say so");
        assert_eq!(by("10.0.0.1", "203.0.113.5"), "203.0.113.5");
        assert_eq!(by("::ffff:10.0.0.1", "203.0.113.5"), "203.0.113.5", "the same proxy");
        assert_eq!(
            by("10.0.0.1", "198.51.100.7, 203.0.113.5, 10.0.0.2"),
            "203.0.113.5",
            "the first behind them"
        );
        assert_eq!(by("10.0.0.1", "203.0.113.5, unknown"), "10.0.0.1", "nobody knows who that was");
        assert_eq!(by("10.0.0.1", "2001:db8::1"), "2001:db8::1");
        assert_eq!(client(ForwardedHeader::XForwardedFor, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_header_that_the_proxies_do_not_write_is_not_read() {
        let both = [("x-forwarded-for", "203.0.113.5"), ("forwarded", "for=198.51.100.7")];
        assert_eq!(client(ForwardedHeader::XForwardedFor, "10.0.0.1", &both), "203.0.113.5");
        assert_eq!(client(ForwardedHeader::Forwarded, "10.0.0.1", &both), "198.51.100.7");
    }

    #[test]
    fn forwarded_is_read_as_it_is_written() {
        let by = |said| client(ForwardedHeader::Forwarded, "10.0.0.1", &[("forwarded", said)]);
        assert_eq!(by("proto=https;for=203.0.113.5:4711;by=10.0.0.1"), "203.0.113.5");
        assert_eq!(by("For=\"[2001:db8::1]:4711\""), "2001:db8::1");
        assert_eq!(by("for=198.51.100.7, for=10.9.9.9"), "198.51.100.7");
        assert_eq!(by("for=_hidden"), "10.0.0.1");
    }

    #[test]
    fn of_ipv6_the_network_is_counted() {
        let counted = |address: &str| rate_limit_network(address.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("203.0.113.5"), "203.0.113.5");
    }
}
