//! Alerts about tenants, their credits, their lists, and the people who write back.

use campanile::METRICS as M;

use super::*;

/// All of them.
pub(super) fn all() -> Vec<Alert> {
    [turns(), credits(), people()].into_iter().flatten().collect()
}

fn turns() -> Vec<Alert> {
    use Severity::Warning;
    let (ages, reached) = (M.tenant_queue_oldest_age_seconds.name, M.tenant_messages_total.name);
    let waits = format!("max by (job, tenant) ({ages}) > 300");
    let got = |by: &str| format!("sum by ({by}) (increase({reached}[5m])) > 0");
    let tenant = |metric: &str, number: u32| one(metric, &format!("tenant=\"{number}\""));
    let delivered = |number: u32| one(reached, &format!("tenant=\"{number}\", status=\"delivered\""));
    vec![
        alert(
            "TenantStarved",
            Warning,
            (
                format!("(({waits}) unless ({})) and on (job) ({})", got("job, tenant"), got("job")),
                "5m",
            ),
            Trial::new(9, 25, 40)
                .with(tenant(ages, 7), "0x4 0+60x25 0x30")
                .with(tenant(ages, 8), "5x60")
                .with(delivered(7), "0x29 0+60x30")
                .with(delivered(8), "0+60x60"),
        )
        .says(
            "Tenant {{ $labels.tenant }} is not served while others are",
            "Its oldest message waits for more than five minutes, and none of its messages reached a status in that time.",
        )
        .on("tenants"),
    ]
}

fn credits() -> Vec<Alert> {
    use Severity::Info;
    let launches = M.campaign_launches_total.name;
    let tenant = |metric: &str, labels: &str| one(metric, &format!("tenant=\"7\"{labels}"));
    vec![
        alert(
            "CampaignBlockedCredit",
            Info,
            (
                format!("sum by (job) (increase({launches}{{result=\"blocked_credit\"}}[15m])) > 0"),
                "1m",
            ),
            rising(one(launches, "result=\"blocked_credit\""), 1, 1, 15),
        )
        .says(
            "A campaign was blocked for want of credits",
            "The balance of its tenant does not cover it.",
        )
        .on("tenants"),
        alert(
            "TenantBalanceLow",
            Info,
            (
                format!(
                    "{0} < 0.05 * max_over_time({0}[7d]) unless max_over_time({0}[7d]) == 0",
                    M.credit_balance.name
                ),
                "10m",
            ),
            gauge(tenant(M.credit_balance.name, ""), "1000", "20", 10),
        )
        .says(
            "Tenant {{ $labels.tenant }} has few credits left",
            "Less than a twentieth of what it had within the last week.",
        )
        .on("tenants"),
    ]
}

fn people() -> Vec<Alert> {
    use Severity::{Info, Warning};
    let opt_outs = M.tenant_opt_outs_total.name;
    let stops = |over: &str| format!("sum by (job, tenant) (increase({opt_outs}[{over}]))");
    let ended = |labels: &str| {
        format!(
            "sum by (job, tenant) (increase({}{{{labels}}}[1h]))",
            M.tenant_messages_total.name
        )
    };
    let tenant = |metric: &str, labels: &str| one(metric, &format!("tenant=\"7\"{labels}"));
    vec![
        alert(
            "UnknownNumberRatioHigh",
            Info,
            (
                format!(
                    "{} / ({} > 100) > 0.1",
                    ended("status=\"unknown_number\""),
                    ended("status!=\"transmitted\"")
                ),
                "10m",
            ),
            Trial::new(9, 40, 200)
                .with(
                    tenant(M.tenant_messages_total.name, ", status=\"delivered\""),
                    "0+60x300",
                )
                .with(
                    tenant(M.tenant_messages_total.name, ", status=\"unknown_number\""),
                    "0x9 0+30x60 1800x240",
                ),
        )
        .says(
            "Tenant {{ $labels.tenant }} sends to numbers that are not there",
            "More than a tenth of its messages of the last hour: its list is bad.",
        )
        .on("tenants"),
        alert(
            "OptOutSpike",
            Warning,
            (
                format!("{0} > 20 and {0} > 5 * {1} / 24", stops("1h"), stops("1d")),
                "5m",
            ),
            // Others who are always written STOP to, more than that tenant is, hide nothing.
            Trial::new(600, 630, 800)
                .with(tenant(opt_outs, ""), "0x600 0+2x60 120x240")
                .with(one(opt_outs, "tenant=\"8\""), "0+1x900"),
        )
        .says(
            "Many people write STOP to tenant {{ $labels.tenant }}",
            "More than twenty in an hour, and five times as many as usual: look at what it sends to whom.",
        )
        .on("tenants"),
    ]
}
