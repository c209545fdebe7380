//! deliver_sm or data_sm → receipt: the text form in all its dialects, the TLV form, and both at once.
//!
//! The standard gives the text's form only as an example (3.4, appendix B), so every SMSC writes its own. What is
//! absent stays absent, what is odd stays as it is: the reader decides what it means for its SMSC.

mod fields;
mod identity;
mod index;
mod stat;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use identity::{Relation, relation, same_id, trim};
pub use index::{index_form, index_forms};
pub use stat::Stat;

use crate::frame::{Sm, tag};
use crate::part::split_header;
use fields::Fields;

/// The message type bits of `esm_class` in a deliver_sm or data_sm (3.4, 5.2.12).
mod esm_class {
    pub(super) const TYPE: u8 = 0x3C;
    pub(super) const RECEIPT: u8 = 0x04;
    pub(super) const INTERMEDIATE: u8 = 0x20;
}

/// What a delivery receipt says. The fields of the text are as they stand there: None is absent, `""` is present and
/// empty. Nothing is allocated for them unless the text is UTF-16 or no UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The message's id in the TLV `receipted_message_id`, without its closing NUL. It goes before [`Receipt::id`].
    pub tlv_id: Option<Cow<'a, str>>,
    /// `id:` of the text.
    pub id: Option<Cow<'a, str>>,
    /// What became of the message: the TLV `message_state` where it is clear, else the text's `stat`.
    pub stat: Stat,
    /// `stat:` of the text, as it is written.
    pub stat_text: Option<Cow<'a, str>>,
    /// The TLV `message_state` as its number (3.4, 5.2.28).
    pub message_state: Option<u8>,
    /// `err:` of the text: a code of the SMSC's own, often but not always three digits.
    pub err: Option<Cow<'a, str>>,
    /// The TLV `network_error_code`.
    pub network_error: Option<NetworkError>,
    /// `sub:` of the text, the number of messages submitted.
    pub sub: Option<Cow<'a, str>>,
    /// `dlvrd:` of the text, the number of messages delivered. Several SMSCs always write the same.
    pub dlvrd: Option<Cow<'a, str>>,
    /// `submit date:` of the text, 8 to 16 characters, time zone unknown.
    pub submit_date: Option<Cow<'a, str>>,
    /// `done date:` of the text, 8 to 16 characters, time zone unknown.
    pub done_date: Option<Cow<'a, str>>,
    /// `text:` of the text, the beginning of the message.
    pub text: Option<Cow<'a, str>>,
    /// Whether `esm_class` says that this is an intermediate notification, so that another receipt will follow.
    pub intermediate: bool,
}

impl Receipt<'_> {
    /// The ids to look for, in the order to believe them: of the TLV, then of the text. An SMSC may write two that have
    /// nothing to do with each other.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        [self.tlv_id.as_deref(), self.id.as_deref()]
            .into_iter()
            .flatten()
            .filter(|id| !id.is_empty())
    }

    /// Whether no other receipt is to be expected after this one. A few SMSCs call every receipt an intermediate notification:
    /// a state that is the message's last by the standard (3.4, 5.2.28) ends it all the same, one that says nothing does not.
    pub fn is_final(&self) -> bool {
        let says_nothing = matches!(self.stat, Stat::Unknown | Stat::Skipped);
        self.stat.is_final() && !(self.intermediate && says_nothing)
    }

    /// How many segments it speaks for. More than one: it counts all segments of a long message (`sub:004`) and says the same of
    /// all, `dlvrd:004` or `dlvrd:000`.
    pub fn segments(&self) -> u8 {
        let count = |field: &Option<Cow<'_, str>>| field.as_deref().and_then(|text| text.trim().parse::<u8>().ok());
        match (count(&self.sub), count(&self.dlvrd)) {
            (Some(all), Some(delivered)) if delivered == all || delivered == 0 => all.max(1),
            _ => 1,
        }
    }
}

/// The TLV `network_error_code`: what the network said (3.4, 5.3.2.31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkError {
    /// The kind of network, 3 is GSM. None where an SMSC writes the code as three ASCII digits.
    pub network: Option<u8>,
    /// The network's code.
    pub code: u16,
}

/// Reads a deliver_sm or data_sm as a receipt. None: it is an ordinary inbound message.
///
/// What `esm_class` calls a receipt or an intermediate notification is one, even when nothing in it can be read: all
/// fields are absent then. A few SMSCs leave `esm_class` at 0: then it is one if its text surely is a receipt, with an id,
/// a known stat and a third key, or if it carries `receipted_message_id` and a state, in `message_state` or in the text, or no
/// text at all. With an ordinary text, that TLV only says which message is replied to.
pub fn parse<'a>(sm: &Sm<'a>) -> Option<Receipt<'a>> {
    let kind = sm.esm_class & esm_class::TYPE;
    let claimed = kind & (esm_class::RECEIPT | esm_class::INTERMEDIATE) != 0;
    let tlv_id = sm
        .tlvs
        .get(tag::RECEIPTED_MESSAGE_ID)
        .map(trim_id)
        .filter(|id| !id.is_empty());
    let (_, body) = split_header(sm.esm_class, sm.text());
    let mut receipt = match utf16_text(body) {
        Some(text) => {
            let fields = Fields::read(text.as_bytes(), claimed);
            (claimed || is_receipt(sm, tlv_id, body, &fields))
                .then(|| from_fields(&fields, |slice| Cow::Owned(String::from_utf8_lossy(slice).into_owned())))?
        }
        None => {
            let fields = Fields::read(body, claimed);
            (claimed || is_receipt(sm, tlv_id, body, &fields)).then(|| from_fields(&fields, String::from_utf8_lossy))?
        }
    };
    receipt.tlv_id = tlv_id.map(String::from_utf8_lossy);
    receipt.message_state = sm.tlvs.get(tag::MESSAGE_STATE).and_then(|value| value.last().copied());
    receipt.network_error = sm.tlvs.get(tag::NETWORK_ERROR_CODE).and_then(network_error);
    receipt.intermediate = kind & esm_class::INTERMEDIATE != 0;
    receipt.stat = Stat::combine(receipt.message_state, receipt.stat);
    Some(receipt)
}

/// What `esm_class` does not call a receipt.
fn is_receipt(sm: &Sm<'_>, tlv_id: Option<&[u8]>, body: &[u8], fields: &Fields<'_>) -> bool {
    let says_how = || sm.tlvs.get(tag::MESSAGE_STATE).is_some() || fields.stat.is_some() || body.is_empty();
    fields.surely_a_receipt() || tlv_id.is_some() && says_how()
}

fn from_fields<'b, 'a>(fields: &Fields<'b>, text: impl Fn(&'b [u8]) -> Cow<'a, str>) -> Receipt<'a> {
    Receipt {
        id: fields.id.map(&text),
        stat: fields.stat.map(Stat::from_text).unwrap_or_default(),
        stat_text: fields.stat.map(&text),
        err: fields.err.map(&text),
        sub: fields.sub.map(&text),
        dlvrd: fields.dlvrd.map(&text),
        submit_date: fields.submit_date.map(&text),
        done_date: fields.done_date.map(&text),
        text: fields.text.map(&text),
        ..Receipt::default()
    }
}

/// Ids come with their NUL, without it, or padded to the field's length.
fn trim_id(octets: &[u8]) -> &[u8] {
    let end = octets.iter().position(|&octet| octet == 0).unwrap_or(octets.len());
    octets[..end].trim_ascii()
}

/// A text in UTF-16, whatever `data_coding` says: some claim UCS-2 for ASCII, others the contrary. A receipt begins
/// with ASCII, so in UTF-16 every other octet is 0 there. None: it is no UTF-16.
fn utf16_text(body: &[u8]) -> Option<String> {
    let body = body
        .strip_prefix(&[0xFE, 0xFF])
        .or_else(|| body.strip_prefix(&[0xFF, 0xFE]))
        .unwrap_or(body);
    let unit: fn([u8; 2]) -> u16 = match body {
        [0, 1..=0x7F, 0, 1..=0x7F, 0, 1..=0x7F, ..] => u16::from_be_bytes,
        [1..=0x7F, 0, 1..=0x7F, 0, 1..=0x7F, 0, ..] => u16::from_le_bytes,
        _ => return None,
    };
    let units = body.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    Some(
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
    )
}

fn network_error(value: &[u8]) -> Option<NetworkError> {
    let &[network, high, low] = value else { return None };
    if value.iter().all(u8::is_ascii_digit) {
        let code = value.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        return Some(NetworkError { network: None, code });
    }
    Some(NetworkError {
        network: Some(network),
        code: u16::from_be_bytes([high, low]),
    })
}
