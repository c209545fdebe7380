//! Out of Prometheus's text exposition: single samples; histograms with their counts, differences and quantiles.

/// The value of the sample that is written so, labels included; `None` when it is not there (yet).
pub fn sample(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| value(line.strip_prefix(series)?))
}

/// The sum of all samples whose name and labels `wanted` takes; 0 when there are none.
pub fn sum(text: &str, wanted: impl Fn(&str) -> bool) -> f64 {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let values = samples
        .filter_map(|line| line.rsplit_once(' '))
        .filter(|(series, _)| wanted(series))
        .filter_map(|(_, value)| value.parse::<f64>().ok());
    values.sum()
}

/// A histogram summed over all its labels but `le`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// (upper bound, observations at or below it), by rising bound; the last bound is +Inf.
    buckets: Vec<(f64, f64)>,
    /// All observations.
    pub count: f64,
}

impl Histogram {
    /// The histogram `name` in `text`; one without observations if it is not there (yet).
    pub fn parse(text: &str, name: &str) -> Self {
        let mut histogram = Self::default();
        for line in text.lines() {
            let Some(rest) = line.strip_prefix(name) else { continue };
            if let Some(rest) = rest.strip_prefix("_bucket{") {
                histogram.add_bucket(rest);
            } else if let Some(rest) = rest.strip_prefix("_count") {
                histogram.count += value(rest).unwrap_or(0.0);
            }
        }
        histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        histogram
    }

    /// Adds `le="…",…} value` to the bucket of that bound.
    fn add_bucket(&mut self, labels_and_value: &str) {
        let Some((_, from_bound)) = labels_and_value.split_once("le=\"") else {
            return;
        };
        let Some((bound, rest)) = from_bound.split_once('"') else {
            return;
        };
        // Rust reads "+Inf" as Prometheus writes it.
        let (Ok(bound), Some(observed)) = (bound.parse::<f64>(), value(rest)) else {
            return;
        };
        match self.buckets.iter_mut().find(|(known, _)| *known == bound) {
            Some((_, sum)) => *sum += observed,
            None => self.buckets.push((bound, observed)),
        }
    }

    /// What was observed since `earlier`, a reading of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| {
            earlier
                .buckets
                .iter()
                .find(|(known, _)| *known == bound)
                .map_or(0.0, |(_, n)| *n)
        };
        Self {
            buckets: self
                .buckets
                .iter()
                .map(|&(bound, n)| (bound, n - before(bound)))
                .collect(),
            count: self.count - earlier.count,
        }
    }

    /// The value below which the share `q` of the observations lies, taking them as spread evenly within a bucket.
    ///
    /// `None` without observations. In the last, unbounded bucket the answer is its lower bound: "at least".
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.buckets.last()?.1;
        if total <= 0.0 {
            return None;
        }
        let rank = q * total;
        let (mut lower, mut below) = (0.0, 0.0);
        for &(upper, observed) in &self.buckets {
            if observed >= rank && observed > below {
                let share = (rank - below) / (observed - below);
                return Some(if upper.is_finite() {
                    lower + (upper - lower) * share
                } else {
                    lower
                });
            }
            (lower, below) = (upper, observed);
        }
        None
    }
}

/// The sample's value in `{labels} value [timestamp]` or in ` value [timestamp]`.
fn value(rest: &str) -> Option<f64> {
    let rest = rest.rsplit_once('}').map_or(rest, |(_, after)| after);
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP x_seconds Time.
# TYPE x_seconds histogram
x_seconds_bucket{smsc=\"a\",le=\"0.5\"} 50
x_seconds_bucket{smsc=\"a\",le=\"1\"} 90
x_seconds_bucket{smsc=\"a\",le=\"+Inf\"} 100
x_seconds_sum{smsc=\"a\"} 51.5
x_seconds_count{smsc=\"a\"} 100
x_seconds_bucket{smsc=\"b}\",le=\"0.5\"} 50
x_seconds_bucket{smsc=\"b}\",le=\"1\"} 90
x_seconds_bucket{smsc=\"b}\",le=\"+Inf\"} 100
x_seconds_count{smsc=\"b}\"} 100
x_seconds_more_bucket{le=\"+Inf\"} 7
";

    #[test]
    fn a_sample_is_found_by_its_series() {
        let text = "# TYPE a counter\na{type=\"x\"} 3\na{type=\"y\"} 4\n";
        assert_eq!(sample(text, "a{type=\"y\"}"), Some(4.0));
        assert_eq!(sample(text, "a{type=\"z\"}"), None);
        assert_eq!(sum(text, |series| series.starts_with("a{")), 7.0);
    }

    #[test]
    fn labels_are_summed_and_other_names_left_alone() {
        let histogram = Histogram::parse(TEXT, "x_seconds");
        assert_eq!(histogram.count, 200.0);
        assert_eq!(histogram.buckets, [(0.5, 100.0), (1.0, 180.0), (f64::INFINITY, 200.0)]);
    }

    #[test]
    fn quantiles_are_interpolated() {
        let histogram = Histogram::parse(TEXT, "x_seconds");
        assert_eq!(histogram.quantile(0.25), Some(0.25));
        assert_eq!(histogram.quantile(0.5), Some(0.5));
        assert_eq!(histogram.quantile(0.7), Some(0.75));
        assert_eq!(histogram.quantile(0.9), Some(1.0));
        assert_eq!(
            histogram.quantile(0.99),
            Some(1.0),
            "unbounded bucket: at least its lower bound"
        );
    }

    #[test]
    fn nothing_observed_has_no_quantile() {
        assert_eq!(Histogram::parse("", "x_seconds").quantile(0.99), None);
        let now = Histogram::parse(TEXT, "x_seconds");
        assert_eq!(now.since(&now).quantile(0.99), None);
    }

    #[test]
    fn differences_count_from_the_earlier_reading() {
        let now = Histogram::parse(TEXT, "x_seconds");
        let earlier = Histogram {
            buckets: vec![(0.5, 100.0), (1.0, 100.0), (f64::INFINITY, 100.0)],
            count: 100.0,
        };
        let since = now.since(&earlier);
        assert_eq!(since.count, 100.0);
        assert_eq!(since.quantile(0.1), Some(0.5625));
        assert_eq!(now.since(&Histogram::default()), now);
    }
}
