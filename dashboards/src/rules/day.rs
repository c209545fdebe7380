//! A day on which nobody is woken: a night without traffic, 600 messages a minute in the day, of which some are refused and some not
//! delivered, a session that is lost at noon, campaigns that wait, a receipt now and then that matches nothing.

use campanile::METRICS as M;

use super::alert::Severity;
use super::trials::{Pace, expects, input};
use crate::boards::{OLDEST, WAITING};

/// Minutes of the night, of the day, of the evening, and of all three.
const NIGHT: u32 = 480;
const DAY: u32 = 720;
const EVENING: u32 = 240;
const ALL: u32 = NIGHT + DAY + EVENING;

/// A series and its values.
type Series = (String, String);

/// As a test for promtool.
pub(super) fn healthy() -> String {
    let head = Pace::Hours.head();
    let mut text = format!("{head}  - name: a healthy day wakes nobody\n    interval: 1m\n    input_series:\n");
    let series = [smscs(), traffic(), receipts(), engine(), told(), people()];
    for (series, values) in series.iter().flatten() {
        text += &input(series, values);
    }
    text += "    promql_expr_test:\n";
    let wakes = format!(
        "count(ALERTS{{alertstate=\"firing\", severity=~\"{}|{}\"}}) or vector(0)",
        Severity::Critical.word(),
        Severity::Warning.word()
    );
    for minute in (10..ALL).step_by(10) {
        text += &expects(&wakes, minute, 0);
    }
    text
}

/// A counter that rises by so much a minute in the day, and by nothing at night.
fn of_the_day(by: u32) -> String {
    let end = by * DAY;
    format!("0x{} 0+{by}x{DAY} {end}x{EVENING}", NIGHT - 1)
}

fn steady(value: &str) -> String {
    format!("{value}x{ALL}")
}

/// A counter of what happens once, at noon.
fn noon() -> String {
    format!("0x{} 1x{}", NIGHT + DAY / 2, DAY / 2 + EVENING)
}

fn of_engine(metric: &str, labels: &str, values: String) -> Series {
    let labels = if labels.is_empty() {
        String::new()
    } else {
        format!(", {labels}")
    };
    (format!("{metric}{{job=\"campanile\", instance=\"a\"{labels}}}"), values)
}

fn of_north(metric: &str, labels: &str, values: String) -> Series {
    let labels = if labels.is_empty() {
        String::new()
    } else {
        format!(", {labels}")
    };
    of_engine(metric, &format!("smsc=\"north\"{labels}"), values)
}

fn smscs() -> Vec<Series> {
    vec![
        of_north(
            M.bind_state.name,
            "bind=\"0\", state=\"bound\"",
            format!("1x{} 0 1x{}", NIGHT + DAY / 2, DAY / 2 + EVENING),
        ),
        of_north(M.bind_state.name, "bind=\"0\", state=\"stalled\"", steady("0")),
        of_north(M.bind_attempts_total.name, "bind=\"0\", result=\"ok\"", noon()),
        of_north(
            M.bind_disconnects_total.name,
            "bind=\"0\", reason=\"remote_close\"",
            noon(),
        ),
        of_north(M.smsc_stopped.name, "", steady("0")),
        of_north(M.smsc_suspended.name, "", steady("0")),
        // At full speed, and no more waits than before.
        of_north(M.window_in_flight.name, "bind=\"0\"", steady("95")),
        of_north(M.window_size.name, "bind=\"0\"", steady("100")),
        of_north(M.window_effective.name, "bind=\"0\"", steady("100")),
    ]
}

fn traffic() -> Vec<Series> {
    vec![
        of_north(M.submits_total.name, "result=\"ok\"", of_the_day(594)),
        of_north(M.submits_total.name, "result=\"error\"", of_the_day(6)),
        of_north(
            M.submit_errors_total.name,
            "command_status=\"ESME_RINVDSTADR\"",
            of_the_day(5),
        ),
        of_north(
            M.submit_errors_total.name,
            "command_status=\"ESME_RTHROTTLED\"",
            of_the_day(1),
        ),
        of_north(M.submit_unknown_outcome_total.name, "", steady("0")),
        of_north(M.leased_messages_total.name, "", of_the_day(600)),
        of_north(
            &format!("{}_bucket", M.submit_duration_seconds.name),
            "le=\"0.1\"",
            of_the_day(598),
        ),
        of_north(
            &format!("{}_bucket", M.submit_duration_seconds.name),
            "le=\"1\"",
            of_the_day(600),
        ),
        of_north(
            &format!("{}_bucket", M.submit_duration_seconds.name),
            "le=\"+Inf\"",
            of_the_day(600),
        ),
        of_north(M.submits_outside_hours_total.name, "", steady("0")),
        of_engine(
            M.rule_pack_valid_until_timestamp_seconds.name,
            "pack=\"clinic\"",
            steady("99999999"),
        ),
        of_north(M.messages_total.name, "status=\"transmitted\"", of_the_day(594)),
        of_north(M.messages_total.name, "status=\"delivered\"", of_the_day(560)),
        of_north(M.messages_total.name, "status=\"unknown_number\"", of_the_day(15)),
    ]
}

fn receipts() -> Vec<Series> {
    vec![
        of_north(M.receipts_total.name, "stat=\"delivrd\"", of_the_day(560)),
        of_north(M.receipts_pending.name, "", steady("900")),
        of_north(
            M.receipts_overdue.name,
            "",
            format!("0x{} 40x{}", NIGHT + DAY / 2, DAY / 2 + EVENING),
        ),
        of_north(M.receipts_parked_total.name, "reason=\"early\"", of_the_day(3)),
        of_north(M.receipts_parked_total.name, "reason=\"unknown_id\"", of_the_day(1)),
        of_north(M.receipts_parked_total.name, "reason=\"no_room\"", steady("0")),
        of_north(
            &format!("{}_bucket", M.receipt_latency_seconds.name),
            "le=\"60\"",
            of_the_day(550),
        ),
        of_north(
            &format!("{}_bucket", M.receipt_latency_seconds.name),
            "le=\"300\"",
            of_the_day(575),
        ),
        of_north(
            &format!("{}_bucket", M.receipt_latency_seconds.name),
            "le=\"+Inf\"",
            of_the_day(575),
        ),
        of_engine(
            &format!("{}_bucket", M.receipt_ack_seconds.name),
            "le=\"1\"",
            of_the_day(575),
        ),
        of_engine(&format!("{}_count", M.receipt_ack_seconds.name), "", of_the_day(575)),
    ]
}

fn engine() -> Vec<Series> {
    vec![
        of_engine("up", "", steady("1")),
        of_engine(
            &format!("{}_bucket", M.time_in_queue_seconds.name),
            "lane=\"transactional\", le=\"60\"",
            of_the_day(100),
        ),
        of_engine(
            &format!("{}_count", M.time_in_queue_seconds.name),
            "lane=\"transactional\"",
            of_the_day(100),
        ),
        of_engine(
            &format!("{}_bucket", M.campaign_start_delay_seconds.name),
            "lane=\"marketing\", le=\"60\"",
            of_the_day(1),
        ),
        of_engine(
            &format!("{}_bucket", M.campaign_start_delay_seconds.name),
            "lane=\"marketing\", le=\"+Inf\"",
            of_the_day(1),
        ),
        of_engine(OLDEST, "lane=\"transactional\"", steady("2")),
        of_engine(OLDEST, "lane=\"marketing\"", steady("400")),
        of_engine(WAITING, "reason=\"rate\"", steady("9000")),
        of_engine(WAITING, "reason=\"no_route\"", steady("0")),
        of_engine(WAITING, "reason=\"not_bound\"", steady("0")),
        of_engine(M.redis_errors_total.name, "op=\"commit\"", steady("0")),
        of_engine(
            &format!("{}_bucket", M.redis_op_duration_seconds.name),
            "op=\"commit\", le=\"0.05\"",
            of_the_day(900),
        ),
        of_engine(
            &format!("{}_bucket", M.redis_op_duration_seconds.name),
            "op=\"commit\", le=\"+Inf\"",
            of_the_day(900),
        ),
        of_engine(M.guard_stopped.name, "work=\"leases\"", steady("0")),
        of_engine(M.settle_lag_seconds.name, "", steady("0.01")),
        of_engine(M.clock_step_seconds.name, "clock=\"host\"", steady("0")),
        of_engine(M.redis_loss_allowed.name, "", steady("0")),
        of_engine(M.ledger_imbalance.name, "", steady("0")),
        of_engine(M.status_imbalance.name, "", steady("0")),
        of_engine(
            M.reconciliation_last_run_timestamp_seconds.name,
            "",
            format!("0+60x{ALL}"),
        ),
        of_engine(M.roll_call_last_run_timestamp_seconds.name, "", format!("0+60x{ALL}")),
        of_engine(M.misplaced_messages_total.name, "found=\"lost\"", steady("0")),
        of_engine(M.config_last_reload_successful.name, "", steady("1")),
        of_engine(M.audit_lines_lost_total.name, "", steady("0")),
        of_engine(M.message_log_lines_lost_total.name, "", steady("0")),
        of_engine("process_open_fds", "", steady("60")),
        of_engine("process_max_fds", "", steady("1024")),
    ]
}

/// What is written down in SQL, told to receivers, and asked for by others.
fn told() -> Vec<Series> {
    let of_time = |metric, value| of_engine(metric, "", steady(value));
    vec![
        of_time(M.history_lag_seconds.name, "2"),
        of_time(M.mirror_lag_seconds.name, "0"),
        of_time(M.webhook_lag_seconds.name, "1"),
        of_engine(M.webhook_dropped_events_total.name, "reason=\"full\"", steady("0")),
        of_engine(M.webhook_journal_passed_over_total.name, "", steady("0")),
        of_engine(
            M.http_wrong_keys_total.name,
            "listener=\"public\", answer=\"refused\"",
            of_the_day(1),
        ),
        of_engine(
            M.http_wrong_keys_total.name,
            "listener=\"public\", answer=\"delayed\"",
            steady("0"),
        ),
        of_engine(M.metrics_label_overflow_total.name, "", steady("0")),
        of_engine(
            M.tls_certificate_expiry_timestamp_seconds.name,
            "smsc=\"north\", side=\"server\"",
            steady("7776000"),
        ),
        of_engine(M.campaign_launches_total.name, "result=\"started\"", of_the_day(1)),
        of_engine(M.campaign_launches_total.name, "result=\"blocked_credit\"", noon()),
    ]
}

fn people() -> Vec<Series> {
    vec![
        of_engine(
            M.http_requests_total.name,
            "route=\"/v1/messages\", method=\"POST\", code=\"202\"",
            of_the_day(100),
        ),
        of_engine(
            M.http_requests_total.name,
            "route=\"/v1/messages\", method=\"POST\", code=\"503\"",
            steady("0"),
        ),
        of_engine(M.credit_balance.name, "tenant=\"7\"", format!("100000-20x{ALL}")),
        of_engine(M.tenant_queue_oldest_age_seconds.name, "tenant=\"7\"", steady("4000")),
        of_engine(
            M.tenant_messages_total.name,
            "tenant=\"7\", status=\"delivered\"",
            of_the_day(560),
        ),
        of_engine(
            M.tenant_messages_total.name,
            "tenant=\"7\", status=\"unknown_number\"",
            of_the_day(15),
        ),
        // More than twenty within minutes, of two tenants together.
        of_engine(
            M.tenant_opt_outs_total.name,
            "tenant=\"7\"",
            format!("0x{} 0+1x12 12x{ALL}", NIGHT + 60),
        ),
        of_engine(
            M.tenant_opt_outs_total.name,
            "tenant=\"8\"",
            format!("0x{} 0+1x12 12x{ALL}", NIGHT + 60),
        ),
    ]
}
