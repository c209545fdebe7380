//! Each SMSC and each bind: how fast, how full, how well.

use campanile::METRICS as M;

use super::WAITING;
use crate::board::Board;
use crate::panel::Panel;
use crate::query::{join, max, of, quantile, rates, sum};

const SMSC: &str = "smsc=~\"$smsc\"";
const BIND: &str = "smsc=~\"$smsc\", bind=~\"$bind\"";

pub(super) fn board() -> Board {
    Board::new(
        "smscs",
        "Campanile: SMSCs and binds",
        "Each SMSC and each of its binds: is it bound, how fast is it fed, what holds it back, what does it answer.",
    )
    .variable("smsc", "SMSC", M.submits_total.name)
    .variable("bind", "Bind", M.bind_state.name)
    .row("SMSCs", smscs())
    .row("Answers", answers())
    .row("Pace", pace())
    .folded_row("Binds", binds())
    .folded_row("Wire", wire())
    .folded_row("Cost and quality", cost())
}

fn smscs() -> Vec<Panel> {
    let segments = |labels: &str| rates("smsc", M.submits_total.name, &join(SMSC, labels));
    vec![
        Panel::states(
            "State of binds",
            "The state of each bind. stalled: bound, but submissions are not answered.",
        )
        .width(16)
        .shows(
            sum("smsc, bind, state", &format!("{} == 1", of(M.bind_state.name, BIND))),
            "{{smsc}} {{bind}} {{state}}",
        ),
        Panel::states(
            "Suspended and stopped",
            "1: an operator suspended the SMSC, or it takes nothing from its account.",
        )
        .red(1.0)
        .shows(max("smsc", &of(M.smsc_suspended.name, SMSC)), "{{smsc}} suspended")
        .shows(max("smsc", &of(M.smsc_stopped.name, SMSC)), "{{smsc}} stopped"),
        Panel::lines(
            "Segments and their limit",
            "mps",
            "Accepted segments a second, the configured rate, and the rate that holds now.",
        )
        .width(16)
        .shows(segments("result=\"ok\""), "{{smsc}} accepted")
        .shows(
            max("smsc", &of(M.throttle_limit_messages_per_second.name, SMSC)),
            "{{smsc}} limit",
        )
        .shows(
            max("smsc", &of(M.throttle_effective_messages_per_second.name, SMSC)),
            "{{smsc}} now",
        ),
        Panel::stacked(
            "Waiting, by reason",
            "short",
            "Messages of all SMSCs that wait, by reason.",
        )
        .shows(sum("reason", &of(WAITING, "")), "{{reason}}"),
    ]
}

fn answers() -> Vec<Panel> {
    let submit = M.submit_duration_seconds.name;
    let refused = rates("smsc", M.submit_errors_total.name, SMSC);
    let all = rates("smsc", M.submits_total.name, SMSC);
    let top = format!(
        "topk(10, {})",
        rates("smsc, command_status", M.submit_errors_total.name, SMSC)
    );
    vec![
        Panel::lines(
            "Time to the answer",
            "s",
            "From submit_sm to its answer: half, 95 and 99 of 100 are quicker.",
        )
        .orange(1.0)
        .red(2.0)
        .shows(quantile(0.5, "smsc", submit, SMSC), "{{smsc}} p50")
        .shows(quantile(0.95, "smsc", submit, SMSC), "{{smsc}} p95")
        .shows(quantile(0.99, "smsc", submit, SMSC), "{{smsc}} p99"),
        Panel::lines(
            "Refused",
            "percentunit",
            "The share of segments that were refused, being too fast included.",
        )
        .orange(0.02)
        .red(0.05)
        .shows(format!("{refused} / {all}"), "{{smsc}}"),
        Panel::table(
            "Refusals by code",
            "mps",
            "The ten command_status that refuse most, a second. What each means here: [[smsc]] answers.",
        )
        .shows(top, "{{smsc}} {{command_status}}"),
        Panel::stacked(
            "Results",
            "mps",
            "Segments by result, a second. timeout: never answered; unsent: the connection broke before.",
        )
        .shows(rates("smsc, result", M.submits_total.name, SMSC), "{{smsc}} {{result}}"),
        Panel::lines(
            "In doubt and late",
            "ops",
            "Messages whose submission nobody answered, and answers that came after response_timeout.",
        )
        .orange(0.01)
        .shows(
            rates("smsc", M.submit_unknown_outcome_total.name, SMSC),
            "{{smsc}} in doubt",
        )
        .shows(rates("smsc", M.submit_late_responses_total.name, SMSC), "{{smsc}} late"),
        Panel::stacked(
            "Tried again",
            "ops",
            "Messages that are to be submitted again, by reason, a second.",
        )
        .shows(
            rates("smsc, reason", M.submit_retries_total.name, SMSC),
            "{{smsc}} {{reason}}",
        ),
    ]
}

fn pace() -> Vec<Panel> {
    let used = sum("smsc", &of(M.window_in_flight.name, SMSC));
    let places = sum("smsc", &of(M.window_effective.name, SMSC));
    vec![
        Panel::lines(
            "Use of the window",
            "percentunit",
            "Unanswered submissions, as a share of those that are allowed now. Near 1: answers limit the speed.",
        )
        .orange(0.9)
        .shows(format!("{used} / {places}"), "{{smsc}}"),
        Panel::lines(
            "Slowed down",
            "ops",
            "How often sending was slowed down: by the SMSC's answers, or locally by the rate.",
        )
        .shows(rates("smsc, by", M.throttled_total.name, SMSC), "{{smsc}} by {{by}}"),
        Panel::lines(
            "Given less",
            "ops",
            "How often the SMSC was given less than before, by cause.",
        )
        .shows(
            rates("smsc, cause", M.smsc_backoffs_total.name, SMSC),
            "{{smsc}} {{cause}}",
        ),
        Panel::lines(
            "Wait for a place",
            "s",
            "How long the dispatcher waited for a place in a window: 95 of 100 are quicker.",
        )
        .shows(quantile(0.95, "smsc", M.window_wait_seconds.name, SMSC), "{{smsc}}"),
        Panel::lines("Leased", "mps", "Messages handed to each SMSC, a second.")
            .shows(rates("smsc", M.leased_messages_total.name, SMSC), "{{smsc}}"),
        Panel::lines(
            "Congestion",
            "percent",
            "How busy the SMSC says that it is, 0 to 99 (SMPP 5.0); absent where it says nothing.",
        )
        .orange(80.0)
        .red(99.0)
        .shows(
            max("smsc, bind", &of(M.bind_congestion_state.name, BIND)),
            "{{smsc}} {{bind}}",
        ),
    ]
}

fn binds() -> Vec<Panel> {
    let since = format!(
        "time() - {}",
        max("smsc, bind", &of(M.bind_bound_timestamp_seconds.name, BIND))
    );
    let expiry = max("smsc, side", &of(M.tls_certificate_expiry_timestamp_seconds.name, SMSC));
    vec![
        Panel::lines(
            "Window of each bind",
            "short",
            "Unanswered submissions, the places that may be used now, and all places.",
        )
        .width(12)
        .shows(
            max("smsc, bind", &of(M.window_in_flight.name, BIND)),
            "{{smsc}} {{bind}} used",
        )
        .shows(
            max("smsc, bind", &of(M.window_effective.name, BIND)),
            "{{smsc}} {{bind}} now",
        )
        .shows(
            max("smsc, bind", &of(M.window_size.name, BIND)),
            "{{smsc}} {{bind}} all",
        ),
        Panel::lines("Attempts to bind", "ops", "Attempts to bind by result, a second.")
            .width(6)
            .shows(
                rates("smsc, result", M.bind_attempts_total.name, BIND),
                "{{smsc}} {{result}}",
            ),
        Panel::lines(
            "Sessions that ended",
            "ops",
            "Sessions that ended, by reason, a second.",
        )
        .width(6)
        .shows(
            rates("smsc, reason", M.bind_disconnects_total.name, BIND),
            "{{smsc}} {{reason}}",
        ),
        Panel::table("Bound for", "s", "How long ago each bind was last bound.").shows(since, "{{smsc}} {{bind}}"),
        Panel::lines(
            "Heartbeat",
            "s",
            "From enquire_link to its answer: 95 of 100 are quicker.",
        )
        .orange(1.0)
        .shows(
            quantile(0.95, "smsc", M.enquire_link_rtt_seconds.name, SMSC),
            "{{smsc}}",
        ),
        Panel::bars(
            "Certificates",
            "s",
            "How long TLS certificates still hold: the SMSC's (server) and ours (client).",
        )
        .good_from(1_209_600.0)
        .shows(format!("{expiry} - time()"), "{{smsc}} {{side}}"),
    ]
}

fn wire() -> Vec<Panel> {
    vec![
        Panel::lines("PDUs", "ops", "PDUs by direction and command, a second.").shows(
            rates("direction, command", M.pdus_total.name, SMSC),
            "{{direction}} {{command}}",
        ),
        Panel::lines("Octets", "Bps", "Octets on the wire by direction, a second.").shows(
            rates("smsc, direction", M.pdu_bytes_total.name, SMSC),
            "{{smsc}} {{direction}}",
        ),
        Panel::lines(
            "Bad PDUs",
            "ops",
            "PDUs that were malformed, unexpected or truncated, by kind, a second.",
        )
        .orange(0.1)
        .shows(rates("smsc, kind", M.pdu_errors_total.name, SMSC), "{{smsc}} {{kind}}"),
    ]
}

fn cost() -> Vec<Panel> {
    let micros = rates("smsc, currency", M.smsc_cost_micros_total.name, SMSC);
    vec![
        Panel::lines("Cost", "short", "What accepted segments cost by the price lists, in units of the currency, an hour.")
            .shows(format!("{micros} * 3600 / 1e6"), "{{smsc}} {{currency}}"),
        Panel::lines("Without a price", "mps", "Accepted segments to numbers that the SMSC's price list lacks, a second.")
            .orange(0.01)
            .shows(rates("smsc", M.smsc_unpriced_segments_total.name, SMSC), "{{smsc}}"),
        Panel::lines("Quality", "percentunit", "What is delivered in time, as a share of the SMSC's own past: 1 is as usual. Absent until enough is known.")
            .good_from(0.6)
            .shows(max("smsc", &of(M.smsc_quality.name, SMSC)), "{{smsc}}"),
    ]
}
