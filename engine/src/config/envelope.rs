//! The part of `[[smsc]]` that says what its submit_sm's look like: how texts are written, and what goes with them.

use std::time::Duration;

use kit::settings::{Given, Table};
use smpp::segment::{Concatenation, Format};
use smpp::text::{Alphabet, Language};

use super::written::{Pairs, duration, list, text, word};
use super::{SECOND, value};
use crate::domain::{
    Purpose, SCHEDULE_MAX, SERVICE_TYPE_MAX, TLV_OCTETS_MAX, TLVS_MAX, TlvList, hexadecimal, to_hexadecimal,
};

/// The highest priority_flag (SMPP 3.4, 5.2.14).
const PRIORITY_MAX: u8 = 3;

/// What the submit_sm's of an SMSC look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// `alphabet` and `concatenation`: how texts are written, and what those of several segments look like. Default GSM 03.38
    /// unpacked, and a user data header with a reference of 8 bits.
    pub(crate) format: Format,
    /// `shift_tables`: languages whose tables of letters may be used where that saves a segment. Default none.
    pub(crate) shift_tables: Vec<Language>,
    /// `service_type`. Default empty.
    pub(crate) service_type: String,
    /// `tlvs`: optional parameters of every message. Default none.
    pub(crate) tlvs: TlvList,
    /// `priority_flag`, and `transactional_priority_flag` for reminders. Default 0, and the same.
    priority_flag: u8,
    transactional_priority_flag: u8,
    /// `validity`: in which form the SMSC is told until when a message is worth delivering. Default relative.
    pub(crate) validity: TimeForm,
    /// `validity_default`: how long a message is that says nothing of it. Default: nothing is told.
    pub(crate) validity_default: Option<Duration>,
    /// `schedule_delivery`: how long the SMSC keeps each message before it delivers it. Default: not at all.
    pub(crate) schedule_delivery: Option<Duration>,
    /// `ton_npi`: of senders, by their kind. Default 5/0, 3/0 and 1/1.
    alphanumeric: Option<TonNpi>,
    short_code: Option<TonNpi>,
    international: Option<TonNpi>,
    /// `dest_prefix`: what stands before the digits of a recipient: nothing, `+` or `00`. Default nothing.
    pub(crate) dest_prefix: &'static str,
}

/// Type of number and numbering plan.
type TonNpi = (u8, u8);

/// How a time is written for an SMSC (SMPP 3.4, 7.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// So long from now on.
    #[default]
    Relative,
    /// As a moment in UTC.
    Absolute,
    /// Not at all: it takes none.
    None,
}

const TIME_FORMS: [(&str, TimeForm); 3] = [
    ("relative", TimeForm::Relative),
    ("absolute", TimeForm::Absolute),
    ("none", TimeForm::None),
];

const DEST_PREFIXES: [(&str, &str); 3] = [("", ""), ("+", "+"), ("00", "00")];

impl Envelope {
    /// The priority_flag of messages of that purpose.
    pub(crate) fn priority_flag(&self, purpose: Purpose) -> u8 {
        match purpose {
            Purpose::Transactional => self.transactional_priority_flag,
            Purpose::Marketing => self.priority_flag,
        }
    }

    /// Type of number and numbering plan of a sender whose own type of number is `ton`, where they are not the usual ones.
    pub(crate) fn source(&self, ton: u8) -> Option<TonNpi> {
        match ton {
            smpp::address::ton::INTERNATIONAL => self.international,
            smpp::address::ton::NETWORK_SPECIFIC => self.short_code,
            _ => self.alphanumeric,
        }
    }

    /// It, with the other one's alphabet: the only thing that sessions, which read what comes in, know of it.
    pub(super) fn heard_as(&self, other: &Self) -> Self {
        let format = Format {
            alphabet: other.format.alphabet,
            ..self.format
        };
        Self { format, ..self.clone() }
    }

    /// Its keys with their values, as they stand in a configuration; what has none cannot be written.
    pub(super) fn pairs(&self) -> Pairs {
        let Self {
            format: Format {
                concatenation,
                alphabet,
            },
            shift_tables,
            service_type,
            tlvs,
            priority_flag,
            transactional_priority_flag,
            validity,
            validity_default,
            schedule_delivery,
            alphanumeric,
            short_code,
            international,
            dest_prefix,
        } = self;
        let languages = shift_tables.iter();
        let languages = list(languages.map(|language| text(word(&Language::NAMES, *language))));
        let kinds = [
            ("alphanumeric", alphanumeric),
            ("short_code", short_code),
            ("international", international),
        ];
        let kinds: Vec<String> = kinds
            .into_iter()
            .filter_map(|(kind, known)| known.map(|(ton, npi)| format!("{kind} = \"{ton}/{npi}\"")))
            .collect();
        let mut pairs = vec![
            ("concatenation", text(word(&Concatenation::NAMES, *concatenation))),
            ("alphabet", text(word(&Alphabet::NAMES, *alphabet))),
            ("service_type", text(service_type)),
            ("priority_flag", priority_flag.to_string()),
            ("transactional_priority_flag", transactional_priority_flag.to_string()),
            ("validity", text(word(&TIME_FORMS, *validity))),
            ("dest_prefix", text(dest_prefix)),
        ];
        pairs.extend((!shift_tables.is_empty()).then_some(("shift_tables", languages)));
        pairs.extend((!kinds.is_empty()).then(|| ("ton_npi", format!("{{ {} }}", kinds.join(", ")))));
        let tlv = |(tag, value): (u16, &[u8])| {
            let hex = to_hexadecimal(value);
            format!("{{ tag = 0x{tag:04x}, hex = \"{hex}\" }}")
        };
        pairs.extend((!tlvs.is_empty()).then(|| ("tlvs", list(tlvs.iter().map(tlv)))));
        let times = [
            ("validity_default", validity_default),
            ("schedule_delivery", schedule_delivery),
        ];
        pairs.extend(
            times
                .into_iter()
                .filter_map(|(key, time)| Some((key, duration((*time)?)))),
        );
        pairs
    }

    /// Reads its keys of one `[[smsc]]`; what the table does not say stays as it is known.
    pub(super) fn read(table: &Table<'_>, parameters: bool, known: &Self) -> Self {
        let format = known.format;
        let choices = |key| table.choices(key, &Language::NAMES);
        let mut envelope = Self {
            format: Format {
                concatenation: table
                    .choice("concatenation", &Concatenation::NAMES)
                    .unwrap_or(format.concatenation),
                alphabet: table.choice("alphabet", &Alphabet::NAMES).unwrap_or(format.alphabet),
            },
            shift_tables: choices("shift_tables").unwrap_or(known.shift_tables.clone()),
            dest_prefix: table.choice("dest_prefix", &DEST_PREFIXES).unwrap_or(known.dest_prefix),
            ..known.clone()
        };
        if table.has("tlvs") {
            envelope.tlvs = read_tlvs(table);
        }
        let service_type = value::octets_allowed(0..=SERVICE_TYPE_MAX);
        envelope.service_type = table
            .parsed("service_type", service_type, |given| {
                value::octets(given.text()?, 0..=SERVICE_TYPE_MAX)
            })
            .unwrap_or(envelope.service_type);
        let is_one = known.priority_flag == known.transactional_priority_flag;
        envelope.priority_flag = table.integer("priority_flag", 0..=PRIORITY_MAX, known.priority_flag);
        let priority = if is_one {
            envelope.priority_flag
        } else {
            known.transactional_priority_flag
        };
        envelope.transactional_priority_flag = table.integer("transactional_priority_flag", 0..=PRIORITY_MAX, priority);
        envelope.read_times(table);
        envelope.read_ton_npi(table);
        envelope.check(table, parameters);
        envelope
    }

    fn read_times(&mut self, table: &Table<'_>) {
        self.validity = table.choice("validity", &TIME_FORMS).unwrap_or(self.validity);
        let time = |key| {
            let given = table.duration(key, SECOND..=SCHEDULE_MAX, SECOND);
            table.has(key).then_some(given)
        };
        self.validity_default = time("validity_default").or(self.validity_default);
        self.schedule_delivery = time("schedule_delivery").or(self.schedule_delivery);
        for key in ["validity_default", "schedule_delivery"] {
            if table.has(key) && self.validity == TimeForm::None {
                table.fault_of_value(key, "stands beside validity = \"none\": an SMSC that takes no times");
            }
        }
    }

    fn read_ton_npi(&mut self, table: &Table<'_>) {
        let own = table.table("ton_npi");
        let read = |key| own.parsed(key, "type of number and numbering plan, such as \"5/0\"", ton_npi);
        self.alphanumeric = read("alphanumeric").or(self.alphanumeric);
        self.short_code = read("short_code").or(self.short_code);
        self.international = read("international").or(self.international);
        own.finish();
        if table.has("ton_npi") && (table.has("source_ton") || table.has("source_npi")) {
            table.fault_of_value(
                "ton_npi",
                "stands beside source_ton or source_npi, which hold for every sender",
            );
        }
    }

    /// What does not go together.
    fn check(&self, table: &Table<'_>, parameters: bool) {
        let alphabet = self.format.alphabet;
        if !self.shift_tables.is_empty() && alphabet != Alphabet::Gsm7 && alphabet != Alphabet::Gsm7Packed {
            table.fault_of_value("shift_tables", "stands beside an alphabet that has no septets");
        }
        if !parameters {
            let concatenation = match self.format.concatenation {
                Concatenation::Udh8 | Concatenation::Udh16 => None,
                Concatenation::Sar | Concatenation::Payload => Some("concatenation"),
            };
            let tlvs = (!self.tlvs.is_empty()).then_some("tlvs");
            for key in concatenation.into_iter().chain(tlvs) {
                table.fault_of_value(
                    key,
                    "stands beside interface_version = 0x33, which has no optional parameters",
                );
            }
        }
    }
}

fn ton_npi(given: Given<'_>) -> Option<TonNpi> {
    let (ton, npi) = given.text()?.split_once('/')?;
    let (ton, npi) = (ton.parse().ok()?, npi.parse().ok()?);
    // SMPP 3.4, 5.2.5 and 5.2.6.
    (ton <= 6 && npi <= 18).then_some((ton, npi))
}

/// `tlvs`.
fn read_tlvs(table: &Table<'_>) -> TlvList {
    let mut list = TlvList::default();
    for table in table.tables("tlvs", TLVS_MAX) {
        let allowed = "a tag from 0x0001 to 0xFFFF that is not one of SAR or message_payload, each once";
        table.required("tag", allowed);
        let tag = table.parsed("tag", allowed, |given| {
            let tag = u16::try_from(given.whole()?).ok()?;
            (TlvList::takes(tag) && !list.has(tag)).then_some(tag)
        });
        let text = table.parsed("value", value::octets_allowed(0..=TLV_OCTETS_MAX), |given| {
            value::octets(given.text()?, 0..=TLV_OCTETS_MAX).map(String::into_bytes)
        });
        let hex = table.parsed(
            "hex",
            "up to 255 octets in hexadecimal, such as \"31303100\"",
            |given| hexadecimal(given.text()?),
        );
        if table.has("value") == table.has("hex") {
            table.fault_of_value("value", "a parameter has either value, a text, or hex, its octets");
        }
        table.finish();
        if let (Some(tag), Some(value)) = (tag, text.or(hex)) {
            list.push(tag, &value);
        }
    }
    list
}
