//! Optional parameters: their names, and how long a value is (3.4, 5.3.2; 5.0, 4.8.4).

use super::values::{self, Said};
use super::{Anatomy, Value};
use crate::command_status::CommandStatus;
use crate::frame::Tlvs;

/// An optional parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its tag.
    pub tag: u16,
    /// The standard's name; None: it has no such parameter.
    pub name: Option<&'static str>,
    /// The octets of its value.
    pub octets: Vec<u8>,
    /// The value; octets where they do not fit what the standard has.
    pub value: Value,
    /// What that means, where the standard says.
    pub meaning: Option<String>,
}

enum Shape {
    Octet(fn(u8) -> Said),
    Word,
    DoubleWord,
    Status,
    /// Least and most octets, NUL included.
    CString(usize, usize),
    /// Least and most octets.
    Octets(usize, usize),
    /// The kind of network, and its code (3.4, 5.3.2.31).
    NetworkError,
}

use Shape::{CString, DoubleWord, NetworkError, Octet, Octets, Status, Word};

/// Left to vendors (3.4, 3.2.4.1.1).
const VENDOR_TAGS: std::ops::RangeInclusive<u16> = 0x1400..=0x3FFF;

/// Only these may come several times.
const REPEATED: [u16; 4] = [0x0381, 0x0606, 0x0607, 0x0608];

/// These rusmpp reads otherwise than the standard has them, and refuses.
const MISREAD: [u16; 2] = [0x0010, 0x0604];

/// In the order of their tags.
const KNOWN: [(u16, &str, Shape); 64] = [
    (0x0005, "dest_addr_subunit", Octet(values::addr_subunit)),
    (0x0006, "dest_network_type", Octet(values::network_type)),
    (0x0007, "dest_bearer_type", Octet(values::bearer_type)),
    (0x0008, "dest_telematics_id", Word),
    (0x000D, "source_addr_subunit", Octet(values::addr_subunit)),
    (0x000E, "source_network_type", Octet(values::network_type)),
    (0x000F, "source_bearer_type", Octet(values::bearer_type)),
    (0x0010, "source_telematics_id", Octet(values::plain)),
    (0x0017, "qos_time_to_live", DoubleWord),
    (0x0019, "payload_type", Octet(values::payload_type)),
    (0x001D, "additional_status_info_text", CString(1, 256)),
    (0x001E, "receipted_message_id", CString(1, 65)),
    (0x0030, "ms_msg_wait_facilities", Octet(values::plain)),
    (0x0201, "privacy_indicator", Octet(values::privacy)),
    (0x0202, "source_subaddress", Octets(2, 23)),
    (0x0203, "dest_subaddress", Octets(2, 23)),
    (0x0204, "user_message_reference", Word),
    (0x0205, "user_response_code", Octet(values::plain)),
    (0x020A, "source_port", Word),
    (0x020B, "destination_port", Word),
    (0x020C, "sar_msg_ref_num", Word),
    (0x020D, "language_indicator", Octet(values::language)),
    (0x020E, "sar_total_segments", Octet(values::plain)),
    (0x020F, "sar_segment_seqnum", Octet(values::plain)),
    (0x0210, "sc_interface_version", Octet(values::interface_version)),
    (0x0302, "callback_num_pres_ind", Octet(values::plain)),
    (0x0303, "callback_num_atag", Octets(0, 65)),
    (0x0304, "number_of_messages", Octet(values::number_of_messages)),
    (0x0381, "callback_num", Octets(4, 19)),
    (0x0420, "dpf_result", Octet(values::dpf_result)),
    (0x0421, "set_dpf", Octet(values::set_dpf)),
    (0x0422, "ms_availability_status", Octet(values::availability)),
    (0x0423, "network_error_code", NetworkError),
    (0x0424, "message_payload", Octets(0, 0xFFFF)),
    (0x0425, "delivery_failure_reason", Octet(values::delivery_failure)),
    (0x0426, "more_messages_to_send", Octet(values::more_messages)),
    (0x0427, "message_state", Octet(values::message_state)),
    (0x0428, "congestion_state", Octet(values::congestion)),
    (0x0501, "ussd_service_op", Octet(values::ussd_service)),
    (0x0600, "broadcast_channel_indicator", Octet(values::broadcast_channel)),
    (0x0601, "broadcast_content_type", Octets(3, 3)),
    (0x0602, "broadcast_content_type_info", Octets(0, 255)),
    (0x0603, "broadcast_message_class", Octet(values::broadcast_class)),
    (0x0604, "broadcast_rep_num", Word),
    (0x0605, "broadcast_frequency_interval", Octets(3, 3)),
    (0x0606, "broadcast_area_identifier", Octets(1, 100)),
    (0x0607, "broadcast_error_status", Status),
    (0x0608, "broadcast_area_success", Octet(values::plain)),
    (0x0609, "broadcast_end_time", Octets(16, 17)),
    (0x060A, "broadcast_service_group", Octets(1, 255)),
    (0x060B, "billing_identification", Octets(1, 1024)),
    (0x060D, "source_network_id", CString(7, 66)),
    (0x060E, "dest_network_id", CString(7, 66)),
    (0x060F, "source_node_id", Octets(6, 6)),
    (0x0610, "dest_node_id", Octets(6, 6)),
    (0x0611, "dest_addr_np_resolution", Octet(values::ported)),
    (0x0612, "dest_addr_np_information", Octets(0, 10)),
    (0x0613, "dest_addr_np_country", Octets(1, 5)),
    (0x1201, "display_time", Octet(values::display_time)),
    (0x1203, "sms_signal", Word),
    (0x1204, "ms_validity", Octets(1, 4)),
    (0x130C, "alert_on_message_delivery", Octets(0, 1)),
    (0x1380, "its_reply_type", Octet(values::reply_type)),
    (0x1383, "its_session_info", Octets(2, 2)),
];

/// Whether rusmpp's verdict says nothing, since it does not know a parameter as the standard has it.
pub(super) fn is_misread(parameters: &[Parameter]) -> bool {
    parameters.iter().any(|parameter| MISREAD.contains(&parameter.tag))
}

/// Reads all parameters to the end of the PDU.
pub(super) fn read(anatomy: &mut Anatomy<'_>, octets: &[u8]) {
    let mut used = 0;
    for (tag, value) in Tlvs(octets).iter() {
        used += 4 + value.len();
        let repeated = anatomy.parameters.iter().any(|known| known.tag == tag);
        let parameter = parameter(anatomy, tag, value);
        if repeated && parameter.name.is_some() && !REPEATED.contains(&tag) {
            anatomy.remark(place(&parameter), "there twice");
        }
        anatomy.parameters.push(parameter);
    }
    let left = &octets[used..];
    if let Some((&[high, low, long, short], value)) = left.split_first_chunk() {
        let tag = u16::from_be_bytes([high, low]);
        let length = u16::from_be_bytes([long, short]);
        let name = known(tag).map_or_else(|| format!("0x{tag:04X}"), |known| known.1.to_owned());
        anatomy.broken(name, format!("length {length}, but {} octets are left", value.len()));
    } else if !left.is_empty() {
        anatomy.broken(
            "parameters",
            format!("{} octets at the end are no parameter", left.len()),
        );
    }
}

/// As problems call it.
fn place(parameter: &Parameter) -> String {
    parameter
        .name
        .map_or_else(|| format!("0x{:04X}", parameter.tag), str::to_owned)
}

fn known(tag: u16) -> Option<&'static (u16, &'static str, Shape)> {
    KNOWN.iter().find(|known| known.0 == tag)
}

fn parameter(anatomy: &mut Anatomy<'_>, tag: u16, octets: &[u8]) -> Parameter {
    let mut parameter = Parameter {
        tag,
        name: None,
        octets: octets.to_vec(),
        value: Value::Octets(octets.to_vec()),
        meaning: None,
    };
    let Some((_, name, shape)) = known(tag) else {
        if !VENDOR_TAGS.contains(&tag) {
            anatomy.remark(format!("0x{tag:04X}"), "a tag that the standard keeps for later");
        }
        return parameter;
    };
    parameter.name = Some(name);
    match fit(shape, octets) {
        Ok((value, said)) => {
            if said.reserved {
                anatomy.remark(*name, format!("0x{} is reserved", hex(octets)));
            }
            parameter.value = value;
            parameter.meaning = said.meaning;
        }
        Err(misfit) => {
            let what = match misfit {
                Misfit::Length(least, most) if least == most => format!("{} octets: it has {most}", octets.len()),
                Misfit::Length(least, most) => format!("{} octets: it has {least} to {most}", octets.len()),
                Misfit::NoNul => "no closing NUL".to_owned(),
                Misfit::NotAscii => "not ASCII".to_owned(),
            };
            anatomy.remark(*name, what);
            if matches!(misfit, Misfit::NoNul) {
                parameter.value = Value::Text(String::from_utf8_lossy(octets).into_owned());
            }
        }
    }
    parameter
}

enum Misfit {
    /// Least and most octets.
    Length(usize, usize),
    NoNul,
    NotAscii,
}

fn fit(shape: &Shape, octets: &[u8]) -> Result<(Value, Said), Misfit> {
    let number = octets
        .iter()
        .take(4)
        .fold(0u32, |number, octet| number << 8 | u32::from(*octet));
    let long = |least: usize, most: usize| {
        if (least..=most).contains(&octets.len()) {
            Ok(())
        } else {
            Err(Misfit::Length(least, most))
        }
    };
    Ok(match shape {
        Octet(explain) => {
            long(1, 1)?;
            (Value::Number(number), explain(octets[0]))
        }
        Word => {
            long(2, 2)?;
            (Value::Number(number), Said::default())
        }
        DoubleWord => {
            long(4, 4)?;
            (Value::Number(number), Said::default())
        }
        Status => {
            long(4, 4)?;
            let meaning = CommandStatus(number).name().map(str::to_owned);
            let said = Said {
                meaning,
                reserved: false,
            };
            (Value::Number(number), said)
        }
        CString(least, most) => {
            let [text @ .., 0] = octets else {
                return Err(Misfit::NoNul);
            };
            long(*least, *most)?;
            if !text.is_ascii() {
                return Err(Misfit::NotAscii);
            }
            (Value::Text(String::from_utf8_lossy(text).into_owned()), Said::default())
        }
        Octets(least, most) => {
            long(*least, *most)?;
            (Value::Octets(octets.to_vec()), Said::default())
        }
        NetworkError => {
            long(3, 3)?;
            let network = values::network_error(octets[0]);
            let code = u16::from_be_bytes([octets[1], octets[2]]);
            let meaning = network.meaning.map(|network| format!("{network}, code {code}"));
            let said = Said { meaning, ..network };
            (Value::Octets(octets.to_vec()), said)
        }
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use rusmpp::decode::DecodeWithLength as _;
    use rusmpp::tlvs::TlvTag;

    use super::*;

    #[test]
    fn the_table_has_what_rusmpp_has() {
        for tag in 0..=u16::MAX {
            let theirs = !matches!(TlvTag::from(tag), TlvTag::Other(_));
            assert_eq!(known(tag).is_some(), theirs, "0x{tag:04X}");
        }
    }

    /// Every value that is as long as the standard has it, in a deliver_sm.
    #[test]
    fn rusmpp_refuses_no_length_that_the_standard_has_but_of_those_named() {
        const DELIVER: &[u8] = b"\0\x01\x0133\0\x01\x0134\0\0\0\0\0\0\0\0\0\0\0";
        let mut refused = Vec::new();
        for (tag, _, shape) in &KNOWN {
            let lengths = match shape {
                Octet(_) => vec![1],
                Word => vec![2],
                DoubleWord | Status => vec![4],
                NetworkError => vec![3],
                CString(least, most) | Octets(least, most) => vec![*least, *most],
            };
            for length in lengths {
                let mut value = vec![b'1'; length];
                if let (CString(..), Some(last)) = (shape, value.last_mut()) {
                    *last = 0;
                }
                let mut octets = vec![0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1];
                octets.extend_from_slice(DELIVER);
                octets.extend_from_slice(&tag.to_be_bytes());
                octets.extend_from_slice(&(length as u16).to_be_bytes());
                octets.extend_from_slice(&value);
                let whole = (octets.len() as u32).to_be_bytes();
                octets[..4].copy_from_slice(&whole);
                let taken = crate::anatomy::anatomy(&octets);
                let strict = rusmpp::Command::decode(&mut BytesMut::from(&octets[4..]), octets.len() - 4);
                if strict.is_err() && taken.problems.is_empty() {
                    refused.push(*tag);
                }
            }
        }
        refused.dedup();
        assert_eq!(refused, MISREAD);
    }
}
