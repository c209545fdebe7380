//! A chart as the page's template draws it: everything already in places, nothing left to calculate.

use super::axis::{Axis, Tick};

/// A chart with its legend, its description and its table.
pub(super) struct Chart {
    /// Unique on the page, for references.
    pub(super) id: String,
    pub(super) title: String,
    /// What is on the axes.
    pub(super) caption: String,
    /// What somebody who cannot see it should know.
    pub(super) description: String,
    pub(super) across: Vec<Mark>,
    pub(super) upward: Vec<Mark>,
    /// Per cent of the width from the left that were warm-up.
    pub(super) warm_up: Option<String>,
    pub(super) lines: Vec<Line>,
    pub(super) hovers: Vec<Hover>,
    pub(super) table: Table,
}

/// A label and its grid line, in per cent from the left or from the top.
pub(super) struct Mark {
    pub(super) at: String,
    pub(super) label: String,
}

/// One series.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Its class in the style sheet: colour and dashes.
    pub(super) class: &'static str,
    /// An SVG path in a square of [`SIDE`] units.
    pub(super) path: String,
}

/// A strip that shows its values when pointed at; x and width in per cent.
pub(super) struct Hover {
    pub(super) at: String,
    pub(super) width: String,
    pub(super) text: String,
}

/// Rows of text under headings.
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// A series as it was measured: one value for each place across, `None` where there was nothing to measure.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) values: Vec<Option<f64>>,
}

/// Units along each side of the square in which lines are drawn; the page stretches it to the room there is.
const SIDE: f64 = 1000.0;

/// The labels of an axis from left to right.
pub(super) fn across(axis: &Axis) -> Vec<Mark> {
    axis.ticks().into_iter().map(|tick| mark(tick.place, tick)).collect()
}

/// The labels of an axis from bottom to top.
pub(super) fn upward(axis: &Axis) -> Vec<Mark> {
    axis.ticks()
        .into_iter()
        .map(|tick| mark(1.0 - tick.place, tick))
        .collect()
}

fn mark(at: f64, tick: Tick) -> Mark {
    Mark {
        at: percent(at),
        label: tick.label,
    }
}

/// A place as per cent, without its sign.
pub(super) fn percent(place: f64) -> String {
    format!("{:.2}", place * 100.0)
}

/// A series as a line that is broken where nothing was measured.
pub(super) fn line(series: &Series, places: &[f64], upward: &Axis) -> Line {
    let mut path = String::new();
    let mut broken = true;
    for (place, value) in places.iter().zip(&series.values) {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            broken = true;
            continue;
        };
        let (x, y) = (place * SIDE, (1.0 - upward.place(value)) * SIDE);
        // A line of no length shows as a dot, so that a single second between two gaps is seen.
        let step = if broken {
            format!("M{x:.1} {y:.1}h0")
        } else {
            format!("L{x:.1} {y:.1}")
        };
        path.push_str(&step);
        broken = false;
    }
    Line {
        name: series.name,
        class: series.class,
        path,
    }
}

/// Strips that meet halfway between their places.
pub(super) fn hovers(places: &[f64], texts: Vec<String>) -> Vec<Hover> {
    let middle = |left: usize, right: usize| Some((places.get(left)? + places.get(right)?) / 2.0);
    texts
        .into_iter()
        .enumerate()
        .map(|(at, text)| {
            let from = at.checked_sub(1).and_then(|before| middle(before, at)).unwrap_or(0.0);
            let to = middle(at, at + 1).unwrap_or(1.0);
            Hover {
                at: percent(from),
                width: percent(to - from),
                text,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_the_line() {
        let series = Series {
            name: "p99",
            class: "a",
            values: vec![Some(0.0), Some(1.0), None, Some(f64::NAN), Some(0.5)],
        };
        let axis = Axis::Linear { min: 0.0, max: 1.0 };
        let line = line(&series, &[0.0, 0.25, 0.5, 0.75, 1.0], &axis);
        assert_eq!(line.path, "M0.0 1000.0h0L250.0 0.0M1000.0 500.0h0");
    }

    #[test]
    fn strips_cover_the_whole_width() {
        let strips = hovers(&[0.0, 0.5, 1.0], vec![String::new(), String::new(), String::new()]);
        let at: Vec<_> = strips
            .iter()
            .map(|strip| (strip.at.as_str(), strip.width.as_str()))
            .collect();
        assert_eq!(at, [("0.00", "25.00"), ("25.00", "50.00"), ("75.00", "25.00")]);
    }
}
