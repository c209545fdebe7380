//! What a receipt shows of its SMSC's dialect.

use compact_str::CompactString;
use smpp::receipt::{self, Relation, Stat};

use super::report::{IdReport, ReceiptReport, SegmentReport};
use super::shape;
use crate::bind::{Parcel, ReceiptNews};
use crate::domain::Recipient;

/// Longer texts are no receipts; of what is one, so much is shown.
const TEXT_SHOWN: usize = 300;

/// Whether a receipt is about a segment: by an id, or, when it or the answer has none, by the recipient.
pub(super) fn is_about(news: &ReceiptNews, segment: &SegmentReport, recipient: Recipient) -> bool {
    let Some(own) = segment.id.as_deref() else { return false };
    let mut ids = news.ids().peekable();
    if own.is_empty() || ids.peek().is_none() {
        let open = segment.receipts.iter().all(|receipt| !receipt.is_final);
        return open && [news.recipient, news.other].contains(&Some(recipient.0));
    }
    ids.any(|id| receipt::same_id(own.as_bytes(), id))
}

/// Everything but when it came and what it means.
pub(super) fn receipt(parcel: &Parcel, news: &ReceiptNews, recipient: Recipient, answer: &str) -> ReceiptReport {
    let id = |id: &Option<CompactString>| id.as_ref().map(|id| id_report(id, answer));
    ReceiptReport {
        command: if parcel.is_data_sm() { "data_sm" } else { "deliver_sm" }.to_owned(),
        esm_class: parcel.esm_class,
        data_coding: parcel.data_coding,
        in_payload: parcel.in_payload,
        recipient_in: recipient_in(news, recipient).to_owned(),
        optional_parameters: parcel.tags.iter().map(|tag| format!("0x{tag:04x}")).collect(),
        keys: keys(&parcel.text),
        text: parcel.text.chars().take(TEXT_SHOWN).collect(),
        id_in_text: id(&news.text_id),
        id_in_parameter: id(&news.tlv_id),
        stat: stat(news),
        err: news.err.as_ref().map(CompactString::to_string),
        ..ReceiptReport::default()
    }
}

/// As it came; a word of the standard in capitals, as the standard has it.
fn stat(news: &ReceiptNews) -> Option<String> {
    let known = (news.stat != Stat::Absent).then(|| news.stat.name().to_uppercase());
    news.stat_text.as_ref().map(CompactString::to_string).or(known)
}

fn id_report(id: &str, answer: &str) -> IdReport {
    IdReport {
        id: id.to_owned(),
        form: shape::of_id(id.as_bytes()),
        same_by: receipt::relation(answer.as_bytes(), id.as_bytes()).map(Relation::word),
    }
}

fn recipient_in(news: &ReceiptNews, recipient: Recipient) -> &'static str {
    match Some(recipient.0) {
        wanted if news.recipient == wanted => "source",
        wanted if news.other == wanted => "destination",
        _ => "none",
    }
}

/// What stands before each colon; of `submit date:` the whole.
fn keys(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        let Some((key, _)) = word.split_once(':') else {
            words.push(word);
            continue;
        };
        let before = words.last().filter(|_| key.eq_ignore_ascii_case("date"));
        keys.push(before.map_or_else(|| key.to_owned(), |before| format!("{before} {key}")));
        words.clear();
        if key.eq_ignore_ascii_case("text") {
            // What follows is the message's.
            break;
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_text_stand_in_their_order() {
        let text =
            "id:7 sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 stat:DELIVRD err:000 text:RDV: 9 h";
        let expected = ["id", "sub", "dlvrd", "submit date", "done date", "stat", "err", "text"];
        assert_eq!(keys(text), expected);
        assert_eq!(keys("362d9701 2"), [""; 0]);
    }
}
