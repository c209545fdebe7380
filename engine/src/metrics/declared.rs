//! What is known of a metric without an engine that runs: its name, kind, labels, unit, and what it tells.

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises; what is looked at is how fast.
    Counter,
    /// It rises and falls.
    Gauge,
    /// Observations in buckets, with their sum and count.
    Histogram,
}

/// A metric as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The whole name.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// The names of its labels, `le` aside.
    pub labels: &'static [&'static str],
    /// The lines of its doc comment.
    pub(super) doc: &'static [&'static str],
}

/// What a name says of the unit, by its end without `_total`.
const UNITS: [(&str, &str); 4] = [
    ("_messages_per_second", "segments a second"),
    ("_seconds", "seconds"),
    ("_bytes", "octets"),
    ("_micros", "millionths of the currency"),
];

impl Kind {
    /// The word in Prometheus' text format.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Metric {
    /// What it means, in one paragraph.
    pub fn meaning(&self) -> String {
        paragraph(self.doc.split(|line| line.is_empty()).next())
    }

    /// What it says when it rises or falls, and what to do then; empty where that is plain.
    pub fn advice(&self) -> String {
        paragraph(self.doc.split(|line| line.is_empty()).nth(1))
    }

    /// What its values count: `seconds`, `octets` and so on; empty for a plain number.
    pub fn unit(&self) -> &'static str {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        let unit = UNITS.iter().find(|(end, _)| name.ends_with(end));
        unit.map_or("", |(_, unit)| unit)
    }
}

fn paragraph(lines: Option<&[&str]>) -> String {
    let words: Vec<&str> = lines.unwrap_or_default().iter().map(|line| line.trim()).collect();
    words.join(" ")
}

macro_rules! process {
    ($($name:literal, $kind:ident, $meaning:literal;)*) => {
        [$(Metric { name: $name, kind: Kind::$kind, labels: &[], doc: &[$meaning] }),*]
    };
}

/// What the client library tells of the process, on Linux.
pub static PROCESS: [Metric; 7] = process! {
    "process_cpu_seconds_total", Counter, "Processor time that the process used.";
    "process_max_fds", Gauge, "File descriptors that the process may open.";
    "process_open_fds", Gauge, "File descriptors that are open.";
    "process_resident_memory_bytes", Gauge, "Memory that the process has.";
    "process_start_time_seconds", Gauge, "When the process started, in seconds since 1970.";
    "process_threads", Gauge, "Threads of the process.";
    "process_virtual_memory_bytes", Gauge, "Addresses that the process has mapped.";
};

#[cfg(test)]
mod tests {
    use crate::metrics::METRICS;

    #[test]
    fn a_metric_says_its_unit_its_meaning_and_what_to_do() {
        let lag = METRICS.settle_lag_seconds;
        assert_eq!((lag.name, lag.unit()), ("campanile_settle_lag_seconds", "seconds"));
        assert_eq!(lag.meaning(), "What waits to be settled: the age of the oldest.");
        assert!(lag.advice().starts_with("From 0.1 on"), "{}", lag.advice());
        assert_eq!(METRICS.receipts_parked.unit(), "");
        assert_eq!(METRICS.leased_messages_total.advice(), "");
        assert_eq!(METRICS.pdu_bytes_total.unit(), "octets");
    }
}
