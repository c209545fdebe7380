//! The engine itself: HTTP, Redis, settling, auditors, the process.

use campanile::METRICS as M;

use crate::board::Board;
use crate::panel::Panel;
use crate::query::{max, of, quantile, rate, rates, sum};

pub(super) fn board() -> Board {
    Board::new(
        "internals",
        "Campanile: engine internals",
        "HTTP, Redis, settling, what guards and audits, and the process.",
    )
    .row("HTTP", http())
    .row("Redis", redis())
    .row("Guards and audits", guards())
    .row("SQL", written_down())
    .row("Webhooks", webhooks())
    .folded_row("Process", [process(), runtime()].concat())
    .folded_row("Logs and traces", told())
}

fn http() -> Vec<Panel> {
    let failed = rates("", M.http_requests_total.name, "code=~\"5..\"");
    let all = rates("", M.http_requests_total.name, "");
    let expiry = max(
        "side",
        &of(
            M.tls_certificate_expiry_timestamp_seconds.name,
            "side=~\"public|admin\"",
        ),
    );
    vec![
        Panel::stacked("Requests", "reqps", "HTTP requests by route and code, a second.").shows(
            rates("route, code", M.http_requests_total.name, ""),
            "{{code}} {{route}}",
        ),
        Panel::lines(
            "Errors",
            "percentunit",
            "The share of requests that were answered with 500 or above.",
        )
        .orange(0.001)
        .red(0.01)
        .shows(format!("({failed} or vector(0)) / {all}"), "errors"),
        Panel::lines("Time", "s", "How long requests took, by route: 95 of 100 are quicker.")
            .orange(0.3)
            .red(1.0)
            .shows(
                quantile(0.95, "route", M.http_request_duration_seconds.name, ""),
                "{{route}}",
            ),
        Panel::lines("Connections", "short", "HTTP connections that are open, by listener.")
            .shows(sum("listener", &of(M.http_connections.name, "")), "{{listener}}"),
        Panel::lines(
            "Being answered",
            "short",
            "HTTP requests that are being answered, by listener.",
        )
        .shows(sum("listener", &of(M.http_requests_in_flight.name, "")), "{{listener}}"),
        Panel::lines(
            "Cut off",
            "ops",
            "HTTP connections that were cut off, by reason, a second.",
        )
        .orange(1.0)
        .shows(
            rates("listener, reason", M.http_connections_cut_total.name, ""),
            "{{listener}} {{reason}}",
        ),
        Panel::lines(
            "Wrong keys",
            "ops",
            "Requests with a key that nobody has, a second; delayed: its address has tried too many.",
        )
        .orange(0.1)
        .shows(
            rates("listener, answer", M.http_wrong_keys_total.name, ""),
            "{{listener}} {{answer}}",
        ),
        Panel::bars(
            "Certificates",
            "s",
            "How long the TLS certificates of our own listeners still hold.",
        )
        .good_from(1_209_600.0)
        .shows(format!("{expiry} - time()"), "{{side}}"),
    ]
}

fn redis() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Round trips",
            "s",
            "How long round trips to Redis take, by what they are for: 99 of 100 are quicker.",
        )
        .orange(0.05)
        .red(0.25)
        .shows(quantile(0.99, "op", M.redis_op_duration_seconds.name, ""), "{{op}}"),
        Panel::lines("Errors", "ops", "Round trips that failed and are repeated, a second.")
            .red(0.1)
            .shows(rates("op", M.redis_errors_total.name, ""), "{{op}}"),
        Panel::lines("Script calls", "ops", "Script calls, by what they are for, a second.")
            .shows(rates("op", M.redis_script_items_total.name, ""), "{{op}}"),
        Panel::numbers(
            "Scripts forgotten",
            "short",
            "Scripts that Redis had forgotten and was told again within each interval, as after its restart.",
        )
        .shows(
            sum(
                "",
                &format!(
                    "increase({}[$__rate_interval])",
                    of(M.redis_script_noscript_total.name, "")
                ),
            ),
            "scripts",
        ),
        Panel::lines(
            "Memory",
            "bytes",
            "Memory that Redis uses. At redis.intake_mark of maxmemory nothing more is taken in.",
        )
        .shows(max("instance", &of(M.redis_used_memory_bytes.name, "")), "{{instance}}"),
        Panel::stacked(
            "Connections of the API",
            "short",
            "Connections to Redis by state; awaited: calls that wait for one.",
        )
        .shows(sum("state", &of(M.redis_pool_connections.name, "")), "{{state}}"),
        Panel::numbers(
            "Loss allowed",
            "short",
            "1: Redis has settings that lose data, and redis.allow_loss accepts them.",
        )
        .red(1.0)
        .shows(max("", &of(M.redis_loss_allowed.name, "")), "allowed"),
    ]
}

fn guards() -> Vec<Panel> {
    let age = |metric: &str| format!("time() - {}", max("", &of(metric, "")));
    vec![
        Panel::lines(
            "Settling",
            "s",
            "The age of the oldest thing that waits to be settled. From 0.1 s on leases wait.",
        )
        .orange(0.1)
        .red(1.0)
        .shows(max("instance", &of(M.settle_lag_seconds.name, "")), "{{instance}}"),
        Panel::states(
            "Stopped work",
            "1: the state of Redis or of the clocks stops that work. GET /readyz?verbose=1 says why.",
        )
        .red(1.0)
        .shows(max("work", &of(M.guard_stopped.name, "")), "{{work}}"),
        Panel::lines(
            "Clocks",
            "s",
            "By how much a clock was set while the engine ran; 0 once it is believed again.",
        )
        .orange(1.0)
        .shows(max("clock", &of(M.clock_step_seconds.name, "")), "{{clock}}"),
        Panel::lines(
            "Books that are wrong",
            "short",
            "Credits of tenants and messages of campaigns by which the books are wrong: 0, always.",
        )
        .red(1.0)
        .shows(max("", &of(M.ledger_imbalance.name, "")), "credits")
        .shows(max("", &of(M.status_imbalance.name, "")), "messages"),
        Panel::numbers("Last audit", "s", "How long ago the auditor had looked at everything.")
            .orange(3_600.0)
            .shows(age(M.reconciliation_last_run_timestamp_seconds.name), "books")
            .shows(age(M.roll_call_last_run_timestamp_seconds.name), "messages"),
        Panel::lines(
            "Messages that were not in one place",
            "short",
            "Found and mended within each interval, by what was found: 0, always.",
        )
        .red(1.0)
        .shows(
            sum(
                "found",
                &format!(
                    "increase({}[$__rate_interval])",
                    of(M.misplaced_messages_total.name, "")
                ),
            ),
            "{{found}}",
        ),
        Panel::lines(
            "Deferred",
            "short",
            "Messages that wait for another try or behind another, by route; @: of one SMSC.",
        )
        .shows(sum("route", &of(M.queue_deferred_messages.name, "")), "{{route}}"),
        Panel::lines(
            "Time in the queue",
            "s",
            "From the launch to the lease: 95 of 100 are quicker.",
        )
        .shows(quantile(0.95, "lane", M.time_in_queue_seconds.name, ""), "{{lane}}"),
    ]
}

/// What the engine tells of itself and cannot.
fn written_down() -> Vec<Panel> {
    vec![
        Panel::lines(
            "History lag",
            "s",
            "How long ago the journal was read to its end for history: some seconds while much is sent.",
        )
        .orange(60.0)
        .red(600.0)
        .shows(max("instance", &of(M.history_lag_seconds.name, "")), "{{instance}}"),
        Panel::lines(
            "Journal",
            "bytes",
            "What the journal takes of Redis. At history.journal_max nothing more is sent until history has caught up.",
        )
        .shows(max("instance", &of(M.history_journal_bytes.name, "")), "{{instance}}"),
        Panel::lines("History rows", "ops", "Messages that were written down, a second.")
            .shows(rates("instance", M.history_rows_total.name, ""), "{{instance}}"),
        Panel::lines(
            "Copy lag",
            "s",
            "How long ledgers and opt-outs could not be copied to the SQL database: so much is lost if Redis is lost now.",
        )
        .orange(10.0)
        .red(60.0)
        .shows(max("instance", &of(M.mirror_lag_seconds.name, "")), "{{instance}}"),
    ]
}

fn webhooks() -> Vec<Panel> {
    vec![
        Panel::stacked(
            "Webhook deliveries",
            "ops",
            "POSTs to webhooks by result, a second: delivered, or why not.",
        )
        .shows(rates("result", M.webhook_deliveries_total.name, ""), "{{result}}"),
        Panel::lines("Webhook time", "s", "How long POSTs to webhooks took: 95 of 100 are quicker.")
            .orange(5.0)
            .red(15.0)
            .shows(quantile(0.95, "instance", M.webhook_duration_seconds.name, ""), "{{instance}}"),
        Panel::lines(
            "Webhook backlog",
            "short",
            "Deliveries that wait for receivers, of up to 100 events each.",
        )
        .shows(sum("instance", &of(M.webhook_backlog.name, "")), "{{instance}}"),
        Panel::lines(
            "Webhook lag",
            "s",
            "How long ago the journal was read to its end for webhooks. After two minutes it is trimmed all the same.",
        )
        .orange(10.0)
        .red(60.0)
        .shows(max("instance", &of(M.webhook_lag_seconds.name, "")), "{{instance}}"),
        Panel::numbers(
            "Webhooks disabled",
            "short",
            "Webhooks that are not told anything: their receivers failed for days or are gone, or their tenants want it so.",
        )
        .shows(max("", &of(M.webhook_endpoints_disabled.name, "")), "disabled"),
        Panel::lines(
            "Webhook events dropped",
            "ops",
            "Events that webhooks are never told of, by reason, a second: no room in the backlog, or too old.",
        )
        .orange(0.1)
        .shows(rates("reason", M.webhook_dropped_events_total.name, ""), "{{reason}}"),
        Panel::numbers(
            "Journal passed over",
            "short",
            "Times that the journal was trimmed before it was read for webhooks.",
        )
        .red(1.0)
        .shows(
            sum("", &format!("increase({}[$__rate_interval])", of(M.webhook_journal_passed_over_total.name, ""))),
            "times",
        ),
    ]
}

fn told() -> Vec<Panel> {
    let lost = |title, metric: &str, description| {
        let increase = format!("increase({}[$__rate_interval])", of(metric, ""));
        Panel::numbers(title, "short", description).shows(sum("", &increase), "lost")
    };
    vec![
        lost(
            "Audit lines lost",
            M.audit_lines_lost_total.name,
            "Acts of administration that stand in the log only: the audit log's file could not be written.",
        ),
        lost(
            "Message log lines lost",
            M.message_log_lines_lost_total.name,
            "Events of messages that the message log's file could not take.",
        ),
        lost(
            "Spans lost",
            M.trace_spans_lost_total.name,
            "Spans that no receiver of traces took. Messages go on; the log says what is wrong.",
        ),
    ]
}

fn process() -> Vec<Panel> {
    let read_ago = format!(
        "time() - {}",
        max("instance", &of(M.config_last_reload_timestamp_seconds.name, ""))
    );
    let open = max("instance", &of("process_open_fds", ""));
    let most = max("instance", &of("process_max_fds", ""));
    vec![
        Panel::lines("Processor", "short", "Processors that the engine uses.")
            .shows(sum("instance", &rate("process_cpu_seconds_total", "")), "{{instance}}"),
        Panel::lines("Memory", "bytes", "Memory that the engine has.").shows(
            max("instance", &of("process_resident_memory_bytes", "")),
            "{{instance}}",
        ),
        Panel::lines(
            "File descriptors",
            "percentunit",
            "File descriptors that are open, as a share of those that may be.",
        )
        .orange(0.8)
        .shows(format!("{open} / {most}"), "{{instance}}"),
        Panel::lines(
            "Threads",
            "short",
            "Threads of the engine, and those of them that run tasks.",
        )
        .shows(max("instance", &of("process_threads", "")), "{{instance}}")
        .shows(max("instance", &of(M.tokio_workers.name, "")), "{{instance}} for tasks"),
        Panel::numbers(
            "Last reload",
            "short",
            "1: the configuration was read without a fault when that was asked for last.",
        )
        .good_from(1.0)
        .shows(
            format!("min({})", of(M.config_last_reload_successful.name, "")),
            "successful",
        ),
        Panel::numbers(
            "Configuration read",
            "s",
            "How long ago the configuration that holds was read.",
        )
        .shows(read_ago, "{{instance}}"),
        Panel::table("Versions", "short", "Which version runs where.").shows(
            max("instance, version", &of(M.build_info.name, "")),
            "{{instance}} {{version}}",
        ),
    ]
}

fn runtime() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Busy threads",
            "short",
            "How many of the threads that run tasks are busy.",
        )
        .shows(
            sum("instance", &rate(M.tokio_busy_seconds_total.name, "")),
            "{{instance}}",
        ),
        Panel::lines(
            "Tasks",
            "short",
            "Tasks that are alive, and those that wait for a thread in the queue of all threads.",
        )
        .shows(max("instance", &of(M.tokio_alive_tasks.name, "")), "{{instance}} alive")
        .shows(
            max("instance", &of(M.tokio_queued_tasks.name, "")),
            "{{instance}} waiting",
        ),
        Panel::table(
            "Duty",
            "short",
            "1 at the engine that does what one engine at a time does.",
        )
        .shows(max("instance", &of(M.duty.name, "")), "{{instance}}"),
    ]
}
