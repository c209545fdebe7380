//! Alerts about the engine itself: its process, its Redis, its books.

use campanile::METRICS as M;

use super::*;

/// All of them.
pub(super) fn all() -> Vec<Alert> {
    [
        redis(),
        guards(),
        books(),
        process(),
        limits(),
        written_down(),
        webhooks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn redis() -> Vec<Alert> {
    use Severity::{Critical, Info, Warning};
    let op = M.redis_op_duration_seconds.name;
    let slow = format!("histogram_quantile(0.99, sum by (job, op, le) (rate({op}_bucket[5m]))) > 0.25");
    let bucket = |bound: &str| one(&format!("{op}_bucket"), &format!("op=\"commit\", le=\"{bound}\""));
    vec![
        alert(
            "RedisErrors",
            Critical,
            (
                format!("sum by (job, instance) (rate({}[1m])) > 0", M.redis_errors_total.name),
                "1m",
            ),
            rising(one(M.redis_errors_total.name, "op=\"commit\""), 60, 1, 2),
        )
        .says(
            "Redis refuses or does not answer {{ $labels.instance }}",
            "Round trips to Redis fail and are repeated. Nothing is lost, and nothing is sent while Redis is away.",
        )
        .on("internals"),
        alert(
            "RedisLatencyHigh",
            Warning,
            (slow, "5m"),
            Trial::new(9, 25, 100)
                .with(bucket("0.1"), "0+60x9 540x60 540+60x180")
                .with(bucket("1"), "0+60x240")
                .with(bucket("+Inf"), "0+60x240"),
        )
        .says(
            "Redis answers slowly",
            "One round trip of a hundred for {{ $labels.op }} takes more than a quarter of a second.",
        )
        .on("internals"),
        alert(
            "RedisLossAllowed",
            Info,
            (
                format!("max by (job, instance) ({}) == 1", M.redis_loss_allowed.name),
                "10m",
            ),
            gauge(one(M.redis_loss_allowed.name, ""), "0", "1", 10),
        )
        .says(
            "Redis has settings that lose data",
            "redis.allow_loss accepts a Redis that may lose messages and credits when it or its machine fails.",
        )
        .on("internals"),
    ]
}

fn guards() -> Vec<Alert> {
    use Severity::{Critical, Warning};

    vec![
        alert(
            "WorkStopped",
            Critical,
            (format!("max by (job, work) ({}) == 1", M.guard_stopped.name), "1m"),
            gauge(one(M.guard_stopped.name, "work=\"leases\""), "0", "1", 1),
        )
        .says(
            "{{ $labels.work }} stopped, since Redis or the clocks are not right",
            "The state of Redis or of the clocks does not allow it: away, out of memory, another database, a clock that was set.",
        )
        .on("internals"),
        alert(
            "ClockWasSet",
            Warning,
            (format!("max by (job, clock) (abs({})) > 0", M.clock_step_seconds.name), "1m"),
            gauge(one(M.clock_step_seconds.name, "clock=\"host\""), "0", "120", 1),
        )
        .says(
            "The clock of the {{ $labels.clock }} was set",
            "Nothing expires until it is believed again; see to NTP.",
        )
        .on("internals"),
    ]
}

fn books() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let last = M.reconciliation_last_run_timestamp_seconds.name;
    let seen = M.roll_call_last_run_timestamp_seconds.name;
    vec![
        alert(
            "LedgerImbalance",
            Critical,
            (format!("max by (job) (abs({})) > 0", M.ledger_imbalance.name), "1m"),
            gauge(one(M.ledger_imbalance.name, ""), "0", "5", 1),
        )
        .says(
            "Credits were made or lost",
            "The books of a tenant do not say granted = available + held + spent; the log names the tenant.",
        )
        .on("internals"),
        alert(
            "StatusImbalance",
            Critical,
            (format!("max by (job) (abs({})) > 0", M.status_imbalance.name), "1m"),
            gauge(one(M.status_imbalance.name, ""), "0", "2", 1),
        )
        .says(
            "Messages of a campaign were lost or doubled",
            "The statuses of a campaign do not add up to its recipients; the log names the campaign.",
        )
        .on("internals"),
        alert(
            "MessagesMisplaced",
            Critical,
            (format!("sum by (job, found) (increase({}[15m])) > 0", M.misplaced_messages_total.name), "0m"),
            rising(one(M.misplaced_messages_total.name, "found=\"lost\""), 1, 0, 15),
        )
        .says(
            "Messages were nowhere, or in two places ({{ $labels.found }})",
            "Each was mended; the log names the messages. Something wrote into the database besides the engine, or the engine has a fault.",
        )
        .on("internals"),
        alert(
            "AuditorStandsStill",
            Warning,
            (
                format!(
                    "time() - max by (job) ({last} > 0) > 4 * 3600 or time() - max by (job) ({seen} > 0) > 1800"
                ),
                "10m",
            ),
            Trial::new(200, 280, 320).with(one(last, ""), "1x300 18000x100"),
        )
        .says(
            "The books were not looked at for four hours, or the messages for half an hour",
            "The auditor did not get round: what it says is old.",
        )
        .on("internals"),
    ]
}

fn process() -> Vec<Alert> {
    use Severity::{Critical, Warning};
    let up = "up{job=\"campanile\"}";
    vec![
        alert(
            "EngineDown",
            Critical,
            (format!("{up} == 0 or absent({up})"), "1m"),
            // It does not answer; later, Prometheus is not even told that there should be one.
            Trial::new(4, 10, 19)
                .with(one("up", ""), "1x4 0x8 1x20 stale _x10 1x30")
                .then(34, 0)
                .then(40, 1)
                .then(55, 0),
        )
        .says(
            "{{ or $labels.instance \"The engine\" }} is down",
            "Prometheus cannot read the metrics of {{ or $labels.instance \"any engine, since it finds none\" }}: nothing is sent by it.",
        ),
        alert(
            "ConfigReloadFailed",
            Warning,
            (
                format!("min by (job, instance) ({}) == 0", M.config_last_reload_successful.name),
                "1m",
            ),
            gauge(one(M.config_last_reload_successful.name, ""), "1", "0", 1),
        )
        .says(
            "{{ $labels.instance }} could not read its new configuration",
            "The file has a fault, and the configuration before it holds.",
        )
        .on("internals"),
        alert(
            "AuditLinesLost",
            Warning,
            (
                format!(
                    "sum by (job, instance) (increase({}[10m])) > 0",
                    M.audit_lines_lost_total.name
                ),
                "1m",
            ),
            rising(one(M.audit_lines_lost_total.name, ""), 1, 1, 10),
        )
        .says(
            "{{ $labels.instance }} cannot write its audit log",
            "Acts of administration stand in the log only: the file of audit.path cannot be written.",
        )
        .on("internals"),
        alert(
            "MessageLogLinesLost",
            Warning,
            (
                format!(
                    "sum by (job, instance) (increase({}[10m])) > 0",
                    M.message_log_lines_lost_total.name
                ),
                "1m",
            ),
            rising(one(M.message_log_lines_lost_total.name, ""), 1, 1, 10),
        )
        .says(
            "{{ $labels.instance }} cannot write its message log",
            "What happens to messages has no lines: the file of message_log.path cannot be written. Messages go on.",
        )
        .on("internals"),
    ]
}

fn written_down() -> Vec<Alert> {
    let (history, mirror) = (M.history_lag_seconds.name, M.mirror_lag_seconds.name);
    let behind = format!("max by (job) ({history}) > 600 or max by (job) ({mirror}) > 60");
    vec![
        alert(
            "HistoryBehind",
            Severity::Warning,
            (behind, "5m"),
            gauge(one(history, ""), "3", "900", 10),
        )
        .says(
            "The SQL database does not keep up",
            "History is more than ten minutes behind, or ledgers and opt-outs were not copied for a minute. Nothing is lost yet.",
        )
        .on("internals"),
    ]
}

fn webhooks() -> Vec<Alert> {
    let (lag, dropped) = (M.webhook_lag_seconds.name, M.webhook_dropped_events_total.name);
    let behind = format!(
        "max by (job) ({lag}) > 30 or sum by (job) (increase({dropped}[10m])) > 0 or sum by (job) (increase({}[10m])) > 0",
        M.webhook_journal_passed_over_total.name
    );
    vec![
        alert(
            "WebhookBacklog",
            Severity::Warning,
            (behind, "2m"),
            rising(one(dropped, "reason=\"full\""), 5, 2, 10),
        )
        .says(
            "Webhooks are not told of everything",
            "Events are dropped since a backlog is full or old, or the journal is not followed for webhooks. Messages go on.",
        )
        .on("internals"),
    ]
}

fn limits() -> Vec<Alert> {
    use Severity::{Info, Warning};
    let wrong = M.http_wrong_keys_total.name;
    vec![
        alert(
            "KeysGuessed",
            Warning,
            (
                format!("sum by (job, listener) (increase({wrong}{{answer=\"delayed\"}}[10m])) > 0"),
                "5m",
            ),
            rising(one(wrong, "listener=\"public\", answer=\"delayed\""), 1, 5, 10),
        )
        .says(
            "One address tries many keys that nobody has",
            "Somebody guesses keys at the {{ $labels.listener }} listener, or has many old ones. The log names the address.",
        )
        .on("internals"),
        alert(
            "FileDescriptorsShort",
            Warning,
            (
                "process_open_fds{job=\"campanile\"} / process_max_fds{job=\"campanile\"} > 0.8".to_owned(),
                "10m",
            ),
            gauge(one("process_open_fds", ""), "50", "900", 10).with(one("process_max_fds", ""), "1024x240"),
        )
        .says(
            "{{ $labels.instance }} runs out of file descriptors",
            "More than 80 % of those that it may open are open.",
        )
        .on("internals"),
        alert(
            "MetricsLabelOverflow",
            Info,
            (
                format!(
                    "sum by (job) (increase({}[1h])) > 0",
                    M.metrics_label_overflow_total.name
                ),
                "10m",
            ),
            rising(one(M.metrics_label_overflow_total.name, ""), 1, 10, 60),
        )
        .says(
            "There are more tenants than are shown by themselves",
            "Tenants beyond metrics.tenants share the label _other.",
        )
        .on("tenants"),
    ]
}
