//! How a declared metric is made, by its kind.

macro_rules! kind {
    (Counter) => {
        Kind::Counter
    };
    (IntCounter) => {
        Kind::Counter
    };
    (IntCounterVec) => {
        Kind::Counter
    };
    (Gauge) => {
        Kind::Gauge
    };
    (GaugeVec) => {
        Kind::Gauge
    };
    (IntGauge) => {
        Kind::Gauge
    };
    (IntGaugeVec) => {
        Kind::Gauge
    };
    (Histogram) => {
        Kind::Histogram
    };
    (HistogramVec) => {
        Kind::Histogram
    };
}

macro_rules! make {
    (Counter, $name:expr, $help:expr, []) => {
        Counter::new($name, $help)
    };
    (IntCounter, $name:expr, $help:expr, []) => {
        IntCounter::new($name, $help)
    };
    (Gauge, $name:expr, $help:expr, []) => {
        Gauge::new($name, $help)
    };
    (IntGauge, $name:expr, $help:expr, []) => {
        IntGauge::new($name, $help)
    };
    (Histogram, $name:expr, $help:expr, [], $buckets:expr) => {
        Histogram::with_opts(HistogramOpts::new($name, $help).buckets($buckets.to_vec()))
    };
    (HistogramVec, $name:expr, $help:expr, $labels:expr, $buckets:expr) => {
        HistogramVec::new(HistogramOpts::new($name, $help).buckets($buckets.to_vec()), &$labels)
    };
    ($kind:ident, $name:expr, $help:expr, $labels:expr) => {
        $kind::new(Opts::new($name, $help), &$labels)
    };
}
