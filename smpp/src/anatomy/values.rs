//! What the value of an octet means: rusmpp's types know most of it.

use std::fmt::Debug;

use rusmpp::values as known;

/// A value, explained.
#[derive(Default)]
pub(super) struct Said {
    pub(super) meaning: Option<String>,
    /// The standard keeps it for later.
    pub(super) reserved: bool,
}

/// A value whose number is all there is to say.
pub(super) fn plain(_: u8) -> Said {
    Said::default()
}

macro_rules! enumerations {
    ($($name:ident: $known:ident;)*) => {
        $(pub(super) fn $name(octet: u8) -> Said {
            let value = known::$known::from(octet);
            if matches!(value, known::$known::Other(_)) {
                return reserved();
            }
            means(words(&value))
        })*
    };
}

enumerations! {
    ton: Ton;
    npi: Npi;
    replace_if_present: ReplaceIfPresentFlag;
    message_state: MessageState;
    delivery_failure: DeliveryFailureReason;
    addr_subunit: AddrSubunit;
    network_type: NetworkType;
    bearer_type: BearerType;
    payload_type: PayloadType;
    privacy: PrivacyIndicator;
    availability: MsAvailabilityStatus;
    language: LanguageIndicator;
    dpf_result: DpfResult;
    set_dpf: SetDpf;
    more_messages: MoreMessagesToSend;
    display_time: DisplayTime;
    reply_type: ItsReplyType;
    ussd_service: UssdServiceOp;
    ported: DestAddrNpResolution;
    broadcast_channel: BroadcastChannelIndicator;
    broadcast_class: BroadcastMessageClass;
    network_error: ErrorCodeNetworkType;
}

/// 3.4, 5.2.4.
pub(super) fn interface_version(octet: u8) -> Said {
    match known::InterfaceVersion::from(octet) {
        known::InterfaceVersion::Smpp3_3OrEarlier(_) => means("SMPP 3.3 or older"),
        known::InterfaceVersion::Smpp3_4 => means("SMPP 3.4"),
        known::InterfaceVersion::Smpp5_0 => means("SMPP 5.0"),
        known::InterfaceVersion::Other(_) => reserved(),
    }
}

/// 3.4, 5.2.14: 0 to 3; 5.0 has 4 too.
pub(super) fn priority(octet: u8) -> Said {
    Said {
        reserved: octet > 4,
        ..Said::default()
    }
}

/// 5.0, 4.8.4.18: a percentage.
pub(super) fn congestion(octet: u8) -> Said {
    Said {
        reserved: octet > 100,
        ..Said::default()
    }
}

/// 3.4, 5.3.2.24: up to 99.
pub(super) fn number_of_messages(octet: u8) -> Said {
    Said {
        reserved: octet > 99,
        ..Said::default()
    }
}

/// 3.4, 5.2.12.
pub(super) fn esm_class(octet: u8) -> Said {
    const TYPE: u8 = 0x3C;
    let mode = match octet & 0x03 {
        0x00 => None,
        0x01 => Some("datagram mode"),
        0x02 => Some("transaction mode"),
        _ => Some("store and forward mode"),
    };
    let (kind, reserved) = match octet & TYPE {
        0x00 => (None, false),
        0x04 => (Some("delivery receipt"), false),
        0x08 => (Some("delivery acknowledgement"), false),
        0x10 => (Some("user acknowledgement"), false),
        0x18 => (Some("conversation abort"), false),
        0x20 => (Some("intermediate notification"), false),
        _ => (None, true),
    };
    let header = (octet & 0x40 != 0).then_some("user data header");
    let reply = (octet & 0x80 != 0).then_some("reply path");
    let parts: Vec<&str> = [mode, kind, header, reply].into_iter().flatten().collect();
    Said {
        meaning: (!parts.is_empty()).then(|| parts.join(", ")),
        reserved,
    }
}

/// 3.4, 5.2.17.
pub(super) fn registered_delivery(octet: u8) -> Said {
    let asked = known::RegisteredDelivery::from(octet);
    let receipt = match asked.mc_delivery_receipt() {
        known::MCDeliveryReceipt::McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccessOrFailure => "receipt",
        known::MCDeliveryReceipt::McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsFailure => {
            "receipt of a failure"
        }
        known::MCDeliveryReceipt::McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccess => {
            "receipt of a success"
        }
        known::MCDeliveryReceipt::NoMcDeliveryReceiptRequested | known::MCDeliveryReceipt::Other(_) => "no receipt",
    };
    let delivery = (octet & 0x04 != 0).then_some("delivery acknowledgement");
    let user = (octet & 0x08 != 0).then_some("user acknowledgement");
    let intermediate = (octet & 0x10 != 0).then_some("intermediate notification");
    let parts: Vec<&str> = [Some(receipt), delivery, user, intermediate]
        .into_iter()
        .flatten()
        .collect();
    Said {
        meaning: Some(parts.join(", ")),
        reserved: asked.other() != 0,
    }
}

/// 3.4, 5.2.19, by hand: rusmpp names single values only, and these are groups (GSM 03.38, 4).
pub(super) fn data_coding(octet: u8) -> Said {
    means(match octet {
        0x00 => "the SMSC's default alphabet",
        0x01 => "IA5",
        0x02 | 0x04 => "binary",
        0x03 => "Latin-1",
        0x05 => "JIS",
        0x06 => "Cyrillic",
        0x07 => "Latin and Hebrew",
        0x08 => "UCS-2",
        0x09 => "pictograms",
        0x0A => "ISO-2022-JP",
        0x0D => "extended Kanji JIS",
        0x0E => "KS C 5601",
        0xC0..=0xDF => "GSM message waiting",
        0xF0..=0xFF => "GSM message class",
        0x0B | 0x0C | 0x0F..=0xBF | 0xE0..=0xEF => return reserved(),
    })
}

fn means(meaning: impl Into<String>) -> Said {
    Said {
        meaning: Some(meaning.into()),
        reserved: false,
    }
}

fn reserved() -> Said {
    Said {
        meaning: None,
        reserved: true,
    }
}

/// `NetworkSpecific` → `network specific`.
fn words(value: &impl Debug) -> String {
    let name = format!("{value:?}");
    let mut words = String::with_capacity(name.len() + 4);
    let mut after_small = false;
    for letter in name.chars() {
        if after_small && letter.is_ascii_uppercase() {
            words.push(' ');
        }
        after_small = letter.is_ascii_lowercase();
        words.push(letter.to_ascii_lowercase());
    }
    words
}
