use smpp::receipt::Stat;

use super::*;
use crate::bind::ReceiptNews;
use crate::domain::tests::leased;
use crate::domain::{
    Back, Draft, Event, GivesBack, Mark, Note, Recipient, Record, SmscId, Status, Trace, Traces, UnixMicros, digest,
};
use crate::encryption::TextKey;

const SMSC: SmscId = SmscId(1);
const RECIPIENT: Recipient = Recipient(33_612_345_678);

fn stored(campaign: u64, event: Event) -> Vec<u8> {
    leased(campaign, 1)
        .apply(event, UnixMicros(1_764_000_000_000_000))
        .unwrap()
        .replacement
}

fn enroute(campaign: u64, ids: &[&str]) -> Vec<u8> {
    let trace = |id: &&str| Trace {
        mark: Mark::Taken,
        smsc_id: id.as_bytes().to_vec(),
    };
    let segments = ids.iter().map(trace).collect();
    stored(
        campaign,
        Event::Accepted(Traces {
            at: UnixMicros(5),
            segments,
        }),
    )
}

fn doubtful(campaign: u64) -> Vec<u8> {
    let segments = vec![Trace::new(Mark::Lost)];
    stored(
        campaign,
        Event::Doubted(Traces {
            at: UnixMicros(5),
            segments,
        }),
    )
}

fn unanswered(campaign: u64) -> Vec<u8> {
    let deferred = Event::Deferred {
        back: Back::Unsent,
        traces: None,
        attempts: 0,
        due: UnixMicros(1),
    };
    stored(campaign, deferred)
}

pub(crate) fn news(tlv: &str, text: &str) -> ReceiptNews {
    let id = |id: &str| (!id.is_empty()).then(|| id.into());
    ReceiptNews {
        recipient: Some(RECIPIENT.0),
        other: None,
        source: RECIPIENT.0.to_string(),
        destination: "36180".into(),
        tlv_id: id(tlv),
        text_id: id(text),
        stat: Stat::Delivrd,
        stat_text: None,
        message_state: None,
        network_error_code: None,
        final_: true,
        segments: 1,
        err: None,
        submit_date: None,
        text: None,
    }
}

fn found(record: &[u8], news: &ReceiptNews) -> Found {
    find(&Record::unpack(RECIPIENT, record).unwrap(), SMSC, news)
}

#[test]
fn the_id_decides_among_several_messages_to_one_person() {
    let record = [enroute(1, &["1A"]), enroute(2, &["27"]), enroute(3, &["zz"])].concat();
    let same_string = found(&record, &news("", "27"));
    assert_eq!(same_string, Found::Segment(1, 0), "the same string before 1A = 26");
    let other_base = found(&record, &news("", "26"));
    assert_eq!(other_base, Found::Segment(0, 0), "hexadecimal answer, decimal receipt");
    assert_eq!(
        found(&record, &news("ZZ", "27")),
        Found::Segment(2, 0),
        "the TLV before the text"
    );
    assert_eq!(found(&record, &news("", "nobody")), Found::Nothing);
    assert_eq!(
        found(&record, &news("", "")),
        Found::Ambiguous,
        "three are open: none is it for sure"
    );
}

#[test]
fn another_base_waits_for_the_answers_that_are_open() {
    // 10 in hexadecimal digits is A: the receipt may be that of the second message, whose answer brings 10 itself.
    let record = [enroute(1, &["0A"]), unanswered(2)].concat();
    assert_eq!(found(&record, &news("", "10")), Found::Early);
    assert_eq!(found(&record, &news("", "0a")), Found::Segment(0, 0));
    assert_eq!(found(&enroute(1, &["0A"]), &news("", "10")), Found::Segment(0, 0));
}

#[test]
fn a_receipt_without_an_id_settles_the_only_open_message() {
    assert_eq!(found(&enroute(1, &["a"]), &news("", "")), Found::Segment(0, 0));
    let strangers = found(&enroute(1, &["a"]), &news("", "b"));
    assert_eq!(strangers, Found::Nothing, "another message's receipt does not");
    let without = found(&enroute(1, &[""]), &news("", "b"));
    assert_eq!(without, Found::Segment(0, 0), "an answer without an id takes it");
}

#[test]
fn a_second_copy_without_an_id_is_known_when_nothing_is_open() {
    let nameless = news("", "");
    // Form, length, and 21 octets of who wrote when (`domain::stored`).
    let trail = [&[2, 21][..], &[0; 21]].concat();
    let settle = |receipt: &ReceiptNews| {
        let id = receipt.ids().next().unwrap_or_default();
        let record = enroute(1, &["a"]);
        let read = Record::unpack(RECIPIENT, &record).unwrap();
        let event = Event::Receipt {
            segment: 0,
            status: Status::Delivered,
            code: 0,
            gives_back: GivesBack::NONE,
        };
        let settled = read.messages[0].apply(event, UnixMicros(6)).unwrap();
        let mut draft = Draft::new(RECIPIENT, &[&trail[..], &record].concat());
        draft
            .make(&settled, &Note::Settled(digest(SMSC, id)), UnixMicros(6))
            .unwrap();
        draft.into_octets()
    };
    assert_eq!(found(&settle(&nameless), &nameless), Found::Duplicate);
    assert_eq!(
        found(&settle(&news("", "a")), &nameless),
        Found::Nothing,
        "none came before"
    );
    let next = [settle(&nameless), enroute(2, &["b"])].concat();
    assert_eq!(found(&next, &nameless), Found::Segment(0, 0), "the next message's");
}

#[test]
fn a_message_in_doubt_takes_its_receipt_unless_another_may_be_meant() {
    assert_eq!(found(&doubtful(1), &news("", "7")), Found::Doubtful(0, 0));
    let with_other = [doubtful(1), enroute(2, &["7"])].concat();
    assert_eq!(found(&with_other, &news("", "7")), Found::Segment(1, 0));
    let with_unanswered = [doubtful(1), unanswered(2)].concat();
    assert_eq!(found(&with_unanswered, &news("", "8")), Found::Early);
    let two = [doubtful(1), doubtful(2)].concat();
    assert_eq!(found(&two, &news("", "8")), Found::Ambiguous);
    let record = Record::unpack(RECIPIENT, &with_other[..]).unwrap();
    assert_eq!(
        find(&record, SmscId(2), &news("", "7")),
        Found::Nothing,
        "another account's receipt"
    );
}

#[test]
fn a_receipt_that_settled_a_message_before_settles_no_other() {
    let digest = crate::domain::digest(SMSC, b"7");
    let trail = [&[2, 25][..], &[0; 8], &[0; 13], &digest].concat();
    let record = [trail, doubtful(1)].concat();
    assert_eq!(found(&record, &news("", "7")), Found::Duplicate);
    assert_eq!(found(&record, &news("", "8")), Found::Doubtful(0, 0));
}

#[test]
fn a_submit_date_of_another_day_is_not_plausible() {
    let at = 1_764_110_000_000_000; // 2025-11-25 22:33:20 UTC
    let of = |date: &str| ReceiptNews {
        submit_date: Some(date.into()),
        ..news("", "7")
    };
    for date in [
        "2511252233",
        "251125223320",
        "202511252333",
        "2511260800",
        "yesterday",
        "",
    ] {
        assert!(is_plausible(&of(date), UnixMicros(at)), "{date}");
    }
    for date in ["2511201200", "20251130120000", "2511270000"] {
        assert!(!is_plausible(&of(date), UnixMicros(at)), "{date}");
    }
    assert!(is_plausible(&news("", "7"), UnixMicros(at)));
}

#[test]
fn parked_receipts_come_back() {
    let key = TextKey::generate().unwrap();
    let quoting = ReceiptNews {
        text: Some("Bonjour Zoé".into()),
        ..news("", "7")
    };
    let packed = Parked::pack((&quoting, key.own()), SmscId(3), Unmatched::Early, UnixMicros(9)).unwrap();
    assert!(!packed.windows(7).any(|octets| octets == b"Bonjour"));
    let twice = [packed.clone(), packed.clone()].concat();
    let parked: Vec<_> = Parked::split(&twice).collect();
    assert_eq!((parked.len(), parked[1].1), (2, &packed[..]));
    let again = parked[0].0.news(key.own());
    assert_eq!(
        (parked[0].0.smsc(), again.text_id, again.recipient, again.text),
        (SmscId(3), Some("7".into()), Some(RECIPIENT.0), quoting.text)
    );
}
