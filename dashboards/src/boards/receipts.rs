//! Receipts: what they say, how late they are, and which match nothing.

use campanile::METRICS as M;

use crate::board::Board;
use crate::panel::Panel;
use crate::query::{max, of, quantile, rate, rates, sum};

const SMSC: &str = "smsc=~\"$smsc\"";

pub(super) fn board() -> Board {
    Board::new(
        "receipts",
        "Campanile: receipts",
        "What SMSCs report: by outcome, how long after the answer, compared with each other, and what matches nothing.",
    )
    .variable("smsc", "SMSC", M.submits_total.name)
    .row("Outcome", outcome())
    .row("Latency", latency())
    .folded_row("Matching", matching())
}

fn share(labels: &str) -> String {
    let of_all = |more: &str| rates("smsc", M.messages_total.name, &format!("{SMSC}, {more}"));
    format!("{} / {}", of_all(labels), of_all("status!=\"transmitted\""))
}

fn outcome() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "Receipts by outcome",
            "ops",
            "Receipts by what they say, a second; what is no standard word is other.",
        )
        .shows(rates("stat", M.receipts_total.name, SMSC), "{{stat}}"),
        Panel::lines(
            "Delivered, by SMSC",
            "percentunit",
            "Of the messages that ended, the share that was delivered: SMSCs compared.",
        )
        .good_from(0.9)
        .shows(share("status=\"delivered\""), "{{smsc}}"),
        Panel::lines(
            "Unknown numbers",
            "percentunit",
            "Of the messages that ended, the share to numbers that are not there: the quality of lists.",
        )
        .orange(0.1)
        .shows(share("status=\"unknown_number\""), "{{smsc}}"),
        Panel::lines("Recredited", "ops", "Messages whose credit was given back, a second.").shows(
            rates("smsc", M.messages_total.name, &format!("{SMSC}, status=\"recredited\"")),
            "{{smsc}}",
        ),
    ]
}

fn latency() -> Vec<Panel> {
    let latency = M.receipt_latency_seconds.name;
    let buckets = sum("le", &rate(&format!("{latency}_bucket"), SMSC));
    vec![
        Panel::heatmap(
            "Time to the receipt",
            "s",
            "From the answer to the final receipt, as a histogram over time.",
        )
        .width(12)
        .shows(buckets, "{{le}}"),
        Panel::lines(
            "Time to the receipt, by SMSC",
            "s",
            "From the answer to the final receipt: half and 95 of 100 are quicker.",
        )
        .width(12)
        .orange(180.0)
        .shows(quantile(0.5, "smsc", latency, SMSC), "{{smsc}} p50")
        .shows(quantile(0.95, "smsc", latency, SMSC), "{{smsc}} p95"),
        Panel::lines(
            "Acknowledging",
            "s",
            "From deliver_sm to its answer, what it brought being stored: 95 and 99 of 100 are quicker.",
        )
        .width(12)
        .orange(0.5)
        .red(1.0)
        .shows(quantile(0.95, "", M.receipt_ack_seconds.name, ""), "p95")
        .shows(quantile(0.99, "", M.receipt_ack_seconds.name, ""), "p99"),
        Panel::lines(
            "From submission to settled",
            "s",
            "From submit_sm to the final receipt stored: half and 95 of 100 are quicker.",
        )
        .width(12)
        .shows(quantile(0.5, "", M.submitted_to_settled_seconds.name, ""), "p50")
        .shows(quantile(0.95, "", M.submitted_to_settled_seconds.name, ""), "p95"),
    ]
}

fn matching() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Parked, by reason",
            "ops",
            "Receipts that match no message, by reason, a second. no_room: lost.",
        )
        .orange(1.0)
        .shows(
            rates("smsc, reason", M.receipts_parked_total.name, SMSC),
            "{{smsc}} {{reason}}",
        ),
        Panel::lines(
            "Not reported yet",
            "short",
            "Messages that SMSCs took and that have no final receipt, and those of which it should be there (engine.receipt_overdue).",
        )
        .shows(max("smsc", &of(M.receipts_pending.name, SMSC)), "{{smsc}} pending")
        .shows(max("smsc", &of(M.receipts_overdue.name, SMSC)), "{{smsc}} overdue"),
        Panel::lines(
            "Oldest without a receipt",
            "s",
            "How long ago the oldest message was taken whose final receipt has not come.",
        )
        .shows(
            max("smsc", &of(M.receipts_pending_oldest_age_seconds.name, SMSC)),
            "{{smsc}}",
        ),
        Panel::lines("Parked now", "short", "Recipients with receipts that are parked.")
            .orange(1_000.0)
            .shows(max("", &of(M.receipts_parked.name, "")), "recipients"),
        Panel::lines(
            "Second copies and inbound",
            "ops",
            "Second copies of receipts, and inbound messages that are none, a second.",
        )
        .shows(
            rates("smsc", M.receipt_duplicates_total.name, SMSC),
            "{{smsc}} second copies",
        )
        .shows(rates("smsc", M.inbound_total.name, SMSC), "{{smsc}} inbound"),
    ]
}
