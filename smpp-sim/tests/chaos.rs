//! A client that believes nothing against an SMSC that does everything wrong: what was accepted is receipted in the end.

use std::time::Duration;

use crate::common::raw::{Frame, Raw};
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, CommandId, HEADER_LENGTH};
use smpp_sim::{Options, Running, Scenario};

/// Nothing in these tests takes that long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PDU that is not whole by then is taken for a lie about its length, wherever there is more to do.
const SILENCE: Duration = Duration::from_millis(200);

const SUBMITS: u64 = 20_000;

const WINDOW: u32 = 100;

fn over(running: &Running) -> bool {
    let totals = running.handle.totals();
    totals.submits >= SUBMITS && totals.receipts_acked == totals.receipts_due
}

/// One session: binds, submits as long as there are submits to make, acknowledges, until something makes no sense.
async fn session(running: &Running, next: &mut u64) {
    let mut raw = Raw::connect(running.smpp_addr).await;
    raw.bind(BindKind::Transceiver);
    let mut unanswered = 0u32;
    while raw.try_flush().await && !over(running) {
        let Ok(Some(frame)) = tokio::time::timeout(SILENCE, raw.next()).await else {
            return;
        };
        if frame.octets.len() < HEADER_LENGTH || !is_plausible(&frame) {
            return;
        }
        if frame.command == CommandId::DELIVER_SM && frame.sequence < 0x7000_0000 {
            raw.empty(CommandId::DELIVER_SM_RESP, frame.sequence);
        } else if frame.command == CommandId::BIND_TRANSCEIVER_RESP && frame.status != CommandStatus::ESME_ROK {
            return;
        } else {
            unanswered = unanswered.saturating_sub(1);
        }
        while unanswered < WINDOW && *next < SUBMITS {
            let recipient = (33_600_000_000 + *next).to_string();
            raw.submit(*next as u32 + 1, &recipient, (0, b"Bonjour"));
            (*next, unanswered) = (*next + 1, unanswered + 1);
        }
    }
}

fn is_plausible(frame: &Frame) -> bool {
    frame.command.is_standard() || frame.command == CommandId::GENERIC_NACK
}

#[tokio::test]
async fn what_chaos_accepts_it_receipts() {
    let mut scenario = Scenario::named("chaos").unwrap_or_else(|faults| panic!("{faults}"));
    scenario.time_scale = 1_000.0;
    let seed = scenario.seed;
    let running = smpp_sim::start(scenario, Options::ephemeral())
        .await
        .expect("free ports");
    let (mut next, mut sessions) = (0, 0);
    let life = async {
        while !over(&running) {
            session(&running, &mut next).await;
            sessions += 1;
            // What a session took with it when it ended is to be made up for.
            if next >= SUBMITS {
                next = running.handle.totals().submits.min(SUBMITS);
            }
        }
    };
    let lived = tokio::time::timeout(PATIENCE, life).await;
    let totals = running.handle.totals();
    assert!(lived.is_ok(), "seed {seed}: {totals:?}");
    assert!(sessions > 5, "seed {seed}: nothing happened");
    assert!(
        totals.receipts_due > SUBMITS / 2 && totals.duplicates > 0,
        "seed {seed}: {totals:?}"
    );
    running.handle.close_sessions();
    running.stop().await;
}
