use std::sync::Arc;

use kit::settings::{Given, Table};
use strum::VariantArray;

use super::values::names;
use crate::model::{Addresses, DateFormat, Dialect, ErrStyle, Parameter, Piece, Stat, TEMPLATE_MAX, Template};

/// How far off a date may be: a day and a bit, which covers every time zone twice.
const SHIFT_MAX: i64 = 30 * 3600;

/// Octets of one vendor's parameter or of a header, so that a receipt stays within one read of any client.
const OCTETS_MAX: usize = 255;

/// Parameters of one receipt.
const PARAMETERS_MAX: usize = 32;

/// Characters of what is written for a stat or an err: what no key can be mistaken in.
const WORD_MAX: usize = 20;

/// Reads the table `dialect`; what it leaves out stays as it is otherwise.
pub(super) fn dialect(table: &Table<'_>, otherwise: &Arc<Dialect>) -> Arc<Dialect> {
    if !table.has("dialect") {
        return Arc::clone(otherwise);
    }
    let table = table.table("dialect");
    let esm_class = |key, otherwise: u8| table.integer(key, 0..=255, u64::from(otherwise)) as u8;
    let octets = "bytes in hexadecimal, at most 255";
    let dialect = Dialect {
        text: text(&table, &otherwise.text),
        text_octets: table.integer("text_octets", 0..=160, u64::from(otherwise.text_octets)) as u8,
        stats: stats(&table, &otherwise.stats),
        states: states(&table, &otherwise.states),
        err: err_style(&table, &otherwise.err),
        submit_shift: table
            .parsed("submit_shift", SHIFT, shift)
            .unwrap_or(otherwise.submit_shift),
        done_shift: table.parsed("done_shift", SHIFT, shift).unwrap_or(otherwise.done_shift),
        tlvs: table
            .parsed("tlvs", PARAMETERS, parameters)
            .unwrap_or_else(|| otherwise.tlvs.clone()),
        esm_class: esm_class("esm_class", otherwise.esm_class),
        intermediate_esm_class: esm_class("intermediate_esm_class", otherwise.intermediate_esm_class),
        data_sm: table
            .choice("pdu", &[("deliver_sm", false), ("data_sm", true)])
            .unwrap_or(otherwise.data_sm),
        payload: table
            .choice("body", &[("short_message", false), ("message_payload", true)])
            .unwrap_or(otherwise.payload),
        data_coding: table.integer("data_coding", 0..=255, u64::from(otherwise.data_coding)) as u8,
        utf16: table
            .choice("encoding", &[("octets", false), ("utf16", true)])
            .unwrap_or(otherwise.utf16),
        header: table
            .parsed("header", octets, |value| hexadecimal(value.text()?))
            .unwrap_or_else(|| otherwise.header.clone()),
        addresses: table
            .choice("addresses", &names::<Addresses>())
            .unwrap_or(otherwise.addresses),
    };
    table.finish();
    Arc::new(dialect)
}

fn text(table: &Table<'_>, otherwise: &Template) -> Template {
    let format = |key| table.parsed(key, DATE, |value| DateFormat::parse(value.text()?));
    let both = format("date");
    let submit = format("submit_date").or_else(|| both.clone());
    let done = format("done_date").or(both);
    let submit = submit.unwrap_or_else(|| {
        date_of(otherwise, |piece| {
            if let Piece::Submit(date) = piece {
                Some(date)
            } else {
                None
            }
        })
    });
    let done = done.unwrap_or_else(|| {
        date_of(otherwise, |piece| {
            if let Piece::Done(date) = piece {
                Some(date)
            } else {
                None
            }
        })
    });
    let allowed = format!(
        "a text up to {TEMPLATE_MAX} bytes of ISO 8859-1 with {{id}}, {{sub}}, {{dlvrd}}, {{submit}}, {{done}}, {{stat}}, \
         {{err}} and {{text}}"
    );
    let text = table.parsed("text", &allowed, |value| Template::parse(value.text()?, &submit, &done));
    text.unwrap_or_else(|| otherwise.clone().with_dates(&submit, &done))
}

const DATE: &str = "up to 16 characters: YYYY, YY, MM (M0: from 00), DD, hh, mm, ss, and other characters, which are written as they are";

fn date_of(template: &Template, date: impl Fn(&Piece) -> Option<&DateFormat>) -> DateFormat {
    template.0.iter().find_map(date).cloned().unwrap_or_default()
}

fn stats(table: &Table<'_>, otherwise: &[String; 8]) -> [String; 8] {
    let mut stats = otherwise.clone();
    let map = table.table("stat");
    for (stat, value) in named_stats(&map) {
        match value.text().filter(|word| is_word(word)) {
            Some(word) => word.clone_into(&mut stats[stat as usize - 1]),
            None => map.refuse(stat.name(), value, "a word of at most 20 characters"),
        }
    }
    stats
}

fn states(table: &Table<'_>, otherwise: &[u8; 8]) -> [u8; 8] {
    let mut states = *otherwise;
    let map = table.table("message_state");
    for (stat, value) in named_stats(&map) {
        match value.whole().and_then(|number| u8::try_from(number).ok()) {
            Some(number) => states[stat as usize - 1] = number,
            None => map.refuse(stat.name(), value, "a whole number from 0 to 255"),
        }
    }
    states
}

/// The entries of a table whose keys are stats.
fn named_stats<'a>(map: &Table<'a>) -> Vec<(Stat, Given<'a>)> {
    let mut entries = Vec::new();
    for (name, value) in map.entries() {
        match Stat::VARIANTS.iter().copied().find(|stat| stat.name() == name) {
            Some(stat) => entries.push((stat, value)),
            None => {
                let names: Vec<_> = Stat::VARIANTS.iter().map(|stat| stat.name()).collect();
                map.fault(name, format!("no such stat; allowed are {}", names.join(", ")));
            }
        }
    }
    entries
}

fn err_style(table: &Table<'_>, otherwise: &ErrStyle) -> ErrStyle {
    let map = table.table("err_words");
    let mut words = Vec::new();
    for (number, value) in map.entries() {
        let err = if number == "*" {
            Some(None)
        } else {
            number.parse().ok().map(Some)
        };
        match (err, value.text().filter(|word| is_word(word))) {
            (Some(err), Some(word)) => words.push((err, word.to_owned())),
            (Some(_), None) => map.refuse(number, value, "a word of at most 20 characters"),
            (None, _) => map.fault(
                number,
                "no such err; allowed are numbers from 0 to 65535, and \"*\" for all others",
            ),
        }
    }
    ErrStyle {
        digits: table.integer("err_digits", 1..=4, u64::from(otherwise.digits)) as u8,
        hex: table
            .choice("err_base", &[("decimal", false), ("hex", true)])
            .unwrap_or(otherwise.hex),
        words: if words.is_empty() {
            otherwise.words.clone()
        } else {
            words
        },
    }
}

/// Empty ones are words, too: carriers write `err:` with nothing behind it.
fn is_word(word: &str) -> bool {
    word.len() <= WORD_MAX && word.bytes().all(|octet| (b' '..=b'~').contains(&octet))
}

const SHIFT: &str = "a duration with a sign, up to 30 hours: \"-2h\"";

fn shift(value: Given<'_>) -> Option<i64> {
    let text = value.text()?;
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let seconds = i64::try_from(humantime::parse_duration(text).ok()?.as_secs()).ok()?;
    (seconds <= SHIFT_MAX).then_some(sign * seconds)
}

const PARAMETERS: &str = "an array of at most 32 of receipted_message_id, receipted_message_id_without_nul, \
     message_state, network_error_code, network_error_code_text, truncated, and vendors' own like \"0x1400=00ff\"";

fn parameters(value: Given<'_>) -> Option<Vec<Parameter>> {
    let texts = value.texts().filter(|texts| texts.len() <= PARAMETERS_MAX)?;
    texts.into_iter().map(parameter).collect()
}

fn parameter(text: &str) -> Option<Parameter> {
    if let Some((_, parameter)) = Parameter::NAMES.iter().find(|named| named.0 == text) {
        return Some(parameter.clone());
    }
    let (tag, octets) = text.strip_prefix("0x")?.split_once('=')?;
    Some(Parameter::Vendor(
        u16::from_str_radix(tag, 16).ok()?,
        hexadecimal(octets)?,
    ))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let plain = text.len().is_multiple_of(2) && text.len() <= 2 * OCTETS_MAX && text.is_ascii();
    let pairs = (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok());
    if plain { pairs.collect() } else { None }
}
