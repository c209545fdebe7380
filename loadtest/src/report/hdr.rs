//! The latency histograms as an HdrHistogram interval log: other tools plot and add them up.
//!
//! One interval, the measured time; one histogram for each latency, corrected and raw, told apart by its tag. Values are
//! microseconds, and the column of the most is in milliseconds as such logs have it.

use std::io::Write;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use crate::results::{Distribution, Results};

/// Microseconds in the unit of the log's third column.
const MAX_VALUE_DIVISOR: f64 = 1_000.0;

/// Writes the log.
///
/// # Errors
/// Nobody takes the output; or a histogram of the results is not one, which names it.
pub(super) fn write(results: &Results, out: &mut impl Write) -> Result<()> {
    let began = began(results)?;
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!("loadtest {}, values in microseconds", results.mode))
        .with_start_time(began)
        .with_base_time(began)
        .with_max_value_divisor(MAX_VALUE_DIVISOR)
        .begin_log_with(out, &mut serializer)?;
    let warm_up = results.per_second.iter().filter(|second| second.warm_up).count() as u64;
    let warm_up = Duration::from_secs(warm_up);
    let measured = Duration::try_from_secs_f64(results.seconds).unwrap_or_default();
    for (tag, distribution) in distributions(results) {
        let histogram = histogram(distribution).with_context(|| format!("the histogram {tag} of the results"))?;
        let tag =
            Tag::new(&tag).with_context(|| format!("the latency {tag}: a name without space, comma and newline"))?;
        log.write_histogram(&histogram, warm_up, measured, Some(tag))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
    }
    Ok(())
}

/// Every distribution that has a histogram, by its tag.
fn distributions(results: &Results) -> impl Iterator<Item = (String, &Distribution)> {
    results
        .latencies
        .iter()
        .flat_map(|(name, latency)| {
            [
                (format!("{name}_corrected"), &latency.corrected),
                (format!("{name}_raw"), &latency.raw),
            ]
        })
        .filter(|(_, distribution)| !distribution.histogram.is_empty())
}

/// The histogram that a document carries.
fn histogram(distribution: &Distribution) -> Result<Histogram<u64>> {
    let octets = STANDARD
        .decode(&distribution.histogram)
        .context("it is not in base64")?;
    Deserializer::new()
        .deserialize(&mut octets.as_slice())
        .map_err(|error| anyhow::anyhow!("it is not in the V2 encoding: {error}"))
}

fn began(results: &Results) -> Result<SystemTime> {
    let began: jiff::Timestamp = results
        .started_at
        .parse()
        .with_context(|| format!("started_at is {:?}: a time as RFC 3339 has it", results.started_at))?;
    Ok(began.into())
}
