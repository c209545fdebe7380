//! The commands of the people who run an engine, through the program as they run it: JSON, plain tables, exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use campanile_tests::authority::Authority;
use campanile_tests::{EngineSettings, Lab, SmscSettings, Stand, eventually, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// Answers take a second, so that something is in flight.
const SLOW_ANSWERS: &str = "[answer]\ndelay = \"1s\"\n";

/// Receipts that name no message that anybody has.
const STRANGE_RECEIPTS: &str =
    "[answer]\nmessage_id = { answer = \"decimal\", receipt = { base = \"decimal\", plus = \"1000\" } }\n";

/// `campanile` with these arguments, in that directory, knowing nothing of any engine.
fn bare(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile-under-test"));
    command
        .args(arguments)
        .current_dir(directory)
        .env_remove("CAMPANILE_ADMIN")
        .env_remove("CAMPANILE_OPERATOR_KEY");
    command
}

/// The same, asking that engine with the operator's key.
fn run(stand: &Stand, arguments: &[&str]) -> Output {
    let mut command = bare(stand.lab().directory(), arguments);
    let admin = format!("http://{}", stand.engine.admin().address());
    command
        .env("CAMPANILE_ADMIN", admin)
        .env("CAMPANILE_OPERATOR_KEY", stand.engine.operator_key());
    command.output().expect("campanile runs")
}

/// What it prints, when it succeeds.
#[track_caller]
fn plain(stand: &Stand, arguments: &[&str]) -> String {
    let output = run(stand, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What it prints with `--json`.
#[track_caller]
fn shown(stand: &Stand, arguments: &[&str]) -> Value {
    let text = plain(stand, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).expect(&text)
}

/// Its exit code, and what it says on standard error.
fn refused(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("campanile runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

/// The columns of a plain table's line that begins with `first`.
#[track_caller]
fn line<'a>(table: &'a str, first: &str) -> Vec<&'a str> {
    let found = table.lines().find(|line| line.split('\t').next() == Some(first));
    found
        .unwrap_or_else(|| panic!("no {first}: {table}"))
        .split('\t')
        .collect()
}

/// The id of a campaign's first message, and to whom it is.
fn message_of(stand: &Stand, campaign: &str) -> (String, String) {
    let path = format!("/v1/campaigns/{campaign}/recipients?limit=1");
    let listed = stand.tenant.http(&stand.engine).get(&path).expect(200);
    let text = |key: &str| listed["data"][0][key].as_str().expect(key).to_owned();
    (text("id"), text("to"))
}

#[test]
fn status_and_lists_of_an_engine_at_rest() {
    let stand = Stand::new(programs!(), "commands-status", "", |smsc| smsc.line("rate = \"500/s\""));
    let status = shown(&stand, &["status"]);
    assert_eq!(
        (&status["ready"], &status["version"], &status["backlog"]),
        (
            &json!(true),
            &json!("0.1.0"),
            &json!({ "queued": 0, "deferred": 0, "reasons": [] })
        ),
        "{status}"
    );
    let smsc = &status["smscs"][0];
    assert_eq!(
        smsc["binds"],
        json!({ "bound": 1, "configured": 1, "last_error": null, "last_error_at": null })
    );
    assert_eq!(
        smsc["rate"],
        json!({ "configured": 500.0, "told": null, "effective": 500.0 })
    );
    assert_eq!((&smsc["in_flight"], &smsc["window"]), (&json!(0), &json!(100)));
    for key in ["uptime_seconds", "settling", "receipts_parked", "reasons", "clocks"] {
        assert!(!status[key].is_null(), "{key}: {status}");
    }
    let table = plain(&stand, &["status"]);
    assert_eq!(line(&table, "ready"), ["ready", "yes"]);
    assert_eq!(
        line(&table, "north"),
        ["north", "running", "1/1", "0", "100", "500/s", "-"]
    );
    assert_eq!(shown(&stand, &["top"])["smscs"][0]["name"], "north");
    assert!(!table.contains('\u{1b}'), "colours in a pipe: {table:?}");

    let listed = shown(&stand, &["smsc", "list"]);
    assert_eq!(listed["data"][0]["state"], "running");
    let table = plain(&stand, &["smsc", "list"]);
    assert_eq!(line(&table, "north")[1..4], ["running", "1/1", "yes"]);
    assert_eq!(shown(&stand, &["queue"]), json!({ "data": [], "next_cursor": null }));
    let tenants = shown(&stand, &["tenant", "list"]);
    assert_eq!(
        (&tenants["data"][0]["name"], &tenants["data"][0]["credits"]["available"]),
        (&json!("Cabinet Martin"), &json!(1_000_000))
    );
    assert!(plain(&stand, &["tenant", "list"]).contains("\tCabinet Martin\t1000000\t0\t0\t1000000\t1\n"));
    let reloaded = shown(&stand, &["reload"]);
    assert_eq!(
        reloaded,
        json!({ "added": [], "changed": [], "rebound": [], "removed": [], "routes": [], "rules": [], "numbers": [], "certificates": [] })
    );
    let (code, said) = refused(bare(stand.lab().directory(), &["top"]));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("needs a terminal"), "{said}");
}

/// `script` (util-linux) is the terminal: what it is told is typed, and what it prints is what the terminal was told.
#[test]
fn top_at_a_terminal_draws_until_q_and_leaves_the_terminal_as_it_was() {
    const OTHER_SCREEN: &str = "\u{1b}[?1049h";
    const BACK: &str = "\u{1b}[?1049l";
    let stand = Stand::new(programs!(), "commands-top", "", |smsc| smsc);
    let program = env!("CARGO_BIN_EXE_campanile-under-test");
    let mut command = Command::new("script");
    command
        .args([
            "--quiet",
            "--flush",
            "--return",
            "--command",
            &format!("stty rows 30 cols 120; {program} top"),
            "/dev/null",
        ])
        .env("CAMPANILE_ADMIN", format!("http://{}", stand.engine.admin().address()))
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("script runs");
    let (mut drawn, mut chunk) = (String::new(), [0; 4096]);
    let mut told = child.stdout.take().expect("what it prints");
    while !drawn.contains("north") {
        let read = told.read(&mut chunk).expect("a terminal");
        assert!(read > 0, "it has ended: {drawn}");
        drawn.push_str(&String::from_utf8_lossy(&chunk[..read]));
    }
    assert!(drawn.contains(OTHER_SCREEN) && drawn.contains("SMSCs"), "{drawn}");
    let mut typed = child.stdin.take().expect("a keyboard");
    typed.write_all(b"q").expect("a key");
    let mut rest = String::new();
    told.read_to_string(&mut rest).expect("the rest");
    assert!(child.wait().expect("its end").success(), "{rest}");
    assert!(rest.contains(BACK), "{rest:?}");
}

#[test]
fn what_could_not_be_written_is_no_success() {
    let lab = Lab::new(programs!(), "commands-full");
    let lines: [&[&str]; 6] = [
        &["rules", "packs"],
        &["rules", "packs", "--json"],
        &["decode", "ids", "1", "1"],
        &["decode", "number"],
        &["smsc", "presets"],
        &["openapi"],
    ];
    for line in lines {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = bare(lab.directory(), line);
        command
            .stdin(Stdio::piped())
            .stdout(full.expect("/dev/full"))
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("campanile runs");
        let given = child.stdin.take().expect("standard input").write_all(b"+33612345678\n");
        // Who asks for nothing on it may have ended already.
        let _unread = given;
        let output = child.wait_with_output().expect("campanile ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line:?}: {said}");
        assert!(said.contains("the output cannot be written"), "{line:?}: {said}");
    }
}

#[test]
fn an_smsc_is_slowed_drained_and_resumed() {
    let stand = Stand::new(programs!(), "commands-smsc", SLOW_ANSWERS, |smsc| {
        smsc.line("rate = \"100/s\"")
    });
    let slowed = shown(&stand, &["smsc", "rate", "north", "50/s"]);
    assert_eq!(slowed["rate"]["told"], 50.0, "{slowed}");
    eventually("the lower rate holds", LIMIT, || {
        let listed = shown(&stand, &["smsc", "list"]);
        (listed["data"][0]["rate"]["effective"] == 50.0).then_some(())
    });
    for (rate, word) in [("101/s", "/rate"), ("fast", "/rate")] {
        let output = run(&stand, &["smsc", "rate", "north", rate]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{rate}: {said}");
        assert!(said.contains(word) && said.contains("invalid_fields"), "{said}");
    }
    shown(&stand, &["smsc", "rate", "north", "configured"]);

    let campaign = stand.launch(500);
    stand.sim.wait_for("accepted", 50, LIMIT);
    let late = run(&stand, &["smsc", "drain", "north", "--timeout", "1ms"]);
    let said = String::from_utf8_lossy(&late.stderr);
    assert_eq!(late.status.code(), Some(1), "{said}");
    assert!(said.contains("is suspended, and has not answered"), "{said}");
    let output = run(&stand, &["smsc", "drain", "north", "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("north: 0 in flight"), "{said}");
    let drained: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&drained["state"], &drained["in_flight"]),
        (&json!("suspended"), &json!(0))
    );
    // Nothing is with the SMSC, and nothing comes to it: what it has taken has its answers.
    let taken = stand.sim.totals();
    assert_eq!(taken.accepted, taken.answered, "{taken:?}");
    // What was leased and not submitted is settled as given back a moment later.
    eventually("the rest waits", LIMIT, || {
        let queue = shown(&stand, &["queue"]);
        let lines = queue["data"].as_array().expect("lines");
        let count = |line: &Value, key: &str| line[key].as_u64().unwrap_or(0);
        let waiting: u64 = lines
            .iter()
            .map(|line| count(line, "queued") + count(line, "deferred"))
            .sum();
        let lanes = lines.iter().all(|line| line["lane"] == "transactional");
        (lanes && waiting == 500 - taken.accepted).then_some(())
    });
    let table = plain(&stand, &["queue"]);
    assert!(
        table.starts_with("route\tsmsc\tlane\tgate\tqueued\tdeferred\n"),
        "{table}"
    );

    let table = plain(&stand, &["smsc", "resume", "north"]);
    assert_eq!(line(&table, "north")[1], "running");
    stand.all_delivered(&campaign, 500, LIMIT);
    assert_eq!(
        line(&plain(&stand, &["smsc", "suspend", "north"]), "north")[1],
        "suspended"
    );
    let lines: [(&[&str], &str); 4] = [
        (
            &["smsc", "suspend", "south"],
            "\"south\" is no [[smsc]] of this engine: there are north",
        ),
        (&["smsc", "drain", "nort"], "did you mean \"north\"?"),
        (&["trace", "nort"], "did you mean \"north\"?"),
        (&["receipts", "replay", "foo"], "\"foo\" is the id of no parked receipt"),
    ];
    for (arguments, words) in lines {
        let nobody = run(&stand, arguments);
        let said = String::from_utf8_lossy(&nobody.stderr);
        assert_eq!(nobody.status.code(), Some(5), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn campaigns_of_any_tenant_are_shown_and_halted() {
    let stand = Stand::new(programs!(), "commands-campaign", "", |smsc| smsc.line("rate = \"5/s\""));
    let other = stand.engine.tenant("Clinique du Parc", 10_000);
    let mine = stand.launch(1_000);
    let theirs = other.launch(&stand.engine, 1_000);
    let first = shown(&stand, &["campaign", "list", "--limit", "1"]);
    assert_eq!(first["data"][0]["id"], theirs.id.as_str(), "{first}");
    assert_eq!(first["data"][0]["tenant"], other.id.as_str());
    let cursor = first["next_cursor"].as_str().expect("there are more");
    let next = shown(&stand, &["campaign", "list", "--limit", "1", "--cursor", cursor]);
    assert_eq!(next["data"][0]["id"], mine.id.as_str(), "{next}");
    let bad = run(&stand, &["campaign", "list", "--cursor", "there"]);
    assert_eq!(bad.status.code(), Some(5));

    let paused = shown(&stand, &["campaign", "pause", &theirs.id]);
    assert_eq!(paused, json!({ "id": theirs.id, "state": "paused" }));
    let view = shown(&stand, &["campaign", "show", &theirs.id]);
    assert_eq!(
        (&view["state"], &view["tenant"], &view["progress"]["total"]),
        (&json!("paused"), &json!(other.id), &json!(1_000))
    );
    let table = plain(&stand, &["campaign", "show", &theirs.id]);
    assert_eq!(line(&table, "state"), ["state", "paused"]);
    assert!(table.contains("\ndelivered\t"), "{table}");
    assert_ne!(line(&table, "waiting")[1], "-", "{table}");
    assert_ne!(line(&table, "waiting for paused")[1], "0", "{table}");
    let table = eventually("the status says why messages wait, and whose", LIMIT, || {
        let table = plain(&stand, &["status"]);
        table
            .contains(&format!("\n{}\tClinique du Parc\t", other.id))
            .then_some(table)
    });
    let reasons = line(&table, "waiting for")[1];
    assert!(reasons.contains("paused ") && reasons.contains("rate "), "{table}");
    assert_eq!(shown(&stand, &["campaign", "resume", &theirs.id])["state"], "running");
    let unsure = run(&stand, &["campaign", "stop", &theirs.id]);
    assert_eq!(unsure.status.code(), Some(2), "without --yes");
    let table = plain(&stand, &["campaign", "stop", &theirs.id, "--yes"]);
    assert_eq!(line(&table, &theirs.id), [theirs.id.as_str(), "stopped"]);
    let again = run(&stand, &["campaign", "pause", &theirs.id]);
    let said = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(5), "{said}");
    assert!(
        said.contains("with 409") && said.contains("(campaign_wrong_state)"),
        "{said}"
    );
    let nothing = run(&stand, &["campaign", "show", "cmp_0000000000000"]);
    assert_eq!(nothing.status.code(), Some(5));
}

#[test]
fn campaigns_that_an_older_version_made_are_listed_after_a_start() {
    let mut stand = Stand::new(programs!(), "commands-catalogue", "", |smsc| smsc);
    let campaign = stand.launch(10);
    stand.all_delivered(&campaign, 10, LIMIT);
    let mut redis = stand.redis.connect().expect("Redis");
    redis::cmd("DEL").arg("c:campaigns").exec(&mut redis).expect("DEL");
    redis::cmd("HDEL")
        .arg("c:meta")
        .arg("catalogue")
        .exec(&mut redis)
        .expect("HDEL");
    let gone = run(&stand, &["campaign", "show", &campaign.id]);
    assert_eq!(gone.status.code(), Some(5));
    stand.engine.restart();
    let listed = shown(&stand, &["campaign", "list"]);
    assert_eq!(listed["data"][0]["id"], campaign.id.as_str());
}

#[test]
fn the_life_of_a_message_is_found_by_its_id_its_number_and_the_smscs_id() {
    let stand = Stand::new(
        programs!(),
        "commands-message",
        "[receipt]\ndelay = \"10m\"\n",
        |smsc| smsc,
    );
    let campaign = stand.launch(3);
    stand.sim.wait_for("answered", 3, LIMIT);
    let (id, number) = message_of(&stand, &campaign.id);
    let (id, number) = (id.as_str(), number.as_str());
    let events = eventually("it is settled as taken", LIMIT, || {
        let life = shown(&stand, &["message", "trace", id]);
        let events = life["data"].as_array().expect("events").clone();
        let taken = events.iter().any(|event| event["event"] == "taken");
        taken.then_some(events)
    });
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(kinds, ["asked_for", "taken", "transmitted"], "{events:?}");
    assert!(events[0]["at"].as_str() <= events[1]["at"].as_str(), "{events:?}");
    assert_eq!(events[2]["at"], Value::Null);
    let masked = events[0]["to"].as_str().expect("a number");
    assert!(
        masked.contains('•') && masked.ends_with(&number[number.len() - 4..]),
        "{masked}"
    );
    let smsc_id = events[1]["smsc_message_ids"][0].as_str().expect("an id");
    let found = shown(&stand, &["message", "trace", smsc_id, "--as", "smsc-id"]);
    assert!(
        found["data"]
            .as_array()
            .expect("events")
            .iter()
            .any(|event| event["message"] == id),
        "{found}"
    );
    let whole = shown(&stand, &["message", "trace", number, "--whole"]);
    assert_eq!(whole["data"][0]["to"], number, "{whole}");
    let table = plain(&stand, &["message", "trace", number]);
    assert!(
        table.contains("\tasked_for\t") && table.contains("\nnow\ttransmitted\t"),
        "{table}"
    );
    assert!(!table.contains(number), "a whole number: {table}");
    let unknown = run(&stand, &["message", "trace", "nobody-knows"]);
    assert!(unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("Nothing is known of"));
    for wrong in [
        ["message", "trace", "msg_0", "--as", "id"],
        ["message", "trace", "12", "--as", "number"],
    ] {
        let output = run(&stand, &wrong);
        assert_eq!(output.status.code(), Some(5), "{wrong:?}");
    }
}

#[test]
fn the_life_of_a_message_has_its_end() {
    let stand = Stand::new(programs!(), "commands-ended", "", |smsc| smsc);
    let campaign = stand.launch(2);
    stand.all_delivered(&campaign, 2, LIMIT);
    let (id, number) = message_of(&stand, &campaign.id);
    let life = shown(&stand, &["message", "trace", &id]);
    let kinds: Vec<&str> = life["data"]
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(kinds, ["asked_for", "delivered"], "{life}");
    let by_number = shown(&stand, &["message", "trace", &number]);
    assert_eq!(by_number["data"], life["data"]);
}

#[test]
fn what_an_smsc_called_a_message_finds_it_when_it_has_ended() {
    let stand = Stand::under(Lab::new(programs!(), "commands-smsc-id"), "", |redis, sim| {
        let smscs = vec![SmscSettings::new("north", sim.smpp_address())];
        let mut settings = EngineSettings::new(Some(redis.url()), smscs);
        settings.tables = vec!["[message_log]\npath = \"messages.log\"".to_owned()];
        settings
    });
    let campaign = stand.launch(2);
    stand.all_delivered(&campaign, 2, LIMIT);
    let ledger = stand.sim.ledger();
    for row in &ledger {
        let called = row.message_id.as_deref().expect("an id");
        let life = shown(&stand, &["message", "trace", called, "--as", "smsc-id", "--whole"]);
        let events = life["data"].as_array().expect("events");
        let kinds: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        assert_eq!(kinds, ["asked_for", "taken", "delivered"], "{life}");
        assert_eq!(events[1]["smsc_message_ids"], json!([called]), "{life}");
        assert_eq!(events[0]["to"], format!("+{}", row.recipient).as_str(), "{life}");
    }
}

#[test]
fn parked_receipts_are_listed_and_replayed() {
    let stand = Stand::new(programs!(), "commands-receipts", STRANGE_RECEIPTS, |smsc| smsc);
    stand.launch(2);
    let parked = eventually("receipts are parked", LIMIT, || {
        let listed = shown(&stand, &["receipts", "parked"]);
        let rows = listed["data"].as_array().expect("rows").clone();
        (rows.len() == 2).then_some(rows)
    });
    assert!(
        parked[0]["recipient"].as_str().expect("a number").contains('•'),
        "{parked:?}"
    );
    let whole = shown(&stand, &["receipts", "parked", "--whole"]);
    assert!(!whole["data"][0]["recipient"].to_string().contains('•'), "{whole}");
    let id = parked[0]["id"].as_str().expect("an id");
    let table = plain(&stand, &["receipts", "parked"]);
    assert_eq!(line(&table, id)[2], "north", "{table}");
    assert_eq!(line(&plain(&stand, &["receipts", "replay", id]), id), [id]);
    let number = &whole["data"][0]["recipient"].as_str().expect("a number");
    let life = shown(&stand, &["message", "trace", number, "--as", "number"]);
    assert!(
        life["data"]
            .as_array()
            .expect("events")
            .iter()
            .any(|event| event["event"] == "receipt_parked"),
        "{life}"
    );
    let gone = run(&stand, &["receipts", "replay", "1-00000000"]);
    assert_eq!(gone.status.code(), Some(5));
}

#[test]
fn pdus_are_followed_to_the_limit() {
    let stand = Stand::new(programs!(), "commands-trace", "", |smsc| smsc);
    let admin = format!("http://{}", stand.engine.admin().address());
    let arguments = ["trace", "north", "--seconds", "60", "--limit", "1", "--admin", &admin];
    let mut following = bare(stand.lab().directory(), &arguments);
    following.stdout(Stdio::piped());
    let child = following.spawn().expect("campanile runs");
    stand.launch(200);
    stand.launch(200);
    // Should the listener be later than all of these, the next enquire_link is what it sees.
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.ends_with("end (limit): 1 shown, 0 missed\n"),
        "{text}"
    );
    assert_eq!(
        text.lines().next().map(|line| line.split('\t').count() >= 6),
        Some(true),
        "{text}"
    );
}

#[test]
fn wrong_arguments_an_engine_that_is_away_and_keys_that_do_not_fit() {
    let stand = Stand::new(programs!(), "commands-refused", "", |smsc| smsc);
    let admin = format!("http://{}", stand.engine.admin().address());
    let directory = stand.lab().directory().join("elsewhere");
    std::fs::create_dir(&directory).expect("a directory");
    std::fs::write(directory.join("wrong.key"), "op_wrong_0123456789\n").expect("a file");
    std::fs::write(directory.join("bad.toml"), "[admin]\nlisten = 1\n").expect("a file");
    let key_file = stand.lab().directory().join("operator.key").display().to_string();
    let nobody = "http://127.0.0.1:1";
    for (arguments, code, words) in [
        (&["statsu"][..], 2, "status"),
        (&["smsc", "rate", "north"], 2, "<RATE>"),
        (&["status", "--admin", "ftp://h:1"], 2, "--admin"),
        (&["campaign", "list", "--limit", "501"], 2, "501"),
        (&["campaign", "list", "--admin", &admin], 2, "--key-file"),
        (
            &["campaign", "list", "--admin", &admin, "--key-file", "none.key"],
            2,
            "none.key",
        ),
        (&["status", "--config", "bad.toml"], 3, "admin.listen"),
        (&["status", "--admin", nobody], 4, nobody),
        (
            &["campaign", "list", "--admin", &admin, "--key-file", "wrong.key"],
            5,
            "(unauthorized)",
        ),
    ] {
        let (found, said) = refused(bare(&directory, arguments));
        assert_eq!(found, Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let (code, said) = refused(bare(
        &directory,
        &["tenant", "list", "--admin", &admin, "--key-file", &key_file],
    ));
    assert_eq!(code, Some(0), "{said}");
    let anonymous = stand.engine.admin().get("/v1/campaigns");
    assert_eq!(anonymous.status, 401);
    let tenant = stand.engine.admin().with_key(&stand.tenant.key);
    assert_eq!(tenant.get("/v1/tenants").status, 403);
    stand.engine.admin().get("/v1/status").expect(200);
}

#[test]
fn check_connects_to_everything_and_binds_to_nothing() {
    let lab = Lab::new(programs!(), "commands-check");
    let (redis, sim) = (lab.redis(), lab.sim(""));
    let directory = lab.directory();
    let configuration = |address: &str, url: &str| {
        let text = format!(
            "[redis]\nurl = \"{url}\"\n[[smsc]]\nname = \"north\"\naddress = \"{address}\"\nsystem_id = \"campanile\"\n\
             password = \"secret\"\n"
        );
        std::fs::write(directory.join("campanile.toml"), text).expect("a file");
    };
    configuration(sim.smpp_address(), &redis.url());
    let output = bare(directory, &["check", "--connect", "--json"])
        .output()
        .expect("it runs");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success(), "{found}");
    let reached: Vec<_> = found["data"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|one| &one["reached"])
        .collect();
    assert_eq!(reached, [true, true, true]);
    assert_eq!(found["data"][1]["what"], "database");
    assert_eq!(found["data"][2]["what"], "smsc north");
    // Whoever is refused by the simulator, or bound, shows in its totals or its sessions.
    assert_eq!(sim.totals().submits, 0);
    configuration("127.0.0.1:1", &redis.url());
    let output = bare(directory, &["check", "--connect"]).output().expect("it runs");
    let (table, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert_eq!(line(&table, "smsc north")[1], "no", "{table}");
    assert!(said.contains("one of them cannot be reached"), "{said}");
    configuration("127.0.0.1:1", "redis://127.0.0.1:1");
    let (code, said) = refused(bare(directory, &["check", "--connect"]));
    assert_eq!(code, Some(4));
    assert!(said.contains("2 of them"), "{said}");
    let (code, _) = refused(bare(directory, &["doctor"]));
    assert_eq!(code, Some(4));

    configuration(sim.smpp_address(), &redis.url());
    redis.set("maxmemory-policy", "allkeys-lru");
    let output = bare(directory, &["doctor", "--json"]).output().expect("it runs");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(1), "{found}");
    let rows = found["data"].as_array().expect("rows");
    let policy = rows
        .iter()
        .find(|row| row["what"] == "maxmemory-policy")
        .expect("it is looked at");
    assert_eq!(
        (&policy["grade"], &policy["found"]),
        (&json!("bad"), &json!("allkeys-lru"))
    );
    assert!(
        policy["mend"].as_str().is_some_and(|mend| mend.contains("noeviction")),
        "{policy}"
    );
    for what in ["appendonly", "redis clock", "ulimit -n", "clock"] {
        assert!(rows.iter().any(|row| row["what"] == what), "{what}: {found}");
    }
    let output = bare(directory, &["doctor"]).output().expect("it runs");
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.starts_with("grade\twhat\tfound\twrong\tmend\n"), "{table}");
}

#[test]
fn completions_and_pages_know_every_command() {
    let lab = Lab::new(programs!(), "commands-manual");
    for shell in ["bash", "zsh", "fish"] {
        let output = bare(lab.directory(), &["completions", shell])
            .output()
            .expect("it runs");
        assert!(String::from_utf8_lossy(&output.stdout).contains("drain"), "{shell}");
    }
    let (code, said) = refused(bare(lab.directory(), &["man", "pages"]));
    assert_eq!(code, Some(0), "{said}");
    for page in [
        "campanile.1",
        "campanile-status.1",
        "campanile-smsc-drain.1",
        "campanile-message-trace.1",
        "campanile-backup.1",
        "campanile-restore.1",
    ] {
        assert!(lab.directory().join("pages").join(page).is_file(), "{page}");
    }
    let (code, said) = refused(bare(lab.directory(), &["man", "pages/campanile.1"]));
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn a_machine_without_redis_server_is_told_so_with_its_own_exit_code() {
    let lab = Lab::new(programs!(), "commands-no-redis");
    let sim = lab.sim("");
    let directory = lab.directory();
    let bin = directory.join("shell");
    std::fs::create_dir(&bin).expect("a directory");
    std::os::unix::fs::symlink("/bin/sh", bin.join("sh")).expect("a link");
    let text = format!(
        "[api]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[[smsc]]\nname = \"north\"\naddress = {:?}\n\
         system_id = \"campanile\"\npassword = \"secret\"\n",
        sim.smpp_address()
    );
    std::fs::write(directory.join("campanile.toml"), text).expect("a file");
    for arguments in [&["serve"][..], &["check", "--connect"], &["doctor"]] {
        let mut command = bare(directory, arguments);
        command.env("PATH", &bin);
        let output = command.output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {said}");
        assert!(said.contains("redis-server was not found"), "{arguments:?}: {said}");
    }
    let empty = directory.join("empty");
    std::fs::create_dir(&empty).expect("a directory");
    let lines: [(&[&str], &str); 2] = [
        (&["serve"], "sh was not found"),
        (&["doctor"], "redis-server was not found"),
    ];
    for (arguments, word) in lines {
        let mut command = bare(directory, arguments);
        command.env("PATH", &empty);
        let (code, said) = refused(command);
        assert_eq!(code, Some(4), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
}

#[test]
fn an_embedded_redis_that_does_not_answer_is_not_said_to_be_reached() {
    let lab = Lab::new(programs!(), "commands-check-stopped");
    let sim = lab.sim("");
    let settings = EngineSettings::new(None, vec![SmscSettings::new("north", sim.smpp_address())]);
    let _engine = lab.engine(&settings);
    let check = || {
        let output = bare(lab.directory(), &["check", "--connect"])
            .output()
            .expect("it runs");
        let table = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), line(&table, "redis")[1].to_owned())
    };
    assert_eq!(check().1, "yes");
    let pid = std::fs::read_to_string(lab.directory().join("data/redis.pid")).expect("its server runs");
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, pid.trim()]).status();
        assert!(sent.expect("kill runs").success());
    };
    signal("-STOP");
    let found = check();
    signal("-CONT");
    assert_eq!(found, (Some(4), "no".to_owned()));
}

#[test]
fn an_smsc_that_only_receives_is_not_bound_while_nobody_hears_it() {
    let lab = Lab::new(programs!(), "commands-deaf");
    let stand = Stand::under(lab, "", |redis, sim| {
        let north = SmscSettings::new("north", sim.smpp_address());
        let ears = SmscSettings::new("ears", "127.0.0.1:1").bind("receiver");
        EngineSettings::new(Some(redis.url()), vec![north, ears])
    });
    let table = plain(&stand, &["smsc", "list"]);
    assert_eq!(line(&table, "ears")[1..3], ["not_bound", "0/1"], "{table}");
    assert_eq!(line(&table, "north")[1..3], ["running", "1/1"], "{table}");
    let status = shown(&stand, &["status"]);
    let smscs = status["smscs"].as_array().expect("a list");
    let ears = smscs.iter().find(|smsc| smsc["name"] == "ears").expect("it is there");
    assert_eq!(ears["state"], "not_bound", "{status}");
}

#[test]
fn receivers_alone_are_refused_since_nothing_could_be_sent() {
    let lab = Lab::new(programs!(), "commands-receivers");
    let smsc = SmscSettings::new("north", "127.0.0.1:1").bind("receiver");
    let settings = EngineSettings::new(Some("redis://127.0.0.1:1".to_owned()), vec![smsc]);
    let (status, said) = lab.refused_engine(&settings);
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("has only bind = \"receiver\""), "{said}");
}

/// Ended when the test is.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.kill().expect("it can be ended");
        self.0.wait().expect("it ends");
    }
}

#[test]
fn redis_is_spoken_to_over_tls_as_check_says() {
    let lab = Lab::new(programs!(), "commands-rediss");
    let (redis, sim) = (lab.redis(), lab.sim(""));
    let directory = lab.directory();
    let authority = Authority::new(directory, "authority");
    let (certificate, key) = authority.issue("localhost", 2099);
    // Free a moment ago; Redis does not say which it would have chosen.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
    let port = free.expect("a free port").port().to_string();
    for (setting, value) in [
        ("tls-auth-clients", "no"),
        ("tls-cert-file", certificate.as_str()),
        ("tls-key-file", key.as_str()),
        ("tls-ca-cert-file", authority.file.as_str()),
        ("tls-port", port.as_str()),
    ] {
        redis.set(setting, value);
    }
    let text = format!(
        "[api]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n[redis]\nurl = \"rediss://localhost:{port}/0\"\n\
         [[smsc]]\nname = \"north\"\naddress = {:?}\nsystem_id = \"campanile\"\npassword = \"secret\"\n",
        sim.smpp_address()
    );
    std::fs::write(directory.join("campanile.toml"), text).expect("a file");
    let mut check = bare(directory, &["check", "--connect"]);
    check.env("SSL_CERT_FILE", &authority.file);
    let (code, said) = refused(check);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = refused(bare(directory, &["check", "--connect"]));
    assert_eq!(code, Some(4), "an authority that nobody trusts: {said}");

    let mut serve = bare(directory, &["serve"]);
    serve
        .env("SSL_CERT_FILE", &authority.file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut serving = Serving(serve.spawn().expect("campanile runs"));
    let out = serving.0.stdout.take().expect("a pipe");
    let first = BufReader::new(out).lines().next().expect("a line").expect("UTF-8");
    let ready: Value = serde_json::from_str(&first).expect(&first);
    assert_eq!(ready["ready"], true);
    let admin = format!("http://{}", ready["admin"].as_str().expect("an address"));
    let (code, said) = refused(bare(directory, &["status", "--admin", &admin]));
    assert_eq!(code, Some(0), "{said}");
}
