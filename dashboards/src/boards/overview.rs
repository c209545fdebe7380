//! What the engine does, in one minute.

use campanile::METRICS as M;

use super::{OLDEST, WAITING};
use crate::board::Board;
use crate::panel::Panel;
use crate::query::{max, of, quantile, rate, rates, share_within, sum};

pub(super) fn board() -> Board {
    Board::new(
        "overview",
        "Campanile: overview",
        "What the engine does: what goes out, what waits and why, what becomes of it.",
    )
    .row("Now", now())
    .row("Messages", messages())
    .row("Backlog", backlog())
    .row("Latency", latency())
    .folded_row("Campaigns", campaigns())
    .folded_row("People who write back", replies())
}

fn now() -> Vec<Panel> {
    let bound = sum("", &of(M.bind_state.name, "state=\"bound\""));
    let binds = sum("", &of(M.bind_state.name, ""));
    let pages = "count(ALERTS{alertstate=\"firing\", severity=~\"critical|warning\"}) or vector(0)";
    vec![
        Panel::numbers("Sent", "mps", "Segments that SMSCs accepted, a second.")
            .shows(rates("", M.submits_total.name, "result=\"ok\""), "accepted"),
        Panel::numbers(
            "Binds",
            "percentunit",
            "The share of binds that are bound. Under 1: see SMSCs and binds.",
        )
        .good_from(1.0)
        .shows(format!("{bound} / {binds}"), "bound"),
        Panel::numbers(
            "Oldest message",
            "s",
            "For how long the oldest message that is due has waited. Reminders: a minute at most.",
        )
        .orange(60.0)
        .red(1_800.0)
        .shows(max("", &of(OLDEST, "")), "oldest"),
        Panel::numbers(
            "Delivered",
            "percentunit",
            "The share of the messages that ended in the last 15 minutes and were delivered.",
        )
        .good_from(0.9)
        .shows(delivered("15m"), "delivered"),
        Panel::numbers(
            "Firing alerts",
            "short",
            "Alerts that fire now, those for information aside.",
        )
        .red(1.0)
        .shows(pages.to_owned(), "alerts"),
        Panel::numbers(
            "Books",
            "short",
            "Credits and messages by which the books are wrong: 0, always.",
        )
        .red(1.0)
        .shows(max("", &of(M.ledger_imbalance.name, "")), "credits")
        .shows(max("", &of(M.status_imbalance.name, "")), "messages"),
    ]
}

fn delivered(over: &str) -> String {
    let ended = |labels: &str| {
        let series = of(M.messages_total.name, labels);
        sum("", &format!("increase({series}[{over}])"))
    };
    format!(
        "{} / {}",
        ended("status=\"delivered\""),
        ended("status!=\"transmitted\"")
    )
}

fn messages() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "Messages by status",
            "mps",
            "Messages that entered each of the seven statuses, a second. Transmitted: an SMSC took it, and no final receipt came yet.",
        )
        .width(12)
        .shows(rates("status", M.messages_total.name, ""), "{{status}}"),
        Panel::stacked("Sent by SMSC", "mps", "Segments that each SMSC accepted, a second.")
            .width(6)
            .shows(rates("smsc", M.submits_total.name, "result=\"ok\""), "{{smsc}}"),
        Panel::stacked("Segments by encoding", "mps", "Segments that were composed to be submitted, a second. ucs2: texts with signs that the alphabet of phones lacks.")
            .width(6)
            .shows(rates("encoding", M.message_segments_total.name, ""), "{{encoding}}"),
        Panel::lines("Launched into lanes", "mps", "Messages that left the queue, a second, by lane.")
            .width(6)
            .shows(rates("lane", &format!("{}_count", M.time_in_queue_seconds.name), ""), "{{lane}}"),
    ]
}

fn backlog() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "Waiting, by reason",
            "short",
            "Messages that wait, each with one reason: window, rate and brake are the pace; not_bound, stopped, suspended and no_route \
             are faults; paused, closed_hours, retry and behind are as ordered; in_review and credit are of campaigns of which nothing is \
             queued. All others sum to the backlog.",
        )
        .width(12)
        .shows(sum("reason", &of(WAITING, "")), "{{reason}}"),
        Panel::stacked("Queued by route and lane", "short", "Messages in the queues, paused campaigns' included.")
            .width(6)
            .shows(sum("route, lane", &of(M.queue_messages.name, "")), "{{route}} {{lane}}"),
        Panel::states("Hours of advertising", "Whether advertising may go in each zone now, by the packs that are obeyed.")
            .width(6)
            .shows(max("zone", &of(M.hours_open.name, "")), "{{zone}}"),
        Panel::table("Rules obeyed", "short", "The packs of hours that are obeyed: name, version, country, first day.")
            .width(6)
            .shows(
                max("pack, version, country, valid_from", &of(M.rule_pack_info.name, "")),
                "{{pack}} {{version}} {{country}} {{valid_from}}",
            ),
        Panel::numbers("Advertising outside the hours", "short", "Segments of advertising that left outside the hours of their recipients within each interval: 0, always.")
            .width(6)
            .red(1.0)
            .shows(
                    sum("", &format!("increase({}[$__rate_interval])", of(M.submits_outside_hours_total.name, ""))),
                    "segments",
                ),
        Panel::lines("Put off", "ops", "Reminders and answers that could not be taken as messages and are tried again, a second, by why.")
            .width(6)
            .shows(rates("what, why", M.sends_put_off_total.name, ""), "{{what}}: {{why}}"),
        Panel::lines("Age of the oldest", "s", "For how long the oldest message that is due has waited, by lane.")
            .width(6)
            .orange(60.0)
            .red(1_800.0)
            .shows(max("lane", &of(OLDEST, "")), "{{lane}}"),
    ]
}

fn latency() -> Vec<Panel> {
    let submit = M.submit_duration_seconds.name;
    let receipt = M.receipt_latency_seconds.name;
    vec![
        Panel::lines(
            "Answers",
            "s",
            "From submit_sm to its answer: half, 95 and 99 of 100 are quicker.",
        )
        .orange(1.0)
        .red(2.0)
        .shows(quantile(0.5, "", submit, ""), "p50")
        .shows(quantile(0.95, "", submit, ""), "p95")
        .shows(quantile(0.99, "", submit, ""), "p99"),
        Panel::lines(
            "Receipts",
            "s",
            "From the answer to the final receipt: half and 95 of 100 are quicker.",
        )
        .orange(180.0)
        .shows(quantile(0.5, "", receipt, ""), "p50")
        .shows(quantile(0.95, "", receipt, ""), "p95"),
        Panel::lines(
            "Receipts within 3 minutes",
            "percentunit",
            "The share of final receipts that came within three minutes.",
        )
        .good_from(0.8)
        .shows(share_within("180", receipt, ""), "within 3 minutes"),
    ]
}

fn replies() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Inbound",
            "ops",
            "What became of inbound messages, a second; opt_out: STOP and its like.",
        )
        .shows(rates("action", M.inbound_actions_total.name, ""), "{{action}}"),
        Panel::lines(
            "What people write",
            "ops",
            "What was made of what people wrote to tenants' numbers, a second; quiet: machines that answer each other.",
        )
        .shows(rates("made", M.replies_total.name, ""), "{{made}}"),
        Panel::lines("Links followed", "ops", "Short links that were followed, a second: by people, and by programs that show what is behind a link.")
            .shows(rates("by", M.link_clicks_total.name, ""), "{{by}}"),
        Panel::lines(
            "How late answers are sent",
            "s",
            "From the time at which an automatic answer is due to its place among the messages to be sent: half and 95 of 100 are quicker.",
        )
        .orange(0.5)
        .shows(quantile(0.5, "", M.reply_latency_seconds.name, ""), "p50")
        .shows(quantile(0.95, "", M.reply_latency_seconds.name, ""), "p95"),
    ]
}

fn campaigns() -> Vec<Panel> {
    vec![
        Panel::table(
            "Campaigns",
            "short",
            "Campaigns by state, as of the auditor's last walk.",
        )
        .shows(sum("state", &of(M.campaigns.name, "")), "{{state}}"),
        Panel::lines(
            "Launches",
            "ops",
            "Launches a second, by result. blocked_credit: the balance does not cover it.",
        )
        .shows(rates("result", M.campaign_launches_total.name, ""), "{{result}}"),
        Panel::lines(
            "Left out before sending",
            "ops",
            "Recipients that were not taken, by reason, a second: bad lists.",
        )
        .shows(rates("reason", M.messages_skipped_total.name, ""), "{{reason}}"),
        Panel::lines(
            "Queuing of launched campaigns",
            "ops",
            "Recipients queued by launches, a second.",
        )
        .shows(
            sum("", &rate(M.campaign_fanout_recipients_total.name, "")),
            "recipients",
        ),
        Panel::lines(
            "How late campaigns begin",
            "s",
            "From the launch of a campaign to the lease of its first message, by lane: half and 95 of 100 are quicker. \
             And how late planned campaigns are launched.",
        )
        .orange(60.0)
        .shows(
            quantile(0.5, "lane", M.campaign_start_delay_seconds.name, ""),
            "{{lane}} p50",
        )
        .shows(
            quantile(0.95, "lane", M.campaign_start_delay_seconds.name, ""),
            "{{lane}} p95",
        )
        .shows(
            quantile(0.95, "", M.campaign_schedule_delay_seconds.name, ""),
            "planned launch p95",
        ),
        Panel::lines(
            "How long queuing takes",
            "s",
            "From a launch to its last recipient queued: 95 of 100 are quicker.",
        )
        .orange(10.0)
        .shows(quantile(0.95, "", M.campaign_fanout_duration_seconds.name, ""), "p95"),
    ]
}
