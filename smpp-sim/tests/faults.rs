//! Every fault over a real socket; what is odd about answers is shown to Wireshark.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::common::raw::Raw;
use crate::common::{PATIENCE, sim, tshark, wait};
use jiff::Timestamp;
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, CommandId};
use smpp_sim::{Filter, Injected, MALFORMED, Options, Running, Scenario};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Faults that hold something back do so for longer than this.
const A_WHILE: Duration = Duration::from_millis(100);

/// Nobody is waited for that would not answer an unbind.
async fn end(running: Running) {
    running.handle.close_sessions();
    running.stop().await;
}

/// The octets between the answer to the bind and the answer to the submit, and those of the latter.
async fn around_an_answer(fault: &str) -> (Vec<u8>, Vec<u8>) {
    let running = sim(&format!("[faults]\n{fault}")).await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.bind(BindKind::Transmitter)
        .submit(7, "33612345678", (0, b"Bonjour"))
        .empty(CommandId::UNBIND, 8)
        .flush()
        .await;
    assert_eq!(raw.next().await.unwrap().command, CommandId::BIND_TRANSMITTER_RESP);
    let (mut octets, in_order) = raw.rest().await;
    assert!(
        in_order && octets.ends_with(&[0x80, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 8]),
        "{fault}"
    );
    octets.truncate(octets.len() - 16);
    // An ordinary answer: a header, an id of 19 digits, NUL.
    let answer = octets.split_off(octets.len().saturating_sub(36));
    end(running).await;
    (octets, answer)
}

fn sequence_of(decoded: &tshark::Decoded) -> Option<u32> {
    decoded.number("smpp.sequence_number")
}

#[tokio::test]
async fn wrong_answers_are_wrong_to_wireshark_too() {
    if tshark::skipped() {
        return;
    }
    let keys = [
        "no_answer",
        "wrong_sequence",
        "wrong_command",
        "generic_nack",
        "answer_twice",
        "unasked_answer",
    ];
    let mut frames = Vec::new();
    for key in &keys[1..] {
        let (before, answer) = around_an_answer(&format!("{key} = 1")).await;
        frames.push([before, answer].concat());
    }
    let (before, answer) = around_an_answer("no_answer = 1").await;
    assert!(before.is_empty() && answer.is_empty());
    let decoded = tshark::decode(&frames);
    let seen: Vec<Vec<(Option<u32>, Option<u32>)>> = decoded
        .iter()
        .map(|pdus| {
            pdus.iter()
                .map(|pdu| (pdu.number("smpp.command_id"), sequence_of(pdu)))
                .collect()
        })
        .collect();
    let (answer, nobody) = ((Some(0x8000_0004), Some(7)), Some(0x7000_0007));
    assert_eq!(
        seen,
        [
            vec![(Some(0x8000_0004), nobody)],
            vec![(Some(0x8000_0007), Some(7))],
            vec![(Some(0x8000_0000), Some(7))],
            vec![answer, answer],
            vec![(Some(0x8000_0004), nobody), answer],
        ],
        "{keys:?}"
    );
}

#[tokio::test]
async fn malformed_pdus_are_malformed_to_wireshark_too() {
    if tshark::skipped() {
        return;
    }
    let mut frames = Vec::new();
    for kind in MALFORMED {
        let (malformed, answer) = around_an_answer(&format!("malformed = {{ kinds = [\"{}\"] }}", kind.name())).await;
        assert_eq!(answer[4..16], [0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 7], "{kind:?}");
        // What the standard says of lengths, octet by octet.
        let stated = u32::from_be_bytes(malformed[..4].try_into().unwrap()) as usize;
        let says_the_truth = stated == malformed.len();
        let lies = [
            Injected::LengthTooSmall,
            Injected::LengthOversized,
            Injected::LengthBeyondBody,
            Injected::LengthShort,
        ];
        assert_eq!(says_the_truth, !lies.contains(&kind), "{kind:?}");
        frames.push(malformed);
    }
    let decoded = tshark::decode(&frames);
    for (kind, (pdus, frame)) in MALFORMED.into_iter().zip(decoded.iter().zip(&frames)) {
        let strange = pdus.iter().any(|pdu| {
            let unknown = pdu.number("smpp.command_id") == Some(0x777);
            let length = pdu.number("smpp.command_length") != Some(frame.len() as u32);
            // Wireshark shows the length that the parameter states, and reads the state from the octet that is there.
            let cut_off = pdu.number("smpp.opt_param_len") == Some(9);
            pdu.malformed || unknown || length || cut_off
        });
        assert!(strange, "{kind:?} looks well to Wireshark: {pdus:?}");
    }
}

#[tokio::test]
async fn connections_are_closed_reset_or_left_alone() {
    let running = sim("[faults]\nconnect = { what = \"close\", until = 2 }").await;
    for _ in 0..2 {
        let mut raw = Raw::connect(running.smpp_addr).await;
        assert_eq!(raw.rest().await, (Vec::new(), true));
    }
    drop(Raw::bound(running.smpp_addr).await);
    end(running).await;

    let running = sim("[faults]\nconnect = { what = \"reset\", every = 2 }").await;
    assert_eq!(Raw::connect(running.smpp_addr).await.rest().await, (Vec::new(), false));
    drop(Raw::bound(running.smpp_addr).await);
    end(running).await;

    let running = sim("[timers]\nbind = \"1ms\"\nread = \"1ms\"\n[faults]\nconnect = { what = \"half_open\" }").await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    for _ in 0..20 {
        // More than any buffer on the way holds: it is taken, and nothing is ever said.
        raw.wire.stream.write_all(&vec![0; 1 << 20]).await.unwrap();
    }
    assert!(raw.bind(BindKind::Transceiver).hears_nothing_for(A_WHILE).await);
    running.handle.close_sessions();
    assert_eq!(raw.rest().await, (Vec::new(), false));
    end(running).await;
}

#[tokio::test]
async fn a_closed_port_refuses_and_opens_again_with_the_phase() {
    let text = "[[phase]]\nname = \"open\"\nsubmits = 1\n[[phase]]\nname = \"closed\"\nfaults = { connect = { what = \"refuse\" } }";
    let running = sim(text).await;
    let mut raw = Raw::bound(running.smpp_addr).await;
    raw.submits(2).flush().await;
    for _ in 0..2 {
        assert_eq!(
            raw.next().await.unwrap().status,
            CommandStatus::ESME_ROK,
            "sessions stay"
        );
    }
    assert_eq!(running.handle.phase().unwrap().name, "closed");
    let address = running.smpp_addr;
    let refused = async move {
        loop {
            match TcpStream::connect(address).await {
                Ok(stream) => drop(stream),
                Err(error) => return error.kind(),
            }
        }
    };
    let kind = tokio::time::timeout(PATIENCE, refused).await.expect("the port closes");
    assert_eq!(kind, ErrorKind::ConnectionRefused);
    running.handle.go_to_phase("open").unwrap();
    let opened = async move { while TcpStream::connect(address).await.is_err() {} };
    tokio::time::timeout(PATIENCE, opened).await.expect("the port opens");
    drop(Raw::bound(running.smpp_addr).await);
    end(running).await;
}

#[tokio::test]
async fn binds_are_refused_delayed_or_ignored() {
    let bind = async |running: &Running| {
        let mut raw = Raw::connect(running.smpp_addr).await;
        raw.bind(BindKind::Transceiver).flush().await;
        raw.next().await.unwrap().status
    };
    let (ok, refused) = (CommandStatus::ESME_ROK, CommandStatus(0x0000_0400));
    for (fault, expected) in [
        ("{ status = \"0x00000400\", until = 2 }", [refused, refused, ok, ok]),
        ("{ status = \"0x00000400\", from = 3 }", [ok, ok, refused, refused]),
        (
            "{ status = \"0x00000400\", from = 2, until = 3 }",
            [ok, refused, refused, ok],
        ),
    ] {
        let running = sim(&format!("[faults]\nbind = {fault}")).await;
        for status in expected {
            assert_eq!(bind(&running).await, status, "{fault}");
        }
        end(running).await;
    }

    let running = sim("[faults]\nbind = { delay = \"300ms\" }").await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.bind(BindKind::Transceiver).flush().await;
    assert!(raw.hears_nothing_for(A_WHILE).await && running.handle.sessions().is_empty());
    let answer = raw.next().await.unwrap();
    assert_eq!(
        (answer.command, answer.status, answer.sequence),
        (CommandId::BIND_TRANSCEIVER_RESP, ok, 1)
    );
    assert_eq!(running.handle.sessions().len(), 1);
    end(running).await;

    let running = sim("[timers]\nbind = \"1ms\"\n[faults]\nbind = { silence = true, until = 1 }").await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.bind(BindKind::Transceiver)
        .empty(CommandId::ENQUIRE_LINK, 2)
        .flush()
        .await;
    assert!(
        raw.hears_nothing_for(A_WHILE).await,
        "the connection stays, and says nothing"
    );
    end(running).await;
}

#[tokio::test]
async fn submits_are_lost_refused_or_answered_late() {
    for (fault, expected) in [
        ("no_answer = { from = 2, until = 3 }", vec![(1, 0), (4, 0), (5, 0)]),
        ("lost = { from = 2, every = 2 }", vec![(1, 0), (3, 0), (5, 0)]),
        (
            "refuse = { status = \"0x0000040B\", until = 2 }",
            vec![(1, 0x40B), (2, 0x40B), (3, 0), (4, 0), (5, 0)],
        ),
        (
            "late = { by = \"50ms\", until = 2 }",
            vec![(3, 0), (4, 0), (5, 0), (1, 0), (2, 0)],
        ),
        ("mute = { after = 2 }", vec![(1, 0)]),
    ] {
        let running = sim(&format!("[faults]\n{fault}")).await;
        let mut raw = Raw::bound(running.smpp_addr).await;
        raw.submits(5).flush().await;
        let mut answers = Vec::new();
        for _ in 0..expected.len() {
            let answer = raw.next().await.unwrap();
            answers.push((answer.sequence, answer.status.0));
        }
        assert_eq!(answers, expected, "{fault}");
        wait(&running, "submits", 5).await;
        let totals = running.handle.totals();
        assert_eq!(totals.answered, expected.len() as u64, "{fault}");
        if !fault.starts_with("mute") {
            // Whoever is not answered is not answered later either: the link's answer is the next.
            raw.empty(CommandId::ENQUIRE_LINK, 9).flush().await;
            assert_eq!(
                raw.next().await.unwrap().command,
                CommandId::ENQUIRE_LINK_RESP,
                "{fault}"
            );
        }
        end(running).await;
    }
}

#[tokio::test]
async fn sessions_end_before_or_after_the_answer() {
    for (fault, answers, in_order) in [
        ("{ after = 2, when = \"before_answer\" }", 1, true),
        ("{ after = 2, when = \"after_answer\" }", 2, true),
        ("{ after = 2, when = \"before_answer\", reset = true }", 1, false),
        ("{ pdus = 4, when = \"before_answer\" }", 2, true),
        ("{ pdus = 4, when = \"after_answer\" }", 3, true),
        ("{ time = \"50ms\" }", 3, true),
        ("{ time = \"50ms\", reset = true }", 3, false),
    ] {
        let running = sim(&format!("[faults]\nclose = {fault}")).await;
        let mut raw = Raw::bound(running.smpp_addr).await;
        raw.submits(3).flush().await;
        let mut sequences = Vec::new();
        while sequences.len() < answers {
            sequences.extend(raw.next().await.map(|answer| answer.sequence));
        }
        assert_eq!(sequences, (1..=answers as u32).collect::<Vec<_>>(), "{fault}");
        assert_eq!(raw.rest().await, (Vec::new(), in_order), "{fault}");
        end(running).await;
    }
}

#[tokio::test]
async fn reading_stops_and_goes_on() {
    let running = sim("[faults]\nstop_reading = { after = 2, for = \"300ms\" }").await;
    let mut raw = Raw::bound(running.smpp_addr).await;
    raw.submits(3).flush().await;
    assert_eq!(raw.next().await.unwrap().sequence, 1);
    assert_eq!(raw.next().await.unwrap().sequence, 2);
    assert!(raw.hears_nothing_for(A_WHILE).await);
    assert_eq!(raw.next().await.unwrap().sequence, 3);
    end(running).await;
}

#[tokio::test]
async fn links_and_unbinds_misbehave() {
    let running = sim("[faults]\nenquire_link = \"unanswered\"").await;
    let mut raw = Raw::bound(running.smpp_addr).await;
    raw.empty(CommandId::ENQUIRE_LINK, 2).submits(1).flush().await;
    assert_eq!(raw.next().await.unwrap().command, CommandId::SUBMIT_SM_RESP);
    end(running).await;

    let timers = "[timers]\nenquire_link = \"20ms\"\nenquire_link_answer = \"200ms\"\n";
    let running = sim(&format!("{timers}[faults]\nenquire_link = \"deaf\"")).await;
    let mut raw = Raw::bound(running.smpp_addr).await;
    let asked = raw.next().await.unwrap();
    assert_eq!(asked.command, CommandId::ENQUIRE_LINK);
    raw.empty(CommandId::ENQUIRE_LINK_RESP, asked.sequence).flush().await;
    assert_eq!(raw.next().await, None, "it was answered, and nobody listened");
    end(running).await;

    let running = sim("[faults]\nunbind_every = \"20ms\"").await;
    let mut raw = Raw::bound(running.smpp_addr).await;
    let unbind = raw.next().await.unwrap();
    assert_eq!(unbind.command, CommandId::UNBIND);
    raw.empty(CommandId::UNBIND_RESP, unbind.sequence).flush().await;
    assert_eq!(raw.rest().await, (Vec::new(), true));
    end(running).await;

    let running = sim("[faults]\nunbind_unanswered = true").await;
    let mut raw = Raw::bound(running.smpp_addr).await;
    raw.empty(CommandId::UNBIND, 2)
        .empty(CommandId::ENQUIRE_LINK, 3)
        .flush()
        .await;
    assert_eq!(raw.next().await.unwrap().command, CommandId::ENQUIRE_LINK_RESP);
    running.handle.close_sessions();
    end(running).await;
}

#[tokio::test]
async fn octets_are_written_one_by_one_slowly_or_together() {
    // The answer to a bind has more than twenty octets.
    let running = sim("[faults]\nwrite = { octets = 1, pause = \"10ms\" }").await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.bind(BindKind::Transmitter).flush().await;
    let whole = tokio::time::timeout(A_WHILE, raw.next()).await;
    assert!(whole.is_err(), "it was quick: {whole:?}");
    assert_eq!(raw.next().await.unwrap().command, CommandId::BIND_TRANSMITTER_RESP);
    end(running).await;

    for octets in [1, 3, 20] {
        let running = sim(&format!("[faults]\nwrite = {{ octets = {octets} }}")).await;
        let mut raw = Raw::bound(running.smpp_addr).await;
        raw.submits(50).flush().await;
        for sequence in 1..=50 {
            assert_eq!(raw.next().await.unwrap().sequence, sequence, "{octets} octets a write");
        }
        end(running).await;
    }

    let running = sim("[[account]]\nsystem_id = \"*\"\nfaults = { write = { gather = \"300ms\" } }").await;
    let mut raw = Raw::bound(running.smpp_addr).await;
    raw.submits(1).flush().await;
    assert!(raw.hears_nothing_for(A_WHILE).await);
    raw.empty(CommandId::ENQUIRE_LINK, 2).flush().await;
    assert_eq!(raw.next().await.unwrap().sequence, 1);
    assert_eq!(raw.next().await.unwrap().sequence, 2);
    end(running).await;
}

#[tokio::test]
async fn a_wrong_clock_shows_in_receipts() {
    let running = sim("[receipt]\nform = \"text\"\n[faults]\nclock_skew = \"-2h\"").await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.bind(BindKind::Transceiver).submits(1).flush().await;
    let mut receipt = raw.next().await.unwrap();
    while receipt.command != CommandId::DELIVER_SM {
        receipt = raw.next().await.unwrap();
    }
    let text = String::from_utf8_lossy(&receipt.octets).into_owned();
    let received_us = running.handle.lines(Filter::default())[0].received_at_us as i64;
    let told = Timestamp::from_microsecond(received_us - 7_200_000_000).unwrap();
    let told = told.strftime("submit date:%y%m%d%H%M").to_string();
    assert!(text.contains(&told), "{told} is not in {text}");
    end(running).await;
}

#[tokio::test]
async fn a_bad_day_is_healthy_slow_dead_and_healthy_again() {
    let mut scenario = Scenario::named("bad-day").unwrap();
    scenario.time_scale = 100.0;
    for phase in &scenario.phases {
        assert!(!phase.name.is_empty());
    }
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let mut seen = Vec::new();
    let day = async {
        while seen.len() < 5 {
            let name = running.handle.phase().unwrap().name;
            if seen.last() != Some(&name) {
                seen.push(name);
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, day)
        .await
        .expect("phases follow each other");
    assert_eq!(seen, ["healthy", "slow", "dead", "healthy-again", "healthy"]);
    end(running).await;
}

#[tokio::test]
async fn it_listens_on_ipv6() {
    let scenario = Scenario::healthy();
    let options = Options {
        listen: SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ..Options::ephemeral()
    };
    let running = smpp_sim::start(scenario, options).await.unwrap();
    assert!(running.smpp_addr.is_ipv6());
    drop(Raw::bound(running.smpp_addr).await);
    end(running).await;
}

#[tokio::test]
async fn what_overrules_the_scenario_overrules_its_phases() {
    let text = "[answer]\nids = \"seeded\"\n[[phase]]\nname = \"only\"\nanswer = { delay = \"1h\" }";
    let mut scenario = Scenario::parse(text, "test.toml").unwrap();
    (scenario.time_scale, scenario.max_tps) = (1_000_000.0, Some(2));
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let mut raw = Raw::bound(running.smpp_addr).await;
    raw.submits(3).flush().await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = raw.next().await.unwrap();
        answers.push((answer.status, answer.sequence));
    }
    let (ok, throttled) = (CommandStatus::ESME_ROK, CommandStatus::ESME_RTHROTTLED);
    assert_eq!(answers, [(throttled, 3), (ok, 1), (ok, 2)]);
    end(running).await;
}

/// Submits that many messages on a session that receives, and acknowledges every receipt: what came, in order, each with
/// the sequence number of its submit or the place of its message.
async fn answers_and_receipts(fault: &str, (submits, expected): (u32, usize)) -> Vec<(char, u32)> {
    let text = format!("[receipt]\nform = \"text\"\n[faults]\n{fault}");
    let running = sim(&text).await;
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.bind(BindKind::Transceiver).flush().await;
    assert_eq!(raw.next().await.unwrap().command, CommandId::BIND_TRANSCEIVER_RESP);
    raw.submits(submits).flush().await;
    let mut seen = Vec::new();
    while seen.len() < expected {
        let frame = raw.next().await.unwrap();
        if frame.command == CommandId::SUBMIT_SM_RESP {
            seen.push((
                if frame.status == CommandStatus::ESME_ROK {
                    'a'
                } else {
                    'r'
                },
                frame.sequence,
            ));
            continue;
        }
        assert_eq!(frame.command, CommandId::DELIVER_SM, "{fault}");
        raw.empty(CommandId::DELIVER_SM_RESP, frame.sequence).flush().await;
        let text = String::from_utf8_lossy(&frame.octets).into_owned();
        let (_, recipient) = text.split_once("336000").unwrap();
        seen.push(('d', recipient[..5].parse().unwrap()));
    }
    let receipts = seen.iter().filter(|(kind, _)| *kind == 'd').count() as u64;
    wait(&running, "receipts_acked", receipts).await;
    let totals = running.handle.totals();
    assert_eq!(
        (totals.receipts_due, totals.receipts_acked),
        (receipts, receipts),
        "{fault}"
    );
    end(running).await;
    seen
}

#[tokio::test]
async fn receipts_come_first_or_twice() {
    let seen = answers_and_receipts("receipt_first = { from = 2, until = 3 }", (4, 8)).await;
    let place = |what| seen.iter().position(|&seen| seen == what).unwrap();
    for number in 1..=4 {
        let first = place(('d', number)) < place(('a', number));
        assert_eq!(first, [2, 3].contains(&number), "{number}: {seen:?}");
    }
    let seen = answers_and_receipts("receipt_twice = { every = 2 }", (4, 10)).await;
    let of = |number| seen.iter().filter(|&&seen| seen == ('d', number)).count();
    assert_eq!([of(1), of(2), of(3), of(4)].iter().sum::<usize>(), 6, "{seen:?}");
    assert_eq!([of(1) + of(2), of(3) + of(4)], [3, 3], "every second one: {seen:?}");
}

#[tokio::test]
async fn bursts_are_throttled() {
    for (fault, status) in [
        ("throttle = { every = 3, burst = 2 }", 0x58),
        ("throttle = { every = 3, burst = 2, status = \"ESME_RMSGQFUL\" }", 0x14),
        ("throttle = { every = 3, burst = 2, status = \"0x00000400\" }", 0x400),
    ] {
        let running = sim(&format!("[faults]\n{fault}")).await;
        let mut raw = Raw::bound(running.smpp_addr).await;
        raw.submits(10).flush().await;
        let mut statuses = Vec::new();
        for sequence in 1..=10 {
            let answer = raw.next().await.unwrap();
            assert_eq!(answer.sequence, sequence);
            statuses.push(answer.status.0);
        }
        assert_eq!(statuses, [0, 0, 0, status, status, 0, 0, 0, status, status], "{fault}");
        assert_eq!(running.handle.totals().by_outcome["refused_burst"], 4);
        end(running).await;
    }
}

#[tokio::test]
async fn a_capped_account_has_a_rate_a_window_and_two_sessions() {
    let scenario = Scenario::named("capped").unwrap();
    let running = smpp_sim::start(scenario, Options::ephemeral()).await.unwrap();
    let mut raw = Raw::bound(running.smpp_addr).await;
    let _second = Raw::bound(running.smpp_addr).await;
    let mut third = Raw::connect(running.smpp_addr).await;
    third.bind(BindKind::Transmitter).flush().await;
    assert_eq!(third.next().await.unwrap().status, CommandStatus::ESME_RALYBND);
    // One by one, so that the window of 10 has nothing to say: it is the rate.
    let mut statuses = Vec::new();
    for sequence in 1..=100 {
        let recipient = (33_600_000_000 + u64::from(sequence)).to_string();
        raw.submit(sequence, &recipient, (0, b"Bonjour")).flush().await;
        statuses.push(raw.next().await.unwrap().status);
    }
    let accepted = statuses
        .iter()
        .filter(|&&status| status == CommandStatus::ESME_ROK)
        .count();
    let others = statuses
        .iter()
        .any(|&status| status != CommandStatus::ESME_ROK && status != CommandStatus::ESME_RTHROTTLED);
    let lines = running.handle.lines(Filter::default());
    let took_us = lines.last().unwrap().received_at_us - lines[0].received_at_us;
    // 50 a second and 5 more at once.
    let allowed = 55 + took_us as usize * 50 / 1_000_000;
    assert!(
        (55..=allowed + 1).contains(&accepted) && !others,
        "{accepted} in {took_us} µs"
    );
    assert!(running.handle.totals().by_outcome["refused_rate"] > 0 || allowed >= 100);
    end(running).await;
}
