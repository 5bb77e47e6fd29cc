//! IP address of the client: the address of the peer, or the address that a trusted proxy reports.

use axum::http::HeaderMap;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, Ipv6Addr};

/// Header that the proxies set. Other headers are not read, because they could come from the client.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum ForwardedHeader {
    #[serde(rename = "X-Forwarded-For")]
    XForwardedFor,
    /// The standard header of RFC 7239.
    Forwarded,
}

/// Proxies that are trusted to report the IP address of the client.
#[derive(Clone, Debug)]
pub struct TrustedProxies {
    /// Networks of the proxies.
    pub trusted: Vec<IpNet>,
    pub header: ForwardedHeader,
}

impl TrustedProxies {
    /// Returns the address of the client. Follows the reported addresses from the nearest hop on, as long as
    /// each hop is trusted.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        for hop in self.hops(headers).into_iter().rev() {
            // After an unreadable hop, the earlier ones are not trustworthy either.
            let Some(address) = hop else { break };
            client = address.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Returns the reported hops, the nearest last. Unreadable hops are `None`.
    fn hops(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.header {
            ForwardedHeader::XForwardedFor => ("x-forwarded-for", address),
            ForwardedHeader::Forwarded => ("forwarded", forwarded_for),
        };
        let values = headers.get_all(name).iter();
        values.flat_map(|value| value.to_str().unwrap_or("?").split(',').map(read)).collect()
    }
}

/// Reads one element of `Forwarded`, such as `for="[2001:db8::1]:4711";proto=https`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"'))
}

/// Reads an address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok().map(IpAddr::V6);
    }
    text.parse().ok().or_else(|| text.split_once(':')?.0.parse().ok())
}

/// Returns the network that rate limits count: an IPv4 address, or the /64 network of an IPv6 address, since
/// one client usually controls all of a /64.
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

    fn client(header: ForwardedHeader, peer: &str, forwarded: &[(&'static str, &'static str)]) -> String {
        let trusted = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap()).to_vec();
        let mut headers = HeaderMap::new();
        for (name, value) in forwarded {
            headers.append(*name, HeaderValue::from_static(value));
        }
        TrustedProxies { trusted, header }.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_trusted_proxies_can_report_addresses() {
        let by = |peer, value| client(ForwardedHeader::XForwardedFor, peer, &[("x-forwarded-for", value)]);
        assert_eq!(by("192.0.2.9", "203.0.113.5"), "192.0.2.9", "the peer is not trusted");
        assert_eq!(by("10.0.0.1", "203.0.113.5"), "203.0.113.5");
        assert_eq!(by("::ffff:10.0.0.1", "203.0.113.5"), "203.0.113.5", "IPv4-mapped address of the proxy");
        assert_eq!(
            by("10.0.0.1", "198.51.100.7, 203.0.113.5, 10.0.0.2"),
            "203.0.113.5",
            "first untrusted hop"
        );
        assert_eq!(by("10.0.0.1", "203.0.113.5, unknown"), "10.0.0.1", "unreadable hop");
        assert_eq!(by("10.0.0.1", "2001:db8::1"), "2001:db8::1");
        assert_eq!(client(ForwardedHeader::XForwardedFor, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_other_header_is_not_read() {
        let both = [("x-forwarded-for", "203.0.113.5"), ("forwarded", "for=198.51.100.7")];
        assert_eq!(client(ForwardedHeader::XForwardedFor, "10.0.0.1", &both), "203.0.113.5");
        assert_eq!(client(ForwardedHeader::Forwarded, "10.0.0.1", &both), "198.51.100.7");
    }

    #[test]
    fn forwarded_follows_rfc_7239() {
        let by = |value| client(ForwardedHeader::Forwarded, "10.0.0.1", &[("forwarded", value)]);
        assert_eq!(by("proto=https;for=203.0.113.5:4711;by=10.0.0.1"), "203.0.113.5");
        assert_eq!(by("For=\"[2001:db8::1]:4711\""), "2001:db8::1");
        assert_eq!(by("for=198.51.100.7, for=10.9.9.9"), "198.51.100.7");
        assert_eq!(by("for=_hidden"), "10.0.0.1");
    }

    #[test]
    fn ipv6_addresses_are_counted_by_network() {
        let counted = |address: &str| rate_limit_network(address.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("203.0.113.5"), "203.0.113.5");
    }
}
