#![allow(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]

use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::*;
use crate::frame::{
    BindKind, BindResp, PDU_LENGTH_MAX, Tlvs, encode_bind_resp, encode_empty, encode_sm_resp, put_tlv, split, tag,
};

const TIMERS: Timers = Timers {
    bind: Duration::from_secs(10),
    enquire_link: Duration::from_secs(30),
    response: Duration::from_secs(60),
};

fn session(window: usize, now: Instant) -> Session<u32> {
    let bind = Bind {
        kind: BindKind::Transceiver,
        system_id: b"c",
        password: b"",
        system_type: b"",
        interface_version: 0x34,
        addr_ton: 0,
        addr_npi: 0,
        address_range: b"",
    };
    Session::new(&bind, TIMERS, window, now).unwrap()
}

fn bound(window: usize, now: Instant) -> Session<u32> {
    let mut session = session(window, now);
    let mut answer = BytesMut::new();
    encode_bind_resp(
        &mut answer,
        BindKind::Transceiver,
        (CommandStatus::ESME_ROK, 1),
        &BindResp {
            system_id: b"smsc",
            sc_interface_version: Some(0x34),
        },
    );
    let Event::Bound(said) = feed(&mut session, &answer, now) else {
        panic!()
    };
    assert_eq!((said.system_id, said.sc_interface_version), (&b"smsc"[..], Some(0x34)));
    let pending = session.pending().len();
    session.wrote(pending);
    session
}

fn feed<'a>(session: &mut Session<u32>, bytes: &'a [u8], now: Instant) -> Event<'a, u32> {
    session.receive(&split(bytes, PDU_LENGTH_MAX).unwrap().unwrap(), now)
}

fn submit_sm() -> BytesMut {
    let mut out = BytesMut::new();
    Sm {
        short_message: b"x",
        ..Sm::default()
    }
    .encode_submit(&mut out, 0);
    out
}

fn answer(sequence: u32, status: CommandStatus, id: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    encode_sm_resp(&mut out, (CommandId::SUBMIT_SM_RESP, status, sequence), id);
    out
}

fn written(session: &mut Session<u32>) -> Vec<Header> {
    let mut headers = Vec::new();
    let bytes = session.pending().to_vec();
    let mut rest = &bytes[..];
    while let Some(raw) = split(rest, PDU_LENGTH_MAX).unwrap() {
        headers.push(raw.header);
        rest = &rest[raw.header.length as usize..];
    }
    session.wrote(bytes.len());
    headers
}

use crate::frame::Header;

#[test]
fn answers_find_their_submissions_in_any_order_and_only_once() {
    let now = Instant::now();
    let mut session = bound(10, now);
    for token in 0..3 {
        session.submit(&submit_sm(), token, now);
    }
    let sequences: Vec<u32> = written(&mut session).iter().map(|header| header.sequence).collect();
    assert_eq!((sequences.clone(), session.in_flight()), (vec![2, 3, 4], 3));
    for at in [2, 0] {
        let bytes = answer(sequences[at], CommandStatus::ESME_ROK, b"id");
        let Event::Answered {
            token,
            message_id,
            late,
            ..
        } = feed(&mut session, &bytes, now)
        else {
            panic!()
        };
        assert_eq!((token as usize, message_id, late), (at, &b"id"[..], false));
        assert!(matches!(
            feed(&mut session, &bytes, now),
            Event::Odd(Odd::UnexpectedResponse)
        ));
    }
    assert_eq!(session.in_flight(), 1);
}

#[test]
fn sequence_numbers_wrap_and_skip_what_is_unanswered() {
    let now = Instant::now();
    let mut session = bound(2, now);
    session.window.start_at(0x7FFF_FFFF);
    session.submit(&submit_sm(), 1, now);
    for token in 2..40 {
        session.submit(&submit_sm(), token, now);
        let last = written(&mut session).pop().unwrap().sequence;
        assert!((1..=0x7FFF_FFFF).contains(&last));
        let bytes = answer(last, CommandStatus::ESME_ROK, b"");
        assert!(matches!(feed(&mut session, &bytes, now), Event::Answered { token: back, .. } if back == token));
    }
    assert_eq!(
        session.in_flight(),
        1,
        "the first is still unanswered, and its number was not used again"
    );
}

#[test]
fn a_silent_peer_is_asked_and_given_up() {
    let start = Instant::now();
    let mut session = bound(10, start);
    let mut overdue = Vec::new();
    assert_eq!(session.tick(start + Duration::from_secs(29), &mut overdue), None);
    assert!(session.pending().is_empty());
    let asked_at = start + Duration::from_secs(30);
    assert_eq!(session.tick(asked_at, &mut overdue), None);
    assert_eq!(written(&mut session)[0].command_id, CommandId::ENQUIRE_LINK);
    assert_eq!(
        session.tick(asked_at + Duration::from_secs(30), &mut overdue),
        Some(Overdue::EnquireLink)
    );
}

#[test]
fn one_answer_that_never_comes_frees_its_place_and_is_welcome_late() {
    let start = Instant::now();
    let mut session = bound(10, start);
    session.submit(&submit_sm(), 7, start);
    let lost = written(&mut session)[0].sequence;
    session.submit(&submit_sm(), 8, start);
    let other = written(&mut session)[0].sequence;
    feed(
        &mut session,
        &answer(other, CommandStatus::ESME_ROK, b"b"),
        start + Duration::from_secs(30),
    );

    let mut overdue = Vec::new();
    let later = start + Duration::from_secs(60);
    session.tick(later, &mut overdue);
    assert_eq!((overdue, session.in_flight()), (vec![7], 0));
    let bytes = answer(lost, CommandStatus::ESME_ROK, b"a");
    assert!(matches!(
        feed(&mut session, &bytes, later),
        Event::Answered {
            token: 7,
            late: true,
            ..
        }
    ));
}

#[test]
fn an_smsc_that_answers_nothing_is_given_up() {
    let start = Instant::now();
    let mut session = bound(10, start);
    session.submit(&submit_sm(), 7, start + Duration::from_secs(1));
    let mut overdue = Vec::new();
    assert_eq!(
        session.tick(start + Duration::from_secs(61), &mut overdue),
        Some(Overdue::Submissions)
    );
    assert_eq!(overdue, vec![7]);
}

#[test]
fn at_the_end_it_is_known_what_was_surely_not_sent() {
    let now = Instant::now();
    let mut session = bound(10, now);
    session.submit(&submit_sm(), 1, now);
    let first = session.pending().len();
    session.submit(&submit_sm(), 2, now);
    session.wrote(first + 5);
    let mut left: Vec<_> = session.end().collect();
    left.sort();
    assert_eq!(left, vec![(1, true), (2, false)]);
}

#[test]
fn a_refused_bind_and_an_unbind_end_the_session() {
    let now = Instant::now();
    let mut refused = session(1, now);
    let mut bytes = BytesMut::new();
    encode_empty(
        &mut bytes,
        CommandId::BIND_TRANSCEIVER_RESP,
        CommandStatus::ESME_RINVPASWD,
        1,
    );
    assert!(matches!(
        feed(&mut refused, &bytes, now),
        Event::BindRefused(CommandStatus::ESME_RINVPASWD)
    ));
    assert_eq!(refused.phase(), Phase::Over);

    let mut session = bound(1, now);
    let mut bytes = BytesMut::new();
    encode_empty(&mut bytes, CommandId::UNBIND, CommandStatus::ESME_ROK, 9);
    assert!(matches!(feed(&mut session, &bytes, now), Event::Unbound));
    assert_eq!(written(&mut session)[0].command_id, CommandId::UNBIND_RESP);
}

#[test]
fn after_the_peers_unbind_the_answers_to_what_it_took_are_still_welcome() {
    let now = Instant::now();
    let mut session = bound(2, now);
    session.submit(&submit_sm(), 1, now);
    session.submit(&submit_sm(), 2, now);
    let sequences: Vec<u32> = written(&mut session).iter().map(|header| header.sequence).collect();
    let mut unbind = BytesMut::new();
    encode_empty(&mut unbind, CommandId::UNBIND, CommandStatus::ESME_ROK, 9);
    assert!(matches!(feed(&mut session, &unbind, now), Event::Unbound));
    assert_eq!((session.phase(), session.in_flight()), (Phase::Unbinding, 2));
    let bytes = answer(sequences[0], CommandStatus::ESME_ROK, b"id");
    assert!(matches!(
        feed(&mut session, &bytes, now),
        Event::Answered { token: 1, .. }
    ));
    let mut overdue = Vec::new();
    let given_up = session.tick(now + TIMERS.response, &mut overdue);
    assert_eq!(given_up, Some(Overdue::Unbind), "the other is not waited for for ever");
}

#[test]
fn an_outbind_is_refused_before_and_after_the_bind() {
    let now = Instant::now();
    for mut session in [session(1, now), bound(1, now)] {
        let (phase, pending) = (session.phase(), session.pending().len());
        session.wrote(pending);
        let mut outbind = BytesMut::new();
        encode_empty(&mut outbind, CommandId::OUTBIND, CommandStatus::ESME_ROK, 7);
        let event = feed(&mut session, &outbind, now);
        assert!(matches!(event, Event::Odd(Odd::WrongState)), "{event:?}");
        let refusal = written(&mut session)[0];
        assert_eq!(
            (refusal.command_id, refusal.command_status, refusal.sequence),
            (CommandId::GENERIC_NACK, CommandStatus::ESME_RINVBNDSTS, 7)
        );
        assert_eq!(session.phase(), phase, "the session goes on");
    }
}

#[test]
fn how_busy_the_smsc_is_comes_with_its_answers() {
    let now = Instant::now();
    let mut session = bound(2, now);
    for (token, octets, said) in [(1, &[42][..], Some(42)), (2, &[][..], None)] {
        session.submit(&submit_sm(), token, now);
        let sequence = written(&mut session)[0].sequence;
        let (mut tlvs, mut bytes) = (BytesMut::new(), BytesMut::new());
        put_tlv(&mut tlvs, tag::CONGESTION_STATE, octets);
        let response = SmResp {
            message_id: b"id",
            tlvs: Tlvs(&tlvs),
        };
        let header = (CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_ROK, sequence);
        response.encode(&mut bytes, header);
        let Event::Answered { congestion, .. } = feed(&mut session, &bytes, now) else {
            panic!()
        };
        assert_eq!(congestion, said);
    }
}

#[test]
fn unknown_commands_are_refused_and_the_session_lives_on() {
    let now = Instant::now();
    let mut session = bound(1, now);
    for (command, reply) in [
        (CommandId(0x0000_0777), CommandId::GENERIC_NACK),
        (CommandId::QUERY_SM, CommandId::QUERY_SM_RESP),
        (CommandId::SUBMIT_SM, CommandId::SUBMIT_SM_RESP),
    ] {
        let mut bytes = BytesMut::new();
        encode_empty(&mut bytes, command, CommandStatus::ESME_ROK, 5);
        assert!(matches!(feed(&mut session, &bytes, now), Event::Odd(_)));
        let header = written(&mut session)[0];
        assert_eq!((header.command_id, header.sequence), (reply, 5));
    }
    assert_eq!(session.phase(), Phase::Bound);
}

#[test]
fn a_generic_nack_refuses_the_submission_that_it_names() {
    let now = Instant::now();
    let mut session = bound(1, now);
    session.submit(&submit_sm(), 3, now);
    let sequence = written(&mut session)[0].sequence;
    let mut bytes = BytesMut::new();
    encode_empty(&mut bytes, CommandId::GENERIC_NACK, CommandStatus::ESME_ROK, sequence);
    let Event::Answered { token, status, .. } = feed(&mut session, &bytes, now) else {
        panic!()
    };
    assert_eq!((token, status), (3, CommandStatus::ESME_RUNKNOWNERR));
}
