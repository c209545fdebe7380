//! A deliver_sm or data_sm, read as far as it has to be.

use smpp::frame::{Address, Sm};

use super::{Content, InboundNews, InboundPart, ReceiptNews};

impl Content {
    /// A receipt, or a message from a handset.
    pub(super) fn of(sm: &Sm<'_>) -> Self {
        match smpp::receipt::parse(sm) {
            Some(receipt) => Self::Receipt(ReceiptNews {
                recipient: sm.source.e164(),
                other: sm.destination.e164(),
                source: words(&sm.source),
                destination: words(&sm.destination),
                final_: receipt.is_final(),
                segments: receipt.segments(),
                tlv_id: receipt.tlv_id.map(|id| id.as_bytes().to_vec()),
                text_id: receipt.id.map(|id| id.as_bytes().to_vec()),
                stat: receipt.stat,
                stat_text: receipt
                    .stat_text
                    .filter(|text| !text.eq_ignore_ascii_case(receipt.stat.name()))
                    .map(std::borrow::Cow::into_owned),
                message_state: receipt.message_state,
                network_error_code: receipt.network_error.map(|error| error.code),
                err: receipt.err.map(std::borrow::Cow::into_owned),
                submit_date: receipt.submit_date.map(std::borrow::Cow::into_owned),
                text: receipt.text.map(std::borrow::Cow::into_owned),
            }),
            None => Self::Inbound(inbound(sm)),
        }
    }
}

fn inbound(sm: &Sm<'_>) -> InboundNews {
    let (text, part) = smpp::part::user_data(sm);
    InboundNews {
        from: sm.source.e164(),
        source: String::from_utf8_lossy(sm.source.digits).into_owned(),
        destination: String::from_utf8_lossy(sm.destination.digits).into_owned(),
        text: smpp::text::decode(text, sm.data_coding),
        // One part of one is whole.
        part: part.filter(|part| part.total > 1).map(|part| InboundPart {
            part,
            data_coding: sm.data_coding,
            octets: text.to_vec(),
        }),
    }
}

/// An address that is not a number, as it came.
fn words(address: &Address<'_>) -> String {
    match address.e164() {
        Some(_) => String::new(),
        None => String::from_utf8_lossy(address.digits).into_owned(),
    }
}
