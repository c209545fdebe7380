use super::*;
use crate::model::{Defaults, Outcome, Stat};
use crate::number::Numbers;
use crate::version::Version;
use smpp::command_status::CommandStatus;

fn ledger(limits: LedgerLimits) -> (Ledger, Numbers) {
    (Ledger::new(limits, 1000, false), Numbers::default())
}

fn arrival(numbers: &mut Numbers, now_us: u64, recipient: &str) -> Arrival<'static> {
    Arrival {
        now_us,
        account: 0,
        session: 1,
        source: numbers.number(b"CLINIQUE"),
        recipient: numbers.number(recipient.as_bytes()),
        ton_npi: [5, 0, 1, 1],
        place: (1, 1),
        data_coding: 0,
        text: b"Bonjour",
        udhi: false,
        registered_delivery: 1,
        service: 0,
        alphabet: smpp::text::Alphabet::Gsm7,
        extras: Extras::default(),
        of_multi: 0,
        version: Version::V34,
    }
}

fn delivered() -> Decision {
    Decision {
        id: None,
        outcome: 0,
        attempt: 1,
        accepted: true,
        status: CommandStatus::ESME_ROK,
        answered: true,
        stat: Some(Stat::Delivrd),
        due: 1,
        injected: None,
        final_after_us: Some(1_000),
        expires: false,
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
        "receipt_acked_at_us": 3000, "fault": null, "cancelled_at_us": null, "replaced": 0, "validity_period": null, "data_coding": 0, "text": "Bonjour",
        "service_type": "", "priority_flag": 0, "schedule_delivery_time": null, "tlvs": [], "ton_npi": [5, 0, 1, 1],
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
    assert_eq!(ledger.id(row), 1000);
}

#[test]
fn rows_are_found_across_blocks_and_pages() {
    let (mut ledger, mut numbers) = ledger(LedgerLimits::default());
    let count = BLOCK_ROWS as usize + 10;
    for place in 0..count {
        let recipient = (33_600_000_000 + place).to_string();
        ledger.push(&arrival(&mut numbers, place as u64, &recipient), delivered());
    }
    assert_eq!(ledger.next, count as u64);
    let (accounts, outcomes) = (vec!["a".to_owned()], vec![Outcome::delivered(&Defaults::default())]);
    let names = Names {
        accounts: &accounts,
        outcomes: &outcomes,
    };
    let mut page = Page::new(Filter {
        from: Some(count - 15),
        limit: Some(12),
        ..Filter::default()
    });
    let mut sequences = Vec::new();
    while let Some(lines) = ledger.lines(&mut page, 7, (&names, &numbers)) {
        sequences.extend(lines.iter().map(|line| line.sequence as usize));
    }
    assert_eq!(sequences, (count - 15..count - 3).collect::<Vec<_>>());
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
        keep: Keep::All,
        text_bytes_max: 0,
        ..LedgerLimits::default()
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
    assert_eq!(std::mem::size_of::<Row>(), 96, "what the documents say of a row");
}

/// Answered and receipted, but for every tenth.
fn nine_of_ten_finished(ledger: &mut Ledger, numbers: &mut Numbers, count: u64) {
    for place in 0..count {
        let row = ledger.push(
            &arrival(numbers, place, &(33_600_000_000 + place).to_string()),
            delivered(),
        );
        ledger.answered(row, place);
        if place % 10 > 0 {
            ledger.receipt_sent(row, false, place);
            ledger.receipt_acked(row, place);
        }
    }
}

#[test]
fn the_ring_drops_finished_rows_only_and_counts_them_for_ever() {
    let limits = LedgerLimits {
        rows_max: 1_000,
        text_bytes_max: 2 << 20,
        ..LedgerLimits::default()
    };
    let (mut ledger, mut numbers) = ledger(limits);
    let count = 10 * BLOCK_ROWS;
    nine_of_ten_finished(&mut ledger, &mut numbers, count);
    assert!(!ledger.is_full() && ledger.blocks.len() <= 2);
    let (accounts, outcomes) = (vec!["a".to_owned()], vec![Outcome::delivered(&Defaults::default())]);
    let names = Names {
        accounts: &accounts,
        outcomes: &outcomes,
    };
    let sequences = |ledger: &Ledger| {
        let mut page = Page::new(Filter::default());
        let mut sequences = Vec::new();
        while let Some(lines) = ledger.lines(&mut page, 777, (&names, &numbers)) {
            sequences.extend(lines.iter().map(|line| line.sequence));
        }
        sequences
    };
    let shown: Vec<u64> = (0..count)
        .filter(|place| place % 10 == 0 || place + 1_000 >= count)
        .collect();
    assert_eq!(sequences(&ledger), shown);
    assert_eq!(ledger.totals(&names).submits, count);
    assert_eq!(ledger.rates(&accounts)[0].submits, count);

    // A receipt that comes late finds its row, text and id.
    assert_eq!(ledger.id(10), 1_010);
    assert_eq!(ledger.row(10).and_then(|row| ledger.text(row)), Some(&b"Bonjour"[..]));
    ledger.receipt_acked(10, count);
    assert!(ledger.row(10).is_none());
    let late: Vec<u64> = ledger.late.keys().copied().collect();
    late.into_iter().for_each(|place| ledger.receipt_refused(place as u32));
    assert!(ledger.late.is_empty());
    let unfinished = (ledger.first..count - 1_000).filter(|place| place % 10 == 0).count();
    assert_eq!(sequences(&ledger).len(), 1_000 + unfinished);
}

#[test]
fn too_many_that_wait_fill_the_ledger() {
    let limits = LedgerLimits {
        rows_max: 1,
        pending_max: 100,
        ..LedgerLimits::default()
    };
    let (mut ledger, mut numbers) = ledger(limits);
    let pushed = (0..100_000u64).take_while(|&at| {
        let room = !ledger.is_full();
        if room {
            ledger.push(&arrival(&mut numbers, at, "33612345678"), delivered());
        }
        room
    });
    assert!(pushed.count() < 4 * BLOCK_ROWS as usize);
}

#[test]
fn places_go_round_after_32_bits() {
    let (mut ledger, mut numbers) = ledger(LedgerLimits::default());
    (ledger.next, ledger.first) = (1 << 32, 1 << 32);
    let row = ledger.push(&arrival(&mut numbers, 5, "33612345678"), delivered());
    assert_eq!((row, ledger.row(row).map(|row| row.received_at_us)), (0, Some(5)));
    assert!(ledger.row(1).is_none(), "not there yet, or dropped long ago");
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

#[test]
fn books_agree_whatever_is_cancelled_and_replaced() {
    let (mut ledger, mut numbers) = ledger(LedgerLimits::default());
    let replacement = |due, stat| Replacement {
        text: b"Bonsoir",
        validity_period: b"000002000000000R",
        registered_delivery: 1,
        due,
        stat,
    };
    for _ in 0..3 {
        let decision = Decision { due: 2, ..delivered() };
        ledger.push(&arrival(&mut numbers, 1_000, "33612345678"), decision);
    }
    ledger.delete(0, 1_500, 1);
    ledger.replace(1, replacement(0, None));
    ledger.replace(2, replacement(3, Some(Stat::Delivrd)));
    let row = |place| {
        let row = ledger.row(place)?;
        Some((row.due, row.is_receipt_valid(), row.is_final(1_999)))
    };
    assert_eq!(
        [row(0), row(1), row(2)],
        [Some((1, true, true)), Some((0, false, false)), Some((3, true, false))]
    );
    assert!((0..3).all(|place| ledger.row(place).is_some_and(|row| row.is_final(2_000))));
    assert_eq!((ledger.counters.receipts_due, ledger.counters.duplicates), (4, 2));
    assert_eq!((ledger.counters.cancelled, ledger.counters.replaced), (1, 2));
    assert_eq!(ledger.row(1).and_then(|row| ledger.text(row)), Some(&b"Bonsoir"[..]));
}
