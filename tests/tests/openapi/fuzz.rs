//! Schemathesis asks a running engine for whatever the document allows, and for what it forbids.

use campanile_tests::{Stand, peers, programs};

use crate::openapi::world::Owner;

/// Seconds of it, where nobody asks for another time.
const SECONDS: u64 = 20;

/// Things of each kind of id that it knows of.
const THINGS: usize = 20;

/// What it is told. Values may be refused for more than a schema can say: a number that no plan has, a zone that nobody knows; and
/// for credits and states. A phone number that is a number of JSON with a fraction has lost digits, perhaps: to a schema, 1.0 is whole.
fn settings(stand: &Stand, seconds: u64) -> String {
    let (asks, changed) = (Owner::new(stand, "Hirondelle"), Owner::new(stand, "Cormoran"));
    let operator = stand.engine.operator();
    let known = [
        ("campaigns", &asks, "^cmp_", "path.id", "^/v1/campaigns/"),
        ("messages", &asks, "^msg_", "path.id", "^/v1/messages/"),
        (
            "tenants",
            &changed,
            "^ten_",
            "path.id",
            "^/v1/tenants/[^/]+(/credits|/keys)?$",
        ),
        (
            "keys",
            &changed,
            "^key_",
            "path.key",
            "/tenants/[^/]+/keys/[^/]+(/revoke)?$",
        ),
        ("owners", &changed, "^ten_", "path.id", "/tenants/[^/]+/keys/"),
    ];
    let tables = known.map(|(name, owner, pattern, parameter, paths)| {
        let ids: Vec<String> = (0..THINGS)
            .map(|_| owner.make(&operator, (pattern, "/v1/tenants")))
            .collect();
        format!(
            "[dictionaries.{name}]\nvalues = {ids:?}\n[[operations]]\ninclude-path-regex = {paths:?}\n\
             parameters = {{ {parameter:?} = {{ dictionary = {name:?}, probability = 0.8 }} }}\n"
        )
    });
    format!(
        "max-time = {seconds}
continue-on-failure = true
[auth.openapi]
tenantKey = {{ bearer = {:?} }}
operatorKey = {{ bearer = {:?} }}
[checks.positive_data_acceptance]
expected-statuses = [\"2xx\", 401, 402, 403, 404, 409, 412, 422, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 429]
[[operations]]
include-operation-id = [\"createCampaign\", \"sendMessage\", \"searchContacts\", \"keepSegment\", \"exportContacts\", \"importContacts\"]
[operations.checks.positive_data_acceptance]
expected-statuses = [\"2xx\", 400, 401, 402, 403, 404, 409, 412, 422, 429]
[[operations]]
include-operation-id = [\"watchCampaign\"]
enabled = false
[[operations]]
include-operation-id = [\"deleteList\", \"deleteSegment\"]
[operations.checks]
ensure_resource_availability.enabled = false
{}",
        asks.tenant.key,
        stand.engine.operator_key(),
        tables.concat(),
    )
}

#[test]
fn req_004_07_whatever_is_asked_is_answered_as_documented() {
    if peers::skipped() {
        return;
    }
    let seconds = peers::fuzz_seconds();
    let stand = Stand::new(programs!(), "openapi-fuzz", "", |smsc| smsc);
    let directory = stand.lab().directory();
    let file = directory.join("schemathesis.toml");
    // The short run is the same each time; a long one looks elsewhere each time, and says its seed.
    let seed = if seconds.is_none() { "seed = 1\n" } else { "" };
    let settings = settings(&stand, seconds.unwrap_or(SECONDS));
    std::fs::write(&file, seed.to_owned() + &settings).expect("a file");
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
