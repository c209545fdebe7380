//! A PDU as an operator may see it: every field, but of numbers the last two digits, of texts the length, of passwords
//! nothing.

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use smpp::address::ton;
use smpp::anatomy::{Anatomy, Field, Parameter, Value, anatomy};

use super::board::time;
use crate::domain::UnixMicros;

/// What stands for a character that is not shown.
const HIDDEN: &str = "•";

/// Characters of a number that are shown.
const SHOWN: usize = 2;

/// The longest word of a receipt that is shown: ids have up to 64 characters, whatever is longer is no word.
const WORD_MAX: usize = 64;

/// Fields that hold the number of somebody, or a name that may be one.
const ADDRESSES: [&str; 5] = [
    "source_addr",
    "destination_addr",
    "esme_addr",
    "address_range",
    "dl_name",
];

/// Fields whose text is the SMSC's or the operator's own.
const OPEN: [&str; 9] = [
    "service_type",
    "system_id",
    "system_type",
    "message_id",
    "schedule_delivery_time",
    "validity_period",
    "final_date",
    "receipted_message_id",
    "network_error_code",
];

/// Which way a PDU goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// From the SMSC.
    In,
    /// To the SMSC.
    Out,
}

/// One line of a trace.
#[derive(Debug, Serialize)]
pub(crate) struct TracedPdu {
    /// RFC 3339.
    time: Option<String>,
    /// The number of the bind, as in `/v1/binds`.
    session: u32,
    direction: Direction,
    command: &'static str,
    status: String,
    sequence: u32,
    #[serde(serialize_with = "as_object")]
    fields: Vec<(String, Json)>,
    #[serde(serialize_with = "as_object", skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<(String, Json)>,
    /// Characters of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    characters: Option<usize>,
    #[serde(serialize_with = "as_object", skip_serializing_if = "Vec::is_empty")]
    receipt: Vec<(String, Json)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl TracedPdu {
    /// `octets` are one PDU.
    pub(super) fn new(at: UnixMicros, (session, direction): (u32, Direction), octets: &[u8]) -> Self {
        let anatomy = anatomy(octets);
        let header = anatomy.header;
        let problems = anatomy.problems.iter();
        Self {
            time: time(at),
            session,
            direction,
            command: header.map_or("unknown", |header| header.command_id.name()),
            status: header.map_or_else(String::new, |header| header.command_status.to_string()),
            sequence: header.map_or(0, |header| header.sequence),
            fields: fields(&anatomy.fields, anatomy.is_whole()),
            parameters: anatomy.parameters.iter().map(parameter).collect(),
            characters: anatomy.text.as_ref().map(|text| text.text.chars().count()),
            receipt: receipt(&anatomy),
            problems: problems
                .map(|problem| format!("{}: {}", problem.place, problem.what))
                .collect(),
        }
    }
}

fn as_object<S: Serializer>(pairs: &[(String, Json)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// In a PDU that is not whole anything may stand in the place of something else: of its texts only lengths are shown.
fn fields(fields: &[Field], is_whole: bool) -> Vec<(String, Json)> {
    let mut type_of_number = None;
    let mut shown = Vec::with_capacity(fields.len());
    for field in fields {
        let value = match &field.value {
            Value::Number(number) => {
                if field.name.ends_with("_ton") {
                    type_of_number = Some(*number);
                }
                json!(number)
            }
            Value::Octets(octets) => length(octets.len()),
            Value::List(list) => json!(list.iter().map(|one| object(one, is_whole)).collect::<Vec<_>>()),
            Value::Text(_) if field.name == "password" => json!(HIDDEN),
            Value::Text(text) if !is_whole => length(text.len()),
            Value::Text(text) if ADDRESSES.contains(&field.name) => {
                json!(address(text, type_of_number == Some(u32::from(ton::ALPHANUMERIC))))
            }
            Value::Text(text) if OPEN.contains(&field.name) => json!(text),
            Value::Text(text) => length(text.len()),
        };
        shown.push((field.name.to_owned(), value));
    }
    shown
}

fn object(one: &[Field], is_whole: bool) -> Json {
    fields(one, is_whole)
        .into_iter()
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Numbers, ids and the network's error; of all else, the length.
fn parameter(parameter: &Parameter) -> (String, Json) {
    let name = parameter
        .name
        .map_or_else(|| format!("0x{:04X}", parameter.tag), str::to_owned);
    let value = match (&parameter.value, &parameter.meaning) {
        (Value::Number(number), _) => json!(number),
        (Value::Text(text), _) if OPEN.contains(&name.as_str()) => word(text),
        (Value::Octets(_), Some(meaning)) if OPEN.contains(&name.as_str()) => json!(meaning),
        (Value::Text(_) | Value::Octets(_) | Value::List(_), _) => length(parameter.octets.len()),
    };
    (name, value)
}

/// What a receipt says of a message, without the message.
fn receipt(anatomy: &Anatomy<'_>) -> Vec<(String, Json)> {
    let Some(receipt) = &anatomy.receipt else {
        return Vec::new();
    };
    let words = [
        ("id", &receipt.id),
        ("stat", &receipt.stat_text),
        ("err", &receipt.err),
        ("sub", &receipt.sub),
        ("dlvrd", &receipt.dlvrd),
        ("submit_date", &receipt.submit_date),
        ("done_date", &receipt.done_date),
    ];
    let words = words.into_iter();
    words
        .filter_map(|(name, value)| Some((name.to_owned(), word(value.as_deref()?))))
        .collect()
}

fn word(text: &str) -> Json {
    if text.len() <= WORD_MAX && !text.contains(' ') {
        json!(text)
    } else {
        length(text.len())
    }
}

fn length(octets: usize) -> Json {
    json!(format!("{octets} octets"))
}

/// A sender's name is shown; anything else may be somebody's number or name.
fn address(text: &str, is_alphanumeric: bool) -> String {
    let is_name = is_alphanumeric && !text.contains(|character: char| character.is_ascii_digit() || character == '@');
    if is_name || text.is_empty() {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let hidden = match characters.len() {
        few if few <= SHOWN => few,
        many => many - SHOWN,
    };
    HIDDEN.repeat(hidden) + &characters[hidden..].iter().collect::<String>()
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use smpp::address::Address;
    use smpp::frame::{Bind, BindKind, Sm, Tlvs, encode_bind, put_tlv, tag};

    use super::*;

    const CALLBACK_NUM: u16 = 0x0381;
    const VENDORS: u16 = 0x1400;

    fn shown(octets: &[u8]) -> Json {
        let pdu = TracedPdu::new(UnixMicros(1_795_363_261_250_000), (3, Direction::Out), octets);
        serde_json::to_value(pdu).unwrap()
    }

    fn message() -> Sm<'static> {
        Sm {
            source: Address {
                ton: ton::ALPHANUMERIC,
                npi: 0,
                digits: b"OSTEO",
            },
            destination: Address::international(b"33612345678"),
            short_message: "Rendez-vous demain".as_bytes(),
            ..Sm::default()
        }
    }

    #[test]
    fn a_message_is_shown_without_its_text_and_its_number() {
        let mut tlvs = BytesMut::new();
        put_tlv(&mut tlvs, tag::USER_MESSAGE_REFERENCE, &[0, 7]);
        put_tlv(&mut tlvs, CALLBACK_NUM, b"0133687654321");
        put_tlv(&mut tlvs, VENDORS, b"33687654321");
        put_tlv(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"abc-1\0");
        let sm = Sm {
            tlvs: Tlvs(&tlvs),
            ..message()
        };
        let mut out = BytesMut::new();
        sm.encode_submit(&mut out, 9);
        let line = shown(&out);
        assert_eq!(line["time"], "2026-11-22T16:01:01.25Z");
        let head = ["session", "direction", "command", "status", "sequence"].map(|name| line[name].clone());
        assert_eq!(
            head,
            [json!(3), json!("out"), json!("submit_sm"), json!("ESME_ROK"), json!(9)]
        );
        assert_eq!(line["fields"]["source_addr"], "OSTEO");
        assert_eq!(line["fields"]["destination_addr"], "•••••••••78");
        assert_eq!(line["fields"]["short_message"], "18 octets");
        assert_eq!(line["characters"], 18);
        let expected = json!({ "user_message_reference": 7, "callback_num": "13 octets", "0x1400": "11 octets", "receipted_message_id": "abc-1" });
        assert_eq!(line["parameters"], expected);
        let text = line.to_string();
        assert!(
            !text.contains("Rendez") && !text.contains("3361") && !text.contains("3368"),
            "{text}"
        );
    }

    #[test]
    fn a_receipt_says_what_became_of_a_message_and_not_what_was_in_it() {
        let sm = Sm {
            source: Address::international(b"33612345678"),
            esm_class: 4,
            short_message: b"id:7 sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 stat:DELIVRD err:000 text:Rendez-vous",
            ..Sm::default()
        };
        let mut out = BytesMut::new();
        sm.encode_deliver(&mut out, 9);
        let line = shown(&out);
        assert_eq!(
            (&line["receipt"]["id"], &line["receipt"]["stat"]),
            (&json!("7"), &json!("DELIVRD"))
        );
        assert!(!line.to_string().contains("Rendez"), "{line}");
    }

    #[test]
    fn a_password_is_never_shown_nor_are_texts_of_what_is_not_whole() {
        let bind = Bind {
            kind: BindKind::Transceiver,
            system_id: b"campanile",
            password: b"s3cret",
            system_type: b"",
            interface_version: 0x34,
            addr_ton: 0,
            addr_npi: 0,
            address_range: b"",
        };
        let mut out = BytesMut::new();
        encode_bind(&mut out, 1, &bind).unwrap();
        let line = shown(&out);
        assert_eq!(
            (&line["fields"]["system_id"], &line["fields"]["password"]),
            (&json!("campanile"), &json!("•"))
        );
        // Everything moves by a field.
        out.truncate(out.len() - 1);
        out[10] = 0;
        let cut = shown(&out);
        assert!(!cut["problems"].as_array().unwrap().is_empty());
        assert!(
            !cut.to_string().contains("s3cret") && !cut.to_string().contains("campanile"),
            "{cut}"
        );
    }

    #[test]
    fn of_any_address_the_last_two_characters_are_shown() {
        for (text, is_alphanumeric, expected) in [
            ("+33612345678", false, "••••••••••78"),
            ("36034", false, "•••34"),
            ("12", false, "••"),
            ("", true, ""),
            ("Clinique", true, "Clinique"),
            ("0612345678", true, "••••••••78"),
            ("Clinique", false, "••••••ue"),
            ("anna@example", true, "••••••••••le"),
        ] {
            assert_eq!(address(text, is_alphanumeric), expected);
        }
    }
}
