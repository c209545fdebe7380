//! What counts for an account in the end, key by key, and who said it: for operators.

use std::sync::Arc;

use kit::settings::Table;
use presets::Preset;
use smpp::command_status::CommandStatus;

use super::SMSC_MAX;
use super::answers::AnswerMeaning;
use super::link::{Directions, Link};
use super::smsc::{LongReceipts, ReceiptRule, Smsc};
use super::value::Rate;
use super::written::{Pairs, code_or_auto, duration, list, rate_text, text, word};

/// A key of an account with its value, as they stand in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// Who decided on a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The configuration says it.
    Own,
    /// It comes with the preset.
    Preset,
    /// Nobody says anything else.
    Default,
}

/// The settings of every account, in the order of the file that `root` is of.
pub(crate) fn settings(root: &Table<'_>, smscs: &[Arc<Smsc>]) -> Vec<Vec<Setting>> {
    let tables = root.tables("smsc", SMSC_MAX);
    let of_one = |(smsc, table): (&Arc<Smsc>, &Table<'_>)| smsc.settings(|key| table.has(key));
    smscs.iter().zip(&tables).map(of_one).collect()
}

impl Smsc {
    /// Every key that has a value, but for the password; `is_said`: whether the configuration has the key, whatever its value.
    pub(crate) fn settings(&self, is_said: impl Fn(&'static str) -> bool) -> Vec<Setting> {
        let facts = self
            .preset
            .and_then(Preset::named)
            .map(Preset::facts)
            .unwrap_or_default();
        let of_preset = |key: &str| {
            let rest = |path: &str| path.strip_prefix("smsc.")?.strip_prefix(key).map(str::to_owned);
            let mut rests = facts.iter().filter_map(|fact| rest(&fact.path));
            rests.any(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let origin = |key: &'static str| match (is_said(key), of_preset(key)) {
            (true, _) => Origin::Own,
            (false, true) => Origin::Preset,
            (false, false) => Origin::Default,
        };
        let setting = |(key, value): (&'static str, String)| Setting {
            origin: origin(key),
            key,
            value,
        };
        pairs(self).into_iter().map(setting).collect()
    }
}

fn address_pairs(source: [Option<u8>; 2], dest: [u8; 2]) -> Pairs {
    let ([source_ton, source_npi], [dest_ton, dest_npi]) = (source.map(code_or_auto), dest);
    vec![
        ("source_ton", source_ton),
        ("source_npi", source_npi),
        ("dest_ton", dest_ton.to_string()),
        ("dest_npi", dest_npi.to_string()),
    ]
}

/// Each field is taken apart by name, so that none is forgotten.
fn pairs(smsc: &Smsc) -> Pairs {
    let Smsc {
        name,
        preset,
        system_id,
        password: _,
        bind,
        sessions,
        window,
        window_min: _,
        rate,
        session_rate,
        sender_rate,
        recipient_rate,
        burst: _,
        system_type,
        interface_version,
        link,
        receipts_by_id,
        long_receipts,
        sandbox,
        prefixes,
        enquire_link_interval: _,
        response_timeout: _,
        bind_timeout: _,
        reconnect_min: _,
        reconnect_max: _,
        source_ton,
        source_npi,
        envelope,
        dest_ton,
        dest_npi,
        answers,
        retry_for: _,
        stopped_for: _,
        receipts,
        prices,
    } = smsc;
    let mut pairs = vec![("name", text(name))];
    pairs.extend(preset.map(|preset| ("preset", text(preset))));
    pairs.push(("system_id", text(system_id)));
    pairs.extend(link_pairs(link));
    pairs.extend([
        ("bind", text(word(&Directions::NAMES, *bind))),
        ("sessions", sessions.to_string()),
        ("window", window.to_string()),
        ("window_min", smsc.window_min().to_string()),
    ]);
    pairs.extend(rate_pairs([
        ("rate", *rate),
        ("session_rate", *session_rate),
        ("sender_rate", *sender_rate),
        ("recipient_rate", *recipient_rate),
    ]));
    pairs.extend(smsc.bound().map(|(_, burst)| ("burst", burst.to_string())));
    pairs.extend([
        ("system_type", text(system_type)),
        ("interface_version", format!("0x{:02x}", interface_version.octet())),
        ("sandbox", sandbox.to_string()),
        ("receipts_by_id", receipts_by_id.to_string()),
        ("long_receipts", text(word(&LongReceipts::NAMES, *long_receipts))),
    ]);
    pairs.extend(address_pairs([*source_ton, *source_npi], [*dest_ton, *dest_npi]));
    pairs.extend(timer_pairs(smsc));
    pairs.extend(envelope.pairs());
    // An empty one cannot be written.
    pairs.extend((!prefixes.is_empty()).then(|| ("prefixes", list(prefixes.iter().map(|prefix| text(prefix))))));
    pairs.extend(code_pairs(answers, receipts));
    let prices = prices.tables();
    pairs.extend((!prices.is_empty()).then(|| ("price", list(prices.into_iter()))));
    pairs
}

fn timer_pairs(smsc: &Smsc) -> impl Iterator<Item = (&'static str, String)> {
    let timers = [
        ("enquire_link_interval", smsc.enquire_link_interval),
        ("response_timeout", smsc.response_timeout),
        ("bind_timeout", smsc.bind_timeout),
        ("reconnect_min", smsc.reconnect_min),
        ("reconnect_max", smsc.reconnect_max),
        ("retry_for", smsc.retry_for),
        ("stopped_for", smsc.stopped_for),
    ];
    timers.into_iter().map(|(key, timer)| (key, duration(timer)))
}

fn rate_pairs(rates: [(&'static str, Option<Rate>); 4]) -> impl Iterator<Item = (&'static str, String)> {
    let written = |(key, rate): (&'static str, Option<Rate>)| Some((key, text(&rate_text(rate?))));
    rates.into_iter().filter_map(written)
}

fn code_pairs(answers: &[(CommandStatus, AnswerMeaning)], receipts: &[ReceiptRule]) -> Pairs {
    let mut pairs = Vec::new();
    if !answers.is_empty() {
        let mut answers = answers.to_vec();
        answers.sort_by_key(|(status, _)| status.0);
        let answers = answers
            .iter()
            .map(|(status, meaning)| format!("{status} = {}", meaning.written()));
        pairs.push(("answers", format!("{{ {} }}", answers.collect::<Vec<_>>().join(", "))));
    }
    if !receipts.is_empty() {
        pairs.push(("receipts", list(receipts.iter().map(rule))));
    }
    pairs
}

fn link_pairs(link: &Link) -> Pairs {
    let Link {
        addresses,
        tls,
        ton,
        npi,
        address_range,
        binds_per_hour,
        session_max_age,
    } = link;
    let mut pairs = vec![
        ("address", list(addresses.iter().map(|address| text(address)))),
        ("tls", tls.is_some().to_string()),
        ("bind_ton", ton.to_string()),
        ("bind_npi", npi.to_string()),
        ("address_range", text(address_range)),
        ("binds_per_hour", binds_per_hour.to_string()),
    ];
    pairs.extend(session_max_age.map(|age| ("session_max_age", duration(age))));
    pairs
}

fn rule(rule: &ReceiptRule) -> String {
    let mut keys = Vec::new();
    keys.extend(rule.stat.as_ref().map(|stat| format!("stat = {}", text(stat))));
    keys.extend(rule.err.as_ref().map(|err| format!("err = {}", text(err))));
    keys.extend(rule.message_state.map(|state| format!("message_state = {state}")));
    keys.extend(
        rule.network_error_code
            .map(|code| format!("network_error_code = {code}")),
    );
    keys.push(format!("status = {}", text(rule.status.code())));
    if rule.recredit {
        keys.push("recredit = true".to_owned());
    }
    format!("{{ {} }}", keys.join(", "))
}
