//! What a PDU carries: its text, the part that it is, and what it says as a receipt.

use super::Anatomy;
use crate::frame::{Operation, Pdu, Raw, Sm, tag};
use crate::part::{Part, user_data};
use crate::receipt::parse;
use crate::segment::ESM_CLASS_UDHI;
use crate::text;

/// The text that a PDU carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Without its header; what cannot be read is U+FFFD.
    pub text: String,
    /// Which part of a longer text it is.
    pub part: Option<Part>,
}

/// Reads the text, where there is one.
pub(super) fn look_at_text<'a>(anatomy: &mut Anatomy<'a>, raw: &Raw<'a>) {
    if let Some(Ok(Operation::SubmitMulti(multi))) = raw.operation() {
        look_at(anatomy, &multi.sm);
    }
    let Ok(pdu) = raw.decode() else { return };
    if let Pdu::SubmitSm(sm) | Pdu::DeliverSm(sm) | Pdu::DataSm(sm) = &pdu {
        look_at(anatomy, sm);
    }
    if let Pdu::DeliverSm(sm) | Pdu::DataSm(sm) = &pdu {
        anatomy.receipt = parse(sm);
    }
}

fn look_at(anatomy: &mut Anatomy<'_>, sm: &Sm<'_>) {
    if !sm.short_message.is_empty() && sm.tlvs.get(tag::MESSAGE_PAYLOAD).is_some() {
        anatomy.remark(
            "message_payload",
            "there beside a short_message: a text is in one of them",
        );
    }
    let (octets, part) = user_data(sm);
    if sm.esm_class & ESM_CLASS_UDHI != 0 && octets.len() == sm.text().len() {
        anatomy.remark("esm_class", "announces a user data header, and the text has none");
    }
    let text = text::decode(octets, sm.data_coding);
    if text.contains(char::REPLACEMENT_CHARACTER) {
        let what = format!("not all of it is text of data_coding 0x{:02X}", sm.data_coding);
        anatomy.remark("short_message", what);
    }
    anatomy.text = Some(Text { text, part });
}
