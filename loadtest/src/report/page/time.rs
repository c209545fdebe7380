//! The charts over time: rates, latencies, and what waits.

use super::super::number;
use super::axis::Axis;
use super::chart::{self, Chart, Series, Table};
use crate::results::{Results, Second};

/// More points than that are finer than a screen, and make a page of a day's run too heavy to open.
const POINTS_MAX: usize = 240;

/// One or more seconds as one point.
struct Point {
    /// The first of its seconds.
    second: u64,
    rates: [f64; 4],
    /// The highest of its seconds; `None`: nothing was answered.
    latencies: Option<[f64; 4]>,
    waiting: [f64; 2],
}

const RATES: [(&str, &str); 4] = [
    ("offered", "aim"),
    ("submitted", "first"),
    ("answered", "second"),
    ("receipts", "third"),
];
const LATENCIES: [(&str, &str); 4] = [
    ("p50 corrected", "third"),
    ("p99 corrected", "first"),
    ("p99 raw", "second"),
    ("max corrected", "aim"),
];
const WAITING: [(&str, &str); 2] = [("in flight", "first"), ("backlog", "second")];

/// The charts over time; none for a run without a second.
pub(super) fn charts(results: &Results) -> Vec<Chart> {
    if results.per_second.is_empty() {
        return Vec::new();
    }
    let span = results.per_second.len().div_ceil(POINTS_MAX);
    let points: Vec<Point> = results.per_second.chunks(span).map(Point::of).collect();
    let over = OverTime { results, points, span };
    // Ledgers that are read at the end, as in `e2e`, have no latencies by the second.
    let timed = results.per_second.iter().any(|second| second.max > 0.0);
    let latencies = timed.then(|| over.latencies());
    [Some(over.rates()), latencies, Some(over.waiting())]
        .into_iter()
        .flatten()
        .collect()
}

impl Point {
    fn of(seconds: &[Second]) -> Self {
        let average = |field: fn(&Second) -> u64| {
            let sum: u64 = seconds.iter().map(field).sum();
            sum as f64 / seconds.len() as f64
        };
        let highest = |field: fn(&Second) -> f64| seconds.iter().map(field).fold(0.0, f64::max);
        let answered = seconds.iter().any(|second| second.answered > 0);
        Point {
            second: seconds.first().map_or(0, |second| second.second),
            rates: [
                average(|second| second.offered),
                average(|second| second.submitted),
                average(|second| second.answered),
                average(|second| second.receipts),
            ],
            latencies: answered.then(|| {
                [
                    highest(|second| second.p50),
                    highest(|second| second.p99),
                    highest(|second| second.raw_p99),
                    highest(|second| second.max),
                ]
            }),
            waiting: [
                highest(|second| second.in_flight as f64),
                highest(|second| second.backlog as f64),
            ],
        }
    }
}

struct OverTime<'a> {
    results: &'a Results,
    points: Vec<Point>,
    /// Seconds in a point.
    span: usize,
}

impl OverTime<'_> {
    fn rates(&self) -> Chart {
        let rates = &self.results.rates;
        // A closed model offers nothing: a line at 0 would say that it offered too little.
        let skip = usize::from(self.results.per_second.iter().all(|second| second.offered == 0));
        let series = self.series(&RATES[skip..], |point, at| Some(point.rates[at + skip]));
        let chart = Frame {
            id: "rate",
            title: "Rate over time",
            unit: "messages a second",
            aggregate: "averaged",
            description: format!(
                "Over {} seconds measured, {} messages a second were submitted, {} answered and {} receipted.",
                number::measured(self.results.seconds),
                number::measured(rates.submits_per_second),
                number::measured(rates.answers_per_second),
                number::measured(rates.receipts_per_second),
            ),
        };
        self.chart(chart, series, Axis::from_zero)
    }

    fn latencies(&self) -> Chart {
        let series = self.series(&LATENCIES, |point, at| Some(point.latencies?[at]));
        let highest = self
            .points
            .iter()
            .filter_map(|point| Some((point.second, point.latencies?[1])));
        let highest = highest.max_by(|(_, left), (_, right)| left.total_cmp(right));
        let description = match highest {
            Some((second, p99)) => format!(
                "The corrected 99th percentile is highest at second {second}, with {} milliseconds. A gap means that \
                 nothing was answered.",
                number::measured(p99)
            ),
            None => "Nothing was answered.".to_owned(),
        };
        let frame = Frame {
            id: "latency",
            title: "Latency over time",
            unit: "ms",
            aggregate: "the highest",
            description,
        };
        self.chart(frame, series, Axis::latency)
    }

    fn waiting(&self) -> Chart {
        let series = self.series(&WAITING, |point, at| Some(point.waiting[at]));
        let most = |at: usize| self.points.iter().map(|point| point.waiting[at]).fold(0.0, f64::max);
        let frame = Frame {
            id: "waiting",
            title: "In flight and waiting",
            unit: "messages at the end of each second",
            aggregate: "the highest",
            description: format!(
                "At most {} submits were unanswered, and at most {} messages were due and not yet written.",
                number::measured(most(0)),
                number::measured(most(1)),
            ),
        };
        self.chart(frame, series, Axis::from_zero)
    }

    fn series(
        &self,
        names: &[(&'static str, &'static str)],
        value: impl Fn(&Point, usize) -> Option<f64>,
    ) -> Vec<Series> {
        let series = |(at, (name, class)): (usize, &(&'static str, &'static str))| Series {
            name,
            class,
            values: self.points.iter().map(|point| value(point, at)).collect(),
        };
        names.iter().enumerate().map(series).collect()
    }

    fn chart(&self, frame: Frame, series: Vec<Series>, axis: fn(&[f64]) -> Axis) -> Chart {
        let values: Vec<f64> = series
            .iter()
            .flat_map(|series| series.values.iter().copied().flatten())
            .collect();
        let upward = axis(&values);
        let seconds: Vec<f64> = self.points.iter().map(|point| point.second as f64).collect();
        let across = Axis::exact(
            seconds.first().copied().unwrap_or(0.0),
            seconds.last().copied().unwrap_or(0.0),
        );
        let places: Vec<f64> = seconds.iter().map(|second| across.place(*second)).collect();
        let table = self.table(&series);
        let hovers = table.rows.iter().map(|row| hover(&table.head, row)).collect();
        Chart {
            id: frame.id.to_owned(),
            title: frame.title.to_owned(),
            caption: frame.caption(&upward, self.span),
            description: frame.description,
            across: chart::across(&across),
            upward: chart::upward(&upward),
            warm_up: self.warm_up(&across),
            lines: series
                .iter()
                .map(|series| chart::line(series, &places, &upward))
                .collect(),
            hovers: chart::hovers(&places, hovers),
            table,
        }
    }

    /// How much of the width was warm-up: up to the first second that was not.
    fn warm_up(&self, across: &Axis) -> Option<String> {
        let seconds = &self.results.per_second;
        seconds.first().filter(|first| first.warm_up)?;
        let measured = seconds.iter().find(|second| !second.warm_up);
        Some(measured.map_or_else(
            || chart::percent(1.0),
            |second| chart::percent(across.place(second.second as f64)),
        ))
    }

    fn table(&self, series: &[Series]) -> Table {
        let value = |value: &Option<f64>| value.map_or_else(|| "–".to_owned(), number::measured);
        let names = series.iter().map(|series| series.name.to_owned());
        let row = |(at, point): (usize, &Point)| {
            let values = series.iter().filter_map(|series| series.values.get(at).map(value));
            std::iter::once(number::count(point.second)).chain(values).collect()
        };
        Table {
            head: std::iter::once("second".to_owned()).chain(names).collect(),
            rows: self.points.iter().enumerate().map(row).collect(),
        }
    }
}

/// What makes a chart over time a chart of something.
struct Frame {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    /// How several seconds become one point.
    aggregate: &'static str,
    description: String,
}

impl Frame {
    fn caption(&self, upward: &Axis, span: usize) -> String {
        let scale = if upward.is_logarithmic() { ", logarithmic" } else { "" };
        let thinned = match span {
            0 | 1 => String::new(),
            span => format!(", {} of {span} s in each point", self.aggregate),
        };
        format!("{}{scale}; seconds across{thinned}", self.unit)
    }
}

fn hover(head: &[String], row: &[String]) -> String {
    let pairs: Vec<String> = head
        .iter()
        .zip(row)
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    pairs.join("\n")
}
