//! The commands that work over the API, with a tenant's key or the operator's, through the program as people run it.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use campanile_tests::readme::{blocks, path_with};
use campanile_tests::{Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// One of the numbers is nobody's.
const OUTCOMES: &str = r#"
[[outcome]]
name = "delivered"
[[outcome]]
name = "unknown"
answer = "ESME_RINVDSTADR"
[recipients]
"33600000002" = "unknown"
"#;

/// `campanile`, knowing where the API is and both keys, in the test's folder.
fn command(stand: &Stand, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
    let api = format!("http://{}", stand.engine.api().public().address());
    command
        .args(arguments)
        .current_dir(stand.lab().directory())
        .env("CAMPANILE_API", api)
        .env("CAMPANILE_KEY", &stand.tenant.key)
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key());
    command
}

/// Its exit code, and what it says on both outputs.
fn ran(output: &Output) -> (Option<i32>, String, String) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn run(stand: &Stand, arguments: &[&str]) -> (Option<i32>, String, String) {
    ran(&command(stand, arguments).output().expect("campanile runs"))
}

/// What it prints, when it succeeds.
#[track_caller]
fn plain(stand: &Stand, arguments: &[&str]) -> String {
    let (code, said, wrong) = run(stand, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {said}{wrong}");
    said
}

#[track_caller]
fn shown(stand: &Stand, arguments: &[&str]) -> Value {
    let text = plain(stand, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).expect(&text)
}

/// The second cell of a plain table's line that begins with `first`.
#[track_caller]
fn value<'a>(table: &'a str, first: &str) -> &'a str {
    let found = table
        .lines()
        .find_map(|line| line.strip_prefix(first)?.strip_prefix('\t'));
    found.unwrap_or_else(|| panic!("no {first}: {table}"))
}

#[track_caller]
fn text<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer[key].as_str().unwrap_or_else(|| panic!("no {key}: {answer}"))
}

fn write(stand: &Stand, name: &str, text: &str) {
    std::fs::write(stand.lab().directory().join(name), text).expect("write a file");
}

#[test]
fn a_campaign_is_made_estimated_launched_watched_and_reported() {
    let stand = Stand::new(programs!(), "tenants-campaign", OUTCOMES, |smsc| smsc);
    write(
        &stand,
        "numbers.txt",
        "+33600000001; 0600000002\n0600000003, 0142000000\n",
    );
    write(&stand, "text.txt", "Le cabinet est fermé lundi.\n");
    let parts = [
        "--name",
        "Fermeture",
        "--sender",
        "OSTEO",
        "--purpose",
        "transactional",
        "--text-file",
        "text.txt",
        "--numbers-file",
        "numbers.txt",
    ];
    let create = [&["campaigns", "create", "--once", "fermeture-1"], &parts[..]].concat();
    let draft = shown(&stand, &create);
    let id = text(&draft, "id");
    assert_eq!(draft["audience"]["accepted"], 3, "{draft}");
    assert_eq!(
        text(&shown(&stand, &create), "id"),
        id,
        "the same key makes the same campaign"
    );

    let estimate = plain(&stand, &["campaigns", "estimate", id]);
    assert_eq!(value(&estimate, "max credits"), "3");
    assert_eq!(value(&estimate, "excluded not_mobile"), "1");
    assert_eq!(
        value(&estimate, "text of 1"),
        "Le cabinet est fermé lundi.",
        "without the line break of its file"
    );
    let listed = plain(&stand, &["campaigns", "list"]);
    assert!(listed.contains("\tdraft\ttransactional\t3\t3\t"), "{listed}");

    let launched = shown(&stand, &["campaigns", "launch", id]);
    assert_eq!(launched, json!({ "id": id, "state": "launching" }));
    let watched = shown(&stand, &["campaigns", "watch", id, "--timeout", "1m"]);
    assert_eq!(watched["state"], "completed", "{watched}");
    reports_and_exports(&stand, id);
}

/// What became of two people, and of a number that is nobody's.
#[track_caller]
fn reports_and_exports(stand: &Stand, id: &str) {
    let report = eventually("the receipts are there", LIMIT, || {
        let report = plain(stand, &["campaigns", "report", id, "--language", "fr"]);
        report.contains("delivered\tMessage reçu\t2\t66.7\n").then_some(report)
    });
    assert!(
        report.contains("unknown_number\tNuméro de destination inconnu\t1\t33.3\n"),
        "{report}"
    );
    assert_eq!(value(&report, "estimate credits"), "3");
    plain(
        stand,
        &["campaigns", "report", id, "--language", "fr", "--csv", "report.csv"],
    );
    let file = std::fs::read_to_string(stand.lab().directory().join("report.csv")).expect("it was written");
    assert!(file.contains("delivered;Message reçu;2;66,7\r\n"), "{file}");

    let unknown = plain(stand, &["campaigns", "export", id, "--status", "unknown_number"]);
    let lines: Vec<&str> = unknown.lines().collect();
    assert_eq!(
        (lines.len(), lines[0]),
        (2, "to,id,status,reason,code,at,cleanse"),
        "{unknown}"
    );
    assert!(lines[1].starts_with("+33600000002,msg_"), "{unknown}");
    assert_eq!(plain(stand, &["campaigns", "export", id, "--cleanse", "hard"]), unknown);
    // Those who have it need a word more.
    let (code, _, said) = run(stand, &["campaigns", "resend", id, "--status", "delivered"]);
    assert_eq!(code, Some(5), "{said}");
    let again = [
        "campaigns",
        "resend",
        id,
        "--status",
        "delivered",
        "--again",
        "--name",
        "Encore",
    ];
    let again = shown(stand, &again);
    assert_eq!(
        (&again["name"], &again["audience"]["accepted"]),
        (&json!("Encore"), &json!(2))
    );
    let like = shown(stand, &["campaigns", "duplicate", id]);
    assert_eq!(
        (&like["copied_from"], &like["audience"]["accepted"]),
        (&json!(id), &json!(3))
    );
    plain(
        stand,
        &["campaigns", "export", id, "--form", "jsonl", "--output", "all.jsonl"],
    );
    let wrong = ["campaigns", "export", "cmp_0000000000000", "--output", "all.jsonl"];
    assert_eq!(run(stand, &wrong).0, Some(5), "and the file stays as it is");
    let file = std::fs::read_to_string(stand.lab().directory().join("all.jsonl")).expect("it was written");
    let rows: Vec<Value> = file
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(rows.len(), 3, "{file}");
    let view = plain(stand, &["campaigns", "show", id]);
    assert_eq!(
        (value(&view, "state"), value(&view, "credits held")),
        ("completed", "0")
    );
}

#[test]
fn a_campaign_is_halted_scheduled_and_stopped_and_one_that_is_short_says_so() {
    let stand = Stand::new(programs!(), "tenants-halted", "", |smsc| smsc.line("rate = \"2/s\""));
    let numbers: Vec<String> = campanile_tests::recipients(500).collect();
    let body = json!({
        "name": "Rappel", "sender": "OSTEO", "purpose": "transactional", "text": "Bonjour", "audience": { "numbers": numbers.join(",") },
    });
    write(&stand, "campaign.json", &body.to_string());
    let draft = shown(&stand, &["campaigns", "create", "--body", "campaign.json"]);
    let draft = text(&draft, "id");
    let (code, _, said) = run(&stand, &["campaigns", "delete", draft]);
    assert!(code == Some(2) && said.contains("say --yes"), "{said}");
    assert_eq!(
        plain(&stand, &["campaigns", "delete", draft, "--yes"]),
        format!("{draft} is forgotten\n")
    );
    assert_eq!(run(&stand, &["campaigns", "show", draft]).0, Some(5));
    let id = shown(&stand, &["campaigns", "create", "--body", "campaign.json"]);
    let id = text(&id, "id");
    let in_a_month = jiff::Zoned::now().date().saturating_add(jiff::Span::new().days(30));
    let at = format!("{in_a_month}T09:00");
    let schedule = ["campaigns", "schedule", id, &at, "--time-zone", "Europe/Paris"];
    let scheduled = shown(&stand, &schedule);
    assert_eq!(scheduled["state"], "scheduled", "{scheduled}");
    assert_eq!(shown(&stand, &["campaigns", "schedule", id, "never"])["state"], "draft");
    plain(&stand, &["campaigns", "launch", id]);
    let (code, _, said) = run(&stand, &["campaigns", "watch", id, "--timeout", "1s"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("{id} is running")), "{said}");
    assert_eq!(shown(&stand, &["campaigns", "pause", id])["state"], "paused");
    assert_eq!(shown(&stand, &["campaigns", "resume", id])["state"], "running");
    let (code, _, said) = run(&stand, &["campaigns", "stop", id]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("say --yes"), "{said}");
    assert_eq!(shown(&stand, &["campaigns", "stop", id, "--yes"])["state"], "stopped");
    assert_eq!(shown(&stand, &["campaigns", "watch", id])["state"], "stopped");
    let (code, _, said) = run(&stand, &["campaigns", "pause", id]);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("(campaign_wrong_state)") && said.contains("request req_"),
        "{said}"
    );

    let poor = stand.engine.tenant("Clinique sans le sou", 1);
    let asked = |arguments: &[&str]| {
        let mut command = command(&stand, arguments);
        ran(&command.env("CAMPANILE_KEY", &poor.key).output().expect("it runs"))
    };
    let (code, said, wrong) = asked(&["campaigns", "create", "--body", "campaign.json", "--json"]);
    assert_eq!(code, Some(0), "{wrong}");
    let draft: Value = serde_json::from_str(&said).expect("JSON");
    let (code, _, said) = asked(&["campaigns", "launch", text(&draft, "id")]);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("with 402") && said.contains("(insufficient_credit)"),
        "{said}"
    );
    let (code, _, said) = asked(&["campaigns", "watch", text(&draft, "id")]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is blocked_insufficient_credit"), "{said}");
}

/// What is sent with the key of that file is delivered, and billed to whose it is.
#[track_caller]
fn a_message_is_sent_and_billed(stand: &Stand) {
    let own = ["--key-file", "lilas.key"];
    let send = [
        "messages",
        "send",
        "--to",
        "06 12 34 56 78",
        "--sender",
        "OSTEO",
        "--text-file",
        "-",
    ];
    let mut sending = command(stand, &[&send[..], &own, &["--json"]].concat());
    let mut child = sending
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all("RDV demain 9 h\n".as_bytes())
        .expect("it reads");
    let sent: Value = serde_json::from_slice(&child.wait_with_output().expect("it ends").stdout).expect("JSON");
    let message = text(&sent, "id");
    eventually("it is delivered", LIMIT, || {
        let seen = plain(stand, &[&["messages", "show", message][..], &own].concat());
        seen.contains("\t+33612345678\tdelivered\t").then_some(())
    });
    let credits = eventually("it is booked", LIMIT, || {
        let credits = shown(stand, &[&["credits", "show"][..], &own].concat());
        (credits["spent"] == 1).then_some(credits)
    });
    assert_eq!(credits["available"], 4);
    let ledger = plain(stand, &[&["credits", "ledger"][..], &own].concat());
    assert!(
        ledger.contains("\tgrant\t5\toperator\tavailable\t-\tfacture 1\n"),
        "{ledger}"
    );
}

#[test]
fn tenants_their_credits_and_messages() {
    let stand = Stand::new(programs!(), "tenants-tenants", "", |smsc| smsc);
    let create = [
        "tenants",
        "create",
        "Cabinet des Lilas",
        "--sender",
        "OSTEO",
        "--tariff",
        "flat160",
        "--save-key",
        "lilas.key",
    ];
    let table = plain(&stand, &create);
    let tenant = value(&table, "id").to_owned();
    assert_eq!(
        (value(&table, "senders"), value(&table, "tariff")),
        ("OSTEO", "flat160")
    );
    assert!(!table.contains("sk_live_"), "the key is shown: {table}");
    let file = stand.lab().directory().join("lilas.key");
    let mode = std::fs::metadata(&file).expect("it was written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, _, said) = run(&stand, &create);
    assert_eq!(code, Some(2), "a key that exists is not written over: {said}");
    let named = shown(&stand, &["tenants", "show", &tenant]);
    assert_eq!(named["name"], "Cabinet des Lilas");

    let grant = [
        "credits",
        "grant",
        &tenant,
        "5",
        "--reference",
        "facture 1",
        "--once",
        "facture-1",
    ];
    plain(&stand, &grant);
    let granted = plain(&stand, &grant);
    assert!(
        granted.contains(&format!("{tenant}\t5\t0\t0\t5\n")),
        "twice under one key: {granted}"
    );
    a_message_is_sent_and_billed(&stand);
    terms_are_changed(&stand, &tenant);
}

fn terms_are_changed(stand: &Stand, tenant: &str) {
    let change = ["tenants", "change", tenant];
    let terms = [
        "--rate",
        "20/s",
        "--recredit",
        "not_routed",
        "--daily-max",
        "500",
        "--name",
        "Lilas",
    ];
    let changed = shown(stand, &[&change[..], &terms].concat());
    assert_eq!(
        [
            &changed["rate"],
            &changed["recredits"],
            &changed["daily_max"],
            &changed["name"],
            &changed["tariff"]
        ],
        [
            &json!("20/s"),
            &json!(["not_routed"]),
            &json!(500),
            &json!("Lilas"),
            &json!("flat160")
        ]
    );
    let changed = shown(
        stand,
        &[&change[..], &["--clear", "rate", "--clear", "recredits"]].concat(),
    );
    assert_eq!((&changed["rate"], &changed["recredits"]), (&Value::Null, &json!([])));
    for (wrong, words) in [
        (&[][..], "nothing is given that is to change"),
        (&["--rate", "1/s", "--clear", "rate"], "rate is given and cleared"),
        (
            &["--rate", "1/s", "--body", "terms.json"],
            "--body says all of the change",
        ),
    ] {
        let (code, _, said) = run(stand, &[&change[..], wrong].concat());
        assert!(code == Some(2) && said.contains(words), "{said}");
    }
}

#[test]
fn a_tenants_keys_are_made_rotated_and_revoked() {
    let stand = Stand::new(programs!(), "tenants-keys", "", |smsc| smsc);
    let tenant = stand.tenant.id.clone();
    plain(
        &stand,
        &["keys", "create", &tenant, "--label", "CRM", "--save-key", "crm.key"],
    );
    // A key in place of another opens what that does, and no more.
    let listed = shown(&stand, &["keys", "list", &tenant]);
    let crm = listed["data"]
        .as_array()
        .expect("keys")
        .iter()
        .find(|key| key["label"] == "CRM");
    let crm = text(crm.expect("it is listed"), "id").to_owned();
    plain(&stand, &["keys", "change", &tenant, &crm, "--role", "read"]);
    let (code, said, wrong) = run(&stand, &["keys", "rotate", &tenant, &crm, "--save-key", "crm2.key"]);
    assert_eq!(code, Some(0), "{wrong}");
    assert!(
        said.contains("\tCRM\tread\t-\n") && wrong.contains(&format!("campanile keys revoke {tenant} {crm} --yes")),
        "{said}{wrong}"
    );
    for key in ["crm.key", "crm2.key"] {
        plain(&stand, &["credits", "show", "--key-file", key]);
    }
    assert_eq!(run(&stand, &["keys", "revoke", &tenant, &crm]).0, Some(2));
    plain(&stand, &["keys", "revoke", &tenant, &crm, "--yes"]);
    let (code, _, said) = run(&stand, &["credits", "show", "--key-file", "crm.key"]);
    assert_eq!(code, Some(5), "{said}");
    plain(&stand, &["credits", "show", "--key-file", "crm2.key"]);
    let (code, _, said) = run(&stand, &["keys", "rotate", &tenant, "key_0000000000000000"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("it has key_"), "{said}");
}

#[test]
fn a_resellers_key_does_for_its_own_tenants_what_the_operators_does_for_all() {
    let stand = Stand::new(programs!(), "tenants-reseller", "", |smsc| smsc);
    let operator = stand.engine.operator();
    let made = operator
        .post("/v1/resellers", &json!({ "name": "Ostéo Réseau" }))
        .expect(201);
    let given = format!("/v1/resellers/{}/credits", text(&made, "id"));
    operator.post(&given, &json!({ "amount": 50 })).expect(201);
    let admin = format!("http://{}", stand.engine.admin().address());
    let asked = |arguments: &[&str]| {
        let mut asking = command(&stand, arguments);
        asking
            .env("CAMPANILE_RESELLER_KEY", text(&made, "api_key"))
            .env("CAMPANILE_ADMIN", &admin)
            .env_remove("CAMPANILE_KEY");
        ran(&asking.output().expect("campanile runs"))
    };
    let good = |arguments: &[&str]| {
        let (code, said, wrong) = asked(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}{wrong}");
        said
    };
    let table = good(&["tenants", "create", "Cabinet des Lilas"]);
    let tenant = value(&table, "id").to_owned();
    let listed = good(&["tenants", "list"]);
    assert_eq!(listed.lines().count(), 2, "its own alone: {listed}");
    assert!(listed.contains("\tCabinet des Lilas\t0\t"), "{listed}");
    assert!(good(&["keys", "list", &tenant]).contains("sk_live_"));
    good(&["credits", "grant", &tenant, "5"]);
    let credits = good(&["credits", "show", "--tenant", &tenant]);
    assert!(credits.contains("\n5\t0\t0\t5\t0"), "{credits}");
    let taken = good(&[
        "credits",
        "withdraw",
        &tenant,
        "3",
        "--reference",
        "avoir 1",
        "--once",
        "avoir-1",
    ]);
    assert!(taken.contains(&format!("{tenant}\t2\t0\t0\t2\n")), "{taken}");
    let (code, _, said) = asked(&["tenants", "list", "--admin", &admin]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("knows no reseller's key"), "{said}");
    let all = plain(
        &stand,
        &[
            "tenants",
            "list",
            "--api",
            &format!("http://{}", stand.engine.public().address()),
        ],
    );
    assert_eq!(
        all.lines().count(),
        3,
        "the operator's key lists all, over the API as well: {all}"
    );
    let help = plain(&stand, &["tenants", "--help"]);
    assert!(help.contains("Needs a reseller's key, or the operator's"), "{help}");
}

#[test]
fn what_is_refused_says_what_is_allowed_and_exit_codes_are_those_of_the_help() {
    let stand = Stand::new(programs!(), "tenants-refused", "", |smsc| smsc);
    for (arguments, code, words) in [
        (
            &[
                "messages", "send", "--to", "06", "--sender", "OSTEO", "--text", "Bonjour",
            ][..],
            5,
            "/to",
        ),
        (&["campaigns", "create", "--name", "Rappel"], 5, "/text"),
        (&["campaigns", "create", "--filter", "{"], 2, "--filter is no JSON"),
        (
            &["campaigns", "create", "--body", "none.json"],
            2,
            "none.json cannot be read",
        ),
        (
            &["campaigns", "create", "--body", "none.json", "--name", "Rappel"],
            2,
            "cannot be used with",
        ),
        (
            &["campaigns", "create", "--purpose", "spam"],
            2,
            "transactional, marketing",
        ),
        (
            &["campaigns", "export", "cmp_0000000000000", "--status", "lost"],
            2,
            "unknown_number",
        ),
        (&["campaigns", "show", "cmp_0000000000000"], 5, "(not_found)"),
        (&["campaigns", "watch", "cmp_0000000000000"], 5, "(not_found)"),
        (&["campaigns", "list", "--limit", "501"], 2, "from 1 to 500"),
        (
            &["campaigns", "list", "--api", "http://127.0.0.1:1"],
            4,
            "no engine answers at http://127.0.0.1:1",
        ),
        (
            &["credits", "grant", "ten_0000000000000", "0"],
            2,
            "from 1 to 1000000000",
        ),
        (&["credits", "grant", "ten_0000000000000", "1"], 5, "(not_found)"),
        (&["tenants", "create", "Parc", "--tariff", "free"], 5, "/tariff"),
        (
            &["keys", "list", "ten_0000000000000", "--key-file", "none.key"],
            2,
            "none.key",
        ),
    ] {
        let (found, said, wrong) = run(&stand, arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {said}{wrong}");
        assert!(wrong.contains(words), "{arguments:?}: {wrong}");
    }
    let mut nobody = command(&stand, &["credits", "show"]);
    let (code, _, said) = ran(&nobody.env_remove("CAMPANILE_KEY").output().expect("it runs"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--key-file FILE, or CAMPANILE_KEY"), "{said}");
    for group in ["campaigns", "messages", "credits", "tenants", "keys"] {
        let help = plain(&stand, &[group, "--help"]);
        assert!(help.contains("Exit codes: 0 done, 1 it went wrong"), "{group}: {help}");
    }
}

/// What stands before the page's commands: the programs, and the keys in the places that the page speaks of.
const READER: &str = r#"
set -o pipefail
printf '%s\n' "$CAMPANILE_OPERATOR_KEY" >operator.key
printf 'Bonjour, le cabinet est fermé lundi.\n' >text.txt
printf '0612345678; 0612345679\n' >numbers.txt
printf 'Nom;Prénom;Portable;Cabinet\nMartin;Zoé;0612345678;Lyon\n' >patients.csv
"#;

#[test]
fn the_page_of_commands() {
    let stand = Stand::new(programs!(), "tenants-page", "", |smsc| smsc);
    let script = format!("{READER}\n{}\n", blocks("docs/cli.md", "sh").join("\n"));
    write(&stand, "script.sh", &script);
    let bin = stand.lab().bin_dir();
    let mut reader = Command::new("bash");
    reader
        .args(["-eux", "script.sh"])
        .current_dir(stand.lab().directory())
        .env("PATH", path_with(Path::new(&bin)))
        .env(
            "CAMPANILE_API",
            format!("http://{}", stand.engine.api().public().address()),
        )
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key());
    let (code, said, wrong) = ran(&reader.output().expect("bash runs"));
    assert_eq!(code, Some(0), "{said}\n{wrong}");
    assert!(said.contains("delivered\t") && said.contains("Message reçu"), "{said}");
}
