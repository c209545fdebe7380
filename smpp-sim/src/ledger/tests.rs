use smpp::command_status::CommandStatus;

use super::*;
use crate::number::Numbers;
use crate::outcome::{Defaults, Outcome};

fn ledger(limits: LedgerLimits) -> (Ledger, Numbers) {
    (Ledger::new(limits, 1000), Numbers::default())
}

fn arrival(numbers: &mut Numbers, now_us: u64, recipient: &str) -> Arrival<'static> {
    Arrival {
        now_us,
        account: 0,
        session: 1,
        source: numbers.number(b"CLINIQUE"),
        recipient: numbers.number(recipient.as_bytes()),
        plans: [5, 0, 1, 1],
        place: (1, 1),
        data_coding: 0,
        text: b"Bonjour",
    }
}

fn delivered() -> Decision {
    Decision {
        outcome: 0,
        attempt: 1,
        accepted: true,
        status: CommandStatus::ESME_ROK,
        stat: Some(Stat::Delivrd),
        due: 1,
    }
}

#[test]
fn a_row_tells_a_messages_whole_life() {
    let (mut ledger, mut numbers) = ledger(LedgerLimits::default());
    let row = ledger.push(&arrival(&mut numbers, 1_000, "33612345678"), delivered());
    ledger.answered(row, 1_500);
    ledger.receipt_sent(row, false, 2_000);
    ledger.receipt_sent(row, true, 2_500);
    ledger.receipt_acked(row, 3_000);
    let (accounts, outcomes) = (
        vec!["campanile".to_owned()],
        vec![Outcome::delivered(&Defaults::default())],
    );
    let names = Names {
        accounts: &accounts,
        outcomes: &outcomes,
    };
    let lines = ledger
        .lines(&mut Page::new(Filter::default()), 10, (&names, &numbers))
        .unwrap();
    let line = serde_json::to_value(&lines[0]).unwrap();
    let expected = serde_json::json!({
        "sequence": 0, "account": "campanile", "session": 1, "source": "CLINIQUE", "recipient": "33612345678",
        "attempt": 1, "part": 1, "total": 1, "message_id": "1000", "received_at_us": 1000, "accepted_at_us": 1000,
        "answered_at_us": 1500, "command_status": 0, "status": "ESME_ROK", "outcome": "delivered", "stat": "DELIVRD",
        "receipts_due": 1, "receipts_sent": 1, "receipts_acked": 1, "receipt_sent_at_us": 2500,
        "receipt_acked_at_us": 3000, "data_coding": 0, "text": "Bonjour",
    });
    assert_eq!(line, expected);
    let totals = ledger.totals(&names);
    assert_eq!(
        (totals.receipts_sent, totals.receipts_resent, totals.receipts_acked),
        (1, 1, 1)
    );
    assert_eq!(
        (totals.submits, totals.accepted, totals.answered, totals.unanswered),
        (1, 1, 1, 0)
    );
    assert_eq!(totals.by_stat["DELIVRD"], 1);
    assert_eq!(ledger.place(1000), Some(0));
    assert_eq!(ledger.place(1001), None);
}

#[test]
fn rows_are_found_across_blocks_and_pages() {
    let (mut ledger, mut numbers) = ledger(LedgerLimits::default());
    let count = BLOCK_ROWS + 10;
    for place in 0..count {
        let recipient = (33_600_000_000 + place).to_string();
        ledger.push(&arrival(&mut numbers, place as u64, &recipient), delivered());
    }
    assert_eq!(ledger.len(), count);
    let (accounts, outcomes) = (vec!["a".to_owned()], vec![Outcome::delivered(&Defaults::default())]);
    let names = Names {
        accounts: &accounts,
        outcomes: &outcomes,
    };
    let mut page = Page::new(Filter {
        from: Some(BLOCK_ROWS - 5),
        limit: Some(12),
        ..Filter::default()
    });
    let mut sequences = Vec::new();
    while let Some(lines) = ledger.lines(&mut page, 7, (&names, &numbers)) {
        sequences.extend(lines.iter().map(|line| line.sequence as usize));
    }
    assert_eq!(sequences, (BLOCK_ROWS - 5..BLOCK_ROWS + 7).collect::<Vec<_>>());
    let mut page = Page::new(Filter {
        recipient: Some("33600000003".to_owned()),
        ..Filter::default()
    });
    assert_eq!(ledger.lines(&mut page, count, (&names, &numbers)).unwrap().len(), 1);
}

#[test]
fn limits_hold() {
    let (mut ledger, mut numbers) = ledger(LedgerLimits {
        rows_max: 2,
        text_bytes_max: 0,
    });
    let row = ledger.push(&arrival(&mut numbers, 1, "33612345678"), delivered());
    assert!(!ledger.is_full());
    ledger.push(&arrival(&mut numbers, 1, "33612345678"), delivered());
    assert!(ledger.is_full());
    assert_eq!(
        ledger.row(row).and_then(|row| ledger.text(row)),
        None,
        "there is no room for texts"
    );
    assert!(
        std::mem::size_of::<Row>() <= 100,
        "{} octets a row",
        std::mem::size_of::<Row>()
    );
}

#[test]
fn the_busiest_second_is_found_wherever_it_begins() {
    let (mut ledger, mut numbers) = ledger(LedgerLimits::default());
    // 10 within the second that begins at 0.9 s; no whole second has more than 6.
    let times = [0u64, 100, 900, 910, 920, 930, 1000, 1100, 1200, 1300, 1400, 1899, 3000];
    for at in times {
        ledger.push(&arrival(&mut numbers, at * 1000, "33612345678"), delivered());
    }
    let rates = ledger.rates(&["campanile".to_owned()]);
    assert_eq!((rates[0].max_per_second, rates[0].submits), (10, 13));
    assert_eq!((rates[0].first_us, rates[0].last_us), (0, 3_000_000));
    assert!((rates[0].mean_per_second - 4.0).abs() < 1e-9);
}
