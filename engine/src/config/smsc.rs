//! `[[smsc]]`: one account at an aggregator, and how it deviates from what is usual.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use smpp::command_status::CommandStatus;
use smpp::frame::BindKind;

use crate::domain::Status;

use super::source::{Element, Given, Section};
use super::value::{self, ADDRESS_ALLOWED, Rate, Secret};
use super::{HOUR, SECOND, SMSC_MAX};

/// The longest name: it is a metric label and part of keys.
const NAME_MAX: usize = 32;

/// The longest system_id (SMPP 3.4, 5.2.1: 16 octets with the NUL).
const SYSTEM_ID_MAX: usize = 15;

/// The standard's limit is 8 (SMPP 3.4, 5.2.2), but carriers hand out longer passwords.
const PASSWORD_MAX: usize = 64;

/// The longest system_type (SMPP 3.4, 5.2.3: 13 octets with the NUL).
const SYSTEM_TYPE_MAX: usize = 12;

/// The most sessions of one account: aggregators allow one to some dozen.
const SESSIONS_MAX: u32 = 64;

/// The largest window: at 10,000 a session holds a second of the fastest account's traffic.
const WINDOW_MAX: u32 = 10_000;

/// The largest burst: a second of a fast account.
const BURST_MAX: u32 = 10_000;

/// The most entries of `prefixes`, `answers` and `receipts` each: a carrier documents some hundred codes.
const ENTRIES_MAX: usize = 1_000;

/// The longest `stat` or `err` of a receipt rule: the text form has 7 and 3 characters, vendors stretch them.
const RECEIPT_WORD_MAX: usize = 16;

/// One account at an aggregator that we bind to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Smsc {
    /// `name`: what it is called in routes, metrics and logs; unique.
    pub(crate) name: String,
    /// `address`: `host:port`, resolved at every connection.
    pub(crate) address: String,
    /// `system_id`: who we are to it; up to 15 octets.
    pub(crate) system_id: String,
    /// `password`, or the first line of `password_file`; may be empty.
    pub(crate) password: Secret,
    /// `bind`: in which directions messages go. Default transceiver.
    pub(crate) bind: BindKind,
    /// `sessions`: how many TCP connections are kept up. Default 1.
    pub(crate) sessions: u32,
    /// `window`: the most unanswered requests of each session. Default 10.
    pub(crate) window: u32,
    /// `rate`: the most segments in a time, over all sessions. Absent: unlimited.
    pub(crate) rate: Option<Rate>,
    /// `burst`: segments above the rate that any one second may have. Absent: see [`Smsc::burst`].
    pub(crate) burst: Option<u32>,
    /// `system_type` of the bind. Default empty.
    pub(crate) system_type: String,
    /// `interface_version` of the bind. Default 3.4.
    pub(crate) interface_version: InterfaceVersion,
    /// `receipts_by_id`: the ids of its answers are kept in Redis by themselves, since its receipts do not say whom they
    /// are about. Costs a key of some 100 octets a message until its receipt's time is over. Default false.
    pub(crate) receipts_by_id: bool,
    /// `prefixes`: beginnings of the numbers that it takes, digits without `+`. Empty: all.
    pub(crate) prefixes: Vec<String>,
    /// `enquire_link_interval`: the longest silence before the link is tested. Default 30 s.
    pub(crate) enquire_link_interval: Duration,
    /// `response_timeout`: how long an answer may take. Default 60 s.
    pub(crate) response_timeout: Duration,
    /// `bind_timeout`: how long connecting, and then binding, may take. Default 10 s.
    pub(crate) bind_timeout: Duration,
    /// `reconnect_min`: the first pause after a lost connection. Default 1 s.
    pub(crate) reconnect_min: Duration,
    /// `reconnect_max`: the longest pause between attempts. Default 60 s.
    pub(crate) reconnect_max: Duration,
    /// `source_ton`: the sender's type of number (SMPP 3.4, 5.2.5). `None` (`"auto"`, the default): what the sender is.
    pub(crate) source_ton: Option<u8>,
    /// `source_npi`: the sender's numbering plan (SMPP 3.4, 5.2.6). `None`: `"auto"`.
    pub(crate) source_npi: Option<u8>,
    /// `dest_ton`. Default 1, international.
    pub(crate) dest_ton: u8,
    /// `dest_npi`. Default 1, E.164.
    pub(crate) dest_npi: u8,
    /// `answers`: what this SMSC means by a command_status, where that differs from the usual.
    pub(crate) answers: Vec<(CommandStatus, Answer)>,
    /// `receipts`: what this SMSC means by a receipt, where that differs from the usual. The first that fits holds.
    pub(crate) receipts: Vec<ReceiptRule>,
}

impl Smsc {
    /// An account with every default, without a password.
    pub(crate) fn new(name: impl Into<String>, address: impl Into<String>, system_id: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            address: address.into(),
            system_id: system_id.into(),
            password: Secret::new(""),
            bind: BindKind::Transceiver,
            sessions: 1,
            window: 10,
            rate: None,
            burst: None,
            system_type: String::new(),
            interface_version: InterfaceVersion::V34,
            receipts_by_id: false,
            prefixes: Vec::new(),
            enquire_link_interval: 30 * SECOND,
            response_timeout: 60 * SECOND,
            bind_timeout: 10 * SECOND,
            reconnect_min: SECOND,
            reconnect_max: 60 * SECOND,
            source_ton: None,
            source_npi: None,
            dest_ton: 1,
            dest_npi: 1,
            answers: Vec::new(),
            receipts: Vec::new(),
        }
    }

    /// Segments above the rate that any one second may have: as configured, or a hundredth of the rate, at least one.
    /// `None` without a rate.
    pub(crate) fn burst(&self) -> Option<u32> {
        let hundredth = (self.rate?.segments_per_second() / 100.0) as u32;
        Some(self.burst.unwrap_or(hundredth.max(1)))
    }
}

/// `interface_version` of a bind (SMPP 3.4, 5.2.4; SMPP 5.0, 4.7.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InterfaceVersion {
    /// `0x33`: 3.3.
    V33,
    /// `0x34`: 3.4.
    V34,
    /// `0x50`: 5.0.
    V50,
}

impl InterfaceVersion {
    /// The octet of the bind.
    pub(crate) const fn octet(self) -> u8 {
        match self {
            Self::V33 => 0x33,
            Self::V34 => 0x34,
            Self::V50 => 0x50,
        }
    }
}

/// What an SMSC's answer means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Refused for good, with this status.
    Final(Status),
    /// Refused for now.
    Retry,
}

/// What a receipt means: fits when each of `stat` and `err` that is there is the receipt's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptRule {
    /// The receipt's `stat`, in capitals.
    pub(crate) stat: Option<String>,
    /// The receipt's `err`, as it is written.
    pub(crate) err: Option<String>,
    /// The status that it means.
    pub(crate) status: Status,
    /// Whether the credits go back to the tenant.
    pub(crate) recredit: bool,
}

/// Reads all `[[smsc]]`; relative `password_file`s lie in `folder`.
pub(super) fn read_all(root: &mut Section<'_, '_>, folder: &Path) -> Vec<Arc<Smsc>> {
    let elements = root.tables("smsc", SMSC_MAX);
    if elements.is_empty() {
        if !root.has("smsc") {
            root.missing(
                "smsc",
                "at least one [[smsc]] with name, address, system_id and password",
            );
        }
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    let mut accounts = Vec::new();
    for element in elements {
        let mut section = root.element(element);
        let smsc = read(&mut section, folder);
        if !smsc.name.is_empty() && !names.insert(smsc.name.clone()) {
            section.fault("name", format!("\"{}\" stands twice: names must be unique", smsc.name));
        }
        section.finish();
        accounts.push(Arc::new(smsc));
    }
    accounts
}

fn read(section: &mut Section<'_, '_>, folder: &Path) -> Smsc {
    // What is missing or refused has left a fault, so that the empty text is never used.
    let name = section.require("name", NAME_ALLOWED, name).unwrap_or_default();
    let address = section
        .require("address", ADDRESS_ALLOWED, value::host_and_port)
        .unwrap_or_default();
    let system_id = section
        .require("system_id", "1 to 15 ASCII characters", |given| {
            value::octets(given, 1..=SYSTEM_ID_MAX)
        })
        .unwrap_or_default();
    let mut smsc = Smsc::new(name, address, system_id);
    smsc.password = read_password(section, folder);
    read_link(section, &mut smsc);
    read_timers(section, &mut smsc);
    read_addresses(section, &mut smsc);
    smsc.answers = read_answers(section);
    smsc.receipts = read_receipts(section);
    smsc
}

const NAME_ALLOWED: &str = "1 to 32 of a-z, 0-9, - and _, the first a letter or digit, such as \"north\"";

fn name(given: &Given<'_>) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let valid = |text: &&str| {
        text.len() <= NAME_MAX
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
    };
    given
        .text()
        .filter(valid)
        .map(str::to_owned)
        .ok_or_else(|| NAME_ALLOWED.to_owned())
}

fn read_password(section: &mut Section<'_, '_>, folder: &Path) -> Secret {
    let has_text = section.has("password");
    let has_file = section.has("password_file");
    if has_text && has_file {
        section.fault("password_file", "stands beside password: give one of them");
    }
    if !has_text && !has_file {
        section.missing(
            "password",
            "up to 64 ASCII characters, or password_file; \"\" if the SMSC wants none",
        );
    }
    let in_text = section.read_secret("password", |given| value::octets(given, 0..=PASSWORD_MAX));
    let in_file = section.read("password_file", |given| password_of_file(given, folder));
    Secret::new(in_text.or(in_file).unwrap_or_default())
}

fn password_of_file(given: &Given<'_>, folder: &Path) -> Result<String, String> {
    let path = folder.join(
        given
            .text()
            .ok_or("the path of a file whose first line is the password")?,
    );
    let text = std::fs::read_to_string(path).map_err(|error| format!("the file cannot be read: {error}"))?;
    let first = text.lines().next().unwrap_or_default();
    value::octets(&Given::Text(first), 0..=PASSWORD_MAX).map_err(|allowed| format!("its first line must be {allowed}"))
}

fn read_link(section: &mut Section<'_, '_>, smsc: &mut Smsc) {
    let kinds = [BindKind::Transceiver, BindKind::Transmitter, BindKind::Receiver];
    let kinds = kinds.map(|kind| (kind.to_string(), kind));
    let kinds = [0, 1, 2].map(|at: usize| (kinds[at].0.as_str(), kinds[at].1));
    if let Some(bind) = section.read("bind", |given| value::word(given, &kinds)) {
        smsc.bind = bind;
    }
    if let Some(sessions) = section.read("sessions", |given| value::whole(given, 1..=SESSIONS_MAX)) {
        smsc.sessions = sessions;
    }
    if let Some(window) = section.read("window", |given| value::whole(given, 1..=WINDOW_MAX)) {
        smsc.window = window;
    }
    smsc.rate = section.read("rate", |given| Rate::parse(given.text().unwrap_or_default()));
    smsc.burst = section.read("burst", |given| value::whole(given, 1..=BURST_MAX));
    if section.has("burst") && !section.has("rate") {
        section.fault("burst", "stands without rate: only a rate can be exceeded");
    }
    if let Some(system_type) = section.read("system_type", |given| value::octets(given, 0..=SYSTEM_TYPE_MAX)) {
        smsc.system_type = system_type;
    }
    if let Some(version) = section.read("interface_version", interface_version) {
        smsc.interface_version = version;
    }
    smsc.receipts_by_id = section.read("receipts_by_id", value::truth).unwrap_or(false);
    smsc.prefixes = section.read("prefixes", prefixes).unwrap_or_default();
}

fn interface_version(given: &Given<'_>) -> Result<InterfaceVersion, String> {
    let versions = [InterfaceVersion::V33, InterfaceVersion::V34, InterfaceVersion::V50];
    let wanted = |version: &InterfaceVersion| given.integer() == Some(i64::from(version.octet()));
    versions
        .into_iter()
        .find(wanted)
        .ok_or_else(|| "0x33, 0x34 or 0x50".to_owned())
}

fn prefixes(given: &Given<'_>) -> Result<Vec<String>, String> {
    let allowed = || format!("up to {ENTRIES_MAX} texts of 1 to 15 digits, such as [\"33\", \"262\"]");
    let texts = given
        .texts()
        .filter(|texts| !texts.is_empty() && texts.len() <= ENTRIES_MAX)
        .ok_or_else(allowed)?;
    let digits = |text: &str| {
        let digits = text.strip_prefix('+').unwrap_or(text);
        // E.164 numbers have at most 15 digits.
        let valid = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        valid.then(|| digits.to_owned())
    };
    texts.into_iter().map(digits).collect::<Option<_>>().ok_or_else(allowed)
}

fn read_timers(section: &mut Section<'_, '_>, smsc: &mut Smsc) {
    let timers = [
        ("enquire_link_interval", &mut smsc.enquire_link_interval),
        ("response_timeout", &mut smsc.response_timeout),
        ("bind_timeout", &mut smsc.bind_timeout),
        ("reconnect_min", &mut smsc.reconnect_min),
        ("reconnect_max", &mut smsc.reconnect_max),
    ];
    // Shorter than 100 ms would hammer the SMSC; longer than an hour is no timer.
    for (key, timer) in timers {
        if let Some(given) = section.read(key, |given| value::duration(given, SECOND / 10..=HOUR)) {
            *timer = given;
        }
    }
    if smsc.reconnect_min > smsc.reconnect_max {
        let longest = humantime::format_duration(smsc.reconnect_max);
        section.fault(
            "reconnect_min",
            format!("must not be longer than reconnect_max, {longest}"),
        );
    }
}

fn read_addresses(section: &mut Section<'_, '_>, smsc: &mut Smsc) {
    // SMPP 3.4, 5.2.5: seven types of number; 5.2.6: numbering plans up to 18.
    let (ton_max, npi_max) = (6, 18);
    smsc.source_ton = section
        .read("source_ton", |given| code_or_auto(given, ton_max))
        .flatten();
    smsc.source_npi = section
        .read("source_npi", |given| code_or_auto(given, npi_max))
        .flatten();
    if let Some(ton) = section.read("dest_ton", |given| code(given, ton_max)) {
        smsc.dest_ton = ton;
    }
    if let Some(npi) = section.read("dest_npi", |given| code(given, npi_max)) {
        smsc.dest_npi = npi;
    }
}

fn code(given: &Given<'_>, max: u8) -> Result<u8, String> {
    let code = given.integer().and_then(|code| u8::try_from(code).ok());
    code.filter(|code| *code <= max).ok_or_else(|| format!("0 to {max}"))
}

fn code_or_auto(given: &Given<'_>, max: u8) -> Result<Option<u8>, String> {
    if given.text() == Some("auto") {
        return Ok(None);
    }
    code(given, max)
        .map(Some)
        .map_err(|allowed| format!("\"auto\" or {allowed}"))
}

fn read_answers(section: &mut Section<'_, '_>) -> Vec<(CommandStatus, Answer)> {
    let entries = section.entries("answers");
    if entries.len() > ENTRIES_MAX {
        section.fault(
            "answers",
            format!("{} are not allowed: at most {ENTRIES_MAX}", entries.len()),
        );
    }
    let mut answers: Vec<(CommandStatus, Answer)> = Vec::new();
    for (place, key, name, given) in entries {
        let status = CommandStatus::parse(name).filter(|status| *status != CommandStatus::ESME_ROK);
        let Some(status) = status else {
            let allowed = "a command_status, such as \"0x0000040B\" or \"ESME_RINVDSTADR\", other than ESME_ROK";
            section.fault_at(place, &key, format!("not allowed: the key must be {allowed}"));
            continue;
        };
        if answers.iter().any(|(known, _)| *known == status) {
            section.fault_at(place, &key, format!("{status} stands twice"));
            continue;
        }
        match answer(&given) {
            Ok(answer) => answers.push((status, answer)),
            Err(allowed) => section.fault_at(place, &key, allowed),
        }
    }
    answers
}

fn answer(given: &Given<'_>) -> Result<Answer, String> {
    if given.text() == Some("retry") {
        return Ok(Answer::Retry);
    }
    status(given)
        .map(Answer::Final)
        .map_err(|allowed| format!("must be \"retry\", {allowed}"))
}

fn read_receipts(section: &mut Section<'_, '_>) -> Vec<ReceiptRule> {
    let elements = section.tables("receipts", ENTRIES_MAX);
    elements
        .into_iter()
        .filter_map(|element| read_receipt(section, element))
        .collect()
}

fn read_receipt<'t>(parent: &mut Section<'_, 't>, element: Element<'t>) -> Option<ReceiptRule> {
    let mut section = parent.element(element);
    let stat = section.read("stat", |given| receipt_word(given).map(|word| word.to_uppercase()));
    let err = section.read("err", receipt_word);
    if !section.has("stat") && !section.has("err") {
        section.missing("stat", "a rule names stat or err or both");
    }
    let status = section.require("status", "what the receipt means, such as \"unknown_number\"", status);
    let recredit = section.read("recredit", value::truth).unwrap_or(false);
    section.finish();
    Some(ReceiptRule {
        stat,
        err,
        status: status?,
        recredit,
    })
}

fn receipt_word(given: &Given<'_>) -> Result<String, String> {
    let valid = |text: &&str| {
        (1..=RECEIPT_WORD_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let allowed = || format!("1 to {RECEIPT_WORD_MAX} letters and digits in quotes, such as \"UNDELIV\" or \"001\"");
    given.text().filter(valid).map(str::to_owned).ok_or_else(allowed)
}

fn status(given: &Given<'_>) -> Result<Status, String> {
    let found = given.text().and_then(Status::from_code);
    found.ok_or_else(|| Status::ALL.map(|status| format!("\"{}\"", status.code())).join(", "))
}
