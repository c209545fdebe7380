//! The comparison as a table for people.

use std::fmt::{self, Write};

use super::comparison::{Compared, Comparison, Verdict};
use crate::report::number;

/// The table, warnings first, with its last line ended.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    // A String takes everything.
    let written = table(comparison, &mut text);
    debug_assert!(written.is_ok());
    text
}

fn table(comparison: &Comparison, out: &mut String) -> fmt::Result {
    for (side, files) in [("base", &comparison.base_runs), ("new ", &comparison.new_runs)] {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        writeln!(out, "{side} {}", files.join(", "))?;
    }
    for warning in &comparison.warnings {
        writeln!(out, "WARNING: {warning}")?;
    }
    let width = comparison
        .figures
        .iter()
        .map(|figure| figure.name.chars().count())
        .max();
    let width = width.unwrap_or(0).max("figure".len());
    let several = comparison.base_runs.len() > 1;
    let spread = if several { "    base ±     new ±" } else { "" };
    writeln!(
        out,
        "\n{:<width$}{:>14}{:>14}{:>9}{spread}  verdict",
        "figure", "base", "new", "ratio"
    )?;
    for figure in &comparison.figures {
        row(figure, (width, several), out)?;
    }
    let limit = number::measured(comparison.max_regress * 100.0);
    let worse = comparison
        .figures
        .iter()
        .filter(|figure| figure.verdict == Verdict::Worse);
    match worse.count() {
        0 => writeln!(out, "\nPASSED: nothing is worse by more than {limit} %"),
        count => writeln!(
            out,
            "\nREGRESSED: {count} of {} figures, by more than {limit} %",
            comparison.figures.len()
        ),
    }
}

fn row(figure: &Compared, (width, several): (usize, bool), out: &mut String) -> fmt::Result {
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number::measured);
    let (base, new) = (value(figure.base), value(figure.new));
    let ratio = figure
        .ratio
        .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
    let verdict = match figure.verdict {
        Verdict::Better => "better",
        Verdict::Same => "same",
        Verdict::Worse => "WORSE",
        Verdict::Noise => "noise",
        Verdict::Missing => "only in one",
        Verdict::NotJudged => "not judged",
    };
    let spread =
        |spread: Option<f64>| spread.map_or_else(|| "–".to_owned(), |spread| format!("{:.1} %", spread * 100.0));
    let spreads = if several {
        format!("{:>10}{:>10}", spread(figure.base_spread), spread(figure.new_spread))
    } else {
        String::new()
    };
    let name = &figure.name;
    writeln!(
        out,
        "{name:<width$}{base:>14}{new:>14}{ratio:>9}{spreads}  {verdict:<12}{}",
        figure.unit
    )
}
