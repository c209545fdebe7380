//! What the engine tells of itself, and which rules it obeys.

use super::*;

#[test]
fn what_the_engine_tells_goes_where_it_can_go() {
    let of = |text: &str| faults(&format!("{CONTRACT}{text}\n")).join("; ");
    for (text, said) in [
        (
            "[log]\nfilter = \"inof\"",
            "log.filter: \"inof\" is not allowed: a level (off",
        ),
        ("[log]\nformat = \"xml\"", "log.format: \"xml\" is not allowed"),
        ("[audit]\nkeep = 0", "audit.keep: 0 is not allowed"),
        ("[audit]\npath = \"\"", "audit.path: \"\" is not allowed: a path"),
        (
            "[traces]\nendpoint = \"https://h:4318\"",
            "traces.endpoint: \"https://h:4318\" is not allowed: an address of",
        ),
        ("[traces]\nendpoint = \"http://u:p@h:4318\"", "traces.endpoint:"),
        (
            "[rules]\npacks = [\"fr-sed\"]",
            "rules.packs: [\"fr-sed\"] is not allowed: a list of packs, each once: be, ca, fr-af2m-2024",
        ),
        ("[rules]\npacks = [\"be\", \"be\"]", "rules.packs:"),
        (
            "[traces]\nsample_ratio = 1.5",
            "traces.sample_ratio: 1.5 is not allowed",
        ),
    ] {
        assert!(of(text).contains(said), "{text}: {}", of(text));
    }
    let with_path = parse(&format!("{CONTRACT}[traces]\nendpoint = \"http://h/otlp/v1/traces\"\n")).unwrap();
    assert_eq!(with_path.traces.endpoint.as_deref(), Some("http://h/otlp/v1/traces"));
}
