//! The simulator over real sockets.

use std::collections::BTreeMap;

use crate::common::{Client, PATIENCE, recipients, sim, wait};
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, CommandId};
use smpp_sim::{Filter, Scenario};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn the_report_of_4379_comes_out_exactly_over_several_sessions() {
    let mut scenario = Scenario::named("fr-4379").unwrap();
    scenario.time_scale = 10.0;
    let running = smpp_sim::start(scenario, smpp_sim::Options::ephemeral()).await.unwrap();
    let all = recipients(33_600_000_000, 4379);
    let mut clients = Vec::new();
    for share in all.chunks(1100) {
        let share = share.to_vec();
        let address = running.smpp_addr;
        clients.push(tokio::task::JoinSet::new());
        clients.last_mut().unwrap().spawn(async move {
            let mut client = Client::bound(address, BindKind::Transceiver).await;
            let mut answers = 0;
            for window in share.chunks(500) {
                answers += client.exchange(window, 0).await.len();
            }
            assert!(answers >= share.len());
            client.acknowledge_until_closed().await;
        });
    }
    wait(&running, "submits", 4379).await;
    wait(&running, "receipts_acked", 3969 + 18 + 52 + 1).await;
    let totals = running.handle.totals();
    let expected = [
        ("delivered", 3969),
        ("not_routed", 4),
        ("reception_error", 18),
        ("recredited", 1),
        ("transmission_failed", 8),
        ("transmitted", 267),
        ("unknown_number_receipt", 52),
        ("unknown_number_refused", 60),
    ];
    assert_eq!(
        totals.by_outcome,
        expected.map(|(name, count)| (name.to_owned(), count)).into()
    );
    assert_eq!(
        (totals.recipients, totals.rejected, totals.receipts_due),
        (4379, 72, totals.receipts_acked)
    );
    running.handle.close_sessions();
    for mut client in clients {
        client.join_next().await.unwrap().unwrap();
    }
    running.stop().await;
}

/// Everything of a ledger but times, ids and order.
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
async fn outcomes(seed: u64, sessions: usize) -> BTreeMap<String, (String, Option<&'static str>, u8)> {
    let mut scenario = Scenario::named("unreliable").unwrap();
    scenario.seed = seed;
    scenario.time_scale = 1000.0;
    let running = smpp_sim::start(scenario, smpp_sim::Options::ephemeral()).await.unwrap();
    let all = recipients(33_600_000_000, 800);
    let mut tasks = tokio::task::JoinSet::new();
    for share in all.chunks(all.len() / sessions) {
        let (share, address) = (share.to_vec(), running.smpp_addr);
        tasks.spawn(async move {
            let mut client = Client::bound(address, BindKind::Transmitter).await;
            client.exchange(&share, 0).await;
        });
    }
    tasks.join_all().await;
    let lines = running.handle.lines(Filter::default());
    assert_eq!(lines.len(), 800);
    running.stop().await;
    lines
        .into_iter()
        .map(|line| (line.recipient, (line.outcome, line.stat, line.receipts_due)))
        .collect()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ledger_with_1_and_16_sessions() {
    let one = outcomes(42, 1).await;
    assert_eq!(one, outcomes(42, 16).await);
    assert_ne!(one, outcomes(43, 1).await);
}

#[tokio::test]
async fn segments_share_an_outcome_and_have_their_own_receipts() {
    let running = sim("magic = true\n[receipt]\nform = \"text\"").await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    for part in 1..=3u8 {
        let text = [&[5, 0, 3, 9, 3, part][..], b"partie"].concat();
        client.queue(u32::from(part), "33612345905", &text, 0x40);
    }
    client.flush().await;
    let mut ids = Vec::new();
    let mut receipts = Vec::new();
    while receipts.len() < 3 {
        let received = client.receive().await.unwrap();
        let text = String::from_utf8(received.text).unwrap();
        match received.command {
            CommandId::SUBMIT_SM_RESP => ids.push(text),
            _ => receipts.push(text),
        }
    }
    for (id, receipt) in ids.iter().zip(&receipts) {
        assert!(
            receipt.starts_with(&format!("id:{id} ")) && receipt.contains("stat:UNDELIV err:027"),
            "{receipt}"
        );
    }
    let lines = running.handle.lines(Filter::default());
    let parts: Vec<_> = lines
        .iter()
        .map(|line| (line.part, line.total, line.attempt, line.text.as_deref()))
        .collect();
    assert_eq!(
        parts,
        [
            (1, 3, 1, Some("partie")),
            (2, 3, 1, Some("partie")),
            (3, 3, 1, Some("partie"))
        ]
    );
    assert_eq!(running.handle.totals().messages, 1);
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn a_cut_connection_loses_answers_but_no_receipt() {
    let running =
        sim("[receipt]\ndelay = \"20ms\"\n[faults]\nclose = { after = 101, holding = 100, reset = true }").await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    for (place, recipient) in recipients(33_600_000_000, 200).iter().enumerate() {
        client.queue(place as u32 + 1, recipient, b"x", 0);
    }
    client.flush().await;
    while client.receive().await.is_some() {}
    wait(&running, "accepted", 200).await;
    let mut again = Client::bound(running.smpp_addr, BindKind::Receiver).await;
    for _ in 0..200 {
        let received = again.receive().await.unwrap();
        assert_eq!((received.command, received.esm_class), (CommandId::DELIVER_SM, 4));
        again.queue_acknowledgement(received.sequence);
    }
    again.flush().await;
    wait(&running, "receipts_acked", 200).await;
    let totals = running.handle.totals();
    assert_eq!((totals.accepted, totals.answered, totals.unanswered), (200, 100, 100));
    drop(again);
    running.stop().await;
}

#[tokio::test]
async fn hostile_octets_cost_the_others_nothing() {
    let running = sim("[timers]\nbind = \"300ms\"\nread = \"300ms\"").await;
    let mut good = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    let hostile: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0; 64],
        &[0xFF; 64],
        &[0, 0, 0, 15, 0, 0, 0, 4],
        &[0, 0, 0, 40, 0, 0, 0, 4],
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01],
    ];
    for octets in hostile {
        let mut client = Client::connect(running.smpp_addr).await;
        client.wire.stream.write_all(octets).await.unwrap();
        while client.receive().await.is_some() {}
    }
    let mut bound = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    bound.wire.stream.write_all(&[0, 0, 0, 40, 0, 0]).await.unwrap();
    assert_eq!(bound.receive().await, None, "the rest of the PDU never came");
    assert_eq!(good.exchange(&recipients(33_600_000_000, 50), 50).await.len(), 100);
    assert_eq!(running.handle.sessions().len(), 1);
    drop(good);
    running.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_sent_away_and_its_receipts_wait() {
    let running = sim("[receipt]\nwindow = 100000\n[timers]\nwrite = \"200ms\"").await;
    let mut deaf = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    let flood = async {
        for number in 33_600_000_000u64.. {
            for place in 1..500 {
                deaf.queue(place, &number.to_string(), b"x", 0);
            }
            if !deaf.try_flush().await && running.handle.sessions().is_empty() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, flood).await.expect("the session ends");
    let totals = running.handle.totals();
    assert!(totals.receipts_due > totals.receipts_acked);
    drop(deaf);
    running.stop().await;
}

#[tokio::test]
async fn stopping_unbinds_politely() {
    let running = sim("").await;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    let polite = async {
        let unbind = client.receive().await.unwrap();
        assert_eq!(
            (unbind.command, unbind.status),
            (CommandId::UNBIND, CommandStatus::ESME_ROK)
        );
        client.queue_empty(CommandId::UNBIND_RESP, unbind.sequence);
        client.flush().await;
        assert_eq!(client.receive().await, None);
    };
    tokio::join!(polite, running.stop());
}

#[tokio::test]
async fn a_client_may_unbind_and_bind_again() {
    let running = sim("").await;
    for _ in 0..3 {
        let mut client = Client::bound(running.smpp_addr, BindKind::Transmitter).await;
        client.queue_empty(CommandId::ENQUIRE_LINK, 2);
        client.queue_empty(CommandId::UNBIND, 3);
        client.flush().await;
        assert_eq!(client.receive().await.unwrap().command, CommandId::ENQUIRE_LINK_RESP);
        assert_eq!(client.receive().await.unwrap().command, CommandId::UNBIND_RESP);
        assert_eq!(client.receive().await, None);
    }
    running.stop().await;
}
