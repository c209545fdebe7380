//! The SMSC without sockets: octets and times in, octets out.

#[path = "../../tests/common/pdus.rs"]
mod pdus;

use smpp::frame::{Bind, BindKind, HEADER_LENGTH, encode_bind, encode_sm_resp};

use super::*;
use pdus::{any_bind, message};

const SECOND: u64 = 1_000_000;

struct Lab {
    smsc: Smsc,
    now_us: u64,
}

#[derive(Debug, PartialEq)]
struct Seen {
    command: CommandId,
    status: CommandStatus,
    sequence: u32,
    text: String,
}

impl Lab {
    fn new(scenario: &str) -> Self {
        let scenario = Scenario::parse(scenario, "test.toml").unwrap_or_else(|faults| panic!("{faults}"));
        let now_us = 1_795_363_200 * SECOND;
        Self {
            smsc: Smsc::new(Arc::new(scenario), now_us),
            now_us,
        }
    }

    fn connect(&mut self) -> u32 {
        let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
        self.smsc.open(peer, Arc::new(Notify::new()), self.now_us).unwrap()
    }

    fn bound(&mut self, kind: BindKind) -> u32 {
        let session = self.connect();
        let mut bytes = BytesMut::new();
        encode_bind(&mut bytes, 1, &bind(kind, b"campanile", b"secret")).unwrap();
        let (seen, next) = self.send(session, &bytes);
        assert_eq!((seen[0].status, next.end), (CommandStatus::ESME_ROK, None));
        session
    }

    fn send(&mut self, session: u32, bytes: &[u8]) -> (Vec<Seen>, NextStep) {
        let mut out = BytesMut::new();
        let next = self
            .smsc
            .turn(session, (bytes, !bytes.is_empty()), self.now_us, &mut out);
        (seen(&out), next)
    }

    fn submit(&mut self, session: u32, recipients: &[&str]) -> (Vec<Seen>, NextStep) {
        let mut bytes = BytesMut::new();
        for (place, recipient) in recipients.iter().enumerate() {
            message(recipient, b"Bonjour").encode_submit(&mut bytes, place as u32 + 10);
        }
        self.send(session, &bytes)
    }

    fn after(&mut self, session: u32, us: u64) -> (Vec<Seen>, NextStep) {
        self.now_us += us;
        self.send(session, &[])
    }

    fn acknowledge(&mut self, session: u32, sequence: u32, status: CommandStatus) {
        let mut bytes = BytesMut::new();
        encode_sm_resp(&mut bytes, (CommandId::DELIVER_SM_RESP, status, sequence), b"");
        self.send(session, &bytes);
    }
}

fn bind<'a>(kind: BindKind, system_id: &'a [u8], password: &'a [u8]) -> Bind<'a> {
    Bind {
        system_id,
        password,
        ..any_bind(kind)
    }
}

fn seen(mut bytes: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(raw) = split(bytes, 70_000).unwrap() {
        bytes = &bytes[raw.header.length as usize..];
        let pdu = raw.decode().unwrap();
        let text = if let Pdu::DeliverSm(sm) = pdu {
            sm.text().to_vec()
        } else if let Pdu::SubmitSmResp(response) = pdu {
            response.message_id.to_vec()
        } else {
            Vec::new()
        };
        seen.push(Seen {
            command: raw.header.command_id,
            status: raw.header.command_status,
            sequence: raw.header.sequence,
            text: String::from_utf8(text).unwrap(),
        });
    }
    assert!(bytes.is_empty());
    seen
}

fn statuses(seen: &[Seen]) -> Vec<CommandStatus> {
    seen.iter()
        .filter(|pdu| pdu.command == CommandId::SUBMIT_SM_RESP)
        .map(|pdu| pdu.status)
        .collect()
}

#[test]
fn a_message_is_answered_and_its_receipt_comes_in_time() {
    let mut lab = Lab::new("[receipt]\ndelay = \"2s\"\nform = \"text\"");
    let session = lab.bound(BindKind::Transceiver);
    let (answer, next) = lab.submit(session, &["33612345678"]);
    assert_eq!(
        (answer.len(), answer[0].sequence, answer[0].status),
        (1, 10, CommandStatus::ESME_ROK)
    );
    assert!((lab.now_us + 2 * SECOND..lab.now_us + 2 * SECOND + 4_000).contains(&next.wake_us));
    assert!(lab.after(session, SECOND).0.is_empty());
    let (receipts, _) = lab.after(session, SECOND + 4_000);
    let expected = format!(
        "id:{} sub:001 dlvrd:001 submit date:2611221600 done date:2611221600 stat:DELIVRD err:000 text:Bonjour",
        answer[0].text
    );
    assert_eq!(receipts[0].text, expected);
    lab.acknowledge(session, receipts[0].sequence, CommandStatus::ESME_ROK);
    let totals = lab.smsc.totals();
    assert_eq!(
        (totals.receipts_due, totals.receipts_sent, totals.receipts_acked),
        (1, 1, 1)
    );
}

#[test]
fn strangers_are_refused_each_with_its_reason() {
    let mut lab = Lab::new(
        "[[account]]\nsystem_id = \"campanile\"\npassword = \"secret\"\nsessions = 1\nbinds = [\"transceiver\"]",
    );
    let cases = [
        (
            bind(BindKind::Transceiver, b"nobody", b"secret"),
            CommandStatus::ESME_RINVSYSID,
        ),
        (
            bind(BindKind::Transceiver, b"campanile", b"wrong"),
            CommandStatus::ESME_RINVPASWD,
        ),
        (
            bind(BindKind::Receiver, b"campanile", b"secret"),
            CommandStatus::ESME_RBINDFAIL,
        ),
        (
            bind(BindKind::Transceiver, b"campanile", b"secret"),
            CommandStatus::ESME_ROK,
        ),
        (
            bind(BindKind::Transceiver, b"campanile", b"secret"),
            CommandStatus::ESME_RALYBND,
        ),
    ];
    for (bind, status) in cases {
        let session = lab.connect();
        let mut bytes = BytesMut::new();
        encode_bind(&mut bytes, 1, &bind).unwrap();
        let (seen, next) = lab.send(session, &bytes);
        assert_eq!(seen[0].status, status);
        assert_eq!(next.end.is_some(), status != CommandStatus::ESME_ROK);
    }
    let open = lab.connect();
    assert_eq!(
        lab.submit(open, &["33612345678"]).0[0].status,
        CommandStatus::ESME_RINVBNDSTS
    );
    let (_, next) = lab.after(open, 10 * SECOND);
    assert_eq!(next.end, Some(End::Close), "who does not bind in time is sent away");
}

#[test]
fn window_and_rate_hold_over_all_sessions() {
    let text = "[answer]\ndelay = \"1s\"\n[[account]]\nsystem_id = \"*\"\nwindow = 3\nbeyond_window = \"queue_full\"\n";
    let mut lab = Lab::new(text);
    let session = lab.bound(BindKind::Transceiver);
    let (answers, _) = lab.submit(session, &["33600000001"; 5]);
    assert_eq!(statuses(&answers), [CommandStatus::ESME_RMSGQFUL; 2]);
    assert_eq!(
        statuses(&lab.after(session, SECOND + 4_000).0),
        [CommandStatus::ESME_ROK; 3]
    );

    let mut lab = Lab::new("[[account]]\nsystem_id = \"*\"\nrate = \"4/s\"\nburst = 1\n");
    let (one, two) = (lab.bound(BindKind::Transceiver), lab.bound(BindKind::Transceiver));
    let mut answers = statuses(&lab.submit(one, &["33600000001"; 3]).0);
    answers.extend(statuses(&lab.submit(two, &["33600000001"; 3]).0));
    assert_eq!(
        answers
            .iter()
            .filter(|status| **status == CommandStatus::ESME_ROK)
            .count(),
        5
    );
    assert_eq!(answers[5], CommandStatus::ESME_RTHROTTLED);
    lab.now_us += SECOND;
    assert_eq!(
        statuses(&lab.submit(two, &["33600000001"]).0),
        [CommandStatus::ESME_ROK]
    );
    assert_eq!(lab.smsc.totals().messages, 6, "what was refused is no attempt");
}

#[test]
fn receipts_find_another_session_or_wait_for_one() {
    let mut lab = Lab::new("[receipt]\ndelay = \"1s\"");
    let (sender, receiver) = (lab.bound(BindKind::Transmitter), lab.bound(BindKind::Receiver));
    lab.submit(sender, &["33612345678"]);
    let (receipts, _) = lab.after(receiver, SECOND + 4_000);
    assert_eq!(receipts.len(), 1);
    lab.smsc.close(receiver, lab.now_us);
    assert!(lab.after(sender, SECOND).0.is_empty(), "a transmitter gets none");
    let again = lab.bound(BindKind::Receiver);
    let (receipts, _) = lab.after(again, 4_000);
    assert_eq!(receipts.len(), 1, "what was not acknowledged comes again");
    lab.acknowledge(again, receipts[0].sequence, CommandStatus::ESME_RX_T_APPN);
    assert!(lab.after(again, SECOND / 2).0.is_empty());
    let (receipts, _) = lab.after(again, SECOND);
    lab.acknowledge(again, receipts[0].sequence, CommandStatus::ESME_ROK);
    let totals = lab.smsc.totals();
    assert_eq!(
        (totals.receipts_sent, totals.receipts_resent, totals.receipts_acked),
        (1, 2, 1)
    );
}

#[test]
fn the_delivery_window_is_kept() {
    let mut lab = Lab::new("[receipt]\nwindow = 2");
    let session = lab.bound(BindKind::Transceiver);
    let (seen, _) = lab.submit(session, &["33600000001"; 5]);
    let delivered: Vec<_> = seen.iter().filter(|pdu| pdu.command == CommandId::DELIVER_SM).collect();
    assert_eq!(delivered.len(), 2);
    let sequence = delivered[0].sequence;
    let mut bytes = BytesMut::new();
    encode_sm_resp(
        &mut bytes,
        (CommandId::DELIVER_SM_RESP, CommandStatus::ESME_ROK, sequence),
        b"",
    );
    assert_eq!(lab.send(session, &bytes).0.len(), 1, "one place is free again");
}

#[test]
fn magic_numbers_do_what_the_table_says() {
    let mut lab = Lab::new("magic = true\n[receipt]\nform = \"text\"");
    let session = lab.bound(BindKind::Transceiver);
    let mut life = |recipient: &str| {
        let (mut all, _) = lab.submit(session, &[recipient]);
        all.extend(lab.after(session, 3 * SECOND).0);
        let sequences: Vec<_> = all
            .iter()
            .filter(|pdu| pdu.command == CommandId::DELIVER_SM)
            .map(|pdu| pdu.sequence)
            .collect();
        for sequence in sequences {
            lab.acknowledge(session, sequence, CommandStatus::ESME_ROK);
        }
        all
    };
    let refused = |status| {
        vec![Seen {
            command: CommandId::SUBMIT_SM_RESP,
            status,
            sequence: 10,
            text: String::new(),
        }]
    };
    assert_eq!(life("33600000901"), refused(CommandStatus::ESME_RINVDSTADR));
    assert_eq!(life("33600000925"), refused(CommandStatus(0x400)));
    assert_eq!(life("33600000903"), refused(CommandStatus::ESME_RTHROTTLED));
    assert_eq!(life("33600000903").len(), 2, "the second attempt is delivered");
    assert_eq!(life("33600000909").len(), 1, "no receipt");
    assert_eq!(life("33600000911").len(), 0, "nothing at all");
    let silent = life("33600000910");
    assert_eq!((silent.len(), silent[0].command), (1, CommandId::DELIVER_SM));
    assert_eq!(
        life("33600000912")[0].command,
        CommandId::DELIVER_SM,
        "the receipt is first"
    );
    assert_eq!(life("33600000913").len(), 3, "two receipts");
    let hex = life("33600000914");
    let decimal = u64::from_str_radix(&hex[0].text, 16).unwrap();
    assert!(hex[1].text.starts_with(&format!("id:{decimal} ")));
    let steps: Vec<_> = life("33600000915")
        .iter()
        .map(|pdu| pdu.text.contains("stat:ENROUTE"))
        .collect();
    assert_eq!(steps, [false, true, false]);
    assert!(life("33600000905")[1].text.contains("stat:UNDELIV err:027"));
    assert!(life("33600000918")[1].text.starts_with("sub:001"));
    assert_eq!(life("33600000919")[1].text, "");
    let totals = lab.smsc.totals();
    assert_eq!((totals.receipts_due, totals.duplicates), (totals.receipts_acked, 1));
}

#[test]
fn bursts_silence_and_hang_ups_come_by_count() {
    let mut lab = Lab::new("[faults]\nthrottle = { every = 4, burst = 2 }");
    let session = lab.bound(BindKind::Transmitter);
    let answers = statuses(&lab.submit(session, &["33600000001"; 12]).0);
    let refused: Vec<_> = answers
        .iter()
        .map(|status| *status == CommandStatus::ESME_RTHROTTLED)
        .collect();
    assert_eq!(
        refused,
        [
            false, false, false, false, true, true, false, false, false, false, true, true
        ]
    );

    let mut lab = Lab::new("[faults]\nclose = { after = 3, holding = 2, reset = true }");
    let session = lab.bound(BindKind::Transmitter);
    let (answers, next) = lab.submit(session, &["33600000001"; 8]);
    assert_eq!((statuses(&answers).len(), next.end), (2, Some(End::Reset)));
    assert_eq!(lab.smsc.totals().accepted, 4, "two were answered, two were not");

    let mut lab = Lab::new("[faults]\nmute = { after = 3 }");
    let session = lab.bound(BindKind::Transceiver);
    assert_eq!(statuses(&lab.submit(session, &["33600000001"; 5]).0).len(), 2);
    let mut link = BytesMut::new();
    encode_empty(&mut link, CommandId::ENQUIRE_LINK, CommandStatus::ESME_ROK, 9);
    let (seen, next) = lab.send(session, &link);
    assert!(seen.is_empty() && next.wake_us > lab.now_us, "silent, and not spinning");
    assert_eq!(lab.smsc.totals().lost, 3);
}

#[test]
fn broken_octets_are_survived_or_end_the_session() {
    let mut lab = Lab::new("");
    let session = lab.bound(BindKind::Transceiver);
    let pdu = |command: u32, body: &[u8]| {
        let mut bytes = BytesMut::new();
        encode_empty(&mut bytes, CommandId(command), CommandStatus::ESME_ROK, 7);
        bytes.extend_from_slice(body);
        let length = (HEADER_LENGTH + body.len()) as u32;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    let answer = |lab: &mut Lab, bytes: &[u8]| {
        let (seen, next) = lab.send(session, bytes);
        assert_eq!(next.end, None);
        (seen[0].command, seen[0].status)
    };
    let nack = CommandId::GENERIC_NACK;
    assert_eq!(
        answer(&mut lab, &pdu(0x4, &[1, 2, 3])),
        (nack, CommandStatus::ESME_RINVCMDLEN)
    );
    assert_eq!(
        answer(&mut lab, &pdu(0x777, b"x")),
        (nack, CommandStatus::ESME_RINVCMDID)
    );
    let broadcast = (CommandId::BROADCAST_SM_RESP, CommandStatus::ESME_RINVCMDID);
    assert_eq!(answer(&mut lab, &pdu(0x111, b"x")), broadcast);
    assert_eq!(
        answer(&mut lab, &pdu(0x15, b"")),
        (CommandId::ENQUIRE_LINK_RESP, CommandStatus::ESME_ROK)
    );
    assert!(
        lab.send(session, &pdu(0x8000_0004, b"")).0.is_empty(),
        "an answer that nobody asked for"
    );

    let half = pdu(0x15, b"");
    let (_, next) = lab.send(session, &half[..9]);
    assert_eq!((next.consumed, next.end), (0, None));
    lab.now_us += 10 * SECOND;
    assert_eq!(
        lab.send(session, &half[..10]).1.end,
        Some(End::Close),
        "a PDU has ten seconds"
    );

    let other = lab.connect();
    let (seen, next) = lab.send(other, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(
        (seen[0].status, next.end),
        (CommandStatus::ESME_RINVCMDLEN, Some(End::Drain))
    );
}

#[test]
fn an_idle_client_is_asked_and_a_dead_one_sent_away() {
    let mut lab = Lab::new("");
    let session = lab.bound(BindKind::Receiver);
    let (asked, next) = lab.after(session, 30 * SECOND);
    assert_eq!((asked[0].command, next.end), (CommandId::ENQUIRE_LINK, None));
    assert_eq!(lab.after(session, 30 * SECOND).1.end, Some(End::Close));
}

#[test]
fn query_sm_knows_the_state() {
    let mut lab = Lab::new("[receipt]\ndelay = \"1s\"");
    let session = lab.bound(BindKind::Transceiver);
    let id = lab.submit(session, &["33612345678"]).0[0].text.clone();
    let mut query = BytesMut::new();
    encode_empty(&mut query, CommandId::QUERY_SM, CommandStatus::ESME_ROK, 5);
    query.extend_from_slice(id.as_bytes());
    query.extend_from_slice(&[0, 5, 0, 0]);
    let length = query.len() as u32;
    query[..4].copy_from_slice(&length.to_be_bytes());
    let state = |lab: &mut Lab| {
        let mut out = BytesMut::new();
        lab.smsc.turn(session, (&query, true), lab.now_us, &mut out);
        let raw = split(&out, 1000).unwrap().unwrap();
        (raw.header.command_id, raw.body[raw.body.len() - 2])
    };
    assert_eq!(state(&mut lab), (CommandId::QUERY_SM_RESP, 1));
    lab.after(session, SECOND + 4_000);
    assert_eq!(state(&mut lab), (CommandId::QUERY_SM_RESP, 2));
}

#[test]
fn a_switch_keeps_what_was_dealt_and_a_reset_forgets() {
    let mut lab = Lab::new("[[outcome]]\nname = \"late\"\nreceipt_delay = \"10s\"\nstat = \"EXPIRED\"");
    let session = lab.bound(BindKind::Transceiver);
    lab.submit(session, &["33612345678"]);
    let refusing = Scenario::parse("[[outcome]]\nname = \"no\"\nanswer = \"ESME_RSYSERR\"", "x").unwrap();
    lab.smsc.switch(Arc::new(refusing), lab.now_us).unwrap();
    assert_eq!(
        statuses(&lab.submit(session, &["33612345678"]).0),
        [CommandStatus::ESME_RSYSERR]
    );
    assert!(
        lab.after(session, 10 * SECOND + 4_000).0[0]
            .text
            .contains("stat:EXPIRED")
    );
    assert_eq!(lab.smsc.totals().by_outcome.len(), 2);
    lab.smsc.reset(lab.now_us);
    assert_eq!((lab.smsc.totals().submits, lab.smsc.totals().recipients), (0, 0));
    assert_eq!(lab.smsc.session_views().len(), 1);
}

#[test]
fn phases_follow_each_other_by_count_and_by_time() {
    let text = r#"
time_scale = 10
repeat = true
[[outcome]]
name = "delivered"
weight = 1
[[outcome]]
name = "refused"
answer = "ESME_RSYSERR"
[[phase]]
name = "healthy"
submits = 2
[[phase]]
name = "failing"
submits = 3
weights = { refused = 1 }
[[phase]]
name = "dead"
for = "10s"
faults = { mute = { after = 1 } }
"#;
    let mut lab = Lab::new(text);
    let session = lab.bound(BindKind::Transmitter);
    let name = |lab: &Lab| lab.smsc.phase().unwrap().name;
    for round in 0..2 {
        assert_eq!(name(&lab), if round == 0 { "healthy" } else { "dead" });
        lab.smsc.pass_phases(lab.now_us);
        let answers = statuses(&lab.submit(session, &["33600000001"; 8]).0);
        let (ok, failed) = (CommandStatus::ESME_ROK, CommandStatus::ESME_RSYSERR);
        assert_eq!(
            answers,
            [ok, ok, failed, failed, failed],
            "the last three are not answered"
        );
        assert_eq!(name(&lab), "dead");
        lab.now_us += SECOND;
    }
    let totals = lab.smsc.totals();
    assert_eq!(
        (totals.by_outcome["refused"], totals.lost, totals.recipients),
        (6, 6, 1)
    );
    assert!(
        lab.smsc
            .go_to_phase("nothing", 0)
            .unwrap_err()
            .to_string()
            .contains("healthy, failing, dead")
    );
}

#[test]
fn half_a_share_of_an_answer_fault_meets_half_the_messages_each_its_own() {
    let mut lab = Lab::new(
        "[faults]\nwrong_sequence = 0.5\nanswer_twice = 0.5\nmalformed = { share = 0.5, kinds = [\"unknown_command\"] }",
    );
    let session = lab.bound(BindKind::Transmitter);
    let recipients: Vec<String> = (33_600_000_000u64..33_600_001_000)
        .map(|number| number.to_string())
        .collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    lab.submit(session, &recipients);
    let mut faults: std::collections::BTreeMap<Option<&str>, usize> = Default::default();
    let mut page = crate::ledger::Page::new(crate::ledger::Filter::default());
    while let Some(lines) = lab.smsc.lines(&mut page, 100) {
        lines
            .iter()
            .for_each(|line| *faults.entry(line.fault).or_default() += 1);
    }
    let about = |name, expected: usize| {
        let count = faults.get(&name).copied().unwrap_or_default();
        assert!(
            count.abs_diff(expected) < 60,
            "{name:?}: {count}, not {expected}: {faults:?}"
        );
    };
    about(Some("wrong_sequence"), 500);
    about(Some("answer_twice"), 250);
    about(Some("unknown_command"), 125);
    about(None, 125);
}
