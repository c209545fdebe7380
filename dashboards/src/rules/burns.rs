//! Tests for promtool: the budget of each objective burns by everything that it counts as bad.

use campanile::METRICS as M;

use super::trials::{Pace, expects, input};

/// Nothing for twenty minutes, then sixty a minute.
const BAD: &str = "0x19 0+60x60";
/// Sixty a minute from the beginning on.
const GOOD: &str = "0+60x80";
const NONE: &str = "0x80";

/// A metric, its labels and its values.
type Counted = (String, &'static str, &'static str);

/// An objective, what is bad in its case, and what is counted then.
type Case = (&'static str, &'static str, Vec<Counted>);

fn cases() -> Vec<Case> {
    let part = |metric: &str, end: &str| format!("{metric}_{end}");
    let (queued, acknowledged) = (M.time_in_queue_seconds.name, M.receipt_ack_seconds.name);
    let late = vec![
        (part(queued, "bucket"), "lane=\"transactional\", le=\"60\"", NONE),
        (part(queued, "count"), "lane=\"transactional\"", BAD),
    ];
    let slow = vec![
        (part(acknowledged, "bucket"), "le=\"1\"", NONE),
        (part(acknowledged, "count"), "", BAD),
    ];
    let requests = M.http_requests_total.name.to_owned();
    let lost = |receipts, messages| {
        vec![
            (M.receipts_total.name.to_owned(), "smsc=\"north\"", GOOD),
            (M.leased_messages_total.name.to_owned(), "smsc=\"north\"", GOOD),
            (M.receipts_parked_total.name.to_owned(), "reason=\"no_room\"", receipts),
            (M.misplaced_messages_total.name.to_owned(), "found=\"lost\"", messages),
        ]
    };
    vec![
        ("delivery_to_the_wire", "late", late),
        ("receipts_settled", "slow", slow),
        ("api", "failed", vec![(requests, "code=\"500\"", BAD)]),
        ("nothing_lost", "receipts", lost(BAD, NONE)),
        ("nothing_lost", "messages", lost(NONE, BAD)),
    ]
}

/// Each case in a job of its own: its budget does not burn before it begins, and burns then.
pub(super) fn burns() -> String {
    let mut text = Pace::Minutes.head();
    text +=
        "  - name: the budget of each objective burns by what it counts as bad\n    interval: 1m\n    input_series:\n";
    let cases = cases();
    for (objective, what, series) in &cases {
        for (metric, labels, values) in series {
            let labels = if labels.is_empty() {
                String::new()
            } else {
                format!(", {labels}")
            };
            let series = format!("{metric}{{job=\"{objective}-{what}\", instance=\"a\"{labels}}}");
            text += &input(&series, values);
        }
    }
    text += "    promql_expr_test:\n";
    for (objective, what, _) in &cases {
        let firing = format!(
            "count(ALERTS{{alertname=\"ErrorBudgetBurnsFast\", alertstate=\"firing\", window=\"1h\", \
             objective=\"{objective}\", job=\"{objective}-{what}\"}}) or vector(0)"
        );
        text += &expects(&firing, 15, 0);
        text += &expects(&firing, 60, 1);
    }
    text
}
