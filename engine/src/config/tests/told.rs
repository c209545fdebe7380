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
            "traces.endpoint: what was given (not shown here) is not allowed: an address of",
        ),
        ("[traces]\nendpoint = \"http://u:p@h:4318\"", "traces.endpoint:"),
        (
            "[rules]\npacks = [\"fr-sed\"]",
            "rules.packs: [\"fr-sed\"] is not allowed: a list of packs, each once: be, ca, fr-af2m-2024",
        ),
        ("[rules]\npacks = [\"be\", \"be\"]", "rules.packs:"),
        (
            "[rules]\npacks = [\"be\", \"gone.toml\"]",
            "gone.toml: cannot be read: ",
        ),
        (
            "[rules]\npacks = [\"packs/be.toml\"]",
            "packs/be.toml: a pack is called as its file, and \"be\" is built in",
        ),
        (
            "[rules]\npacks = [\"packs/À.toml\"]",
            "a pack is called as its file, and \"À\" is not allowed",
        ),
        (
            "[traces]\nsample_ratio = 1.5",
            "traces.sample_ratio: 1.5 is not allowed",
        ),
    ] {
        assert!(of(text).contains(said), "{text}: {}", of(text));
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["mine.toml", "other/mine.toml"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &::rules::Pack::named("be").unwrap().text).unwrap();
    }
    let packs = |packs: &str| {
        let text = format!("{CONTRACT}[rules]\npacks = {packs}\n");
        Config::parse(&text, &folder.path().join("campanile.toml"), [])
    };
    assert_eq!(
        packs("[\"fr-seed\", \"mine.toml\"]").unwrap().rules.packs()[1].name,
        "mine"
    );
    let same = packs("[\"mine.toml\", \"be\"]").unwrap_err().to_string();
    assert!(
        same.contains("\"mine\" and \"be\" are both for BE and hold from 2005-06-13"),
        "{same}"
    );
    let twice = packs("[\"mine.toml\", \"other/mine.toml\"]").unwrap_err().to_string();
    assert!(twice.contains("two files are called \"mine\""), "{twice}");
    let with_path = parse(&format!("{CONTRACT}[traces]\nendpoint = \"http://h/otlp/v1/traces\"\n")).unwrap();
    assert_eq!(with_path.traces.endpoint.as_deref(), Some("http://h/otlp/v1/traces"));
}
