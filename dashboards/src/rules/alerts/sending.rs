//! Alerts about what SMSCs answer, and how fast.

use campanile::METRICS as M;

use super::*;

/// All of them.
pub(super) fn all() -> Vec<Alert> {
    [refusals(), speed(), outcome(), hours()]
        .into_iter()
        .flatten()
        .collect()
}

fn refusals() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let rate = |metric: &str, labels: &str| format!("sum by (job, smsc) (rate({metric}{{{labels}}}[5m]))");
    let busy = rate(M.submits_total.name, "");
    let (errors, submits) = (M.submit_errors_total.name, M.submits_total.name);
    vec![
        alert(
            "SubmitErrorRatioHigh",
            Critical,
            (format!("({REFUSED} > 0.05) and ({busy} > 0.1)"), "5m"),
            Trial::new(9, 25, 100)
                .with(north(submits, "result=\"ok\""), "0+600x240")
                .with(north(submits, "result=\"error\""), "0x9 0+120x60 7200x180")
                .with(north(errors, "command_status=\"ESME_RSYSERR\""), "0x9 0+120x60 7200x180"),
        )
        .says(
            "{{ $labels.smsc }} refuses more than 5 % of what it is sent",
            "More than 5 % of the segments to {{ $labels.smsc }} are refused, for other reasons than the pace.",
        )
        .on("smscs"),
        alert(
            "CarrierThrottling",
            Warning,
            (format!("{} > 10", rate(errors, &format!("command_status=~\"{PACE}\""))), "5m"),
            rising(north(errors, "command_status=\"ESME_RTHROTTLED\""), 1_200, 5, 5),
        )
        .says(
            "{{ $labels.smsc }} says that it is sent too much",
            "More than ten segments a second are refused by {{ $labels.smsc }} for the pace: the configured rate is too high.",
        )
        .on("smscs"),
    ]
}

fn speed() -> Vec<Alert> {
    use Severity::Warning;
    let full = format!(
        "sum by (job, smsc) ({}) / sum by (job, smsc) ({} > 0) > 0.9",
        M.window_in_flight.name, M.window_effective.name
    );
    let more_waits = format!("sum by (job) ({WAITING}) > sum by (job) ({WAITING} offset 5m)");
    let slow = format!(
        "histogram_quantile(0.99, sum by (job, smsc, le) (rate({}_bucket[5m]))) > 2",
        M.submit_duration_seconds.name
    );
    let bucket = |bound: &str| {
        north(
            &format!("{}_bucket", M.submit_duration_seconds.name),
            &format!("le=\"{bound}\""),
        )
    };
    vec![
        alert(
            "WindowSaturated",
            Warning,
            (format!("({full}) and on (job) ({more_waits})"), "10m"),
            // Full twice; the second time, no more waits than before.
            Trial::new(4, 19, 28)
                .with(
                    north(M.window_in_flight.name, "bind=\"0\""),
                    "10x4 100x17 10x20 100x60 10x20",
                )
                .with(north(M.window_effective.name, "bind=\"0\""), "100x240")
                .with(one(WAITING, "reason=\"window\""), "0x4 0+100x17 1700x200")
                .then(60, 0)
                .then(80, 0),
        )
        .says(
            "The window of {{ $labels.smsc }} is full for ten minutes, and more and more waits",
            "More than 90 % of the window are used while the backlog grows: answers of {{ $labels.smsc }} limit the speed.",
        )
        .on("smscs"),
        alert(
            "SubmitLatencyHigh",
            Warning,
            (slow, "10m"),
            Trial::new(9, 30, 100)
                .with(bucket("0.1"), "0+60x9 540x60 540+60x180")
                .with(bucket("5"), "0+60x240")
                .with(bucket("+Inf"), "0+60x240"),
        )
        .says(
            "{{ $labels.smsc }} answers slowly",
            "One answer of a hundred of {{ $labels.smsc }} takes more than two seconds.",
        )
        .on("smscs"),
    ]
}

fn hours() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let (outside, until) = (
        M.submits_outside_hours_total.name,
        M.rule_pack_valid_until_timestamp_seconds.name,
    );
    vec![
        alert(
            "SendingOutsideWindow",
            Critical,
            (format!("sum by (job, smsc) (increase({outside}[15m])) > 0"), "0m"),
            rising(north(outside, ""), 1, 0, 15),
        )
        .says(
            "Advertising left outside the hours over {{ $labels.smsc }}",
            "{{ $labels.smsc }} accepted advertising that left outside the hours of its recipients. The log names the messages.",
        ),
        alert(
            "RulePackExpiring",
            Warning,
            (format!("min by (job, pack) ({until}) - time() < 30 * 86400"), "1h"),
            Trial::new(60, 1_530, 1_700).with(one(until, "pack=\"clinic\""), "2678400x1560 99999999x300"),
        )
        .says(
            "It is to be looked whether the rules of {{ $labels.pack }} are still the law",
            "Nobody has looked further than a month ahead of now, as its valid_until says. It holds on until it is changed.",
        ),
    ]
}

fn outcome() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let rate = |metric: &str, labels: &str| format!("sum by (job, smsc) (rate({metric}{{{labels}}}[5m]))");
    let busy = rate(M.submits_total.name, "");
    let submits = M.submits_total.name;
    vec![
        alert(
            "UnknownOutcomeMessages",
            Warning,
            (
                format!(
                    "sum by (job, smsc) (increase({}[10m])) > 0",
                    M.submit_unknown_outcome_total.name
                ),
                "1m",
            ),
            rising(north(M.submit_unknown_outcome_total.name, ""), 5, 1, 10),
        )
        .says(
            "Messages to {{ $labels.smsc }} are in doubt",
            "Nobody knows whether {{ $labels.smsc }} took them: the connection broke, or no answer came in time.",
        )
        .on("smscs"),
        alert(
            "DeliveryRatioDrop",
            Critical,
            (
                format!("({DELIVERED_RECENTLY} < 0.6 * {DELIVERED_USUALLY}) and ({busy} > 0.1)"),
                "10m",
            ),
            Trial::new(300, 370, 500)
                .with(north(submits, "result=\"ok\""), "0+600x600")
                .with(
                    north(M.messages_total.name, "status=\"delivered\""),
                    "0+570x300 171000x80 171000+570x220",
                )
                .with(
                    north(M.messages_total.name, "status=\"reception_error\""),
                    "0+30x300 9000+600x80 57000+30x220",
                ),
        )
        .says(
            "{{ $labels.smsc }} delivers much less than usual",
            "In half an hour {{ $labels.smsc }} delivered less than 60 % of its share of the last day.",
        )
        .on("receipts"),
    ]
}
