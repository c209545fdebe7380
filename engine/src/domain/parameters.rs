//! What a campaign or a message wants in its submit_sm beside the text: service_type, when to deliver it, optional parameters.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::BytesMut;
use smpp::frame::{Tlvs, put_tlv, tag};

/// Octets of a service_type (SMPP 3.4, 5.2.11: up to 6 with the NUL).
pub(crate) const SERVICE_TYPE_MAX: usize = 5;

/// Optional parameters of one SMSC or message: carriers ask for one or two.
pub(crate) const TLVS_MAX: usize = 20;

/// Octets of the value of one: carriers' own are ids.
pub(crate) const TLV_OCTETS_MAX: usize = 255;

/// How long an SMSC may be told to keep a message: two digits of days are what a relative time has room for.
pub(crate) const SCHEDULE_MAX: Duration = Duration::from_secs(99 * 86_400);

/// Parameters that the engine writes itself.
const OWN_TAGS: [u16; 4] = [
    tag::SAR_MSG_REF_NUM,
    tag::SAR_TOTAL_SEGMENTS,
    tag::SAR_SEGMENT_SEQNUM,
    tag::MESSAGE_PAYLOAD,
];

/// Between the stored fields.
const SEPARATOR: char = ';';

/// What stands in each submit_sm of a message, in place of what its SMSC's are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// `service_type`; `None`: as the SMSC's.
    pub(crate) service_type: Option<String>,
    /// `schedule_delivery`: how long the SMSC keeps it; `None`: as the SMSC's.
    pub(crate) schedule_delivery: Option<Duration>,
    /// `tlvs`, beside those of the SMSC with other tags.
    pub(crate) tlvs: TlvList,
}

/// Optional parameters, each tag once, as they stand in a PDU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlvList(BytesMut);

impl TlvList {
    /// Whether somebody other than the engine may write a parameter with that tag.
    pub(crate) fn takes(tag: u16) -> bool {
        tag > 0 && !OWN_TAGS.contains(&tag)
    }

    /// As they stand in a PDU.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each with its tag.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, &[u8])> {
        Tlvs(&self.0).iter()
    }

    /// Whether one with that tag is among them.
    pub(crate) fn has(&self, tag: u16) -> bool {
        self.iter().any(|(known, _)| known == tag)
    }

    /// One more.
    pub(crate) fn push(&mut self, tag: u16, value: &[u8]) {
        put_tlv(&mut self.0, tag, value);
    }

    /// These, and those of `others` with other tags.
    pub(crate) fn with(&self, others: &Self) -> Self {
        let mut all = self.clone();
        others
            .iter()
            .filter(|(tag, _)| !self.has(*tag))
            .for_each(|(tag, value)| all.push(tag, value));
        all
    }
}

impl Parameters {
    /// Nothing but what the SMSC's are given.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Octets in hexadecimal, without anything between them.
pub(crate) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.len() > 2 * TLV_OCTETS_MAX || !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    let octet = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    pairs
        .map(|pair| octet(pair).filter(|_| pair.iter().all(u8::is_ascii_hexdigit)))
        .collect()
}

/// In hexadecimal.
pub(crate) fn to_hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// As they are stored: nothing for none.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        if let Some(after) = self.schedule_delivery {
            write!(f, "{}", after.as_secs())?;
        }
        write!(f, "{SEPARATOR}")?;
        for (tag, value) in self.tlvs.iter() {
            write!(f, "{tag:04x}{:02x}{}", value.len(), to_hexadecimal(value))?;
        }
        // A service_type may have any character in it, and may be empty: what an SMSC's are not.
        match &self.service_type {
            Some(service_type) => write!(f, "{SEPARATOR}{service_type}"),
            None => Ok(()),
        }
    }
}

/// Not what [`Parameters`] are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these are no parameters of a message")]
pub(crate) struct BrokenParameters;

impl FromStr for Parameters {
    type Err = BrokenParameters;

    fn from_str(text: &str) -> Result<Self, BrokenParameters> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut fields = text.splitn(3, SEPARATOR);
        let (schedule, tlvs) = (
            fields.next().unwrap_or_default(),
            fields.next().ok_or(BrokenParameters)?,
        );
        let schedule_delivery = match schedule {
            "" => None,
            seconds => Some(Duration::from_secs(seconds.parse().map_err(|_| BrokenParameters)?)),
        };
        Ok(Self {
            service_type: fields.next().map(str::to_owned),
            schedule_delivery,
            tlvs: stored_tlvs(tlvs).ok_or(BrokenParameters)?,
        })
    }
}

/// Tag in four digits, length in two, value, one behind the other.
fn stored_tlvs(mut text: &str) -> Option<TlvList> {
    let mut list = TlvList::default();
    while !text.is_empty() {
        let (head, rest) = text.split_at_checked(6)?;
        let tag = u16::from_str_radix(head.get(..4)?, 16).ok()?;
        let length = usize::from(u8::from_str_radix(head.get(4..)?, 16).ok()?);
        let (value, rest) = rest.split_at_checked(2 * length)?;
        list.push(tag, &hexadecimal(value)?);
        text = rest;
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(tlvs: &[(u16, &[u8])]) -> TlvList {
        let mut list = TlvList::default();
        tlvs.iter().for_each(|(tag, value)| list.push(*tag, value));
        list
    }

    #[test]
    fn they_are_stored_and_come_back() {
        let seconds = Duration::from_secs;
        for (service_type, after, tlvs, stored) in [
            (None, None, list(&[]), ""),
            (Some(""), None, list(&[]), ";;"),
            (Some("A;B"), Some(seconds(60)), list(&[]), "60;;A;B"),
            (
                None,
                None,
                list(&[(0x1400, b"11\xff"), (5, b"")]),
                ";1400033131ff000500",
            ),
        ] {
            let parameters = Parameters {
                service_type: service_type.map(str::to_owned),
                schedule_delivery: after,
                tlvs,
            };
            assert_eq!(parameters.to_string(), stored);
            assert_eq!(stored.parse(), Ok(parameters));
        }
        for broken in ["60", "x;;", ";1400", ";140003aabb", ";é400003131ff", ";14000z"] {
            assert_eq!(broken.parse::<Parameters>(), Err(BrokenParameters), "{broken}");
        }
    }

    #[test]
    fn a_messages_own_stand_in_place_of_the_smscs() {
        let (own, smscs) = (list(&[(0x1400, b"1")]), list(&[(0x1401, b"2"), (0x1400, b"3")]));
        let both = own.with(&smscs);
        assert_eq!(both.iter().collect::<Vec<_>>(), [(0x1400, &b"1"[..]), (0x1401, b"2")]);
        assert!(TlvList::takes(0x1400) && !TlvList::takes(0) && !TlvList::takes(0x0424));
    }
}
