//! How the demo looks: numbered steps, lines of a label and what is said of it, the table of the seven statuses.

use lab::Report;

/// How wide a line may be, in characters.
const WIDTH: usize = 90;

/// Where what is said of a label begins.
const MARGIN: usize = 22;

/// A step of the story begins.
pub(crate) fn step(number: u8, title: &str) {
    println!("\n{number} {title}");
}

/// A label, and what is said of it, in lines that fit.
pub(crate) fn say(label: &str, what: impl std::fmt::Display) {
    let (label, space) = (format!("    {label}"), MARGIN);
    let mut line = format!("{label:<space$}");
    for word in what.to_string().split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line.len() > MARGIN {
            println!("{}", line.trim_end());
            line = " ".repeat(MARGIN);
        }
        line.push_str(word);
        line.push(' ');
    }
    println!("{}", line.trim_end());
}

/// The seven statuses of a campaign as its report has them.
pub(crate) fn table(report: &Report) -> String {
    let rows = report.statuses.iter();
    let rows: String = rows.map(|row| line(&row.label, row.count, row.percent)).collect();
    let rule = "─".repeat(48);
    format!("{rows}  {rule}\n{}", line("Total", report.messages, 100.0))
}

/// With a decimal comma.
fn line(label: &str, count: u64, percent: f64) -> String {
    let percent = format!("{percent:.1} %").replace('.', ",");
    format!("  {label:<32} {count:>6} {percent:>8}\n")
}
