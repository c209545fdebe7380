//! The ledger and the controls over HTTP.

use crate::common::{Client, http, json, recipients, sim};
use smpp::frame::{BindKind, CommandId};

#[tokio::test]
async fn the_ledger_tells_what_happened() {
    let running = sim("name = \"test\"").await;
    let address = running.http_addr;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    client.exchange(&recipients(33_600_000_000, 2500), 2500).await;
    let totals = json(address, "GET /wait?accepted=2500&receipts_acked=2500&timeout=20s", "").await;
    assert_eq!(
        (totals["submits"].as_u64(), totals["by_stat"]["DELIVRD"].as_u64()),
        (Some(2500), Some(2500))
    );
    assert_eq!(json(address, "GET /ledger/totals", "").await["receipts_due"], 2500);

    let (_, ledger) = http(address, "GET /ledger", "").await;
    let rows: Vec<serde_json::Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2500);
    assert_eq!(
        (&rows[7]["recipient"], &rows[7]["receipts_acked"]),
        (&"33600000007".into(), &1.into())
    );
    let (_, some) = http(address, "GET /ledger?from=2000&limit=3", "").await;
    assert_eq!(some.lines().count(), 3);
    let (_, one) = http(address, "GET /ledger?recipient=33600000042", "").await;
    assert!(one.lines().count() == 1 && one.contains("\"sequence\":42"));

    let rates = json(address, "GET /ledger/rates", "").await;
    assert_eq!(
        (&rates["accounts"][0]["account"], &rates["accounts"][0]["submits"]),
        (&"campanile".into(), &2500.into())
    );
    let sessions = json(address, "GET /sessions", "").await;
    assert_eq!(
        (&sessions[0]["account"], &sessions[0]["bind"]),
        (&"campanile".into(), &"transceiver".into())
    );
    let (_, metrics) = http(address, "GET /metrics", "").await;
    assert!(
        metrics.contains("smppsim_submits_total{account=\"campanile\",smsc=\"default\"} 2500"),
        "{metrics}"
    );
    assert!(
        metrics.contains("smppsim_answers_total{command_status=\"ESME_ROK\",smsc=\"default\"} 2500"),
        "{metrics}"
    );
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn waiting_ends_in_time_and_names_what_it_does_not_know() {
    let running = sim("").await;
    let address = running.http_addr;
    assert_eq!(http(address, "GET /wait?accepted=1&timeout=50ms", "").await.0, 408);
    let (status, body) = http(address, "GET /wait?acepted=1", "").await;
    assert!(status == 400 && body.contains("acepted"), "{status} {body}");
    assert_eq!(http(address, "GET /wait?accepted=1&timeout=1h", "").await.0, 400);
    running.stop().await;
}

#[tokio::test]
async fn an_inbound_message_is_an_ordinary_deliver_sm() {
    let running = sim("").await;
    let address = running.http_addr;
    let order = r#"{"from":"33612345678","to":"36034","text":"STOP"}"#;
    assert_eq!(
        http(address, "POST /inbound", order).await.0,
        409,
        "nobody has bound yet"
    );
    let mut client = Client::bound(running.smpp_addr, BindKind::Receiver).await;
    json(address, "POST /inbound", order).await;
    let stop = client.receive().await.unwrap();
    assert_eq!(
        (stop.command, stop.esm_class, &stop.text[..]),
        (CommandId::DELIVER_SM, 0, &b"STOP"[..])
    );
    client.queue_acknowledgement(stop.sequence);
    client.flush().await;
    json(address, "GET /wait?inbound_acked=1", "").await;
    assert_eq!(json(address, "GET /inbound", "").await[0]["acked"], 1);
    assert_eq!(http(address, "POST /inbound", "{\"from\":1}").await.0, 400);
    drop(client);
    running.stop().await;
}

#[tokio::test]
async fn sessions_scenario_and_ledger_are_controlled() {
    let running = sim("").await;
    let address = running.http_addr;
    let mut client = Client::bound(running.smpp_addr, BindKind::Transmitter).await;
    client.exchange(&recipients(33_600_000_000, 3), 0).await;
    assert_eq!(
        json(address, "POST /scenario?name=silent", "").await["scenario"],
        "silent"
    );
    assert_eq!(json(address, "GET /scenario", "").await["name"], "silent");
    let (status, faults) = http(address, "POST /scenario", "seed = \"x\"\nfoo = 1").await;
    assert!(status == 422 && faults.contains("scenario.toml:1: seed") && faults.contains("scenario.toml:2: foo"));
    client.queue(9, "33612345678", b"x", 0);
    client.flush().await;
    let totals = json(address, "GET /wait?unanswered=1", "").await;
    assert_eq!((&totals["accepted"], &totals["answered"]), (&4.into(), &3.into()));
    assert_eq!(json(address, "POST /sessions/close", "").await["closed"], 1);
    assert_eq!(client.receive().await, None);
    json(address, "POST /reset", "").await;
    assert_eq!(json(address, "GET /ledger/totals", "").await["submits"], 0);
    running.stop().await;
}
