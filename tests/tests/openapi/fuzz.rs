//! Schemathesis asks a running engine for whatever the document allows, and for what it forbids.

use campanile_tests::{Stand, peers, programs};

/// Seconds of it, where nobody asks for another time.
const SECONDS: u64 = 20;

/// What it is told. Values may be refused for more than a schema can say: a number that no plan has, a zone that nobody knows; and
/// for credits and states.
fn settings(stand: &Stand, seconds: u64) -> String {
    format!(
        "max-time = {seconds}
continue-on-failure = true
[auth.openapi]
tenantKey = {{ bearer = {:?} }}
operatorKey = {{ bearer = {:?} }}
[checks.positive_data_acceptance]
expected-statuses = [\"2xx\", 401, 402, 403, 404, 409, 422, 429]
",
        stand.tenant.key,
        stand.engine.operator_key(),
    )
}

#[test]
fn req_004_07_whatever_is_asked_is_answered_as_documented() {
    if peers::skipped() {
        return;
    }
    let seconds = std::env::var("CAMPANILE_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(SECONDS);
    let stand = Stand::new(programs!(), "openapi-fuzz", "", |smsc| smsc);
    let directory = stand.lab().directory();
    let file = directory.join("schemathesis.toml");
    std::fs::write(&file, settings(&stand, seconds)).expect("a file");
    let address = format!("http://{}", stand.engine.public().address());
    let output = peers::python()
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(&file)
        .args(["run", &format!("{address}/openapi.json"), "--no-color"])
        .current_dir(directory)
        .output()
        .expect("Python");
    let [said, complained] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    println!("{said}");
    assert!(
        output.status.success(),
        "scripts/install-peers.sh installs it\n{complained}{}",
        stand.engine.process().last_words()
    );
}
