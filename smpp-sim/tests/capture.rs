//! The capture, read by a dissector that is not ours.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

use crate::common::tshark;
use crate::common::{Client, recipients};
use smpp::frame::BindKind;
use smpp_sim::{Options, Scenario};

/// One field of every frame that passes the filter.
fn fields(file: &std::path::Path, port: u16, filter: &str, field: &str) -> Vec<String> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args([
            "-d",
            &format!("tcp.port=={port},smpp"),
            "-Y",
            filter,
            "-T",
            "fields",
            "-e",
            field,
        ])
        .output()
        .expect("tshark is needed: scripts/install-peers.sh installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .split([',', '\n'])
        .filter(|value| !value.is_empty())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn wireshark_sees_what_the_ledger_counts() {
    if tshark::skipped() {
        return;
    }
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("all.pcapng");
    let mut options = Options::ephemeral();
    options.capture = Some(file.clone());
    let running = smpp_sim::start(Scenario::healthy(), options).await.unwrap();
    let mut client = Client::bound(running.smpp_addr, BindKind::Transceiver).await;
    client.exchange(&recipients(33_600_000_000, 700), 700).await;
    let goals = vec![("receipts_acked".to_owned(), 700)];
    running.handle.wait(&goals, std::time::Duration::from_secs(20)).await;
    let totals = running.handle.totals();
    let port = running.smpp_addr.port();
    drop(client);
    running.stop().await;

    let commands = fields(&file, port, "smpp", "smpp.command_id");
    let count = |command: &str| commands.iter().filter(|known| *known == command).count() as u64;
    assert_eq!(
        (count("0x00000004"), count("0x80000004")),
        (totals.submits, totals.answered)
    );
    assert_eq!(
        (count("0x00000005"), count("0x80000005")),
        (totals.receipts_sent, totals.receipts_acked)
    );
    assert_eq!((count("0x00000009"), count("0x80000009")), (1, 1));
    // A retransmission, a gap or a wrong acknowledgement would be flagged.
    let flagged = fields(
        &file,
        port,
        "_ws.malformed || tcp.analysis.flags || tcp.checksum.status == 0",
        "frame.number",
    );
    assert!(flagged.is_empty(), "{flagged:?}");
}
