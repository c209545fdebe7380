//! schedule_delivery_time and validity_period over real sockets: messages that wait, expire, or are refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use crate::common::ask::{message, query, raw, receipt, submit, transceiver};
use crate::common::pdus::SOURCE;
use crate::common::tshark;
use crate::common::{sim, wait};
use jiff::{Timestamp, ToSpan};
use smpp::command_status::CommandStatus;
use smpp::frame::{Pdu, Sm};
use smpp_sim::{Filter, Running};

/// A minute takes 10 ms.
const FAST: &str = "time_scale = 6000\n";

/// Some minutes from now, some quarters of an hour east of Greenwich.
fn absolute(minutes: i64, quarters: i64) -> String {
    let local = Timestamp::now() + (minutes + quarters * 15).minutes();
    let sign = if quarters < 0 { '-' } else { '+' };
    format!("{}0{:02}{sign}", local.strftime("%y%m%d%H%M%S"), quarters.abs())
}

/// How long after its submit the receipt of a message went out.
fn took(running: &Running, place: usize) -> Duration {
    let line = running.handle.lines(Filter::default()).swap_remove(place);
    Duration::from_micros(line.receipt_sent_at_us.unwrap() - line.received_at_us)
}

#[tokio::test]
async fn what_is_not_delivered_in_time_expires() {
    let running = sim(&format!("{FAST}[receipt]\ndelay = \"1h\"\nform = \"text\"")).await;
    let mut client = transceiver(&running).await;
    let cases = [
        ("000000000500000R".to_owned(), "EXPIRED"),
        (absolute(5, 0), "EXPIRED"),
        (absolute(5, 8), "EXPIRED"),
        (absolute(5, -20), "EXPIRED"),
        ("000001000000000R".to_owned(), "DELIVRD"),
        (absolute(24 * 60, 0), "DELIVRD"),
        (String::new(), "DELIVRD"),
    ];
    for (place, (validity, stat)) in cases.iter().enumerate() {
        let sm = Sm {
            validity_period: validity.as_bytes(),
            ..message(b"Bonjour")
        };
        let id = submit(&mut client, &sm).await;
        let said = receipt(&mut client).await;
        assert!(said.contains(&format!("stat:{stat} err:000")), "{validity}: {said}");
        // Never sooner; how much later is up to the machine.
        let (state, at_least_ms) = if *stat == "EXPIRED" { (3, 49) } else { (2, 600) };
        let took = took(&running, place);
        assert!(took >= Duration::from_millis(at_least_ms), "{validity} took {took:?}");
        assert_eq!(query(&mut client, &id, SOURCE).await.1, state, "{validity}");
    }
    wait(&running, "receipts_acked", cases.len() as u64).await;
    let totals = running.handle.totals();
    assert_eq!((totals.by_stat["EXPIRED"], totals.by_stat["DELIVRD"]), (4, 3));
    let lines = running.handle.lines(Filter::default());
    let stats: Vec<_> = lines.iter().filter_map(|line| line.stat).collect();
    assert_eq!(stats, cases.map(|(_, stat)| stat));
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn one_that_expires_without_a_receipt_tells_who_asks() {
    let wishes = [(0, "receipt = true"), (3, "receipt = true"), (1, "receipt = false")];
    for (registered_delivery, outcome) in wishes {
        let text = format!("{FAST}[receipt]\ndelay = \"1h\"\n[[outcome]]\nname = \"a\"\n{outcome}");
        let running = sim(&text).await;
        let mut client = transceiver(&running).await;
        let sm = Sm {
            validity_period: b"000000000100000R",
            registered_delivery,
            ..message(b"Bonjour")
        };
        let id = submit(&mut client, &sm).await;
        let expired = async { while query(&mut client, &id, SOURCE).await.1 != 3 {} };
        tokio::time::timeout(Duration::from_secs(20), expired).await.unwrap();
        assert_eq!(running.handle.totals().receipts_due, 0);
        drop(client);
        running.stop().await;
    }
}

#[tokio::test]
async fn scheduled_messages_are_delivered_later() {
    let running = sim(FAST).await;
    let mut client = transceiver(&running).await;
    let cases = [
        ("000000003000000R".to_owned(), "", "DELIVRD", true),
        (absolute(30, 4), "", "DELIVRD", true),
        (absolute(-60, 0), "", "DELIVRD", false),
        ("000000010000000R".to_owned(), "000000003000000R", "EXPIRED", true),
    ];
    for (place, (schedule, validity, stat, waits)) in cases.iter().enumerate() {
        let sm = Sm {
            schedule_delivery_time: schedule.as_bytes(),
            validity_period: validity.as_bytes(),
            ..message(b"Bonjour")
        };
        submit(&mut client, &sm).await;
        let receipt = client.receive().await.unwrap();
        let said = String::from_utf8_lossy(&receipt.text).into_owned();
        client.queue_acknowledgement(receipt.sequence);
        assert!(said.contains(&format!("stat:{stat}")), "{schedule}: {said}");
        // Half an hour is 300 ms; absolute times have seconds, which are less than 1 ms.
        let took = took(&running, place);
        assert!(!waits || took >= Duration::from_millis(295), "{schedule} took {took:?}");
    }
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn times_without_the_standards_form_are_refused() {
    let running = sim("").await;
    let mut client = transceiver(&running).await;
    let (schedule, expiry) = (CommandStatus::ESME_RINVSCHED, CommandStatus::ESME_RINVEXPIRY);
    let cases = [
        ("tomorrow", "", schedule),
        ("261322160111000+", "", schedule),
        ("soon", "later", schedule),
        ("", "tomorrow", expiry),
        ("", "000000010000000", expiry),
        ("", "261122250000000+", expiry),
        ("", "200101000000000+", expiry),
        ("", "000000000000000R", expiry),
    ];
    for (schedule, validity, status) in cases {
        let sm = Sm {
            schedule_delivery_time: schedule.as_bytes(),
            validity_period: validity.as_bytes(),
            ..message(b"Bonjour")
        };
        client.queue_with(|out| sm.encode_submit(out, 2));
        let answer = client.ask_for().await;
        assert!(matches!(raw(&answer).decode(), Ok(Pdu::SubmitSmResp(_))));
        assert_eq!(raw(&answer).header.command_status, status, "{schedule:?} {validity:?}");
    }
    let totals = running.handle.totals();
    assert_eq!((totals.rejected, totals.messages), (8, 0), "none is an attempt");
    assert_eq!(
        (
            totals.by_outcome["refused_schedule"],
            totals.by_outcome["refused_expiry"]
        ),
        (3, 5)
    );
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn an_expired_message_says_so_to_wireshark_too() {
    if tshark::skipped() {
        return;
    }
    let running = sim(&format!("{FAST}[receipt]\ndelay = \"1h\"")).await;
    let mut client = transceiver(&running).await;
    let sm = Sm {
        validity_period: b"000000000100000R",
        ..message(b"Bonjour")
    };
    submit(&mut client, &sm).await;
    let octets = client.receive_octets().await.unwrap();
    let decoded = tshark::decode(&[octets]);
    assert_eq!(decoded[0][0].number("smpp.message_state"), Some(3), "{decoded:?}");
    drop(client);
    running.stop().await;
}
