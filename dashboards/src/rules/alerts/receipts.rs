//! Alerts about receipts.

use campanile::METRICS as M;

use super::*;

/// All of them.
pub(super) fn all() -> Vec<Alert> {
    [unmatched(), missing(), late()].into_iter().flatten().collect()
}

fn unmatched() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let parked = M.receipts_parked_total.name;
    vec![
        alert(
            "ReceiptsLost",
            Critical,
            (
                format!("sum by (job, smsc) (increase({parked}{{reason=\"no_room\"}}[10m])) > 0"),
                "1m",
            ),
            rising(north(parked, "reason=\"no_room\""), 1, 1, 10),
        )
        .says(
            "Receipts of {{ $labels.smsc }} are lost",
            "The place for receipts that match nothing is full, and those of {{ $labels.smsc }} are dropped.",
        )
        .on("receipts"),
        alert(
            "ReceiptsParked",
            Warning,
            (
                format!("sum by (job, smsc) (rate({parked}{{reason!=\"early\"}}[5m])) > 1"),
                "5m",
            ),
            rising(north(parked, "reason=\"unknown_id\""), 120, 5, 5),
        )
        .says(
            "Receipts of {{ $labels.smsc }} match no message",
            "More than one a second: its ids are written in another way, or the messages are somebody else's.",
        )
        .on("receipts"),
    ]
}

/// None is waited for longer than three days, so what is overdue was taken within them.
fn missing() -> Vec<Alert> {
    let overdue = format!("max by (job, smsc) ({})", M.receipts_overdue.name);
    let taken = format!(
        "sum by (job, smsc) (increase({}{{status=\"transmitted\"}}[3d]))",
        M.messages_total.name
    );
    vec![
        alert(
            "ReceiptsMissing",
            Severity::Warning,
            (format!("({overdue} > 10) and ({overdue} > 0.01 * {taken})"), "10m"),
            gauge(north(M.receipts_overdue.name, ""), "3", "400", 10)
                .with(north(M.messages_total.name, "status=\"transmitted\""), "0+100x60"),
        )
        .says(
            "Receipts of {{ $labels.smsc }} do not come",
            "More than one of a hundred messages that {{ $labels.smsc }} took in three days has no receipt although its validity is over.",
        )
        .on("receipts"),
    ]
}

fn late() -> Vec<Alert> {
    use Severity::Warning;
    let slow = format!(
        "histogram_quantile(0.95, sum by (job, smsc, le) (rate({}_bucket[30m]))) > 600",
        M.receipt_latency_seconds.name
    );
    let bucket = |bound: &str| {
        north(
            &format!("{}_bucket", M.receipt_latency_seconds.name),
            &format!("le=\"{bound}\""),
        )
    };
    vec![
        alert(
            "ReceiptLatencyHigh",
            Warning,
            (slow, "10m"),
            Trial::new(29, 70, 200)
                .with(bucket("60"), "0+60x29 1740x60 1740+60x180")
                .with(bucket("3600"), "0+60x300")
                .with(bucket("+Inf"), "0+60x300"),
        )
        .says(
            "Receipts of {{ $labels.smsc }} come late",
            "One receipt of twenty of {{ $labels.smsc }} comes more than ten minutes after the answer.",
        )
        .on("receipts"),
        alert(
            "SettlingBehind",
            Warning,
            (format!("max by (job, instance) ({}) > 1", M.settle_lag_seconds.name), "2m"),
            gauge(one(M.settle_lag_seconds.name, ""), "0", "3", 2),
        )
        .says(
            "Answers and receipts are settled late",
            "What {{ $labels.instance }} has read waits for more than a second to be stored: Redis or the processor is too slow.",
        )
        .on("internals"),
    ]
}
