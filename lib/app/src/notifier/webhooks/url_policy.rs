//! URL policy of webhooks (SSRF protection).
//!
//! The portal can reach addresses inside its network that users cannot. A webhook must not give a user access
//! to them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use thiserror::Error;
use url::{Host, Url};

/// Maximum length of a URL, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// What is allowed in addition to `https` and public addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UrlPolicy {
    /// Whether to allow `http`.
    pub http: bool,
    /// Whether to allow private and loopback addresses.
    pub private_addresses: bool,
}

/// Reasons a URL is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    #[error("not a valid URL")]
    NoUrl,
    #[error("the URL must have at most {MAX_URL_BYTES} bytes")]
    TooLong,
    #[error("the URL must start with https://")]
    Scheme,
    #[error("the URL must not contain credentials")]
    Credentials,
    #[error("the URL must have a public address")]
    PrivateAddress,
}

impl UrlPolicy {
    /// Parses a URL and checks it. The addresses of a host name are checked at each call, since they can
    /// change.
    pub fn url(&self, text: &str) -> Result<Url, UrlError> {
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| UrlError::NoUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.http => {}
            _ => return Err(UrlError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        let address = match url.host().ok_or(UrlError::NoUrl)? {
            Host::Domain(_) => return Ok(url),
            Host::Ipv4(address) => address.into(),
            Host::Ipv6(address) => address.into(),
        };
        if self.address(address) { Ok(url) } else { Err(UrlError::PrivateAddress) }
    }

    /// Returns whether the portal calls an address.
    pub fn address(&self, address: IpAddr) -> bool {
        self.private_addresses
            || match address {
                IpAddr::V4(address) => is_public(address),
                IpAddr::V6(address) => is_public_v6(address),
            }
    }
}

/// Returns whether an address is not in the registry of special-purpose addresses (RFC 6890 and later
/// additions).
fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        224.. => true,
        _ => false,
    };
    !special
}

/// Returns whether an address is global unicast and not a special-purpose address. An embedded IPv4 address
/// is checked as such.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Mapped, and translated by NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and other special uses; documentation.
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_policy_allows_only_public_addresses() {
        let public =
            ["8.8.8.8", "100.63.255.255", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "::ffff:8.8.8.8"];
        for address in public {
            assert!(UrlPolicy::default().address(address.parse().unwrap()), "{address}");
        }
        let private = "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 \
                       172.31.255.255 192.0.0.1 192.0.2.1 192.168.1.1 198.18.0.1 203.0.113.5 224.0.0.1 \
                       255.255.255.255 :: ::1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: \
                       2001::1 2001:db8::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 3fff::1 100::1";
        for address in private.split_whitespace() {
            let address = address.parse().unwrap();
            assert!(!UrlPolicy::default().address(address), "{address}");
            assert!(UrlPolicy { private_addresses: true, http: false }.address(address), "{address}");
        }
    }

    #[test]
    fn url_policy_requires_https_and_no_credentials() {
        let read = |text: &str| UrlPolicy::default().url(text).map(|url| url.to_string());
        assert_eq!(read("https://a.example/x?y=1"), Ok("https://a.example/x?y=1".to_owned()));
        assert!(read("https://8.8.8.8:8443/").is_ok());
        for (url, wrong) in [
            ("a.example", UrlError::NoUrl),
            ("", UrlError::NoUrl),
            ("http://a.example/", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("https://me@a.example/", UrlError::Credentials),
            ("https://127.0.0.1/", UrlError::PrivateAddress),
            // Other notations of 127.0.0.1.
            ("https://2130706433/", UrlError::PrivateAddress),
            ("https://0x7f.1/", UrlError::PrivateAddress),
            ("https://[::1]/", UrlError::PrivateAddress),
            ("https://[::ffff:169.254.169.254]/", UrlError::PrivateAddress),
        ] {
            assert_eq!(read(url), Err(wrong), "{url}");
        }
        assert_eq!(read(&format!("https://a.example/{}", "x".repeat(MAX_URL_BYTES))), Err(UrlError::TooLong));
        let all = UrlPolicy { http: true, private_addresses: true };
        assert!(all.url("http://127.0.0.1:8080/").is_ok());
    }
}
