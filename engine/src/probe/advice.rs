//! What settings an SMSC needs, by what was seen of it.

use super::report::{ReceiptReport, Report, SegmentReport, Suggestion};
use crate::config::{LongReceipts, Smsc};

/// A window beyond this is nobody's need.
const WINDOW_MAX: f64 = 10_000.0;

/// Settings that the report asks for.
pub(super) fn of(smsc: &Smsc, report: &Report) -> Vec<Suggestion> {
    let mut suggestions = Vec::new();
    suggestions.extend(version(smsc, report));
    suggestions.extend(receiver(smsc, report));
    let Some(message) = &report.message else {
        return suggestions;
    };
    suggestions.extend(window(smsc, &message.segments));
    suggestions.extend(long_receipts(smsc, &message.segments));
    let receipts: Vec<&ReceiptReport> = message.segments.iter().flat_map(|segment| &segment.receipts).collect();
    suggestions.extend(by_id(smsc, &receipts));
    suggestions.extend(stat(&receipts));
    suggestions
}

fn suggestion(setting: impl Into<String>, why: impl Into<String>) -> Suggestion {
    Suggestion {
        setting: setting.into(),
        why: why.into(),
    }
}

/// What it says of itself is what it speaks at most.
fn version(smsc: &Smsc, report: &Report) -> Option<Suggestion> {
    let said = report
        .sessions
        .iter()
        .find_map(|session| session.smsc_version.as_deref())?;
    let (octet, lower) = match said {
        "3.3" => ("0x33", smsc.interface_version.octet() > 0x33),
        "3.4" => ("0x34", smsc.interface_version.octet() > 0x34),
        _ => return None,
    };
    lower.then(|| {
        suggestion(
            format!("interface_version = {octet}"),
            format!("it says that it speaks SMPP {said}"),
        )
    })
}

fn receiver(smsc: &Smsc, report: &Report) -> Option<Suggestion> {
    let receives = smsc.bind.kinds().iter().any(|kind| kind.receives());
    (report.message.is_some() && !receives).then(|| {
        suggestion(
            "bind = \"transceiver\"",
            "a transmitter gets no receipts, unless another [[smsc]] of the account receives",
        )
    })
}

/// Rate times latency is what has to be under way at once.
fn window(smsc: &Smsc, segments: &[SegmentReport]) -> Option<Suggestion> {
    let slowest = segments
        .iter()
        .filter_map(|segment| segment.submit_ms)
        .map(|ms| ms.value())
        .fold(0.0, f64::max);
    let rate = smsc.rate?.segments_per_second();
    let needed = (rate * slowest / 1_000.0 / f64::from(smsc.sessions))
        .ceil()
        .min(WINDOW_MAX);
    (needed > f64::from(smsc.window)).then(|| {
        let rate = rate.round();
        suggestion(
            format!("window = {needed:.0}"),
            format!(
                "at {rate} segments a second and {slowest:.0} ms to an answer, {} are too few",
                smsc.window
            ),
        )
    })
}

fn long_receipts(smsc: &Smsc, segments: &[SegmentReport]) -> Option<Suggestion> {
    let has = |segment: &&SegmentReport| segment.receipts.iter().any(|receipt| receipt.is_final);
    let with = segments.iter().filter(has).count();
    if smsc.long_receipts != LongReceipts::Each || segments.len() < 2 || with == 0 || with == segments.len() {
        return None;
    }
    let word = match (segments.first().filter(has), segments.last().filter(has)) {
        (Some(_), None) if with == 1 => "first",
        (None, Some(_)) if with == 1 => "last",
        _ => "one",
    };
    let of = segments.len();
    Some(suggestion(
        format!("long_receipts = \"{word}\""),
        format!("{with} of {of} segments had a receipt"),
    ))
}

fn by_id(smsc: &Smsc, receipts: &[&ReceiptReport]) -> Option<Suggestion> {
    let nameless = receipts.iter().any(|receipt| receipt.recipient_in == "none");
    (nameless && !smsc.receipts_by_id).then(|| {
        suggestion(
            "receipts_by_id = true",
            "its receipts do not say whom they are about: neither address is the recipient's",
        )
    })
}

/// A word that the standard does not know says nothing until somebody says what it means.
fn stat(receipts: &[&ReceiptReport]) -> Option<Suggestion> {
    let odd = receipts.iter().find(|receipt| {
        let stat = receipt.stat.as_deref().unwrap_or_default();
        !receipt.is_final && smpp::receipt::Stat::from_text(stat.as_bytes()) == smpp::receipt::Stat::Other
    })?;
    let stat = odd.stat.as_deref().unwrap_or_default();
    Some(suggestion(
        format!("receipts = [{{ stat = {stat:?}, status = \"…\" }}]"),
        format!("stat:{stat} is no word of the standard: ask the carrier which status it is"),
    ))
}
