//! Alerts about what waits.

use campanile::METRICS as M;

use super::*;

/// All of them.
pub(super) fn all() -> Vec<Alert> {
    [ages(), starts(), reasons()].into_iter().flatten().collect()
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

fn starts() -> Vec<Alert> {
    let delay = format!("{}_bucket", M.campaign_start_delay_seconds.name);
    let late = format!("histogram_quantile(0.95, sum by (job, lane, le) (rate({delay}[30m]))) > 60");
    let bucket = |bound: &str| one(&delay, &format!("lane=\"marketing\", le=\"{bound}\""));
    vec![
        alert(
            "CampaignStartLate",
            Severity::Warning,
            (late, "1m"),
            Trial::new(29, 45, 110)
                .with(bucket("60"), "0+1x29 29x30 29+1x90")
                .with(bucket("180"), "0+1x150")
                .with(bucket("+Inf"), "0+1x150"),
        )
        .says(
            "Campaigns of the lane {{ $labels.lane }} begin late",
            "Of the last half hour's campaigns one of twenty waited for more than a minute for its first message to leave.",
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
