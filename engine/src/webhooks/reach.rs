//! Which addresses may be asked: whoever names a URL must not reach what only this machine can.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// What is not the public Internet: IANA's registries of special-purpose addresses (RFC 6890 and later), multicast, and what
/// leads back into IPv4 by another name.
const SPECIAL: [&str; 33] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    // The metadata of clouds are here as well.
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    // Metadata and DNS of a cloud at a public address.
    "168.63.129.16/32",
    "::/96",
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/9",
    "ff00::/8",
];

/// The networks that may be asked: the public ones, and what the operator allows beside them. Cheap enough to copy.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    special: Vec<IpNet>,
    allowed: Vec<IpNet>,
}

impl Reach {
    pub(super) fn new(allowed: &[IpNet]) -> Self {
        Self {
            special: SPECIAL.iter().filter_map(|network| network.parse().ok()).collect(),
            allowed: allowed.to_vec(),
        }
    }

    /// Whether that address may be asked.
    pub(super) fn reaches(&self, address: IpAddr) -> bool {
        self.allows(address) || !self.special.iter().any(|network| network.contains(&address))
    }

    /// Whether the operator has said so: then it may be asked without TLS as well.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let plain = plain(address);
        self.allowed.iter().any(|network| network.contains(&plain))
    }
}

/// What an IPv4 address in IPv6's clothes is.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
    }
}

/// The address that a host of a URL is, if it is one; its brackets are not part of it.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    let six = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match six {
        Some(six) => six.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_list_is_one() {
        assert_eq!(Reach::new(&[]).special.len(), SPECIAL.len());
    }

    #[test]
    fn only_public_addresses_are_reached_unless_the_operator_says_so() {
        let reach = Reach::new(&[]);
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!reach.reaches(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:4700::1111"] {
            assert!(reach.reaches(address.parse().unwrap()), "{address}");
        }
        let opened = Reach::new(&["127.0.0.1/32".parse().unwrap()]);
        for (address, may) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", false),
        ] {
            assert_eq!(opened.reaches(address.parse().unwrap()), may, "{address}");
        }
        assert_eq!(literal("[::1]"), "::1".parse().ok());
        assert_eq!((literal("example.net"), literal("127.1")), (None, None));
    }
}
