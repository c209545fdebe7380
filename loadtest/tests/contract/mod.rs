//! The keys of the last line that scripts rely on.

use serde_json::Value;

/// They are there and have numbers; a percentile is the corrected one.
pub(crate) fn assert_line(line: &Value) {
    for key in [
        "submits_per_second",
        "receipts_per_second",
        "submitted",
        "answered",
        "receipts",
        "lost",
        "doubled",
        "cpu_us_per_message",
    ] {
        assert!(line[key].is_number(), "{key}: {line}");
    }
    let latency = &line["latency_ms"];
    for percentile in ["p50", "p90", "p99", "p999", "max"] {
        assert!(latency[percentile].is_number(), "{percentile}: {latency}");
        assert_eq!(latency[percentile], latency["corrected"][percentile]);
        assert!(latency["raw"][percentile].is_number(), "{percentile}: {latency}");
    }
}
