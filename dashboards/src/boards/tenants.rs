//! Tenants: whose messages, how well they arrive, how many credits are left.

use campanile::METRICS as M;

use crate::board::Board;
use crate::panel::Panel;
use crate::query::{max, of, rates, sum};

const TENANT: &str = "tenant=~\"$tenant\"";

pub(super) fn board() -> Board {
    Board::new(
        "tenants",
        "Campanile: tenants",
        "Whose messages go out and arrive, and how many credits are left. Tenants beyond metrics.tenants share the label _other.",
    )
    .variable("tenant", "Tenant", M.credit_balance.name)
    .row("Messages", messages())
    .row("Credits", credits())
}

/// With the tenant's name beside its number.
fn named(query: &str) -> String {
    let info = max("tenant, name", &of(M.tenant_info.name, ""));
    format!("({query}) * on (tenant) group_left (name) ({info})")
}

fn messages() -> Vec<Panel> {
    let of_status = |labels: &str| rates("tenant", M.tenant_messages_total.name, &format!("{TENANT}{labels}"));
    let ended = of_status(", status!=\"transmitted\"");
    let share = |status: &str| format!("{} / {ended}", of_status(&format!(", status=\"{status}\"")));
    let taken = of_status(", status=\"transmitted\"");
    let queued = max("tenant", &of(M.tenant_queue_messages.name, TENANT));
    let waits = max("tenant", &of(M.tenant_queue_oldest_age_seconds.name, TENANT));
    vec![
        Panel::stacked(
            "Who sends",
            "mps",
            "Messages of the ten busiest tenants that SMSCs took, a second: their share of the pace.",
        )
        .width(12)
        .shows(named(&format!("topk(10, {taken})")), "{{name}} ({{tenant}})"),
        Panel::lines(
            "Delivered",
            "percentunit",
            "Of a tenant's messages that ended, the share that was delivered.",
        )
        .width(12)
        .good_from(0.9)
        .shows(named(&share("delivered")), "{{name}} ({{tenant}})"),
        Panel::bars(
            "Unknown numbers",
            "percentunit",
            "Of a tenant's messages that ended, the share to numbers that are not there: clean these lists.",
        )
        .width(12)
        .orange(0.1)
        .shows(
            named(&format!("topk(10, {})", share("unknown_number"))),
            "{{name}} ({{tenant}})",
        ),
        opt_outs(),
        Panel::stacked(
            "By status",
            "mps",
            "Messages of the chosen tenants that entered each status, a second.",
        )
        .width(12)
        .shows(rates("status", M.tenant_messages_total.name, TENANT), "{{status}}"),
        Panel::stacked(
            "Queued",
            "short",
            "Messages of a tenant that are to be sent: the ten with most. Flat while others' sinks: paused, closed, or starved.",
        )
        .width(12)
        .shows(named(&format!("topk(10, {queued})")), "{{name}} ({{tenant}})"),
        Panel::lines(
            "Age of the oldest",
            "s",
            "For how long the oldest message of a tenant waits that was never leased: the ten that wait longest. A large campaign's rises until it is through.",
        )
        .width(12)
        .shows(named(&format!("topk(10, {waits})")), "{{name}} ({{tenant}})"),
        Panel::lines(
            "Served",
            "mps",
            "Messages that entered a status, a second, by tenant. At 0 while the oldest waits and others are served: starved.",
        )
        .width(12)
        .shows(named(&rates("tenant", M.tenant_messages_total.name, TENANT)), "{{name}} ({{tenant}})"),
    ]
}

fn opt_outs() -> Panel {
    let an_hour = |metric: &str, labels: &str| {
        let series = of(metric, &format!("{TENANT}{labels}"));
        sum("tenant", &format!("increase({series}[1h])"))
    };
    let stops = an_hour(M.tenant_opt_outs_total.name, "");
    let messages = an_hour(M.tenant_messages_total.name, ", status=\"transmitted\"");
    Panel::bars(
        "Opt-outs",
        "short",
        "Of a thousand messages of a tenant in the last hour, how many were answered with STOP: look at what it sends to whom.",
    )
    .width(12)
    .orange(10.0)
    .shows(
        named(&format!("topk(10, 1000 * {stops} / {messages})")),
        "{{name}} ({{tenant}})",
    )
}

fn credits() -> Vec<Panel> {
    let balance = max("tenant", &of(M.credit_balance.name, TENANT));
    vec![
        Panel::table(
            "Balances",
            "short",
            "Credits that each tenant may still use, the lowest first.",
        )
        .shows(format!("sort({})", named(&balance)), "{{name}} ({{tenant}})"),
        Panel::lines("Held", "short", "Credits that are set aside for campaigns under way.").shows(
            named(&max("tenant", &of(M.credit_held.name, TENANT))),
            "{{name}} ({{tenant}})",
        ),
        Panel::lines(
            "Booked",
            "ops",
            "Credits of all tenants that were booked, by type, a second.",
        )
        .shows(rates("type", M.credits_total.name, ""), "{{type}}"),
        Panel::lines(
            "Blocked launches",
            "ops",
            "Launches that the tenant's balance did not cover, a second.",
        )
        .orange(0.01)
        .shows(
            rates("", M.campaign_launches_total.name, "result=\"blocked_credit\""),
            "blocked",
        ),
        Panel::lines(
            "Unusual traffic",
            "ops",
            "Launches and messages whose traffic is unusual for their tenant, a second: many numbers of one block, a new country.",
        )
        .orange(0.01)
        .shows(rates("result", M.unusual_traffic_total.name, ""), "{{result}}"),
        Panel::lines(
            "Without a label",
            "ops",
            "How often something was shown as _other, a second: more tenants than metrics.tenants.",
        )
        .orange(0.001)
        .shows(rates("", M.metrics_label_overflow_total.name, ""), "_other"),
    ]
}
