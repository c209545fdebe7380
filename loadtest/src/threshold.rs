//! Conditions on a run's results: `submit_latency:p(99)<250ms`, `lost==0`, `error_rate<0.01`.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::results::{Distribution, Results, Verdict};

/// The latencies that a run may have, by their names in [`Results::latencies`].
const LATENCIES: [&str; 6] = ["submit", "receipt", "end_to_end", "queue", "api", "wait"];

/// Counts that are only final when a run is: in the middle of it they are no reason to end it.
const OF_THE_END: [&str; 5] = ["lost", "unanswered", "unknown", "wrong_status", "credit_delta"];

/// Everything else that can be compared.
const NUMBERS: [&str; 31] = [
    "offered",
    "submitted",
    "answered",
    "accepted",
    "refused",
    "receipts",
    "intermediate",
    "lost",
    "doubled",
    "untraceable",
    "unknown",
    "inbound",
    "unanswered",
    "dropped",
    "disconnects",
    "errors",
    "error_rate",
    "loss_rate",
    "offered_per_second",
    "submits_per_second",
    "answers_per_second",
    "receipts_per_second",
    "cpu_us_per_message",
    "wrong_status",
    "credit_delta",
    "sent_after_stop",
    "sent_outside_window",
    "jain_index",
    "max_wait_ms",
    "median_wait_ms",
    "saturated",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stat {
    Percentile(f64),
    Mean,
    Least,
    Most,
}

#[derive(Clone, Debug, PartialEq)]
enum Measure {
    Latency { name: &'static str, raw: bool, stat: Stat },
    Number(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

/// The longer ones first: `<=` begins with `<`.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Threshold {
    text: String,
    measure: Measure,
    comparison: Comparison,
    limit: f64,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = text
            .find(['<', '>', '=', '!'])
            .ok_or_else(|| format!("{text:?} compares nothing: METRIC<VALUE with one of < <= > >= == !="))?;
        let (left, right) = text.split_at(place);
        let (sign, comparison) = COMPARISONS
            .into_iter()
            .find(|(sign, _)| right.starts_with(sign))
            .ok_or_else(|| format!("{right:?} begins with none of < <= > >= == !="))?;
        let measure = measure(left.trim())?;
        let value = right[sign.len()..].trim();
        let limit = match measure {
            Measure::Latency { .. } => milliseconds(value)?,
            Measure::Number(_) => number(value)?,
        };
        Ok(Self {
            text: text.to_owned(),
            measure,
            comparison,
            limit,
        })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Threshold {
    /// Whether it can be judged in the middle of a run.
    pub(crate) fn is_for_the_middle(&self) -> bool {
        match self.measure {
            Measure::Number(name) => !OF_THE_END.contains(&name),
            Measure::Latency { .. } => true,
        }
    }

    /// Whether it needs latencies, which are costly to sum up in the middle of a run.
    pub(crate) fn needs_latencies(&self) -> bool {
        matches!(self.measure, Measure::Latency { .. })
    }

    /// What came of it. What was not measured does not hold: a condition on nothing is a mistake.
    pub(crate) fn judge(&self, results: &Results) -> Verdict {
        let measured = match &self.measure {
            Measure::Latency { name, raw, stat } => latency(results, name, *raw, *stat),
            Measure::Number(name) => value(results, name),
        };
        let held = measured.is_some_and(|measured| match self.comparison {
            Comparison::Less => measured < self.limit,
            Comparison::AtMost => measured <= self.limit,
            Comparison::More => measured > self.limit,
            Comparison::AtLeast => measured >= self.limit,
            Comparison::Equal => (measured - self.limit).abs() < 1e-9,
            Comparison::Unequal => (measured - self.limit).abs() >= 1e-9,
        });
        Verdict {
            threshold: self.text.clone(),
            measured: measured.unwrap_or(0.0),
            held,
            aborted: false,
        }
    }
}

fn measure(text: &str) -> Result<Measure, String> {
    let (name, stat) = match text.split_once(':') {
        Some((name, stat)) => (name.trim(), Some(stat.trim())),
        None => (text, None),
    };
    let (plain, raw) = match name.strip_suffix("_raw") {
        Some(plain) => (plain, true),
        None => (name, false),
    };
    let latency = plain.strip_suffix("_latency").and_then(|plain| {
        let known = LATENCIES.into_iter().find(|known| *known == plain)?;
        Some((known, raw))
    });
    match (latency, stat) {
        (Some((name, raw)), Some(stat)) => Ok(Measure::Latency {
            name,
            raw,
            stat: self::stat(stat)?,
        }),
        (Some(_), None) => Err(format!("{name}: which part of it? {STATS}")),
        (None, stat) => match (NUMBERS.into_iter().find(|known| *known == name), stat) {
            (Some(name), None) => Ok(Measure::Number(name)),
            (Some(name), Some(_)) => Err(format!("{name} is one number and has no statistics")),
            (None, _) => Err(format!("{name:?} is not measured; {}", known_names())),
        },
    }
}

const STATS: &str = "one of p(0) to p(100), med, avg, min, max, as in submit_latency:p(99)<250ms";

fn known_names() -> String {
    let latencies: Vec<String> = LATENCIES.iter().map(|name| format!("{name}_latency")).collect();
    format!(
        "latencies (with :p(99) and the like, and each with _raw): {}; numbers: {}",
        latencies.join(", "),
        NUMBERS.join(", ")
    )
}

fn stat(text: &str) -> Result<Stat, String> {
    let wrong = || format!("{text:?} is no part of a latency: {STATS}");
    match text {
        "med" => Ok(Stat::Percentile(50.0)),
        "avg" => Ok(Stat::Mean),
        "min" => Ok(Stat::Least),
        "max" => Ok(Stat::Most),
        _ => {
            let inner = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
            let percent: f64 = inner.and_then(|inner| inner.parse().ok()).ok_or_else(wrong)?;
            if !(0.0..=100.0).contains(&percent) {
                return Err(wrong());
            }
            Ok(Stat::Percentile(percent))
        }
    }
}

fn number(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no number, as in 0, 0.01, 1000");
    let number: f64 = text.parse().map_err(|_| wrong())?;
    if number.is_finite() { Ok(number) } else { Err(wrong()) }
}

fn milliseconds(text: &str) -> Result<f64, String> {
    let units = [("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 60e3)];
    let unit = units.into_iter().find(|(unit, _)| text.ends_with(unit));
    let (unit, factor) =
        unit.ok_or_else(|| format!("{text:?} is no time: a number with us, ms, s or m, as in 250ms"))?;
    Ok(number(text[..text.len() - unit.len()].trim())? * factor)
}

fn latency(results: &Results, name: &str, raw: bool, stat: Stat) -> Option<f64> {
    let latency = results.latencies.get(name)?;
    let distribution = if raw { &latency.raw } else { &latency.corrected };
    if distribution.count == 0 {
        return None;
    }
    match stat {
        Stat::Mean => Some(distribution.mean),
        Stat::Least => Some(distribution.min),
        Stat::Most => Some(distribution.max),
        Stat::Percentile(percent) => percentile(distribution, percent),
    }
}

fn percentile(distribution: &Distribution, percent: f64) -> Option<f64> {
    let octets = base64::engine::general_purpose::STANDARD
        .decode(&distribution.histogram)
        .ok()?;
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut octets.as_slice()).ok()?;
    Some(histogram.value_at_percentile(percent) as f64 / 1e3)
}

fn value(results: &Results, name: &str) -> Option<f64> {
    let counts = &results.counts;
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let conservation = results.conservation.as_ref();
    let fairness = results.fairness.as_ref();
    let count = match name {
        "offered" => counts.offered,
        "submitted" => counts.submitted,
        "answered" => counts.answered,
        "accepted" => counts.accepted,
        "refused" => counts.refused,
        "receipts" => counts.receipts,
        "intermediate" => counts.intermediate,
        "lost" => counts.lost + conservation.map_or(0, |ledgers| ledgers.lost),
        "doubled" => counts.doubled + conservation.map_or(0, |ledgers| ledgers.doubled),
        "untraceable" => counts.untraceable,
        "unknown" => counts.unknown,
        "inbound" => counts.inbound,
        "unanswered" => counts.unanswered,
        "dropped" => counts.dropped,
        "disconnects" => counts.disconnects,
        "errors" => results.errors.values().sum(),
        "saturated" => results.saturation.len() as u64,
        "wrong_status" => conservation?.wrong_status,
        "sent_after_stop" => conservation?.sent_after_stop?,
        "sent_outside_window" => conservation?.sent_outside_window?,
        "credit_delta" => return Some(conservation?.credit_delta as f64),
        "error_rate" => return Some(share(counts.refused + counts.unanswered, counts.submitted)),
        "loss_rate" => return Some(share(counts.lost, counts.accepted)),
        "offered_per_second" => return Some(results.rates.offered),
        "submits_per_second" => return Some(results.rates.submits_per_second),
        "answers_per_second" => return Some(results.rates.answers_per_second),
        "receipts_per_second" => return Some(results.rates.receipts_per_second),
        "cpu_us_per_message" => return results.cpu_us_per_message.get("loadtest").copied(),
        "jain_index" => return Some(fairness?.jain_index),
        "max_wait_ms" => return Some(fairness?.max_wait_ms),
        "median_wait_ms" => return Some(fairness?.median_wait_ms),
        _ => return None,
    };
    Some(count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::esme::test_distribution;
    use crate::results::{Counts, Latency};

    fn results() -> Results {
        let mut results = Results {
            counts: Counts {
                submitted: 100,
                refused: 3,
                ..Counts::default()
            },
            ..Results::default()
        };
        let corrected = test_distribution(1..=1_000);
        let raw = test_distribution(1..=10);
        results
            .latencies
            .insert("submit".to_owned(), Latency { corrected, raw });
        results
    }

    fn held(text: &str) -> bool {
        text.parse::<Threshold>().unwrap().judge(&results()).held
    }

    #[test]
    fn latencies_are_compared_at_any_percentile() {
        assert!(held("submit_latency:p(99)<1ms") && !held("submit_latency:p(99)<900us"));
        assert!(held("submit_latency:p(12.5) >= 0.124ms") && held("submit_latency:med<=0.51ms"));
        assert!(held("submit_latency_raw:max<=0.010s") && !held("submit_latency_raw:min>1m"));
    }

    #[test]
    fn numbers_and_shares_are_compared() {
        assert!(held("lost==0") && held("refused!=0") && held("error_rate<=0.03") && !held("error_rate<0.03"));
        assert!(!held("receipt_latency:avg<1s"), "what was not measured does not hold");
        assert!(!held("wrong_status==0"), "there is no second ledger");
    }

    #[test]
    fn every_name_that_is_offered_is_known() {
        for name in NUMBERS {
            let threshold: Threshold = format!("{name}>=0").parse().unwrap();
            assert_eq!(threshold.measure, Measure::Number(name));
        }
        let mut results = results();
        results.conservation = Some(crate::results::Conservation {
            sent_after_stop: Some(0),
            sent_outside_window: Some(0),
            ..Default::default()
        });
        results.fairness = Some(Default::default());
        results.cpu_us_per_message.insert("loadtest".to_owned(), 1.0);
        assert!(NUMBERS.iter().all(|name| value(&results, name).is_some()));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        for (text, part) in [
            ("lost", "compares nothing"),
            ("lost=0", "begins with none of"),
            ("losses==0", "numbers: offered"),
            ("submit_latency<1ms", "p(99)"),
            ("submit_latency:p(101)<1ms", "p(100)"),
            ("submit_latency:p(99)<250", "no time"),
            ("lost:max==0", "one number"),
            ("lost==none", "no number"),
        ] {
            let fault = text.parse::<Threshold>().unwrap_err();
            assert!(fault.contains(part), "{text}: {fault}");
        }
    }
}
