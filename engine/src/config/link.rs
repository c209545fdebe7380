//! The part of `[[smsc]]` that says how its binds are made and kept.

use std::ops::RangeInclusive;

use kit::settings::{Given, Table};
use rustls::pki_types::ServerName;
use smpp::frame::BindKind;

use super::smsc::Smsc;
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

/// `address`: one, or several in the order in which they are tried.
pub(super) fn addresses(table: &Table<'_>) -> Vec<String> {
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

pub(super) fn read(table: &Table<'_>, smsc: &mut Smsc) {
    let directions = [
        ("transceiver", Directions::Transceiver),
        ("transmitter", Directions::Transmitter),
        ("receiver", Directions::Receiver),
        ("pair", Directions::Pair),
    ];
    smsc.bind = table.choice("bind", &directions).unwrap_or(smsc.bind);
    // SMPP 3.4, 5.2.5 and 5.2.6.
    smsc.bind_ton = table.integer("bind_ton", 0..=6, smsc.bind_ton);
    smsc.bind_npi = table.integer("bind_npi", 0..=18, smsc.bind_npi);
    let range = table.parsed("address_range", value::octets_allowed(ADDRESS_RANGE), |given| {
        value::octets(given.text()?, ADDRESS_RANGE)
    });
    smsc.address_range = range.unwrap_or_default();
    read_budget(table, smsc);
    // Shorter than a minute, and it would do little else.
    smsc.session_max_age = table
        .has("session_max_age")
        .then(|| table.duration("session_max_age", 60 * SECOND..=30 * DAY, DAY));
    smsc.tls = Tls::read(table);
    if smsc.tls.as_ref().is_some_and(|tls| tls.server_name().is_none()) {
        let unnamed = |address: &&String| ServerName::try_from(host_of(address)).is_err();
        if let Some(address) = smsc.addresses.iter().find(unnamed) {
            let problem = format!("{address:?} has no name that a certificate can be for: set tls.server_name");
            table.fault("address", problem);
        }
    }
}

/// All sessions have to come up within an hour.
fn read_budget(table: &Table<'_>, smsc: &mut Smsc) {
    let least = smsc.session_count().max(2);
    let allowed = format!("a whole number from {least}, one for each session, to {BINDS_PER_HOUR_MAX}");
    let binds = table.parsed("binds_per_hour", allowed, |given: Given<'_>| {
        let binds = u32::try_from(given.whole()?).ok()?;
        (least..=BINDS_PER_HOUR_MAX).contains(&binds).then_some(binds)
    });
    smsc.binds_per_hour = binds.unwrap_or(smsc.binds_per_hour);
}
