//! What a key of a tenant opens, from where, and until when.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::UnixMicros;

/// Bits of an IPv6 address that stand before the IPv4 address which it stands for (RFC 4291, 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// What a key may do. Each role opens what those before it open.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Role {
    /// Looks at everything of the tenant, and has things worked out that change nothing.
    Read,
    /// Sends: campaigns and single messages.
    Send,
    /// Changes whatever is the tenant's, except its keys. What keys are that were made before there were roles.
    #[default]
    Full,
    /// Makes, changes and revokes the tenant's keys.
    Admin,
}

impl Role {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// Whom a key reaches.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum KeyKind {
    /// Anybody. What keys are that were made before there were others.
    #[default]
    Live,
    /// A simulator, for nothing: it is a key of its tenant's sandbox.
    Sandbox,
    /// The numbers of the tenant's guest list, and nobody else.
    Team,
}

impl KeyKind {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// Addresses that lie together; an address by itself is the network of that address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Network(IpNet);

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no address and no network")]
pub(crate) struct NoNetwork;

impl Network {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let address = text.parse::<IpAddr>().ok().map(IpNet::from);
        let network: IpNet = address.or_else(|| text.parse().ok()).ok_or(NoNetwork)?;
        Ok(Self(plain(network.trunc())))
    }
}

/// IPv4 as IPv4, however it was written: addresses are compared so.
fn plain(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let bits = v6.prefix_len().checked_sub(MAPPED_BITS);
    let v4 = v6.addr().to_ipv4_mapped().zip(bits);
    let v4 = v4.and_then(|(address, bits)| Ipv4Net::new(address, bits).ok());
    v4.map_or(network, IpNet::V4)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            return self.0.addr().fmt(f);
        }
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Network {
    type Error = NoNetwork;

    fn try_from(text: String) -> Result<Self, NoNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// What bounds a key. The default: those of keys that were made before there were any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct KeyBounds {
    pub(crate) role: Role,
    pub(crate) kind: KeyKind,
    /// From where it may be shown; empty: from anywhere.
    pub(crate) addresses: Vec<Network>,
    /// From when on it opens nothing.
    pub(crate) expires_at: Option<UnixMicros>,
}

impl KeyBounds {
    /// The most networks of a key: a firewall's list of a large clinic.
    pub(crate) const ADDRESSES_MAX: usize = 64;

    /// How far ahead a key may end, in days: longer than any system lives.
    pub(crate) const DAYS_MAX: u32 = 3_650;

    pub(crate) fn has_ended(&self, now: UnixMicros) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// Whether it may be shown there; where that is not known, a key that is bound to places may not.
    pub(crate) fn holds_at(&self, address: Option<IpAddr>) -> bool {
        let within = |address: IpAddr| self.addresses.iter().any(|network| network.contains(address));
        self.addresses.is_empty() || address.is_some_and(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_role_opens_what_those_before_it_do() {
        assert!(Role::ALL.is_sorted());
        assert_eq!((Role::default(), "send".parse()), (Role::Full, Ok(Role::Send)));
    }

    #[test]
    fn a_network_is_what_it_says_however_it_is_written() {
        for (given, shown, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7/24", "192.0.2.0/24", "::ffff:192.0.2.9", "192.0.3.1"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7", "2001:db8::1"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24", "192.0.2.200", "192.0.3.1"),
            ("2001:db8:1::/48", "2001:db8:1::/48", "2001:db8:1:2::3", "2001:db8:2::1"),
        ] {
            let network: Network = given.parse().unwrap();
            assert_eq!(network.to_string(), shown);
            assert!(
                network.contains(ip(inside)) && !network.contains(ip(outside)),
                "{given}"
            );
        }
        for given in ["", "192.0.2.0/33", "crm.example", "192.0.2"] {
            assert_eq!(given.parse::<Network>(), Err(NoNetwork), "{given}");
        }
    }

    #[test]
    fn a_key_ends_at_its_moment_and_holds_where_it_may() {
        let bounds = KeyBounds {
            addresses: vec!["192.0.2.0/24".parse().unwrap()],
            expires_at: Some(UnixMicros(10)),
            ..KeyBounds::default()
        };
        assert_eq!([9, 10].map(|at| bounds.has_ended(UnixMicros(at))), [false, true]);
        let from = [Some("192.0.2.1"), Some("198.51.100.1"), None];
        assert_eq!(from.map(|from| bounds.holds_at(from.map(ip))), [true, false, false]);
        assert!(KeyBounds::default().holds_at(None) && !KeyBounds::default().has_ended(UnixMicros(u64::MAX)));
        let stored = serde_json::to_string(&bounds).unwrap();
        assert_eq!(serde_json::from_str::<KeyBounds>(&stored).unwrap(), bounds);
        assert!(serde_json::from_str::<KeyBounds>(r#"{"role": "emperor"}"#).is_err());
    }
}
