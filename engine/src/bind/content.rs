//! A deliver_sm or data_sm, read as far as it has to be.

use compact_str::CompactString;
use smpp::frame::{Address, Sm};
use smpp::text::{self, Alphabet};

use super::{Content, InboundNews, InboundPart, ReceiptNews};

impl Content {
    /// A receipt, or a message from a handset. `alphabet`: the SMSC's own.
    pub(super) fn of(sm: &Sm<'_>, alphabet: Alphabet) -> Self {
        match smpp::receipt::parse(sm) {
            Some(receipt) => Self::Receipt(Box::new(ReceiptNews {
                recipient: sm.source.e164(),
                other: sm.destination.e164(),
                source: words(&sm.source),
                destination: words(&sm.destination),
                final_: receipt.is_final(),
                segments: receipt.segments(),
                tlv_id: receipt.tlv_id.map(CompactString::from),
                text_id: receipt.id.map(CompactString::from),
                stat: receipt.stat,
                stat_text: receipt
                    .stat_text
                    .filter(|text| !text.eq_ignore_ascii_case(receipt.stat.name()))
                    .map(CompactString::from),
                message_state: receipt.message_state,
                network_error_code: receipt.network_error.map(|error| error.code),
                err: receipt.err.map(CompactString::from),
                submit_date: receipt.submit_date.map(CompactString::from),
                text: receipt.text.map(CompactString::from),
            })),
            None => Self::Inbound(inbound(sm, alphabet)),
        }
    }
}

fn inbound(sm: &Sm<'_>, alphabet: Alphabet) -> InboundNews {
    let (octets, part) = smpp::part::user_data(sm);
    // From here on, how this SMSC writes its alphabet and which tables the header names make no difference any more.
    let (octets, data_coding) = text::plain((smpp::part::header(sm), octets), sm.data_coding, alphabet);
    InboundNews {
        from: sm.source.e164(),
        source: String::from_utf8_lossy(sm.source.digits).into_owned(),
        destination: String::from_utf8_lossy(sm.destination.digits).into_owned(),
        text: text::decode(&octets, data_coding),
        // One part of one is whole.
        part: part.filter(|part| part.total > 1).map(|part| InboundPart {
            part,
            data_coding,
            octets: octets.into_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn inbound_of(sm: &Sm<'_>, alphabet: Alphabet) -> InboundNews {
        match Content::of(sm, alphabet) {
            Content::Inbound(news) => news,
            Content::Receipt(news) => panic!("{news:?} is no message"),
        }
    }

    #[test]
    fn a_text_is_read_by_its_smscs_alphabet_and_its_headers_tables() {
        let sm = |esm_class, short_message| Sm {
            source: Address::international(b"33612345678"),
            esm_class,
            short_message,
            ..Sm::default()
        };
        for (alphabet, esm_class, octets, text) in [
            (Alphabet::Gsm7, 0, &b"\x05t\x05"[..], "été"),
            (Alphabet::Latin1, 0, b"\xE9t\xE9", "été"),
            (Alphabet::Gsm7Packed, 0, b"\xE8\x32\x9B\xFD\x06", "hello"),
            (Alphabet::Gsm7, 0x40, b"\x03\x24\x01\x02ma\x1Ba", "maá"),
        ] {
            assert_eq!(inbound_of(&sm(esm_class, octets), alphabet).text, text, "{alphabet:?}");
        }
        let part = sm(0x40, b"\x08\x00\x03\x07\x02\x01\x24\x01\x02\x1Ba");
        let part = inbound_of(&part, Alphabet::Gsm7).part.unwrap();
        assert_eq!((part.data_coding, part.octets), (8, vec![0x00, 0xE1]));
    }

    #[test]
    fn an_address_is_kept_as_it_came() {
        for address in ["accueil@cabinet.example", "CLINIQUE@", "36034"] {
            let sm = Sm {
                source: Address {
                    ton: 5,
                    npi: 0,
                    digits: address.as_bytes(),
                },
                short_message: b"Bonjour",
                ..Sm::default()
            };
            assert_eq!(inbound_of(&sm, Alphabet::Gsm7).source, address);
        }
    }
}
