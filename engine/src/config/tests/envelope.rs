//! What an SMSC's submit_sm's look like.

use smpp::segment::{Concatenation, Format};
use smpp::text::{Alphabet, Language};

use super::super::TimeForm;
use super::*;

fn smsc(lines: &str) -> Smsc {
    let whole = format!("[[smsc]]\nname = \"n\"\naddress = \"h:1\"\nsystem_id = \"c\"\npassword = \"\"\n{lines}\n");
    let config = parse(&whole).unwrap_or_else(|faults| panic!("{lines}: {faults}"));
    Smsc::clone(&config.smsc[0])
}

#[test]
fn every_key_of_an_envelope_is_read() {
    let lines = r#"
alphabet = "gsm7_packed"
concatenation = "udh16"
shift_tables = ["tr", "pt"]
service_type = "CMT"
priority_flag = 1
transactional_priority_flag = 3
validity = "absolute"
validity_default = "48h"
schedule_delivery = "15m"
dest_prefix = "+"
ton_npi = { alphanumeric = "5/1", short_code = "3/1" }
tlvs = [{ tag = 0x1400, value = "id-7" }, { tag = 0x1401, hex = "00ff" }]
"#;
    let envelope = smsc(lines).envelope;
    let format = Format {
        concatenation: Concatenation::Udh16,
        alphabet: Alphabet::Gsm7Packed,
    };
    assert_eq!(envelope.format, format);
    assert_eq!(envelope.shift_tables, [Language::Turkish, Language::Portuguese]);
    assert_eq!((envelope.service_type.as_str(), envelope.dest_prefix), ("CMT", "+"));
    let priorities = [Purpose::Marketing, Purpose::Transactional].map(|purpose| envelope.priority_flag(purpose));
    assert_eq!(priorities, [1, 3]);
    assert_eq!(envelope.validity, TimeForm::Absolute);
    assert_eq!(envelope.validity_default, Some(48 * HOUR));
    assert_eq!(envelope.schedule_delivery, Some(Duration::from_secs(900)));
    assert_eq!(
        [5, 3, 1].map(|ton| envelope.source(ton)),
        [Some((5, 1)), Some((3, 1)), None]
    );
    assert_eq!(envelope.tlvs.octets(), b"\x14\x00\x00\x04id-7\x14\x01\x00\x02\x00\xFF");
    assert_eq!(smsc("").envelope, Envelope::default());
    let one = smsc("priority_flag = 2").envelope.priority_flag(Purpose::Transactional);
    assert_eq!(one, 2, "reminders have the same unless it is said");
}

#[test]
fn one_receipt_speaks_for_a_whole_payload() {
    for (lines, once) in [
        ("", false),
        ("concatenation = \"sar\"", false),
        ("concatenation = \"payload\"", true),
        ("long_receipts = \"last\"", true),
    ] {
        assert_eq!(smsc(lines).reports_once(), once, "{lines}");
    }
}

#[test]
fn only_another_alphabet_needs_other_sessions() {
    for (lines, alike) in [
        (
            "concatenation = \"sar\"\nservice_type = \"CMT\"\nvalidity = \"none\"",
            true,
        ),
        ("alphabet = \"latin1\"", false),
    ] {
        assert_eq!(smsc(lines).is_bound_like(&smsc("")), alike, "{lines}");
    }
}

#[test]
fn what_is_wrong_with_an_envelope_is_named() {
    for (line, said) in [
        ("alphabet = \"ascii\"", "one of gsm7, gsm7_packed, latin1, latin1_3"),
        ("concatenation = \"udh\"", "one of udh8, udh16, sar, payload"),
        ("shift_tables = [\"fr\"]", "tr, es, pt"),
        (
            "shift_tables = [\"tr\"]\nalphabet = \"latin1\"",
            "an alphabet that has no septets",
        ),
        ("service_type = \"SIXCHR\"", "0 to 5 ASCII characters"),
        ("priority_flag = 4", "a whole number from 0 to 3"),
        ("validity = \"utc\"", "one of relative, absolute, none"),
        (
            "validity = \"none\"\nvalidity_default = \"1h\"",
            "an SMSC that takes no times",
        ),
        ("schedule_delivery = \"100days\"", "schedule_delivery"),
        ("dest_prefix = \"0\"", "dest_prefix"),
        ("ton_npi = { alphanumeric = \"5\" }", "such as \"5/0\""),
        ("ton_npi = { alphanumeric = \"7/0\" }", "such as \"5/0\""),
        ("ton_npi = { letters = \"5/0\" }", "unknown key"),
        (
            "ton_npi = { short_code = \"3/1\" }\nsource_ton = 5",
            "hold for every sender",
        ),
        ("tlvs = [{ tag = 0x1400 }]", "either value, a text, or hex"),
        (
            "tlvs = [{ tag = 0x1400, value = \"a\", hex = \"00\" }]",
            "either value, a text, or hex",
        ),
        ("tlvs = [{ tag = 0x1400, hex = \"0\" }]", "in hexadecimal"),
        ("tlvs = [{ value = \"a\" }]", "missing: a tag"),
        (
            "tlvs = [{ tag = 0x0424, value = \"a\" }]",
            "not one of SAR or message_payload",
        ),
        (
            "tlvs = [{ tag = 1, value = \"a\" }, { tag = 1, value = \"b\" }]",
            "each once",
        ),
        (
            "bind = \"pair\"\ninterface_version = 0x33\nconcatenation = \"sar\"",
            "no optional parameters",
        ),
        (
            "bind = \"pair\"\ninterface_version = 0x33\ntlvs = [{ tag = 1, value = \"a\" }]",
            "no optional parameters",
        ),
    ] {
        let found = smsc_faults(line);
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].contains(said), "{line}: {found:?}");
    }
}
