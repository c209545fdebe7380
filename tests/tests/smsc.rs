//! `campanile smsc`: what is known of carriers, and what an SMSC answers when it is tried.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use campanile_tests::sim::Sim;
use campanile_tests::{CampaignOrder, Lab, Stand, eventually, programs};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(30);

/// Three segments.
const LONG: usize = 400;

fn campanile(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
    command
        .current_dir(lab.directory())
        .arg("smsc")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A configuration with the SMSC *north*, and these lines.
fn configure(lab: &Lab, address: &str, lines: &str) {
    let smsc = format!(
        "[[smsc]]\nname = \"north\"\naddress = {address:?}\nsystem_id = \"campanile\"\npassword = \"secret\"\n{lines}\n"
    );
    std::fs::write(lab.directory().join("north.toml"), smsc).expect("write a configuration");
}

fn test(lab: &Lab, arguments: &[&str]) -> Output {
    let all = [&["test", "north", "--config", "north.toml"], arguments].concat();
    campanile(lab, &all).output().expect("campanile runs")
}

/// Its exit code, and its report.
fn tried(lab: &Lab, arguments: &[&str]) -> (i32, Value) {
    reported(&test(lab, &[&["--json"], arguments].concat()))
}

fn reported(output: &Output) -> (i32, Value) {
    let text = String::from_utf8_lossy(&output.stdout);
    let report = serde_json::from_str(&text);
    let report = report.unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().expect("it ended by itself"), report)
}

/// What went wrong, of a test that must fail.
fn problem(lab: &Lab, arguments: &[&str]) -> String {
    let (code, report) = tried(lab, arguments);
    assert_eq!(code, 1, "{report}");
    report["problem"].as_str().expect("a problem").to_owned()
}

fn with_sim(name: &str, scenario: &str, lines: &str) -> (Lab, Sim) {
    let lab = Lab::new(programs!(), name);
    let sim = lab.sim(scenario);
    configure(&lab, sim.smpp_address(), lines);
    (lab, sim)
}

#[test]
fn an_smsc_that_is_well_says_what_it_is() {
    let (lab, sim) = with_sim("smsc-fine", "magic = true\n", "");
    let (code, report) = tried(&lab, &[]);
    assert_eq!((code, &report["problem"]), (0, &Value::Null), "{report}");
    let session = &report["sessions"][0];
    for (key, expected) in [
        ("kind", json!("transceiver")),
        ("version", json!("3.4")),
        ("address", json!(sim.smpp_address())),
        ("tls", Value::Null),
        ("bind_status", json!("ESME_ROK")),
        ("smsc_system_id", json!("smpp-sim")),
        ("smsc_version", json!("3.4")),
    ] {
        assert_eq!(session[key], expected, "{key}: {report}");
    }
    for key in ["connect_ms", "bind_ms", "enquire_link_ms"] {
        assert!(session[key].as_f64().is_some_and(|ms| ms > 0.0), "{key}: {report}");
    }
    assert_eq!((&report["message"], &report["suggestions"]), (&Value::Null, &json!([])));
    assert_eq!(sim.totals().submits, 0, "nothing is sent unasked");
    eventually("the session is given back", LIMIT, || {
        sim.sessions().is_ok_and(|count| count == 0).then_some(())
    });
}

#[test]
fn a_message_shows_the_forms_of_ids_and_the_dialect_of_receipts() {
    let (lab, sim) = with_sim("smsc-message", "magic = true\n", "");
    // Hexadecimal in the answer, decimal in the receipt: smpp-sim's README.
    let (code, report) = tried(&lab, &["--to", "+33600000914"]);
    assert_eq!(code, 0, "{report}");
    let segment = &report["message"]["segments"][0];
    assert_eq!(segment["status"], "ESME_ROK");
    assert_eq!(segment["means"], "accepted");
    let receipt = &segment["receipts"][0];
    assert_eq!(receipt["id_in_text"]["same_by"], "hexadecimal_to_decimal", "{report}");
    assert!(
        receipt["id_in_text"]["form"]
            .as_str()
            .is_some_and(|form| form.starts_with("decimal, "))
    );
    assert_eq!(
        (&receipt["stat"], &receipt["means"]),
        (&json!("DELIVRD"), &json!("delivered"))
    );
    assert_eq!(receipt["command"], "deliver_sm");
    assert_eq!(
        (&receipt["esm_class"], &receipt["recipient_in"]),
        (&json!(4), &json!("source"))
    );
    assert_eq!(receipt["optional_parameters"][0], "0x001e");
    assert_eq!(receipt["keys"][0], "id");
    assert!(segment["submit_ms"].is_f64() && receipt["after_ms"].is_f64());
    // A receipt that comes before its answer.
    let (code, report) = tried(&lab, &["--to", "+33600000912"]);
    assert_eq!((code, &report["given_back"]), (0, &json!(0)), "{report}");
    let long = "x".repeat(LONG);
    configure(&lab, sim.smpp_address(), "window = 1");
    let (code, report) = tried(&lab, &["--to", "+33600000001", "--text", &long, "--from", "36034"]);
    assert_eq!(code, 0, "{report}");
    let segments = report["message"]["segments"].as_array().expect("a list");
    assert_eq!(segments.len(), 3);
    assert!(
        segments
            .iter()
            .all(|segment| segment["receipts"][0]["id_in_text"]["same_by"] == "identical"),
        "{report}"
    );
    // For people.
    let output = test(&lab, &["--to", "+33600000001"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("\nenquire_link ") && said.ends_with("north          fine\n"),
        "{said}"
    );
    let warned = String::from_utf8_lossy(&output.stderr);
    assert_eq!(warned, "north: takes 1 of the account's sessions while it lasts\n");
}

#[test]
fn what_was_seen_asks_for_settings() {
    let scenario = "[receipt]\nsegments = \"last\"\n[receipt.dialect]\naddresses = \"missing\"\n";
    let (lab, _sim) = with_sim("smsc-advice", scenario, "rate = \"900000/s\"\nwindow = 3");
    let long = "x".repeat(LONG);
    let (code, report) = tried(&lab, &["--to", "+33600000001", "--text", &long, "--wait", "1s"]);
    assert_eq!(code, 1, "{report}");
    let problem = report["problem"].as_str().expect("a problem");
    assert!(
        problem.starts_with("2 of 3 segments have no receipt within 1s: "),
        "{problem}"
    );
    let settings: Vec<&str> = report["suggestions"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|suggestion| suggestion["setting"].as_str())
        .collect();
    assert!(settings[0].starts_with("window = "), "{settings:?}");
    assert_eq!(settings[1..], ["long_receipts = \"last\"", "receipts_by_id = true"]);
    let receipts = "rate = \"900000/s\"\nwindow = 10000\nlong_receipts = \"last\"\nreceipts_by_id = true";
    configure(&lab, _sim.smpp_address(), receipts);
    let (code, report) = tried(&lab, &["--to", "+33600000002", "--text", &long]);
    assert_eq!((code, &report["problem"]), (0, &Value::Null), "{report}");
}

#[test]
fn a_pair_receives_on_its_receiver() {
    let (lab, _sim) = with_sim("smsc-pair", "[receipt]\nroute = \"receiver\"\n", "bind = \"pair\"");
    let (code, report) = tried(&lab, &["--to", "+33600000001"]);
    assert_eq!(code, 0, "{report}");
    let kinds: Vec<_> = report["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|session| &session["kind"])
        .collect();
    assert_eq!(kinds, ["transmitter", "receiver"]);
}

#[test]
fn a_wrong_password_and_an_unknown_account_are_said_as_such() {
    let account = "[[account]]\nsystem_id = \"campanile\"\npassword = \"other\"\n";
    let (lab, sim) = with_sim("smsc-password", account, "");
    assert_eq!(
        problem(&lab, &[]),
        "the bind was refused with ESME_RINVPASWD: the password is not that of system_id \"campanile\": check password or password_file"
    );
    sim.switch(&account.replace("campanile", "somebody"));
    assert!(problem(&lab, &[]).contains("ESME_RINVSYSID: it does not know system_id \"campanile\""));
}

#[test]
fn an_address_where_nobody_listens_is_named() {
    let lab = Lab::new(programs!(), "smsc-nobody");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    configure(&lab, &address, "");
    let said = problem(&lab, &["--to", "+33600000001"]);
    assert!(said.starts_with(&format!("cannot connect to {address}: ")), "{said}");
    assert!(
        said.contains(": check address and port, and whether the carrier and the firewalls"),
        "{said}"
    );
}

#[test]
fn tls_that_cannot_be_is_said_as_such() {
    let tls = "[tls]\nlisten = \"127.0.0.1:0\"\nself_signed = { names = [\"localhost\"] }\n";
    let (lab, sim) = with_sim("smsc-tls", tls, "");
    let key = KeyPair::generate().expect("a key");
    let stranger = CertificateParams::new(vec!["stranger".to_owned()]).expect("a name");
    let stranger = stranger.self_signed(&key).expect("a certificate");
    std::fs::write(lab.directory().join("ca.pem"), stranger.pem()).expect("write a file");
    let by_name = |address: &str| address.replace("127.0.0.1", "localhost");
    configure(
        &lab,
        &by_name(sim.tls_address().expect("TLS")),
        "tls = { ca_file = \"ca.pem\" }",
    );
    assert!(problem(&lab, &[]).contains("not trusted here (tls.ca_file"));
    configure(
        &lab,
        &by_name(sim.smpp_address()),
        "tls = { ca_file = \"ca.pem\" }\nbind_timeout = \"2s\"",
    );
    assert!(problem(&lab, &[]).contains("does not speak TLS"));
}

#[test]
fn an_account_without_a_free_session_says_so_and_the_engine_keeps_its_own() {
    let account = "[[account]]\nsystem_id = \"campanile\"\nsessions = 1\n";
    let stand = Stand::new(programs!(), "smsc-limit", account, |smsc| smsc);
    let sim = &stand.sim;
    eventually("the engine is bound", LIMIT, || {
        sim.sessions().is_ok_and(|count| count == 1).then_some(())
    });
    configure(stand.lab(), sim.smpp_address(), "");
    let said = problem(stand.lab(), &[]);
    assert!(
        said.starts_with("the bind was refused with ESME_RALYBND: all sessions of the account are taken"),
        "{said}"
    );
    let campaign = stand.launch(100);
    stand.all_delivered(&campaign, 100, LIMIT);
}

#[test]
fn a_message_without_a_receipt_and_one_that_is_refused_are_failures() {
    let (lab, _sim) = with_sim("smsc-silent", "magic = true\n", "");
    let said = problem(&lab, &["--to", "+33600000909", "--wait", "300ms"]);
    assert!(
        said.starts_with("no receipt came within 300ms: it may come later"),
        "{said}"
    );
    let said = problem(&lab, &["--to", "+33600000902"]);
    assert!(
        said.starts_with("the message was refused with ESME_RSUBMITFAIL, which counts as transmission_failed"),
        "{said}"
    );
}

#[test]
fn receipts_of_a_running_engine_are_given_back() {
    let scenario = "magic = true\n[receipt]\nroute = \"other\"\nredelivery = { after = \"20s\", times = 255, delay = \"200ms\" }\n";
    let stand = Stand::new(programs!(), "smsc-beside", scenario, |smsc| smsc);
    let sim = &stand.sim;
    configure(stand.lab(), sim.smpp_address(), "");
    let waiting = [
        "test",
        "north",
        "--config",
        "north.toml",
        "--json",
        "--to",
        "+33600000909",
        "--wait",
        "3s",
    ];
    let child: Child = campanile(stand.lab(), &waiting).spawn().expect("campanile starts");
    eventually("both are bound", LIMIT, || {
        sim.sessions().is_ok_and(|count| count == 2).then_some(())
    });
    sim.wait_for("accepted", 1, LIMIT);
    let order = CampaignOrder::to_first(50);
    let campaign = stand.tenant.order(&stand.engine, &order);
    let (_, report) = reported(&child.wait_with_output().expect("it ends"));
    assert!(
        report["given_back"].as_u64().is_some_and(|count| count >= 50),
        "{report}"
    );
    campaign.wait(&stand.engine, "all are delivered", LIMIT, |view| {
        view.status("delivered") == 50
    });
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_tried() {
    let (lab, sim) = with_sim("smsc-usage", "", "");
    let said = |arguments: &[&str], code: i32| {
        let output = campanile(&lab, arguments).output().expect("campanile runs");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let north = ["test", "north", "--config", "north.toml"];
    assert_eq!(
        said(&["test", "nort", "--config", "north.toml"], 2),
        "campanile: \"nort\" is no [[smsc]] of north.toml: there are north; did you mean \"north\"?\n"
    );
    for (arguments, words) in [
        (
            ["--to", "0142685300"],
            "--to \"0142685300\" is not allowed: no mobile's number",
        ),
        (
            ["--to", "Martin"],
            "--to \"Martin\" is not allowed: a mobile's number is wanted",
        ),
        (["--wait", "soon"], "invalid value 'soon' for '--wait"),
        (["--text", "Bonjour"], "--to"),
    ] {
        let output = said(&[&north[..], &arguments].concat(), 2);
        assert!(output.contains(words), "{output}");
    }
    let output = said(
        &[&north[..], &["--to", "+33600000001", "--from", "Dr Martin"]].concat(),
        2,
    );
    assert!(
        output.contains("--from \"Dr Martin\" is not allowed: 3 to 11 letters"),
        "{output}"
    );
    assert!(said(&["presets", "vonnage"], 2).ends_with("did you mean \"vonage\"?\n"));
    configure(&lab, sim.smpp_address(), "windows = 7");
    assert!(said(&north, 3).contains("smsc[0].windows: unknown key"));
    assert_eq!(sim.totals().submits, 0);
}

#[test]
fn presets_are_listed_with_values_and_sources() {
    let lab = Lab::new(programs!(), "smsc-presets");
    let shown = |arguments: &[&str]| {
        let output = campanile(&lab, arguments).output().expect("campanile runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(shown(&["presets"]).contains("ovh          OVHcloud SMS over SMPP\n"));
    let names: Value = serde_json::from_str(&shown(&["presets", "--json"])).expect("JSON");
    let names: Vec<_> = names
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|preset| preset["name"].as_str())
        .collect();
    assert!(
        names.iter().eq(presets::Preset::names().collect::<Vec<_>>().iter()),
        "{names:?}"
    );
    assert!(shown(&["presets", "infobip"]).contains("\ninterface_version = 0x34\n    Infobip's SMPP specification"));
    // What counts in the end is what check shows.
    configure(
        &lab,
        "smpp.example.net:2775",
        "preset = \"ovh\"\nwindow = 7\nresponse_timeout = \"1m\"\nbind_timeout = \"10s\"",
    );
    let check = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"))
        .current_dir(lab.directory())
        .args(["check", "--config", "north.toml"])
        .output()
        .expect("campanile runs");
    let said = String::from_utf8_lossy(&check.stdout);
    for line in [
        "north.toml: ok, 1 SMSC(s)",
        "window = 7",
        "rate = \"19/s\"                            # preset",
        "response_timeout = \"1m\"",
        "retry_for = \"1day\"                       # default",
    ] {
        assert!(said.lines().any(|shown| shown == line), "{line}: {said}");
    }
    assert!(!said.contains("secret"), "{said}");
}
