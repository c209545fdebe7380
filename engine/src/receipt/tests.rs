use smpp::receipt::Stat;

use super::*;
use crate::domain::{CampaignId, Entry, MessageId, Partition, Recipient, SmscId, State, TenantId, split_messages};

fn entry(campaign: u64, segments: u8, body: &[u8]) -> Entry<'_> {
    Entry {
        recipient: Recipient(33_612_345_678),
        id: MessageId::new(CampaignId(campaign), Partition(0), 16, 0),
        tenant: TenantId(1),
        smsc: SmscId(1),
        segments,
        credits: segments,
        lane: 1,
        body,
    }
}

fn message(state: u8, campaign: u64, segments: u8) -> Vec<u8> {
    let mut bytes = vec![state, 0, 0, 0, 1, 0];
    entry(campaign, segments, b"").pack(&mut bytes);
    bytes
}

fn enroute(campaign: u64, ids: &[&str]) -> Vec<u8> {
    let leased = message(b'L', campaign, ids.len() as u8);
    let trace = |id: &&str| SegmentTrace {
        smsc_message_id: id.as_bytes().to_vec(),
        settled: None,
    };
    let body = Enroute {
        accepted_at: 5,
        segments: ids.iter().map(trace).collect(),
    };
    Message::unpack(&leased).unwrap().accepted(&body)
}

fn news(tlv: &str, text: &str) -> ReceiptNews {
    let id = |id: &str| (!id.is_empty()).then(|| id.as_bytes().to_vec());
    ReceiptNews {
        recipient: Some(33_612_345_678),
        tlv_id: id(tlv),
        text_id: id(text),
        stat: Stat::Delivrd,
        final_: true,
        err: None,
    }
}

fn campaign(found: Found<'_>) -> Option<(u64, usize)> {
    match found {
        Found::Segment(message, segment) => Some((message.entry.id.campaign().0, segment)),
        Found::Doubtful(message) => Some((message.entry.id.campaign().0, 99)),
        Found::Duplicate | Found::Early | Found::Nothing => None,
    }
}

#[test]
fn the_id_decides_among_several_messages_to_one_person() {
    let record = [enroute(1, &["1A"]), enroute(2, &["27"]), enroute(3, &["zz"])].concat();
    assert_eq!(
        campaign(find(&record, &news("", "27"))),
        Some((2, 0)),
        "the same string before 1A = 26"
    );
    assert_eq!(
        campaign(find(&record, &news("", "26"))),
        Some((1, 0)),
        "hexadecimal answer, decimal receipt"
    );
    assert_eq!(
        campaign(find(&record, &news("ZZ", "27"))),
        Some((3, 0)),
        "the TLV before the text"
    );
    assert_eq!(find(&record, &news("", "nobody")), Found::Nothing);
    assert_eq!(
        find(&record, &news("", "")),
        Found::Nothing,
        "three are open: none is it for sure"
    );
}

#[test]
fn a_receipt_without_an_id_settles_the_only_open_message() {
    assert_eq!(campaign(find(&enroute(1, &["a"]), &news("", ""))), Some((1, 0)));
    assert_eq!(
        find(&enroute(1, &["a"]), &news("", "b")),
        Found::Nothing,
        "another message's receipt does not"
    );
    assert_eq!(
        campaign(find(&enroute(1, &[""]), &news("", "b"))),
        Some((1, 0)),
        "an answer without an id takes it"
    );
}

#[test]
fn a_message_in_doubt_adopts_its_receipt_unless_another_may_be_meant() {
    let doubtful = message(b'I', 1, 1);
    assert_eq!(campaign(find(&doubtful, &news("", "7"))), Some((1, 99)));
    let with_other = [doubtful.clone(), enroute(2, &["7"])].concat();
    assert_eq!(campaign(find(&with_other, &news("", "7"))), Some((2, 0)));
    let with_leased = [doubtful, message(b'L', 2, 1)].concat();
    assert_eq!(find(&with_leased, &news("", "8")), Found::Early);
}

#[test]
fn a_receipt_before_the_answer_waits() {
    assert_eq!(find(&message(b'L', 1, 1), &news("", "7")), Found::Early);
    let packed = Parked::pack(&news("", "7"), SmscId(3), 9).unwrap();
    let twice = [packed.clone(), packed.clone()].concat();
    let parked: Vec<_> = Parked::split(&twice).collect();
    assert_eq!((parked.len(), parked[1].1), (2, &packed[..]));
    assert_eq!(
        (parked[0].0.smsc(), parked[0].0.news(1).text_id),
        (SmscId(3), Some(b"7".to_vec()))
    );
}

#[test]
fn segments_settle_one_by_one_and_the_worst_names_the_message() {
    let record = enroute(1, &["a", "b"]);
    let verdict = |status| Verdict { status, code: 0 };
    let Found::Segment(first, 1) = find(&record, &news("", "b")) else {
        panic!()
    };
    let (action, status) = settle(&first, 1, verdict(Status::ReceptionError), 1_000_000).unwrap();
    assert_eq!((status, action.counts), (None, None));
    assert_eq!(find(&action.replacement, &news("", "b")), Found::Duplicate);
    let Found::Segment(second, 0) = find(&action.replacement, &news("", "a")) else {
        panic!()
    };
    let (last, status) = settle(&second, 0, verdict(Status::Delivered), 1_000_000).unwrap();
    assert_eq!(status, Some(Status::ReceptionError));
    assert_eq!((last.counts, last.replacement.len()), (Some(Letter(b'E')), 0));
}

#[test]
fn an_adopted_message_is_enroute_under_the_receipts_id() {
    let doubtful = message(b'I', 1, 1);
    let Found::Doubtful(found) = find(&doubtful, &news("", "7")) else {
        panic!()
    };
    let action = adopt(&found, &news("", "7"), 1);
    let adopted = split_messages(&action.replacement).next().unwrap();
    assert_eq!((adopted.state, action.counts), (State::Enroute, Some(Letter::ACCEPTED)));
    assert_eq!(campaign(find(&action.replacement, &news("", "7"))), Some((1, 0)));
}

#[test]
fn recent_receipts_are_known_again() {
    let mut recent = Recent::default();
    recent.add(1, b"a");
    assert!(recent.has(1, b"a"));
    assert!(!recent.has(2, b"a") && !recent.has(1, b"b"));
}
