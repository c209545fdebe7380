//! Histograms and the row of seconds.

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

use crate::results::{Distribution, Second};

/// The longest latency that is told apart: a day. Longer ones count as this.
const LONGEST_US: u64 = 86_400_000_000;

/// A run has at most this many seconds, a day: it bounds the row.
const SECONDS_MAX: usize = 86_400;

/// Ticks of the chart's curve for each halving of the distance to 100 %.
const CURVE_TICKS: u32 = 4;

/// Latencies of one kind in µs, three digits.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet. `None` only if the library refuses its constants.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, LONGEST_US, 3)?))
    }

    /// One more.
    pub(crate) fn record(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The percentile in ms; 0 without values.
    pub(crate) fn percentile_ms(&self, percent: f64) -> f64 {
        ms(self.0.value_at_percentile(percent))
    }

    /// The greatest in ms; 0 without values.
    pub(crate) fn max_ms(&self) -> f64 {
        ms(self.0.max())
    }

    /// The figures, the curve and the encoded histogram.
    pub(crate) fn distribution(&self) -> Distribution {
        if self.0.is_empty() {
            return Distribution::default();
        }
        let curve = self.0.iter_quantiles(CURVE_TICKS).map(|step| {
            let count = (step.quantile() * self.0.len() as f64).round() as u64;
            (step.quantile_iterated_to() * 100.0, ms(step.value_iterated_to()), count)
        });
        Distribution {
            count: self.0.len(),
            min: ms(self.0.min()),
            mean: self.0.mean() / 1e3,
            p50: self.percentile_ms(50.0),
            p75: self.percentile_ms(75.0),
            p90: self.percentile_ms(90.0),
            p95: self.percentile_ms(95.0),
            p99: self.percentile_ms(99.0),
            p999: self.percentile_ms(99.9),
            max: self.max_ms(),
            curve: curve.collect(),
            histogram: self.encoded(),
        }
    }

    fn encoded(&self) -> String {
        let mut octets = Vec::new();
        match V2DeflateSerializer::new().serialize(&self.0, &mut octets) {
            Ok(_) => base64::engine::general_purpose::STANDARD.encode(octets),
            // Memory is the only thing that a vector can lack; the figures beside it stand.
            Err(_) => String::new(),
        }
    }
}

/// µs as ms.
pub(crate) fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

/// What happened in each second since the beginning.
#[derive(Debug)]
pub(crate) struct Seconds {
    rows: Vec<Second>,
    corrected: Histogram<u32>,
    raw: Histogram<u32>,
    warm_up_us: u64,
    closed: usize,
}

impl Seconds {
    /// From second 0, with a warm-up of that length.
    pub(crate) fn new(warm_up_us: u64) -> anyhow::Result<Self> {
        // Two digits are enough for a chart, and small enough to be emptied every second.
        let histogram = || Histogram::<u32>::new_with_bounds(1, LONGEST_US, 2);
        Ok(Self {
            rows: Vec::new(),
            corrected: histogram()?,
            raw: histogram()?,
            warm_up_us,
            closed: 0,
        })
    }

    /// The row of that moment.
    pub(crate) fn at(&mut self, us: u64) -> &mut Second {
        let place = ((us / 1_000_000) as usize).min(SECONDS_MAX - 1);
        while self.rows.len() <= place {
            let second = self.rows.len() as u64;
            self.rows.push(Second {
                second,
                warm_up: second * 1_000_000 < self.warm_up_us,
                ..Second::default()
            });
        }
        &mut self.rows[place]
    }

    /// The latencies of an answer that came in the current second.
    pub(crate) fn answered(&mut self, corrected_us: u64, raw_us: u64) {
        self.corrected.saturating_record(corrected_us.max(1));
        self.raw.saturating_record(raw_us.max(1));
    }

    /// Closes the seconds that are over, the last of them with what is in flight and what waits.
    pub(crate) fn close_until(&mut self, us: u64, (in_flight, backlog): (u64, u64)) {
        let now = ((us / 1_000_000) as usize).min(SECONDS_MAX - 1);
        while self.closed < now {
            self.close((in_flight, backlog));
        }
    }

    /// Closes the second that has begun, and gives the rows.
    pub(crate) fn finish(&mut self, (in_flight, backlog): (u64, u64)) -> Vec<Second> {
        if self.closed < self.rows.len() {
            self.close((in_flight, backlog));
        }
        self.rows.clone()
    }

    /// The last second that is complete.
    pub(crate) fn last(&self) -> Option<&Second> {
        self.rows.get(self.closed.checked_sub(1)?)
    }

    fn close(&mut self, (in_flight, backlog): (u64, u64)) {
        let (p50, p99, max) = (
            self.corrected.value_at_percentile(50.0),
            self.corrected.value_at_percentile(99.0),
            self.corrected.max(),
        );
        let raw_p99 = self.raw.value_at_percentile(99.0);
        let row = self.at(self.closed as u64 * 1_000_000);
        row.in_flight = in_flight;
        row.backlog = backlog;
        (row.p50, row.p99, row.max, row.raw_p99) = (ms(p50), ms(p99), ms(max), ms(raw_p99));
        self.corrected.reset();
        self.raw.reset();
        self.closed += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_has_its_figures_in_ms_and_a_curve_to_the_end() {
        let mut latencies = Latencies::new().unwrap();
        for us in 1..=10_000 {
            latencies.record(us);
        }
        let distribution = latencies.distribution();
        assert_eq!(distribution.count, 10_000);
        assert!((distribution.p50 - 5.0).abs() < 0.01, "{}", distribution.p50);
        assert!((distribution.p999 - 9.99).abs() < 0.02, "{}", distribution.p999);
        let last = distribution.curve.last().unwrap();
        assert!((last.0 - 100.0).abs() < 1e-9 && last.2 == 10_000, "{last:?}");
        assert!(!distribution.histogram.is_empty());
        assert_eq!(Latencies::new().unwrap().distribution(), Distribution::default());
    }

    #[test]
    fn seconds_close_with_their_own_latencies() {
        let mut seconds = Seconds::new(1_000_000).unwrap();
        seconds.at(100).submitted = 3;
        seconds.answered(5_000, 1_000);
        seconds.close_until(2_100_000, (7, 8));
        seconds.at(2_200_000).submitted = 1;
        let rows = seconds.finish((0, 0));
        assert_eq!(rows.len(), 3);
        assert!(rows[0].warm_up && !rows[1].warm_up);
        assert!((rows[0].p99 - 5.0).abs() < 0.1 && (rows[0].raw_p99 - 1.0).abs() < 0.1);
        assert_eq!((rows[1].p99, rows[0].in_flight, rows[2].submitted), (0.0, 7, 1));
    }
}
