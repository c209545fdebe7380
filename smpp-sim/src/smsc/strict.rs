//! What SMPP forbids in a message and most carriers take all the same: refused for accounts with `strict = true`.

use smpp::command_status::CommandStatus;
use smpp::frame::{CommandId, Sm, tag};
use smpp::segment::ESM_CLASS_UDHI;

use crate::version::Version;

/// Octets of service_type without its NUL (3.4, 4.4.1).
const SERVICE_TYPE_MAX: usize = 5;

/// Octets of source_addr without its NUL in submit_sm and submit_multi (3.4, 4.4.1), and in data_sm (3.4, 4.7.1).
const SOURCE_MAX: usize = 20;
const SOURCE_OF_DATA_MAX: usize = 64;

/// Octets of short_message: what is longer belongs into message_payload (3.4, 4.4.1).
const TEXT_MAX: usize = 254;

/// The highest priority_flag (3.4, 5.2.14).
const PRIORITY_MAX: u8 = 3;

/// The message type in an esm_class, and the types that an ESME may send: an ordinary message, a delivery
/// acknowledgement, a user acknowledgement (3.4, 5.2.12).
const TYPE_BITS: u8 = 0b0011_1100;
const TYPES: [u8; 3] = [0x00, 0x08, 0x10];

/// Bits of registered_delivery that mean nothing, and those that ask for a receipt (3.4, 5.2.17).
const REGISTERED_RESERVED: u8 = 0b1110_0000;
const RECEIPT_BITS: u8 = 0b0000_0011;

/// Information elements that say which segment of how many it is, with 8 and with 16 bits of reference (3GPP TS 23.040, 9.2.3.24.1 and .8).
const CONCATENATION_8: u8 = 0x00;
const CONCATENATION_16: u8 = 0x08;

/// The status for the first field, in the order of the PDU, that may not be what it is; `None`: all may.
pub(super) fn forbidden(sm: &Sm<'_>, command: CommandId, version: Version) -> Option<CommandStatus> {
    let source_max = if command == CommandId::DATA_SM {
        SOURCE_OF_DATA_MAX
    } else {
        SOURCE_MAX
    };
    let checks = [
        (sm.service_type.len() > SERVICE_TYPE_MAX, CommandStatus::ESME_RINVSERTYP),
        (sm.source.digits.len() > source_max, CommandStatus::ESME_RINVSRCADR),
        (
            !TYPES.contains(&(sm.esm_class & TYPE_BITS)),
            CommandStatus::ESME_RINVESMCLASS,
        ),
        (sm.priority_flag > PRIORITY_MAX, CommandStatus::ESME_RINVPRTFLG),
        (
            is_registered_wrongly(sm.registered_delivery, version),
            CommandStatus::ESME_RINVREGDLVFLG,
        ),
        (sm.short_message.len() > TEXT_MAX, CommandStatus::ESME_RINVMSGLEN),
    ];
    let field = checks.iter().find(|(wrong, _)| *wrong).map(|(_, status)| *status);
    field.or_else(|| parameters(sm)).or_else(|| header(sm))
}

/// 3 asks for a receipt of success only since 5.0 (4.7.21); before, it is reserved.
fn is_registered_wrongly(registered_delivery: u8, version: Version) -> bool {
    let reserved = match version {
        Version::V33 | Version::V34 => registered_delivery & RECEIPT_BITS == RECEIPT_BITS,
        Version::V50 => false,
    };
    reserved || registered_delivery & REGISTERED_RESERVED != 0
}

/// What is wrong with the optional parameters.
fn parameters(sm: &Sm<'_>) -> Option<CommandStatus> {
    if sm.tlvs.0.is_empty() {
        return None;
    }
    if sm.tlvs.truncated() {
        let whole: usize = sm.tlvs.iter().map(|(_, value)| 4 + value.len()).sum();
        // A tag with a length says too much; less than that is no parameter at all.
        let has_length = sm.tlvs.0.len() - whole >= 4;
        return Some(if has_length {
            CommandStatus::ESME_RINVPARLEN
        } else {
            CommandStatus::ESME_RINVOPTPARSTREAM
        });
    }
    // The text may be in one of the two only (3.4, 4.4.1). ESME_ROPTPARNOTALLWD would say that the PDU may not have the
    // parameter, which it may: it is its value that should not be there beside a text.
    if !sm.short_message.is_empty() && sm.tlvs.get(tag::MESSAGE_PAYLOAD).is_some() {
        return Some(CommandStatus::ESME_RINVOPTPARAMVAL);
    }
    segment_parameters(sm)
}

/// What is wrong with the SAR parameters (3.4, 5.3.2.22 to 24).
fn segment_parameters(sm: &Sm<'_>) -> Option<CommandStatus> {
    let lengths = [
        (tag::SAR_MSG_REF_NUM, 2),
        (tag::SAR_TOTAL_SEGMENTS, 1),
        (tag::SAR_SEGMENT_SEQNUM, 1),
    ];
    let wrong = |&(tag, length): &(u16, usize)| sm.tlvs.get(tag).is_some_and(|value| value.len() != length);
    if lengths.iter().any(wrong) {
        return Some(CommandStatus::ESME_RINVPARLEN);
    }
    let total = sm.tlvs.get(tag::SAR_TOTAL_SEGMENTS)?.first()?;
    let part = sm.tlvs.get(tag::SAR_SEGMENT_SEQNUM)?.first()?;
    is_no_part(*part, *total).then_some(CommandStatus::ESME_RINVOPTPARAMVAL)
}

/// What is wrong with the user data header. When there is none where esm_class says so, esm_class is wrong; for what
/// is wrong inside one the standard has no status of its own.
fn header(sm: &Sm<'_>) -> Option<CommandStatus> {
    if sm.esm_class & ESM_CLASS_UDHI == 0 {
        return None;
    }
    let header = sm
        .text()
        .split_first()
        .and_then(|(&length, rest)| rest.get(..usize::from(length)));
    let Some(mut rest) = header else {
        return Some(CommandStatus::ESME_RINVESMCLASS);
    };
    while !rest.is_empty() {
        let element = match rest {
            [id, length, after @ ..] => after.split_at_checked(usize::from(*length)).map(|split| (*id, split)),
            _ => None,
        };
        let Some((id, (value, after))) = element else {
            return Some(CommandStatus::ESME_RINVESMCLASS);
        };
        let wrong = match (id, value) {
            (CONCATENATION_8, &[_, total, part]) | (CONCATENATION_16, &[_, _, total, part]) => is_no_part(part, total),
            (CONCATENATION_8 | CONCATENATION_16, _) => true,
            _ => false,
        };
        if wrong {
            return Some(CommandStatus::ESME_RSUBMITFAIL);
        }
        rest = after;
    }
    None
}

fn is_no_part(part: u8, total: u8) -> bool {
    part == 0 || part > total
}

#[cfg(test)]
mod tests {
    use smpp::address::Address;
    use smpp::frame::Tlvs;

    use super::*;

    fn with(change: impl FnOnce(&mut Sm<'static>)) -> Sm<'static> {
        let mut sm = Sm {
            service_type: b"CMTxx",
            source: Address {
                ton: 5,
                npi: 0,
                digits: b"12345678901234567890",
            },
            destination: Address::international(b"33612345678"),
            esm_class: 0x03,
            priority_flag: 3,
            registered_delivery: 0x1E,
            short_message: b"Bonjour",
            ..Sm::default()
        };
        change(&mut sm);
        sm
    }

    fn said(change: impl FnOnce(&mut Sm<'static>)) -> Option<CommandStatus> {
        forbidden(&with(change), CommandId::SUBMIT_SM, Version::V34)
    }

    #[test]
    fn what_the_standard_allows_is_allowed() {
        let allowed: [fn(&mut Sm<'static>); 9] = [
            |_| {},
            |sm| sm.esm_class = 0x08,
            |sm| sm.esm_class = 0x10,
            |sm| sm.esm_class = 0x80,
            |sm| sm.short_message = &[b'a'; 254],
            |sm| (sm.esm_class, sm.short_message) = (0x40, b"\x05\x00\x03\x09\x02\x02text"),
            |sm| (sm.esm_class, sm.short_message) = (0x40, b"\x06\x08\x04\x09\x09\x02\x01"),
            |sm| (sm.short_message, sm.tlvs) = (b"", Tlvs(b"\x04\x24\x00\x01a")),
            |sm| sm.tlvs = Tlvs(b"\x02\x0C\x00\x02\x00\x01\x02\x0E\x00\x01\x02\x02\x0F\x00\x01\x02"),
        ];
        for (place, change) in allowed.into_iter().enumerate() {
            assert_eq!(said(change), None, "{place}");
        }
    }

    #[test]
    fn what_it_forbids_gets_the_status_of_the_field() {
        type Case = (fn(&mut Sm<'static>), CommandStatus);
        let cases: [Case; 18] = [
            (|sm| sm.priority_flag = 4, CommandStatus::ESME_RINVPRTFLG),
            (|sm| sm.service_type = b"CMTxxx", CommandStatus::ESME_RINVSERTYP),
            (
                |sm| sm.source.digits = b"123456789012345678901",
                CommandStatus::ESME_RINVSRCADR,
            ),
            (|sm| sm.short_message = &[b'a'; 255], CommandStatus::ESME_RINVMSGLEN),
            (|sm| sm.esm_class = 0x04, CommandStatus::ESME_RINVESMCLASS),
            (|sm| sm.esm_class = 0x3C, CommandStatus::ESME_RINVESMCLASS),
            (|sm| sm.registered_delivery = 0x20, CommandStatus::ESME_RINVREGDLVFLG),
            (|sm| sm.registered_delivery = 0x03, CommandStatus::ESME_RINVREGDLVFLG),
            (
                |sm| sm.tlvs = Tlvs(b"\x04\x24\x00\x01a"),
                CommandStatus::ESME_RINVOPTPARAMVAL,
            ),
            (
                |sm| sm.tlvs = Tlvs(b"\x02\x04\x00\x02\x00"),
                CommandStatus::ESME_RINVPARLEN,
            ),
            (
                |sm| sm.tlvs = Tlvs(b"\x02\x04\x00\x02\x00\x01\x14"),
                CommandStatus::ESME_RINVOPTPARSTREAM,
            ),
            (
                |sm| sm.tlvs = Tlvs(b"\x02\x0C\x00\x01\x00"),
                CommandStatus::ESME_RINVPARLEN,
            ),
            (
                |sm| sm.tlvs = Tlvs(b"\x02\x0E\x00\x01\x02\x02\x0F\x00\x01\x03"),
                CommandStatus::ESME_RINVOPTPARAMVAL,
            ),
            (
                |sm| (sm.esm_class, sm.short_message) = (0x40, b"\x40\x00\x03\x09"),
                CommandStatus::ESME_RINVESMCLASS,
            ),
            (
                |sm| (sm.esm_class, sm.short_message) = (0x40, b""),
                CommandStatus::ESME_RINVESMCLASS,
            ),
            (
                |sm| (sm.esm_class, sm.short_message) = (0x40, b"\x03\x00\x03\x09text"),
                CommandStatus::ESME_RINVESMCLASS,
            ),
            (
                |sm| (sm.esm_class, sm.short_message) = (0x40, b"\x05\x00\x03\x09\x02\x00text"),
                CommandStatus::ESME_RSUBMITFAIL,
            ),
            (
                |sm| (sm.esm_class, sm.short_message) = (0x40, b"\x05\x00\x03\x09\x02\x03text"),
                CommandStatus::ESME_RSUBMITFAIL,
            ),
        ];
        for (place, (change, status)) in cases.into_iter().enumerate() {
            assert_eq!(said(change), Some(status), "{place}");
        }
    }

    #[test]
    fn versions_and_commands_differ() {
        let success_only = with(|sm| sm.registered_delivery = 0x03);
        assert_eq!(forbidden(&success_only, CommandId::SUBMIT_SM, Version::V50), None);
        let long = with(|sm| sm.source.digits = b"123456789012345678901");
        assert_eq!(forbidden(&long, CommandId::DATA_SM, Version::V34), None);
    }
}
