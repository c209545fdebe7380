//! Alerts about what waits.

use super::*;

/// All of them.
pub(super) fn all() -> Vec<Alert> {
    [ages(), reasons()].into_iter().flatten().collect()
}

fn ages() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let oldest = |lane: &str, limit: u32| format!("max by (job, lane) ({OLDEST}{{lane=\"{lane}\"}}) > {limit}");
    vec![
        alert(
            "BacklogOldestAge",
            Critical,
            (oldest("transactional", 60), "1m"),
            gauge(one(OLDEST, "lane=\"transactional\""), "2", "90", 1),
        )
        .says(
            "Reminders wait for more than a minute",
            "The oldest transactional message that is due has waited for more than a minute.",
        ),
        alert(
            "MarketingBacklogAge",
            Warning,
            (oldest("marketing", 1_800), "10m"),
            gauge(one(OLDEST, "lane=\"marketing\""), "60", "2400", 10),
        )
        .says(
            "Campaigns wait for more than half an hour",
            "The oldest marketing message that may be sent has waited for more than half an hour.",
        ),
    ]
}

fn reasons() -> Vec<Alert> {
    use Severity::Warning;

    vec![
        alert(
            "MessagesWithoutRoute",
            Warning,
            (format!("sum by (job) ({WAITING}{{reason=\"no_route\"}}) > 0"), "5m"),
            gauge(one(WAITING, "reason=\"no_route\""), "0", "20", 5),
        )
        .says(
            "Messages wait for which there is no route",
            "No configured route takes them: they wait until one does.",
        ),
        alert(
            "MessagesWaitForStoppedSmsc",
            Warning,
            (
                format!("sum by (job, reason) ({WAITING}{{reason=~\"not_bound|stopped|suspended\"}}) > 0"),
                "10m",
            ),
            gauge(one(WAITING, "reason=\"not_bound\""), "0", "20", 10),
        )
        .says(
            "Messages wait for an SMSC that takes none",
            "They wait with the reason {{ $labels.reason }}, and no other SMSC of their routes takes them.",
        )
        .on("smscs"),
    ]
}
