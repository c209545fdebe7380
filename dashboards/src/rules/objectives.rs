//! Four objectives, and alerts when their error budgets burn: fast in a short window, or slowly in a long one.

use campanile::METRICS as M;

use super::Record;
use super::alert::{Alert, Severity, Trial};

/// What is promised.
struct Objective {
    name: &'static str,
    /// The share that may be bad in 30 days.
    budget: f64,
    /// What is counted as bad, and all of it, with `WINDOW` for a range.
    bad: String,
    all: String,
}

/// The windows of the burn rates.
const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Long window, short window, burn rate, severity, and for how long: 2 % of the budget in an hour, 5 % in six hours; 10 % in a
/// day, 10 % in three (the multi-window rule of Google's SRE workbook).
const BURNS: [(&str, &str, f64, Severity, &str); 4] = [
    ("1h", "5m", 14.4, Severity::Critical, "2m"),
    ("6h", "30m", 6.0, Severity::Critical, "15m"),
    ("1d", "2h", 3.0, Severity::Warning, "1h"),
    ("3d", "6h", 1.0, Severity::Warning, "3h"),
];

fn objectives() -> [Objective; 4] {
    let rate = |metric: &str, labels: &str| format!("sum by (job) (rate({metric}{{{labels}}}[WINDOW]))");
    let slower = |metric: &str, bound: &str, labels: &str| {
        let all = rate(&format!("{metric}_count"), labels);
        let within = rate(
            &format!("{metric}_bucket"),
            &format!("le=\"{bound}\"{}{labels}", if labels.is_empty() { "" } else { ", " }),
        );
        (format!("{all} - {within}"), all)
    };
    let urgent = "lane=\"transactional\"";
    let (late, urgently) = slower(M.time_in_queue_seconds.name, "60", urgent);
    let (slow, acknowledged) = slower(M.receipt_ack_seconds.name, "1", "");
    let requests = M.http_requests_total.name;
    let (receipts, leased) = (rate(M.receipts_total.name, ""), rate(M.leased_messages_total.name, ""));
    let (parked, misplaced) = (M.receipts_parked_total.name, M.misplaced_messages_total.name);
    let (dropped, lost) = (rate(parked, "reason=\"no_room\""), rate(misplaced, "found=\"lost\""));
    [
        Objective {
            name: "delivery_to_the_wire",
            budget: 0.01,
            bad: late,
            all: urgently,
        },
        Objective {
            name: "receipts_settled",
            budget: 0.001,
            bad: slow,
            all: acknowledged,
        },
        Objective {
            name: "api",
            budget: 0.001,
            bad: rate(requests, "code=~\"5..\""),
            all: rate(requests, ""),
        },
        Objective {
            name: "nothing_lost",
            budget: 0.000_01,
            // A receipt that could not be kept, and a message that was nowhere.
            bad: format!("{dropped} + {lost}"),
            all: format!("{receipts} + {leased}"),
        },
    ]
}

fn errors(window: &str) -> String {
    format!("job:campanile_objective_errors:ratio_rate{window}")
}

/// The share of what is bad, over each window.
pub(super) fn records() -> Vec<Record> {
    let mut all = Vec::new();
    for objective in objectives() {
        for window in WINDOWS {
            let expr = format!("({}) / ({} > 0)", objective.bad, objective.all).replace("WINDOW", window);
            all.push(Record {
                name: errors(window),
                expr,
                labels: vec![("objective", objective.name.to_owned())],
            });
        }
    }
    all
}

/// One for each speed: the objective is a label.
pub(super) fn alerts() -> Vec<Alert> {
    let fast = BURNS.iter().filter(|(.., severity, _)| *severity == Severity::Critical);
    let slow = BURNS.iter().filter(|(.., severity, _)| *severity != Severity::Critical);
    let mut all: Vec<Alert> = fast.map(|burn| burning("ErrorBudgetBurnsFast", burn)).collect();
    all.extend(slow.map(|burn| burning("ErrorBudgetBurnsSlowly", burn)));
    all
}

fn burning(
    name: &'static str,
    (long, short, speed, severity, hold): &(&'static str, &'static str, f64, Severity, &'static str),
) -> Alert {
    let exceeded = |objective: &Objective| {
        let limit = format!("{:.6}", objective.budget * speed);
        let limit = limit.trim_end_matches('0');
        let over = |window: &str| format!("{}{{objective=\"{}\"}} > {limit}", errors(window), objective.name);
        format!("({} and {})", over(long), over(short))
    };
    let exprs: Vec<String> = objectives().iter().map(exceeded).collect();
    Alert {
        name,
        severity: *severity,
        expr: exprs.join(" or "),
        hold,
        summary: "The error budget of {{ $labels.objective }} burns",
        description: "At this pace the budget of 30 days for {{ $labels.objective }} of {{ $labels.job }} is used up long before its time.",
        board: "overview",
        trial: burnt(short, hold),
        labels: vec![("window", (*long).to_owned())],
    }
}

/// Requests of which nine of ten fail for as long as the alert has to hold and half an hour more; then none does, until the
/// short window has forgotten it.
fn burnt(short: &str, hold: &str) -> Trial {
    let bad = minutes(hold) + 30;
    let after = minutes(short) + 60;
    let series = |code: &str| {
        let requests = M.http_requests_total.name;
        format!("{requests}{{job=\"campanile\", instance=\"a\", route=\"/\", method=\"GET\", code=\"{code}\"}}")
    };
    let good = format!("0+60x29 1800+6x{bad} {}+60x{after}", 1_800 + 6 * bad);
    let failed = format!("0x29 0+54x{bad} {}x{after}", 54 * bad);
    Trial::new(25, 25 + bad, 20 + bad + after)
        .with(series("200"), &good)
        .with(series("503"), &failed)
}

fn minutes(time: &str) -> u32 {
    let (number, unit) = time.split_at(time.len() - 1);
    let number: u32 = number.parse().unwrap_or_default();
    if unit == "h" { 60 * number } else { number }
}
