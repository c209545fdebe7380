//! Whose share a request or a connection counts in: the address that it comes from, or that a proxy vouches for.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use ipnet::IpNet;

/// The header in which each proxy appends the address that it was asked from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The part of an IPv6 address that one customer has: a /64, in which he may choose any address (RFC 6177).
const CUSTOMER_BITS: u32 = 64;

/// The address at the other end of the connection that brought a request.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// One client: an IPv4 address, or a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client(IpAddr);

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/{CUSTOMER_BITS}"),
        }
    }
}

impl Client {
    pub(super) fn of(address: IpAddr) -> Self {
        // On a socket for both, IPv4 comes as ::ffff:192.0.2.1.
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - CUSTOMER_BITS))).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// Whether one of our own proxies has that address.
pub(super) fn is_proxy(address: IpAddr, proxies: &[IpNet]) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|network| network.contains(&address))
}

/// Who has sent a request, by the connection that it came on.
pub(super) fn sender(request: &Request) -> Option<Client> {
    let Peer(peer) = *request.extensions().get::<Peer>()?;
    Some(Client::of(peer))
}

/// Who has sent a request, by the word of a proxy of ours.
pub(super) fn vouched_for(asked: &Parts, proxies: &[IpNet]) -> Option<Client> {
    let Peer(peer) = *asked.extensions.get::<Peer>()?;
    let is_believed = is_proxy(peer, proxies);
    is_believed.then(|| Client::of(forwarded(&asked.headers, peer, proxies)))
}

/// The address from which a request was sent, as far as the other end of its connection or a proxy of ours is believed.
pub(super) fn address(request: &Request, proxies: &[IpNet]) -> Option<IpAddr> {
    let Peer(peer) = *request.extensions().get::<Peer>()?;
    if is_proxy(peer, proxies) {
        return Some(forwarded(request.headers(), peer, proxies));
    }
    Some(peer.to_canonical())
}

/// Who asked `peer`, one of our proxies: the last address of `X-Forwarded-For` that is no proxy of ours. What stands
/// before it may have been invented. Without such an address it is the last proxy that is known.
pub(super) fn forwarded(headers: &HeaderMap, peer: IpAddr, proxies: &[IpNet]) -> IpAddr {
    let mut last = peer;
    let values = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    for hop in hops.iter().rev() {
        let Some(address) = address_of(hop.trim()) else {
            break;
        };
        last = address;
        if !is_proxy(address, proxies) {
            break;
        }
    }
    last.to_canonical()
}

/// Some proxies write the port as well.
fn address_of(hop: &str) -> Option<IpAddr> {
    let bare = hop.parse().ok();
    bare.or_else(|| hop.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn asked_by(values: &[&str]) -> Client {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let proxies = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        Client::of(forwarded(&headers, ip("10.0.0.1"), &proxies))
    }

    #[test]
    fn an_ipv6_customer_is_one_client() {
        assert_eq!(
            Client::of(ip("2001:db8:1:2::1")),
            Client::of(ip("2001:db8:1:2:ffff::7"))
        );
        assert_ne!(Client::of(ip("2001:db8:1:2::1")), Client::of(ip("2001:db8:1:3::1")));
        assert_eq!(Client::of(ip("::ffff:192.0.2.1")), Client::of(ip("192.0.2.1")));
        assert_ne!(Client::of(ip("192.0.2.2")), Client::of(ip("192.0.2.1")));
        assert_eq!(Client::of(ip("2001:db8:1:2::1")).to_string(), "2001:db8:1:2::/64");
        assert_eq!(Client::of(ip("192.0.2.2")).to_string(), "192.0.2.2");
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        let client = Client::of(ip("192.0.2.7"));
        for values in [
            &["192.0.2.7"][..],
            &["198.51.100.1, 192.0.2.7"],
            &["198.51.100.1", "192.0.2.7, 10.1.2.3", "fd00::1"],
            &["what a client says,192.0.2.7:5123"],
        ] {
            assert_eq!(asked_by(values), client, "{values:?}");
        }
        assert_eq!(
            asked_by(&["192.0.2.7, [2001:db8::1]:80"]),
            Client::of(ip("2001:db8::9"))
        );
    }

    #[test]
    fn without_one_it_is_the_last_proxy_that_is_known() {
        assert_eq!(asked_by(&[]), Client::of(ip("10.0.0.1")));
        assert_eq!(asked_by(&["192.0.2.7, unknown"]), Client::of(ip("10.0.0.1")));
        assert_eq!(asked_by(&["unknown, 10.0.0.9"]), Client::of(ip("10.0.0.9")));
    }
}
