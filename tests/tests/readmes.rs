//! The commands of the readmes, run as they are written: in a folder, and a network with nothing else in it, of their own.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use campanile_tests::readme::{blocks, path_with};
use campanile_tests::{Lab, programs};

/// What stands for the reader: who has the programs in the path, starts the next simulator in the place of the one before, and would
/// see that a request was refused. Only what no test can do is left out: to compile the programs, and to look at windows.
const READER: &str = r#"
set -o pipefail
server=
stop_server() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; }; server=; }
trap 'jobs -p | xargs --no-run-if-empty kill 2>/dev/null || true' EXIT
smpp-sim() {
    # In a pipe, behind an ampersand, or with a command: as it is.
    [ "$BASHPID" = "$$" ] || exec smpp-sim "$@"
    case "${1:-}" in check|scenarios|presets|magic|schema|openapi|completions|man|--help) command smpp-sim "$@"; return ;; esac
    stop_server
    rm -f ready.pipe; mkfifo ready.pipe
    command smpp-sim "$@" >ready.pipe 2>smpp-sim.log &
    server=$!
    local line=; read -r -t 20 line <ready.pipe || true
    case $line in *'"ready":true'*) ;; *) cat smpp-sim.log >&2; return 1 ;; esac
}
# As the checks that somebody without noise would make: what is worse here may be the machine's.
loadtest() { command loadtest "$@" || [ "$? $1" = "99 compare" ]; }
curl() { command curl --fail-with-body --silent --show-error "$@"; echo; }
cargo() { [ "${*:1:3}" = "install --locked --path" ] && grep -q '^name' "$4/Cargo.toml"; }
wireshark() { [ -e "${*: -1}" ]; }
man() { grep -q smpp-sim; }
"#;

/// A folder with the programs in its path, and the repository's folders beside.
struct Reader {
    lab: Lab,
}

impl Reader {
    fn new(name: &str) -> Self {
        let lab = Lab::new(programs!(), name);
        let bin = lab.bin_dir();
        symlink(env!("CARGO_BIN_EXE_loadtest-under-test"), bin.join("loadtest")).expect("link a program");
        for folder in ["engine", "smpp-sim"] {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
            symlink(source, lab.directory().join(folder)).expect("link a folder");
        }
        Self { lab }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.lab.directory().join(name), text).expect("write a file");
    }

    /// Runs a script: what it said. Panics unless every command succeeds.
    fn runs(&self, script: &str) -> String {
        self.write("script.sh", &format!("{READER}\n{script}\n"));
        let inside = "ip link set lo up && exec bash -eux script.sh";
        // Whatever is left when the script has ended goes with its processes' namespace.
        let own = [
            "--user",
            "--map-root-user",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "bash",
            "-ec",
            inside,
        ];
        let ended = Command::new("unshare")
            .args(own)
            .current_dir(self.lab.directory())
            .env("PATH", path_with(&self.lab.directory().join("bin")))
            .output()
            .expect("unshare is there: it is of util-linux");
        let said = [ended.stdout, ended.stderr].map(|octets| String::from_utf8_lossy(&octets).into_owned());
        let end = said[1].len().saturating_sub(4_000);
        let end = (end..said[1].len())
            .find(|at| said[1].is_char_boundary(*at))
            .unwrap_or(0);
        assert!(
            ended.status.success(),
            "{}\n{}\n…{}",
            ended.status,
            said[0],
            &said[1][end..]
        );
        said.join("\n")
    }
}

/// The blocks with what has to be there before some of them: those that contain the first text are preceded by the second.
fn prepared(file: &str, before: &[(&str, &str)]) -> String {
    let mut script = String::new();
    for block in blocks(file, "sh") {
        for (_, preparation) in before.iter().filter(|(part, _)| block.contains(part)) {
            script.push_str(preparation);
            script.push('\n');
        }
        script.push_str(&block);
        script.push('\n');
    }
    for (part, _) in before {
        assert!(script.contains(part), "{file} has no {part:?}");
    }
    script
}

#[test]
fn the_simulators_readme() {
    let reader = Reader::new("readme-smpp-sim");
    let scenario = blocks("smpp-sim/README.md", "toml")
        .into_iter()
        .find(|block| block.contains("name = \"mine\""));
    reader.write(
        "mine.toml",
        &scenario.expect("the readme has the scenario of its commands"),
    );
    let said = reader.runs(&prepared("smpp-sim/README.md", &[]));
    assert!(said.contains(r#""scenario":"throttling""#), "{said}");
}

#[test]
fn the_simulators_use_cases() {
    let reader = Reader::new("readme-use-cases");
    reader.write("scenarios", "");
    let file = "smpp-sim/docs/use-cases.md";
    let certificate =
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout key.pem -out chain.pem";
    let before = [
        ("name=throttling", "smpp-sim --scenario healthy"),
        (
            "receipts_acked=100",
            "loadtest smpp --count 100 -q --threshold 'submitted==100' &",
        ),
        ("inbound_acked=1", "loadtest smpp --rate 1/s --duration 20s -q &"),
        ("--tls-cert chain.pem", certificate),
    ];
    let said = reader.runs(&prepared(file, &before));
    assert!(said.contains("BEGIN CERTIFICATE"), "openssl has seen one: {said}");
    for toml in blocks(file, "toml") {
        reader.write("shown.toml", &toml);
        reader.runs("command smpp-sim check shown.toml");
    }
}

#[test]
fn the_load_testers_readme() {
    let reader = Reader::new("readme-loadtest");
    reader.write("secret", "secret\n");
    let said = reader.runs(&format!("smpp-sim\n{}", prepared("loadtest/README.md", &[])));
    assert!(said.contains("Capacity with 99 % of the answers within 100"), "{said}");
    let result = std::fs::read_to_string(reader.lab.directory().join("result.json")).expect("it was written");
    let line: serde_json::Value = serde_json::from_str(&result).expect("JSON alone is in it");
    assert_eq!(line["mode"], "smpp");
}

/// The engine's readme, and the pages whose commands go on where it ends.
const ENGINE: [&str; 9] = [
    "README.md",
    "docs/smscs.md",
    "docs/hours.md",
    "docs/configuration.md",
    "docs/operations.md",
    "docs/history.md",
    "docs/replies.md",
    "docs/engines.md",
    "docs/contacts.md",
];

/// Who reads these: keeps the ids that answers tell, as the text asks for.
const OPERATOR: &str = r#"
campanile() {
    case "${1:-}" in
        serve) ;;
        top) ! command campanile "$@"; return ;; # says that it needs a terminal
        *) command campanile "$@"; return ;;
    esac
    command campanile "$@" >engine.log 2>&1 &
    ENGINE=$!
    until command curl --silent --fail http://127.0.0.1:9090/readyz >/dev/null; do
        kill -0 $ENGINE && read -r -t 0.1 <>nothing || true
    done
}
curl() {
    local answer; answer=$(command curl --fail-with-body --show-error "$@") || { echo "$answer" >&2; return 1; }
    printf '%s\n' "$answer"
    case "$*" in
        */v1/tenants\ *) TENANT=$(of '["id"]' <<<"$answer"); API_KEY=$(of '["api_key"]' <<<"$answer") ;;
        */v1/campaigns\ *) CAMPAIGN=$(of '["id"]' <<<"$answer") ;;
    esac
}
of() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
mkfifo nothing
redis-server --port 6379 --bind 127.0.0.1 --appendonly yes --maxmemory-policy noeviction >redis.log &
until redis-cli ping >/dev/null 2>&1; do read -r -t 0.1 <>nothing || true; done
export OPERATOR_KEY="an operator key of some length"
printf '%s\n' "$OPERATOR_KEY" >operator.key
"#;

/// What some commands want: nobody sends any more.
const ENDED: &str = "kill $ENGINE && wait $ENGINE";

/// A receipt that fits nothing, for those who want to see one.
const PARKED: &str = r#"
curl -X POST 'http://127.0.0.1:2780/scenario?name=quirks-orphan'
curl -s $api/v1/messages -H "$key" -H "$json" -d '{"to":"+33612345699","sender":"OSTEO","text":"Bonjour"}'
until RECEIPT=$(command curl --silent http://127.0.0.1:9090/v1/receipts/parked | of '["data"][0]["id"]' 2>/dev/null); do
    read -r -t 0.1 <>nothing || true
done
"#;

#[test]
fn the_engines_readme_and_pages() {
    let reader = Reader::new("readme-engine");
    let toml = blocks("README.md", "toml")
        .into_iter()
        .find(|block| block.contains("# campanile.toml"));
    let toml = toml.expect("the readme has a configuration");
    let (before, after) = toml.split_once("[admin]").expect("it has [admin]");
    reader.write(
        "campanile.toml",
        // Its campaign is advertising, and tests are made at any hour.
        &format!("{before}operator_key_file = \"operator.key\"\n[rules]\npacks = []\n[admin]{after}"),
    );
    let receipt =
        "id:123 sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 stat:DELIVRD err:000 text:Bonjour\n";
    for (name, line) in [
        ("capture.hex", "00000010000000150000000000000001\n"),
        ("receipts.txt", receipt),
        ("texts.txt", "Bonjour\n"),
        ("list.txt", "06 12 34 56 78\n"),
    ] {
        reader.write(name, line);
    }
    let start = blocks("README.md", "")
        .into_iter()
        .find(|block| block.contains("campanile serve"));
    // First the one whose answers the others ask about.
    let (first, others): (Vec<_>, Vec<_>) = ENGINE
        .iter()
        .flat_map(|page| blocks(page, "sh"))
        .partition(|block| block.contains("/launch"));
    let (last, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|block| block.contains("campanile backup"));
    let mut script = format!(
        "{OPERATOR}\nsmpp-sim --listen 127.0.0.1:2775\n{}\n",
        start.expect("the readme starts it")
    );
    for block in first.iter().chain(&others) {
        script.push_str(if block.contains("$RECEIPT") { PARKED } else { "" });
        script.push_str(block);
        script.push('\n');
    }
    script.push_str(ENDED);
    for block in &last {
        script.push('\n');
        script.push_str(block);
    }
    let said = reader.runs(&script);
    for part in [
        r#""api_key""#,
        r#""state""#,
        r#""stat":"DELIVRD""#,
        r#""reason":"unknown_id""#,
        "folder\trestored",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
