//! The clients of the API that are written by hand (engine/clients): what their readmes show, and what they promise, against a
//! running engine, and a server that refuses.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use campanile_tests::readme::blocks;
use campanile_tests::{EngineSettings, Lab, Receiver, SmscSettings, Stand, eventually, peers, programs};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// A language: its folder, its file, what runs a program of it, and the program that tries its client.
#[derive(Clone, Copy, Debug)]
struct Language {
    folder: &'static str,
    file: &'static str,
    block: &'static str,
    runs: &'static str,
    check: &'static str,
}

const PYTHON: Language = Language {
    folder: "engine/clients/python",
    file: "campanile.py",
    block: "python",
    runs: "python3",
    check: "check.py",
};

const JAVASCRIPT: Language = Language {
    folder: "engine/clients/javascript",
    file: "campanile.mjs",
    block: "js",
    runs: "node",
    check: "check.mjs",
};

const PHP: Language = Language {
    folder: "engine/clients/php",
    file: "Campanile.php",
    block: "php",
    runs: "php",
    check: "check.php",
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Language {
    /// What runs it, finding its client.
    fn command(self) -> Command {
        let mut command = Command::new(self.runs);
        // No compiled modules beside the sources.
        command
            .env("PYTHONPATH", repository().join(self.folder))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    fn check(self, what: &str) -> Command {
        let mut command = self.command();
        command
            .arg(repository().join("tests/clients").join(self.check))
            .arg(what);
        command
    }
}

#[track_caller]
fn succeeds(mut command: Command) -> String {
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}{wrong}");
    said
}

/// With a tenant of its own, by the API.
fn knowing(mut command: Command, stand: &Stand) -> Command {
    let tenant = stand.engine.tenant("Cabinet des Lilas", 100);
    command
        .env(
            "CAMPANILE_API",
            format!("http://{}", stand.engine.api().public().address()),
        )
        .env("CAMPANILE_KEY", &tenant.key);
    command
}

fn keeps_its_promises(language: Language, name: &str) {
    if peers::skipped() {
        return;
    }
    let stand = Stand::new(programs!(), name, "", |smsc| smsc);
    succeeds(knowing(language.check("engine"), &stand));
    succeeds(language.check("refusals"));

    let directory = stand.lab().directory();
    let file = "Nom;Prénom;Portable;Cabinet\nMartin;Zoé;0612345678;Lyon\nPetit;Luc;0142;Lyon\n";
    std::fs::write(directory.join("patients.csv"), file).expect("write a file");
    std::fs::copy(
        repository().join(language.folder).join(language.file),
        directory.join(language.file),
    )
    .expect("copy the client, as its readme says");
    let extension = Path::new(language.file).extension().expect("an extension").display();
    let mut said = String::new();
    for (at, block) in blocks(&format!("{}/README.md", language.folder), language.block)
        .iter()
        .enumerate()
    {
        let name = format!("example-{at}.{extension}");
        std::fs::write(directory.join(&name), block).expect("write a file");
        let mut example = knowing(language.command(), &stand);
        example.arg(name).current_dir(directory);
        said += &succeeds(example);
    }
    for part in ["Ce numéro n'existe pas", "invalid_fields", "req_"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn req_004_07_the_client_in_python_keeps_its_promises() {
    keeps_its_promises(PYTHON, "api-clients-python");
}

#[test]
fn req_004_07_the_client_in_javascript_keeps_its_promises() {
    keeps_its_promises(JAVASCRIPT, "api-clients-javascript");
}

#[test]
fn req_004_07_the_client_in_php_keeps_its_promises() {
    keeps_its_promises(PHP, "api-clients-php");
}

/// What the client says of each of these deliveries.
fn judged(language: Language, deliveries: &[Value]) -> Vec<String> {
    let mut judge = language.check("verify");
    let mut judge = judge
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let lines: String = deliveries.iter().map(|delivery| format!("{delivery}\n")).collect();
    let mut input = judge.stdin.take().expect("a pipe");
    input.write_all(lines.as_bytes()).expect("it reads");
    drop(input);
    let output = judge.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().map(str::to_owned).collect()
}

#[test]
fn clients_take_what_the_engine_signs_and_nothing_else() {
    if peers::skipped() {
        return;
    }
    let lab = Lab::new(programs!(), "api-clients-webhooks");
    let stand = Stand::under(lab, "", |redis, sim| {
        let smsc = SmscSettings::new("north", sim.smpp_address());
        let mut settings = EngineSettings::new(Some(redis.url()), vec![smsc]);
        settings.tables.push("[webhooks]\nallow = [\"127.0.0.0/8\"]".to_owned());
        settings
    });
    let receiver = Receiver::start();
    let http = stand.tenant.http(&stand.engine);
    let webhook = http
        .post(
            "/v1/webhooks",
            &json!({ "url": receiver.url(), "events": ["message.*"] }),
        )
        .expect(201);
    stand.launch(3);
    let posted = eventually("something is told", LIMIT, || receiver.taken().into_iter().next());
    let with = |key: &str, value: Value| {
        let mut delivery = json!({ "secret": webhook["secret"], "headers": posted.headers, "body": posted.text });
        delivery[key] = value;
        delivery
    };
    let mut old = posted.headers.clone();
    old.insert("webhook-timestamp".to_owned(), "1700000000".to_owned());
    let mut unsigned = posted.headers.clone();
    unsigned.remove("webhook-signature");
    let deliveries = [
        with("body", json!(posted.text)),
        with("body", json!(format!("{} ", posted.text))),
        with("secret", json!("whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA==")),
        with("headers", json!(old)),
        with("headers", json!(unsigned)),
    ];
    for language in [PYTHON, JAVASCRIPT, PHP] {
        let said = judged(language, &deliveries);
        assert_eq!(said, ["ok", "refused", "refused", "refused", "refused"], "{language:?}");
    }
}
