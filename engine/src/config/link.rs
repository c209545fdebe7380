//! The part of `[[smsc]]` that says how its binds are made and kept.

use std::ops::RangeInclusive;
use std::time::Duration;

use kit::settings::{Given, Table};
use rustls::pki_types::ServerName;
use smpp::frame::BindKind;

use super::tls::Tls;
use super::value::{self, ADDRESS_ALLOWED};
use super::{DAY, SECOND};

/// The most hosts of one account: carriers name two or three.
const ADDRESSES_MAX: usize = 8;

/// Octets of an address_range (SMPP 3.4, 5.2.7: up to 41 with the NUL).
const ADDRESS_RANGE: RangeInclusive<usize> = 0..=40;

/// Binds in an hour: ten a second is more than any carrier allows.
const BINDS_PER_HOUR_MAX: u32 = 36_000;

/// `bind`: in which directions messages go, and over how many sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Directions {
    /// Both over the same sessions.
    Transceiver,
    /// Out only.
    Transmitter,
    /// In only.
    Receiver,
    /// Out over some sessions, and in over as many others.
    Pair,
}

impl Directions {
    pub(super) const NAMES: [(&str, Self); 4] = [
        ("transceiver", Self::Transceiver),
        ("transmitter", Self::Transmitter),
        ("receiver", Self::Receiver),
        ("pair", Self::Pair),
    ];

    /// The kinds of sessions; of each kind as many as `sessions` says.
    pub(crate) const fn kinds(self) -> &'static [BindKind] {
        match self {
            Self::Transceiver => &[BindKind::Transceiver],
            Self::Transmitter => &[BindKind::Transmitter],
            Self::Receiver => &[BindKind::Receiver],
            Self::Pair => &[BindKind::Transmitter, BindKind::Receiver],
        }
    }

    /// Whether messages can be submitted.
    pub(crate) fn transmits(self) -> bool {
        self.kinds().iter().any(|kind| kind.transmits())
    }
}

/// The host of `host:port`, as certificates name it.
pub(crate) fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Where binds are made, as what, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    /// `address`: `host:port`, or a list of these in the order in which they are tried; resolved at every connection.
    pub(crate) addresses: Vec<String>,
    /// `tls`: how connections are secured. Absent: not at all.
    pub(crate) tls: Option<Tls>,
    /// `bind_ton`, `bind_npi` and `address_range` of the bind: which numbers are ours. Default unknown, unknown and empty.
    pub(crate) ton: u8,
    /// See `ton`.
    pub(crate) npi: u8,
    /// See `ton`.
    pub(crate) address_range: String,
    /// `binds_per_hour`: the most binds in any hour, over all sessions. Default 600.
    pub(crate) binds_per_hour: u32,
    /// `session_max_age`: after so long a session is unbound in order and bound anew, one of the account at a time.
    /// Absent: never.
    pub(crate) session_max_age: Option<Duration>,
}

impl Link {
    /// To that address, with every default.
    pub(super) fn new(address: String) -> Self {
        Self {
            addresses: vec![address],
            tls: None,
            ton: 0,
            npi: 0,
            address_range: String::new(),
            binds_per_hour: 600,
            session_max_age: None,
        }
    }

    /// `sessions`: of all kinds; `known`: what counts where the table says nothing.
    pub(super) fn read(table: &Table<'_>, sessions: u32, known: &Self) -> Self {
        let link = Self {
            addresses: addresses(table),
            tls: Tls::read(table),
            ..Self::read_manners(table, sessions, known)
        };
        if link.tls.as_ref().is_some_and(|tls| tls.server_name().is_none()) {
            let unnamed = |address: &&String| ServerName::try_from(host_of(address)).is_err();
            if let Some(address) = link.addresses.iter().find(unnamed) {
                let problem = format!("{address:?} has no name that a certificate can be for: set tls.server_name");
                table.fault("address", problem);
            }
        }
        link
    }

    /// What a carrier decides for all of its accounts.
    pub(super) fn read_manners(table: &Table<'_>, sessions: u32, known: &Self) -> Self {
        let range = table.parsed("address_range", value::octets_allowed(ADDRESS_RANGE), |given| {
            value::octets(given.text()?, ADDRESS_RANGE)
        });
        let max_age = table.has("session_max_age");
        // Shorter than a minute, and it would do little else.
        let max_age = max_age.then(|| table.duration("session_max_age", 60 * SECOND..=30 * DAY, DAY));
        Self {
            // SMPP 3.4, 5.2.5 and 5.2.6.
            ton: table.integer("bind_ton", 0..=6, known.ton),
            npi: table.integer("bind_npi", 0..=18, known.npi),
            address_range: range.unwrap_or_else(|| known.address_range.clone()),
            binds_per_hour: binds_per_hour(table, sessions).unwrap_or(known.binds_per_hour),
            session_max_age: max_age.or(known.session_max_age),
            ..known.clone()
        }
    }
}

impl Directions {
    /// `bind`.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        table.choice("bind", &Self::NAMES)
    }
}

fn addresses(table: &Table<'_>) -> Vec<String> {
    let allowed = format!("{ADDRESS_ALLOWED}, or a list of up to {ADDRESSES_MAX} of these, each once");
    table.required("address", &allowed);
    let addresses = table.parsed("address", allowed, |given| {
        let list = given.items().unwrap_or_else(|| vec![given]);
        let addresses: Vec<String> = list.into_iter().map(value::host_and_port).collect::<Option<_>>()?;
        let once = |(at, address)| !addresses[..at].contains(address);
        let valid = (1..=ADDRESSES_MAX).contains(&addresses.len()) && addresses.iter().enumerate().all(once);
        valid.then_some(addresses)
    });
    // What is missing or refused has left a fault, so that this is never used.
    addresses.unwrap_or_default()
}

/// All sessions have to come up within an hour.
fn binds_per_hour(table: &Table<'_>, sessions: u32) -> Option<u32> {
    let least = sessions.max(2);
    let allowed = format!("a whole number from {least}, one for each session, to {BINDS_PER_HOUR_MAX}");
    table.parsed("binds_per_hour", allowed, |given: Given<'_>| {
        let binds = u32::try_from(given.whole()?).ok()?;
        (least..=BINDS_PER_HOUR_MAX).contains(&binds).then_some(binds)
    })
}

/// `interface_version` of a bind (SMPP 3.4, 5.2.4; SMPP 5.0, 4.7.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InterfaceVersion {
    /// `0x33`: 3.3.
    V33,
    /// `0x34`: 3.4.
    V34,
    /// `0x50`: 5.0.
    V50,
}

impl InterfaceVersion {
    /// Whether PDUs have optional parameters.
    pub(crate) const fn has_parameters(self) -> bool {
        match self {
            Self::V33 => false,
            Self::V34 | Self::V50 => true,
        }
    }

    /// The octet of the bind.
    pub(crate) const fn octet(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }

    /// `0x33`, `0x34` or `0x50`.
    pub(super) fn parse(given: Given<'_>) -> Option<Self> {
        let octet = given.whole()?;
        [Self::V33, Self::V34, Self::V50]
            .into_iter()
            .find(|version| u64::from(version.octet()) == octet)
    }
}
