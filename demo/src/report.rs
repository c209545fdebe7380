//! What the demo shows: the table of the seven statuses, and where the credits went.

use lab::{Credits, Report};

/// The seven statuses of a campaign as its report has them.
pub(crate) fn table(report: &Report) -> String {
    let rows = report.statuses.iter();
    let rows: String = rows.map(|row| line(&row.label, row.count, row.percent)).collect();
    let rule = "─".repeat(48);
    format!("\n{rows}  {rule}\n{}", line("Total", report.messages, 100.0))
}

/// With a decimal comma.
fn line(label: &str, count: u64, percent: f64) -> String {
    let percent = format!("{percent:.1} %").replace('.', ",");
    format!("  {label:<32} {count:>6} {percent:>8}\n")
}

/// The clinic's credits, from before the launch to the end.
pub(crate) fn credits(before: &Credits, held: &Credits, after: &Credits, recredited: u64) -> String {
    let still_held = match after.held {
        0 => String::new(),
        held => format!(" (and {held} still held)"),
    };
    format!(
        "\n  credits before {}  held at the launch {}  spent {}  recredited {recredited}  after {}{still_held}\n",
        before.available,
        held.held + held.spent,
        after.spent + recredited,
        after.available,
    )
}
