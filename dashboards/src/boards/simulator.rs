//! The simulator, and the engine beside it: what the one dealt, and what the other made of it. `loadtest` has no metrics of its
//! own while it runs: its figures are in its report, what it does to the engine is here.

use campanile::METRICS as M;

use crate::board::Board;
use crate::panel::Panel;
use crate::query::{of, quantile, rates, sum};

const SMSC: &str = "smsc=~\"$smsc\"";

pub(super) fn board() -> Board {
    Board::new(
        "simulator",
        "Campanile: simulator and load test",
        "What smpp-sim was sent, what it dealt, and how fast the engine beside it was.",
    )
    .of_jobs_with("up")
    .variable("smsc", "SMSC", "smppsim_sessions")
    .row("Traffic", traffic())
    .row("Receipts", receipts())
    .folded_row("Engine under load", engine())
}

fn traffic() -> Vec<Panel> {
    vec![
        Panel::table("Scenario", "short", "The scenario that each SMSC obeys.")
            .shows(of("smppsim_scenario_info", SMSC), "{{smsc}} {{scenario}}"),
        Panel::lines(
            "Submits",
            "mps",
            "Segments that came and those that were accepted, by account, a second.",
        )
        .shows(
            rates("smsc, account", "smppsim_submits_total", SMSC),
            "{{smsc}} {{account}} came",
        )
        .shows(
            rates("smsc, account", "smppsim_accepted_total", SMSC),
            "{{smsc}} {{account}} accepted",
        ),
        Panel::stacked("Answers", "mps", "Answers by command_status, a second.").shows(
            rates("command_status", "smppsim_answers_total", SMSC),
            "{{command_status}}",
        ),
        Panel::stacked(
            "Outcomes",
            "mps",
            "Segments by the outcome that they were dealt, a second.",
        )
        .shows(rates("outcome", "smppsim_outcomes_total", SMSC), "{{outcome}}"),
        Panel::lines(
            "Sessions",
            "short",
            "Sessions that are bound, and submits that are not answered.",
        )
        .shows(sum("smsc", &of("smppsim_sessions", SMSC)), "{{smsc}} sessions")
        .shows(sum("smsc", &of("smppsim_unanswered", SMSC)), "{{smsc}} unanswered"),
        Panel::numbers(
            "Recipients",
            "short",
            "Distinct recipients since the start or the last reset.",
        )
        .shows(sum("smsc", &of("smppsim_recipients", SMSC)), "{{smsc}}"),
        Panel::table("Version", "short", "Which version of the simulator runs where.")
            .shows(of("smppsim_build_info", ""), "{{instance}} {{version}}"),
    ]
}

fn receipts() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Receipts",
            "ops",
            "Receipts by what became of them, a second: due, sent, resent, acked, refused.",
        )
        .shows(
            rates("smsc, event", "smppsim_receipts_total", SMSC),
            "{{smsc}} {{event}}",
        ),
        Panel::stacked(
            "Acknowledged, by state",
            "ops",
            "Receipts that were acknowledged, by the state that they report, a second.",
        )
        .shows(rates("stat", "smppsim_receipts_acked_total", SMSC), "{{stat}}"),
        Panel::lines(
            "Inbound",
            "ops",
            "Segments of inbound messages that were sent and acknowledged, a second.",
        )
        .shows(
            rates("smsc, event", "smppsim_inbound_total", SMSC),
            "{{smsc}} {{event}}",
        ),
    ]
}

fn engine() -> Vec<Panel> {
    let submit = M.submit_duration_seconds.name;
    vec![
        Panel::lines(
            "Accepted, as the engine counts",
            "mps",
            "Segments that were accepted, by the engine's own count, a second.",
        )
        .shows(rates("smsc", M.submits_total.name, "result=\"ok\""), "{{smsc}}"),
        Panel::lines(
            "Time to the answer, as the engine counts",
            "s",
            "From submit_sm to its answer, by the engine's clock: 99 of 100 are quicker.",
        )
        .shows(quantile(0.99, "smsc", submit, ""), "{{smsc}}"),
        Panel::stacked(
            "Statuses, as the engine counts",
            "mps",
            "Messages that entered each status, a second.",
        )
        .shows(rates("status", M.messages_total.name, ""), "{{status}}"),
    ]
}
