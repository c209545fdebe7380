//! `[[smsc]]`: one account at an aggregator, and how it deviates from what is usual.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use kit::settings::{Faults, Given, Source, Table};
use presets::Preset;
use smpp::command_status::CommandStatus;
use smpp::segment::Concatenation;

use crate::domain::Status;

use super::answers::{self, AnswerMeaning};
use super::envelope::Envelope;
use super::link::{Directions, InterfaceVersion, Link};
use super::preset;
use super::price::PriceList;
use super::value::{self, ENTRIES_MAX, Rate, Secret, statuses};
use super::{DAY, HOUR, SECOND, SMSC_MAX};

/// The longest name: it is a metric label and part of keys.
const NAME_MAX: usize = 32;

/// Octets of a system_id (SMPP 3.4, 5.2.1: up to 16 with the NUL).
const SYSTEM_ID: RangeInclusive<usize> = 1..=15;

/// Octets of a password. The standard's limit is 8 (SMPP 3.4, 5.2.2), but carriers hand out longer ones.
const PASSWORD: RangeInclusive<usize> = 0..=64;

/// Octets of a system_type (SMPP 3.4, 5.2.3: up to 13 with the NUL).
const SYSTEM_TYPE: RangeInclusive<usize> = 0..=12;

/// The most sessions of one account: aggregators allow one to some dozen.
const SESSIONS_MAX: u32 = 64;

/// The largest window: at 10,000 a session holds a second of the fastest account's traffic.
const WINDOW_MAX: u32 = 10_000;

/// The largest burst: a second of a fast account.
const BURST_MAX: u32 = 10_000;

/// The longest `stat` or `err` of a receipt rule: the text form has 7 and 3 characters, vendors stretch them.
const RECEIPT_WORD_MAX: usize = 64;

/// One account at an aggregator that we bind to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Smsc {
    /// `name`: what it is called in routes, metrics and logs; unique.
    pub(crate) name: String,
    /// `preset`: the carrier whose manners count where nothing else is said. Default: none.
    pub(crate) preset: Option<&'static str>,
    /// `system_id`: who we are to it; up to 15 octets.
    pub(crate) system_id: String,
    /// `password`, or the first line of `password_file`; may be empty.
    pub(crate) password: Secret,
    /// `bind`: in which directions messages go. Default transceiver.
    pub(crate) bind: Directions,
    /// `sessions`: how many TCP connections are kept up; of a pair that many of each kind. Default 1.
    pub(crate) sessions: u32,
    /// `window`: the most unanswered requests of each session. Default 10.
    pub(crate) window: u32,
    /// `window_min`: what the window shrinks to at most while answers are slow. Absent: see [`Smsc::window_min`].
    pub(crate) window_min: Option<u32>,
    /// `rate`: the most segments in a time, over all sessions. Absent: unlimited.
    pub(crate) rate: Option<Rate>,
    /// `session_rate`: the most segments in a time that each session is given. Absent: as many as the account may have.
    pub(crate) session_rate: Option<Rate>,
    /// `sender_rate` and `recipient_rate`: the most segments in a time from one sender, and to one number. Absent: no more is
    /// asked of them than of others.
    pub(crate) sender_rate: Option<Rate>,
    pub(crate) recipient_rate: Option<Rate>,
    /// `burst`: segments above the rate that any one second may have. Absent: see [`Smsc::burst`].
    pub(crate) burst: Option<u32>,
    /// `system_type` of the bind. Default empty.
    pub(crate) system_type: String,
    /// `interface_version` of the bind. Default 3.4.
    pub(crate) interface_version: InterfaceVersion,
    /// Where its binds are made, as what, and how often.
    pub(crate) link: Link,
    /// `receipts_by_id`: the ids of its answers are kept in Redis by themselves, since its receipts do not say whom they
    /// are about. Costs a key of some 100 octets a message until its receipt's time is over. Default false.
    pub(crate) receipts_by_id: bool,
    /// `long_receipts`: which segments of a long message are asked for a receipt, and what one says of the others. Default each.
    pub(crate) long_receipts: LongReceipts,
    /// `sandbox`: it is a simulator, to which messages of sandboxes go, and no others. Default false.
    pub(crate) sandbox: bool,
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
    /// What its submit_sm's look like.
    pub(crate) envelope: Envelope,
    /// `dest_ton`. Default 1, international.
    pub(crate) dest_ton: u8,
    /// `dest_npi`. Default 1, E.164.
    pub(crate) dest_npi: u8,
    /// `answers`: what this SMSC means by a command_status, where that differs from the usual.
    pub(crate) answers: Vec<(CommandStatus, AnswerMeaning)>,
    /// `retry_for`: how long after its first refusal a message may be refused for now. Default a day.
    pub(crate) retry_for: Duration,
    /// `stopped_for`: the pause before one message is tried, after an answer that means that it takes nothing. Default 15 min.
    pub(crate) stopped_for: Duration,
    /// `receipts`: what this SMSC means by a receipt, where that differs from the usual. The first that fits holds.
    pub(crate) receipts: Vec<ReceiptRule>,
    /// `price`: what it takes for a segment.
    pub(crate) prices: PriceList,
}

impl Smsc {
    /// An account with every default, without a password.
    pub(crate) fn new(name: impl Into<String>, address: impl Into<String>, system_id: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            preset: None,
            system_id: system_id.into(),
            password: Secret::new(""),
            bind: Directions::Transceiver,
            sessions: 1,
            window: 10,
            window_min: None,
            rate: None,
            session_rate: None,
            sender_rate: None,
            recipient_rate: None,
            burst: None,
            system_type: String::new(),
            interface_version: InterfaceVersion::V34,
            link: Link::new(address.into()),
            receipts_by_id: false,
            long_receipts: LongReceipts::Each,
            sandbox: false,
            prefixes: Vec::new(),
            enquire_link_interval: 30 * SECOND,
            response_timeout: 60 * SECOND,
            bind_timeout: 10 * SECOND,
            reconnect_min: SECOND,
            reconnect_max: 60 * SECOND,
            source_ton: None,
            source_npi: None,
            envelope: Envelope::default(),
            dest_ton: 1,
            dest_npi: 1,
            answers: Vec::new(),
            retry_for: DAY,
            stopped_for: HOUR / 4,
            receipts: Vec::new(),
            prices: PriceList::default(),
        }
    }

    /// Whether one receipt speaks for all segments of a message: the only one that it gets, or that of its payload.
    pub(crate) fn reports_once(&self) -> bool {
        self.long_receipts != LongReceipts::Each || self.envelope.format.concatenation == Concatenation::Payload
    }

    /// Sessions of all kinds.
    pub(crate) fn session_count(&self) -> u32 {
        self.sessions * self.bind.kinds().len() as u32
    }

    /// Whether sessions that were bound for the other one do for this one as well: what differs is not theirs to know.
    pub(crate) fn is_bound_like(&self, other: &Self) -> bool {
        let alike = Self {
            preset: self.preset,
            rate: self.rate,
            burst: self.burst,
            receipts_by_id: self.receipts_by_id,
            long_receipts: self.long_receipts,
            prefixes: self.prefixes.clone(),
            source_ton: self.source_ton,
            source_npi: self.source_npi,
            dest_ton: self.dest_ton,
            dest_npi: self.dest_npi,
            envelope: self.envelope.heard_as(&other.envelope),
            answers: self.answers.clone(),
            retry_for: self.retry_for,
            stopped_for: self.stopped_for,
            receipts: self.receipts.clone(),
            prices: self.prices.clone(),
            ..other.clone()
        };
        alike == *self
    }

    /// Places of the window that are used however slow answers are: as configured, or an eighth, and two if it has them.
    pub(crate) fn window_min(&self) -> u32 {
        self.window_min.unwrap_or((self.window / 8).max(2)).min(self.window)
    }

    /// Segments a second over all sessions, and those above that any one second may have: as configured, or a hundredth, at least
    /// one. `None`: unlimited.
    pub(crate) fn bound(&self) -> Option<(f64, u32)> {
        let own = self.rate.map(Rate::segments_per_second);
        let sessions = self.session_rate.map(Rate::segments_per_second);
        let rate = own
            .into_iter()
            .chain(sessions.map(|rate| rate * f64::from(self.sessions)));
        let rate = rate.reduce(f64::min)?;
        Some((rate, self.burst.unwrap_or(hundredth(rate))))
    }

    /// The same, when no more than `most` segments a second are wanted.
    pub(crate) fn bound_below(&self, most: Option<f64>) -> Option<(f64, u32)> {
        match (self.bound(), most) {
            (Some((rate, burst)), Some(most)) if most < rate => Some((most, burst.min(hundredth(most)))),
            (None, Some(most)) => Some((most, hundredth(most))),
            (bound, _) => bound,
        }
    }

    /// The same of each session.
    pub(crate) fn session_bound(&self) -> Option<(f64, u32)> {
        let rate = self.session_rate?.segments_per_second();
        Some((rate, hundredth(rate)))
    }
}

/// A burst that is not configured.
fn hundredth(rate: f64) -> u32 {
    ((rate / 100.0) as u32).max(1)
}

/// How an SMSC reports on a message of several segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LongReceipts {
    /// On each segment by itself.
    Each,
    /// Only the first segment is asked for a receipt, which settles the message.
    First,
    /// Only the last one is.
    Last,
    /// Each is asked for, and the first receipt that comes settles the message.
    One,
}

impl LongReceipts {
    pub(super) const NAMES: [(&str, Self); 4] = [
        ("each", Self::Each),
        ("first", Self::First),
        ("last", Self::Last),
        ("one", Self::One),
    ];

    /// Whether a receipt is asked for, for that segment of so many, counted from 0.
    pub(crate) const fn asks(self, segment: usize, segments: usize) -> bool {
        match self {
            Self::Each | Self::One => true,
            Self::First => segment == 0,
            Self::Last => segment + 1 == segments,
        }
    }
}

/// What a receipt means: fits when each condition that is there holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceiptRule {
    /// `stat:` of the text as it comes, in any case, or one of the standard's words.
    pub(crate) stat: Option<String>,
    /// `err:` of the text; leading zeros do not count.
    pub(crate) err: Option<String>,
    /// The TLV `message_state` (3.4, 5.3.2.35).
    pub(crate) message_state: Option<u8>,
    /// The code of the TLV `network_error_code` (3.4, 5.3.2.31).
    pub(crate) network_error_code: Option<u16>,
    /// The status that it means.
    pub(crate) status: Status,
    /// Whether the credits go back to the tenant.
    pub(crate) recredit: bool,
}

impl ReceiptRule {
    /// Whether it holds whenever the other does; one without conditions is a fault of its own.
    fn covers(&self, other: &Self) -> bool {
        fn implied<T: PartialEq>(own: Option<&T>, other: Option<&T>) -> bool {
            own.is_none() || own == other
        }
        let conditions = self.stat.is_some() || self.err.is_some();
        (conditions || self.message_state.is_some() || self.network_error_code.is_some())
            && implied(self.stat.as_ref(), other.stat.as_ref())
            && implied(self.err.as_ref(), other.err.as_ref())
            && implied(self.message_state.as_ref(), other.message_state.as_ref())
            && implied(self.network_error_code.as_ref(), other.network_error_code.as_ref())
    }
}

/// Reads all `[[smsc]]`.
pub(super) fn read_all(root: &Table<'_>) -> Vec<Arc<Smsc>> {
    root.required(
        "smsc",
        "at least one [[smsc]] with name, address, system_id and password",
    );
    let mut names = BTreeSet::new();
    let mut accounts = Vec::new();
    for table in root.tables("smsc", SMSC_MAX) {
        let smsc = read(&table);
        if !smsc.name.is_empty() && !names.insert(smsc.name.clone()) {
            table.fault("name", format!("\"{}\" stands twice: names must be unique", smsc.name));
        }
        table.finish();
        accounts.push(Arc::new(smsc));
    }
    accounts
}

fn read(table: &Table<'_>) -> Smsc {
    let needed = |key, allowed: &str, read: fn(Given<'_>) -> Option<String>| {
        table.required(key, allowed);
        // What is missing or refused has left a fault, so that the empty text is never used.
        table.parsed(key, allowed, read).unwrap_or_default()
    };
    let system_id_allowed = value::octets_allowed(SYSTEM_ID);
    let mut smsc = Smsc::new(
        needed("name", NAME_ALLOWED, name),
        "",
        needed("system_id", &system_id_allowed, |given| {
            value::octets(given.text()?, SYSTEM_ID)
        }),
    );
    if let Some(preset) = preset::chosen(table) {
        smsc.preset = Some(preset.name);
        if let Err(faults) = begin_with(preset, &mut smsc) {
            table.fault("preset", format!("{:?} is broken: {faults}", preset.name));
        }
    }
    smsc.password = read_password(table);
    read_manners(table, &mut smsc);
    smsc.link = Link::read(table, smsc.session_count(), &smsc.link);
    smsc.sandbox = table.boolean("sandbox", false);
    smsc.prefixes = read_prefixes(table);
    smsc.prices = PriceList::read(table);
    smsc
}

/// Takes over what is known of a carrier.
pub(super) fn begin_with(preset: &Preset, smsc: &mut Smsc) -> Result<(), Faults> {
    let source = Source::new(preset.text, preset.name);
    let document = source.parse()?;
    source.read(&document, |root| {
        let table = root.table(presets::SMSC);
        read_manners(&table, smsc);
        smsc.link = Link::read_manners(&table, smsc.session_count(), &smsc.link);
        table.finish();
    })
}

/// What a carrier decides for all of its accounts, but for the link; what the table does not say stays as it is.
fn read_manners(table: &Table<'_>, smsc: &mut Smsc) {
    read_sessions(table, smsc);
    read_timers(table, smsc);
    read_addresses(table, smsc);
    smsc.envelope = Envelope::read(table, smsc.interface_version.has_parameters(), &smsc.envelope);
    let mut answers = answers::read(table);
    let is_new = |(status, _): &(CommandStatus, AnswerMeaning)| answers.iter().all(|(own, _)| own != status);
    let known: Vec<_> = smsc.answers.iter().copied().filter(is_new).collect();
    answers.extend(known);
    smsc.answers = answers;
    let mut receipts: Vec<ReceiptRule> = Vec::new();
    for table in table.tables("receipts", ENTRIES_MAX) {
        let Some(rule) = read_receipt(&table) else { continue };
        if receipts.iter().any(|earlier| earlier.covers(&rule)) {
            table.fault("", "never asked: a rule before it fits everything that it fits");
        }
        receipts.push(rule);
    }
    for rule in std::mem::take(&mut smsc.receipts) {
        if !receipts.iter().any(|earlier| earlier.covers(&rule)) {
            receipts.push(rule);
        }
    }
    smsc.receipts = receipts;
}

pub(super) const NAME_ALLOWED: &str = "1 to 32 of a-z, 0-9, - and _, the first a letter or digit, such as \"north\"";

pub(super) fn name(given: Given<'_>) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let valid = |text: &&str| {
        text.len() <= NAME_MAX
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'_')
    };
    given.text().filter(valid).map(str::to_owned)
}

fn read_password(table: &Table<'_>) -> Secret {
    let (has_text, has_file) = (table.has("password"), table.has("password_file"));
    if has_text && has_file {
        table.fault_of_value("password_file", "stands beside password: give one of them");
    }
    if !has_text && !has_file {
        table.fault(
            "password",
            "missing: up to 64 ASCII characters, or password_file; \"\" if the SMSC wants none",
        );
    }
    let in_text = table.secret("password", value::octets_allowed(PASSWORD), |given| {
        value::octets(given.text()?, PASSWORD)
    });
    // An empty file is one that is still being written, or was cut off: nobody names one to have no password.
    let in_a_file = 1..=*PASSWORD.end();
    let is_allowed = |password: &str| value::octets(password, in_a_file.clone()).is_some();
    let allowed = format!(
        "{}; password = \"\" is for an SMSC that wants none",
        value::octets_allowed(in_a_file.clone())
    );
    let in_file = value::password_of_file(table, "password_file", is_allowed, &allowed);
    Secret::new(in_text.or(in_file).unwrap_or_default())
}

fn read_sessions(table: &Table<'_>, smsc: &mut Smsc) {
    smsc.bind = Directions::read(table).unwrap_or(smsc.bind);
    smsc.sessions = table.integer("sessions", 1..=SESSIONS_MAX, smsc.sessions);
    smsc.window = table.integer("window", 1..=WINDOW_MAX, smsc.window);
    let least = table
        .has("window_min")
        .then(|| table.integer("window_min", 1..=WINDOW_MAX, 1));
    smsc.window_min = least.or(smsc.window_min);
    if let Some(least) = smsc.window_min.filter(|least| *least > smsc.window) {
        let window = smsc.window;
        table.fault(
            "window_min",
            format!("{least} is not allowed: at most window, {window}"),
        );
    }
    smsc.rate = Rate::read(table, "rate").or(smsc.rate);
    smsc.session_rate = Rate::read(table, "session_rate").or(smsc.session_rate);
    smsc.sender_rate = Rate::read(table, "sender_rate").or(smsc.sender_rate);
    smsc.recipient_rate = Rate::read(table, "recipient_rate").or(smsc.recipient_rate);
    let burst = table.has("burst").then(|| table.integer("burst", 1..=BURST_MAX, 1));
    smsc.burst = burst.or(smsc.burst);
    let has_rate = smsc.rate.is_some() || smsc.session_rate.is_some() || table.has("rate") || table.has("session_rate");
    if table.has("burst") && !has_rate {
        table.fault_of_value(
            "burst",
            "stands without rate or session_rate: only a rate can be exceeded",
        );
    }
    let system_type = table.parsed("system_type", value::octets_allowed(SYSTEM_TYPE), |given| {
        value::octets(given.text()?, SYSTEM_TYPE)
    });
    if let Some(system_type) = system_type {
        smsc.system_type = system_type;
    }
    smsc.interface_version = table
        .parsed("interface_version", "0x33, 0x34 or 0x50", InterfaceVersion::parse)
        .unwrap_or(smsc.interface_version);
    if smsc.interface_version == InterfaceVersion::V33 && smsc.bind == Directions::Transceiver {
        table.fault(
            "interface_version",
            "0x33 is not allowed with bind = \"transceiver\": SMPP 3.3 has none; set bind = \"pair\", \"transmitter\" or \"receiver\"",
        );
    }
    smsc.receipts_by_id = table.boolean("receipts_by_id", smsc.receipts_by_id);
    let long_receipts = table.choice("long_receipts", &LongReceipts::NAMES);
    smsc.long_receipts = long_receipts.unwrap_or(smsc.long_receipts);
}

pub(super) fn read_prefixes(table: &Table<'_>) -> Vec<String> {
    let allowed = format!("up to {ENTRIES_MAX} texts of 1 to 15 digits, such as [\"33\", \"262\"]");
    table.parsed("prefixes", allowed, prefixes).unwrap_or_default()
}

fn prefixes(given: Given<'_>) -> Option<Vec<String>> {
    let texts = given.texts()?;
    let count = (1..=ENTRIES_MAX).contains(&texts.len());
    count.then(|| texts.into_iter().map(value::prefix).collect())?
}

fn read_timers(table: &Table<'_>, smsc: &mut Smsc) {
    // Shorter than 100 ms would hammer the SMSC; longer than an hour is no timer.
    let read = |key, default| table.duration(key, SECOND / 10..=HOUR, default);
    smsc.enquire_link_interval = read("enquire_link_interval", smsc.enquire_link_interval);
    smsc.response_timeout = read("response_timeout", smsc.response_timeout);
    smsc.bind_timeout = read("bind_timeout", smsc.bind_timeout);
    smsc.reconnect_min = read("reconnect_min", smsc.reconnect_min);
    smsc.reconnect_max = read("reconnect_max", smsc.reconnect_max);
    // A week is longer than any validity period.
    smsc.retry_for = table.duration("retry_for", SECOND..=7 * DAY, smsc.retry_for);
    smsc.stopped_for = table.duration("stopped_for", SECOND..=DAY, smsc.stopped_for);
    if smsc.reconnect_min > smsc.reconnect_max {
        let [shortest, longest] = [smsc.reconnect_min, smsc.reconnect_max].map(humantime::format_duration);
        table.fault(
            "reconnect_min",
            format!("{shortest} is not allowed: not longer than reconnect_max, {longest}"),
        );
    }
}

fn read_addresses(table: &Table<'_>, smsc: &mut Smsc) {
    // SMPP 3.4, 5.2.5: seven types of number; 5.2.6: numbering plans up to 18.
    let (ton_max, npi_max) = (6, 18);
    smsc.source_ton = code_or_auto(table, "source_ton", ton_max).unwrap_or(smsc.source_ton);
    smsc.source_npi = code_or_auto(table, "source_npi", npi_max).unwrap_or(smsc.source_npi);
    smsc.dest_ton = table.integer("dest_ton", 0..=ton_max, smsc.dest_ton);
    smsc.dest_npi = table.integer("dest_npi", 0..=npi_max, smsc.dest_npi);
}

/// `Some(None)` for `"auto"`, which is the default; `None` when nothing is said.
fn code_or_auto(table: &Table<'_>, key: &'static str, max: u8) -> Option<Option<u8>> {
    let code = |given: Given<'_>| {
        if given.text() == Some("auto") {
            return Some(None);
        }
        let code = u8::try_from(given.whole()?).ok()?;
        (code <= max).then_some(Some(code))
    };
    table.parsed(key, format!("\"auto\" or 0 to {max}"), code)
}

fn read_receipt(table: &Table<'_>) -> Option<ReceiptRule> {
    let word = |key| table.parsed(key, receipt_word_allowed(), receipt_word);
    let (stat, err) = (word("stat"), word("err"));
    let message_state = table.parsed("message_state", "a whole number from 0 to 255", |given| {
        u8::try_from(given.whole()?).ok()
    });
    let network_error_code = table.parsed("network_error_code", "a whole number from 0 to 65535", |given| {
        u16::try_from(given.whole()?).ok()
    });
    if !["stat", "err", "message_state", "network_error_code"]
        .iter()
        .any(|key| table.has(key))
    {
        table.fault(
            "stat",
            "missing: a rule has stat, err, message_state or network_error_code, or several of them",
        );
    }
    table.required("status", "what the receipt means, such as \"unknown_number\"");
    let status = table.parsed("status", statuses(), status);
    let recredit = table.boolean("recredit", false);
    if recredit && status == Some(Status::Delivered) {
        table.fault(
            "recredit",
            "true is not allowed: it gives the credits of every delivered message back; not with status = \"delivered\"",
        );
    }
    table.finish();
    Some(ReceiptRule {
        stat: stat.map(|stat| stat.to_uppercase()),
        err,
        message_state,
        network_error_code,
        status: status?,
        recredit,
    })
}

fn receipt_word(given: Given<'_>) -> Option<String> {
    let valid = |text: &&str| {
        (1..=RECEIPT_WORD_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    given.text().filter(valid).map(str::to_owned)
}

fn receipt_word_allowed() -> String {
    format!("1 to {RECEIPT_WORD_MAX} visible ASCII characters in quotes, such as \"UNDELIV\" or \"001\"")
}

fn status(given: Given<'_>) -> Option<Status> {
    given.text()?.parse().ok()
}
