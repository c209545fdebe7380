//! rusmpp's types behind our framing: bodies are written through them, and read through them where they take what came.
//!
//! Three things are ours. The header, and with it where a PDU ends: rusmpp's codec decodes from the whole read buffer, so
//! that a short body would take octets of its neighbour. The octets: what rusmpp owns is a copy, so its values say how long
//! each field is, and the field is [cut](Cut) out of the octets that came. And the optional parameters, which stay
//! [octets](Tlvs): rusmpp reads the value of a known one without a look at the length that goes with it.

use bytes::BytesMut;
use rusmpp::decode::DecodeWithLength;
use rusmpp::encode::{Encode, Length};
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{Npi, ServiceType, Ton};

use crate::address::Address;

/// The most octets of a text: `sm_length` has one (3.4, 4.4.1).
const MESSAGE_MAX: usize = 255;

/// A field that the standard does not let out. Nothing is written then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unencodable {
    /// A C-string: `octets_max` without its closing NUL.
    #[error("{field} is longer than {octets_max} octets, or not ASCII without NUL")]
    Text {
        /// The field.
        field: &'static str,
        /// Its longest value.
        octets_max: usize,
    },
    /// A time (3.4, 7.1.1).
    #[error("{field} is neither empty nor 16 octets of ASCII, YYMMDDhhmmsstnnp")]
    Time {
        /// The field.
        field: &'static str,
    },
    /// A text, or a list.
    #[error("{field} is longer than {most}")]
    Long {
        /// The field.
        field: &'static str,
        /// Octets of a text, destinations of a list.
        most: usize,
    },
}

/// Appends a body.
pub(super) fn put(out: &mut BytesMut, body: &impl Encode) {
    let at = out.len();
    out.resize(at + body.length(), 0);
    let written = body.encode(&mut out[at..]);
    debug_assert_eq!(written, out.len() - at);
}

/// The body, if rusmpp takes it, and all of it.
pub(super) fn take<T: DecodeWithLength>(body: &[u8]) -> Option<T> {
    let (taken, used) = T::decode(&mut BytesMut::from(body), body.len()).ok()?;
    (used == body.len()).then_some(taken)
}

/// Cuts a body along the lengths of what rusmpp read from it.
pub(super) struct Cut<'a>(pub(super) &'a [u8]);

impl<'a> Cut<'a> {
    pub(super) fn octets(&mut self, count: usize) -> &'a [u8] {
        let (octets, rest) = self.0.split_at_checked(count).unwrap_or((self.0, &[]));
        self.0 = rest;
        octets
    }

    /// A C-string, without its NUL.
    pub(super) fn text(&mut self, of: &impl Length) -> &'a [u8] {
        self.octets(of.length()).split_last().map_or(&[], |(_, text)| text)
    }

    pub(super) fn address(&mut self, (ton, npi): (Ton, Npi), digits: &impl Length) -> Address<'a> {
        self.octets(ton.length() + npi.length());
        Address {
            ton: ton.into(),
            npi: npi.into(),
            digits: self.text(digits),
        }
    }

    /// `sm_length` and the text.
    pub(super) fn message(&mut self, sm_length: u8) -> &'a [u8] {
        self.octets(1);
        self.octets(sm_length.into())
    }
}

pub(super) fn text<const MIN: usize, const MAX: usize>(
    field: &'static str,
    octets: &[u8],
) -> Result<COctetString<MIN, MAX>, Unencodable> {
    let octets_max = MAX - 1;
    COctetString::from_vec([octets, &[0]].concat()).map_err(|_| Unencodable::Text { field, octets_max })
}

pub(super) fn time(field: &'static str, octets: &[u8]) -> Result<EmptyOrFullCOctetString<17>, Unencodable> {
    EmptyOrFullCOctetString::from_vec([octets, &[0]].concat()).map_err(|_| Unencodable::Time { field })
}

pub(super) fn message(octets: &[u8]) -> Result<OctetString<0, MESSAGE_MAX>, Unencodable> {
    let (field, most) = ("short_message", MESSAGE_MAX);
    OctetString::from_slice(octets).map_err(|_| Unencodable::Long { field, most })
}

pub(super) fn service_type(octets: &[u8]) -> Result<ServiceType, Unencodable> {
    text("service_type", octets).map(ServiceType::new)
}
