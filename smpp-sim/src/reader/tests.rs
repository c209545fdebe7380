use std::path::Path;
use std::time::Duration;

use super::*;
use crate::delay::Delay;
use crate::model::{Base, Form, Hangup, HangupBegin, Lasts, Scenario, Setup};

#[test]
fn every_built_in_scenario_is_free_of_faults_and_bears_its_name() {
    for built_in in BUILT_IN {
        let scenario = Scenario::named(built_in.name).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(scenario.name, built_in.name);
        assert!(!scenario.about.is_empty());
    }
}

#[test]
fn every_fault_is_named_at_once_with_line_key_and_what_is_allowed() {
    let text = r#"
time_scale = 0
colour = "red"
[answer]
dellay = "1s"
delay = "soon"
[[account]]
system_id = "a"
rate = "fast"
binds = ["tranceiver"]
[[account]]
system_id = "a"
[[outcome]]
name = "ok"
stat = "DONE"
[[outcome]]
name = "refused"
answer = "ESME_RINVDSTADR"
err = "001"
[[outcome]]
name = "late"
first_attempts = 2
[[prefix]]
starts_with = "+33"
outcome = "nothing"
[recipients]
"33600000000" = "nobody"
[faults]
no_answer = 1.5
"#;
    let faults = Scenario::parse(text, "x.toml").unwrap_err();
    let said = faults.to_string();
    let expected = [
        "x.toml:2: time_scale: 0 is not allowed: a number from 0.001 to 1000000",
        "x.toml:3: colour: unknown key; allowed are",
        "x.toml:5: answer.dellay: unknown key; did you mean \"delay\"?",
        "x.toml:6: answer.delay: \"soon\" is not allowed: a duration, { uniform",
        "x.toml:9: account[0].rate: \"fast\" is not allowed: segments a second",
        "x.toml:10: account[0].binds: [\"tranceiver\"] is not allowed: an array of transceiver, transmitter, receiver",
        "x.toml:12: account[1].system_id: \"a\" is not allowed: another account has it",
        "x.toml:15: outcome[0].stat: \"DONE\" is not allowed: one of ENROUTE, DELIVRD",
        "x.toml:19: outcome[1].err: \"001\" is not allowed: this outcome has no receipt",
        "x.toml:22: outcome[2].first_attempts: 2 is not allowed: it goes with then",
        "x.toml:24: prefix[0].starts_with: \"+33\" is not allowed: 1 to 18 digits",
        "x.toml:25: prefix[0].outcome: \"nothing\" is not allowed: an outcome that is there, which are ok, refused, late",
        "x.toml:27: recipients.33600000000: \"nobody\" is not allowed: an outcome",
        "x.toml:29: faults.no_answer: 1.5 is not allowed: a number from 0 to 1",
    ];
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n  should begin with\n{expected}");
    }
}

#[test]
fn every_key_shows_what_is_wrong_with_its_value_and_what_is_allowed() {
    let all = kit::settings::trials(&schema(), "");
    assert!(all.len() > 1_000, "{}", all.len());
    for trial in all {
        let answer = Setup::parse(&trial.text, "x.toml").err();
        let judged = trial.judge(answer.as_ref(), false);
        assert_eq!(judged, Ok(()));
    }
}

#[test]
fn what_is_no_toml_is_said_with_its_line() {
    let faults = Scenario::parse("name = \"x\"\nseed = = 1\n", "x.toml").unwrap_err();
    assert!(faults.to_string().starts_with("x.toml:2: "), "{faults}");
    assert!(
        Scenario::named("nothing")
            .unwrap_err()
            .to_string()
            .contains("healthy, fr-4379")
    );
    assert!(
        Scenario::load(Path::new("absent.toml"))
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}

#[test]
fn values_arrive_where_they_belong() {
    let text = r#"
[[account]]
system_id = "campanile"
password = "secret"
rate = "500/s"
window = 1_000
[receipt]
delay = { uniform = ["0s", "1s"] }
form = "tlv"
[timers]
bind = "1s 500ms"
[faults]
close = { after = 500, holding = 100, reset = true }
"#;
    let scenario = Scenario::parse(text, "x.toml").unwrap_or_else(|faults| panic!("{faults}"));
    let account = &scenario.accounts[0];
    assert_eq!((account.rate, account.burst, account.window), (Some(500), 50, 1000));
    assert_eq!(account.system_id.as_deref(), Some("campanile"));
    assert_eq!(
        scenario.defaults.receipt.delay,
        Delay::Uniform(Duration::ZERO, Duration::from_secs(1))
    );
    assert_eq!(
        (scenario.defaults.receipt.form, scenario.timers.bind),
        (Form::Tlv, Duration::from_millis(1500))
    );
    let close = Hangup {
        begin: HangupBegin::Submits(500),
        holding: 100,
        answered: false,
        reset: true,
        repeat: false,
    };
    assert_eq!(account.faults.close, Some(close));
}

#[test]
fn phases_say_what_they_change_and_every_fault_is_named_once() {
    let text = r#"
[answer]
delay = "1s"
dellay = "1s"
[faults]
no_answer = 2
[[phase]]
name = "slow"
for = "1m"
seed = 5
[phase.answer]
delay = "5s"
ids = "none"
[[phase]]
name = "slow"
submits = 10
for = "1s"
weights = { nobody = 1 }
[phase.faults]
connect = { what = "refuse", share = 0.5 }
close = { after = 1, pdus = 2 }
write = { octets = 0, pause = "1h" }
"#;
    let said = Scenario::parse(text, "x.toml").unwrap_err().to_string();
    let expected = [
        "x.toml:4: answer.dellay: unknown key; did you mean \"delay\"?",
        "x.toml:6: faults.no_answer: 2 is not allowed: a number from 0 to 1",
        "x.toml:10: phase[0].seed: unknown key; allowed are",
        "x.toml:13: phase[0].answer.ids: \"none\" is not allowed: one of seeded, since_start",
        "x.toml:15: phase[1].name: \"slow\" is not allowed: a phase has a name of its own",
        "x.toml:16: phase[1].submits: 10 stands beside for: a phase ends by one of them",
        "x.toml:18: phase[1].weights: { nobody = 1 } is not allowed: one weight at least is over 0",
        "x.toml:18: phase[1].weights.nobody: \"nobody\" is not allowed: an outcome",
        "x.toml:20: phase[1].faults.connect.share: 0.5 is not allowed: a port refuses every connection or none",
        "x.toml:21: phase[1].faults.close.pdus: 2 is not allowed: only one of after, pdus, time can begin it",
        "x.toml:22: phase[1].faults.write.octets: 0 is not allowed: a whole number from 1 to 65536",
        "x.toml:22: phase[1].faults.write.pause: \"1h\" is not allowed: a duration up to 1m, such as",
    ];
    let lines: Vec<_> = said.lines().collect();
    for (line, expected) in lines.iter().zip(expected) {
        assert!(
            line.starts_with(expected),
            "{line}\n  should begin with\n{expected}\n{said}"
        );
    }
    assert_eq!(lines.len(), expected.len(), "{said}");
}

/// Settings that change nothing, and how their fault begins or goes on.
const WITHOUT_EFFECT: [(&str, &str); 17] = [
    (
        "[[account]]\nsystem_id = \"a\"\nfaults = { connect = { what = \"close\" } }",
        "account[0].faults.connect: { what",
    ),
    (
        "[[account]]\nsystem_id = \"\"",
        "account[0].system_id: \"\" is not allowed: 1 to 15",
    ),
    (
        "[[account]]\nsystem_id = \"0123456789abcdef\"",
        "account[0].system_id: \"0123456789abcdef\" is not allowed: 1 to 15",
    ),
    (
        "[[account]]\nsystem_id = \"a\"\nsystem_type = \"0123456789abc\"",
        "system_type: \"0123456789abc\" is not allowed",
    ),
    (
        "[[account]]\nsystem_id = \"a\"\nburst = 5",
        "account[0].burst: 5 is not allowed: it goes with rate",
    ),
    (
        "[[account]]\nsystem_id = \"a\"\n[[inbound]]\non = \"x\"\nreply = \"y\"\naccount = \"b\"",
        "inbound[0].account: \"b\" is not allowed: the system_id of an account that is there, which are a",
    ),
    (
        "[[inbound]]\nat = \"1s\"\nfrom = \"no address at all\"\nto = \"36034\"\ntext = \"x\"",
        "inbound[0].from: \"no address at all\" is not allowed: a number of",
    ),
    (
        "[faults]\nwrite = {}",
        "faults.write: {} is not allowed: at least one of octets",
    ),
    (
        "[faults]\nrefuse = { status = \"ESME_ROK\" }",
        "faults.refuse.status: \"ESME_ROK\" is not allowed: an error",
    ),
    (
        "[faults]\nbind = { status = 0 }",
        "faults.bind.status: 0 is not allowed: an error",
    ),
    (
        "[faults]\nclose = { time = \"0s\" }",
        "faults.close.time: \"0s\" is not allowed: a duration from 1ms",
    ),
    (
        "[faults]\nunbind_every = \"0s\"",
        "faults.unbind_every: \"0s\" is not allowed: a duration from 1ms",
    ),
    (
        "[answer]\ndelay = { empirical = [[0.1, \"1s\"], [0.9, \"2s\"]] }",
        "answer.delay: { empirical",
    ),
    (
        "[answer]\nmessage_id = { answer = { cut = 0 } }",
        "answer.message_id.answer.cut: 0 is not allowed: a whole number from 1",
    ),
    (
        "[tls]\nself_signed = { names = [] }",
        "tls.self_signed.names: [] is not allowed: an array of 1 to 100",
    ),
    (
        "[tls]\nself_signed = { names = [\"no host\"] }",
        "tls.self_signed.names: [\"no host\"] is not allowed",
    ),
    (
        "[ledger]\nfile = \"/nonexistent/x\"",
        "ledger.file: \"/nonexistent/x\" is not allowed: the path of a file",
    ),
];

#[test]
fn settings_without_effect_are_refused_with_what_is_allowed() {
    for (text, said) in WITHOUT_EFFECT {
        let faults = Setup::parse(text, "x.toml")
            .err()
            .unwrap_or_else(|| panic!("{text} is taken"));
        assert_eq!(faults.0.len(), 1, "{text}: {faults}");
        assert!(faults.to_string().contains(said), "{text}: {faults}");
    }
}

#[test]
fn how_a_phase_ends_is_said_as_it_is() {
    let said = |text: &str| Scenario::parse(text, "x.toml").unwrap_err().to_string();
    let endless = "[[phase]]\nname = \"a\"\n[[phase]]\nname = \"b\"\n";
    assert_eq!(
        said(endless),
        "x.toml:1: phase[0]: needs for or submits: only the last phase may have neither, without repeat = true"
    );
    assert!(
        said(&format!("repeat = true\n{endless}"))
            .contains("x.toml:4: phase[1]: needs for or submits: with repeat = true")
    );
    assert_eq!(
        said("[[phase]]\nname = \"a\"\nsumbits = 5\nfor = \"1s\"\n"),
        "x.toml:3: phase[0].sumbits: unknown key; did you mean \"submits\"?"
    );
    let stranger = said("[[phase]]\nname = \"a\"\ncolour = 5\nfor = \"1s\"\n");
    assert_eq!(stranger.lines().count(), 1, "{stranger}");
    assert!(
        stranger.contains("allowed are for, submits") && !stranger.contains("account"),
        "{stranger}"
    );
}

#[test]
fn a_phase_inherits_what_it_does_not_change() {
    let text = r#"
[answer]
delay = "1s"
message_id = "uuid"
[[account]]
system_id = "a"
rate = "5/s"
[faults]
clock_skew = "-2h"
[[phase]]
name = "slow"
for = "1m"
rate = "100/s"
[phase.answer]
delay = "5s"
[phase.faults]
no_answer = { share = 0.5, from = 10, until = 20 }
[[phase]]
name = "again"
"#;
    let scenario = Scenario::parse(text, "x.toml").unwrap_or_else(|faults| panic!("{faults}"));
    let slow = &scenario.phases[0].scenario;
    assert_eq!(slow.defaults.answer_delay, Delay::Fixed(Duration::from_secs(5)));
    assert_eq!(
        (slow.defaults.message_id.answer.base, slow.accounts[0].rate),
        (Base::Uuid, Some(100))
    );
    let faults = &slow.accounts[0].faults;
    assert_eq!(
        (faults.clock_skew_us, faults.no_answer.from, faults.no_answer.until),
        (-7_200_000_000, 10, 20)
    );
    assert_eq!(scenario.phases[1].scenario.accounts[0].rate, Some(5));
    assert_eq!(scenario.phases[1].lasts, Lasts::Ever);
}

#[test]
fn what_is_wrong_with_ids_and_receipts_is_named_at_once() {
    let text = r#"
[answer]
message_id = { answer = "octal", text = { base = "hex", prefix = "{sender}-" }, plus = 1 }
[receipt]
stat = "DONE"
err = "00027"
late = { share = 2 }
segments = "some"
route = "any"
redelivery = { after = "1s", temporary = ["SOON"] }
delay = { empirical = [[0.5, "1s"], [0.5, "2s"]] }
[receipt.dialect]
text = "id:{ID}"
date = "YYYYMMDDhhmmss000+"
done_shift = "-31h"
stat = { DONE = "x", DELIVRD = 3 }
err_words = { none = "000" }
tlvs = ["0x14=1"]
header = "0"
colour = 1
[[outcome]]
name = "ok"
orphan = true
[[outcome]]
name = "no"
answer = "ESME_RSYSERR"
dialect = {}
[[prefix]]
starts_with = "336"
weights = { ok = 0, maybe = 1 }
[population]
from = "06"
"#;
    let said = Scenario::parse(text, "x.toml").unwrap_err().to_string();
    let expected = [
        "x.toml:3: answer.message_id.plus: unknown key",
        "x.toml:3: answer.message_id.answer: \"octal\" is not allowed: one of absent, decimal, hex, base36",
        "x.toml:3: answer.message_id.text.prefix: \"{sender}-\" is not allowed",
        "x.toml:5: receipt.stat: \"DONE\" is not allowed: one of ENROUTE",
        "x.toml:6: receipt.err: \"00027\" is not allowed: one to four digits",
        "x.toml:7: receipt.late.share: 2 is not allowed: a number from 0 to 1",
        "x.toml:7: receipt.late.by: missing: how much later",
        "x.toml:8: receipt.segments: \"some\" is not allowed: one of each, first, last, aggregate",
        "x.toml:9: receipt.route: \"any\" is not allowed: one of same, other, receiver",
        "x.toml:10: receipt.redelivery.temporary: ",
        "x.toml:11: receipt.delay: ",
        "x.toml:13: receipt.dialect.text: \"id:{ID}\" is not allowed: a text up to 200 bytes",
        "x.toml:14: receipt.dialect.date: ",
        "x.toml:15: receipt.dialect.done_shift: \"-31h\" is not allowed: a duration with a sign",
        "x.toml:16: receipt.dialect.stat.DONE: no such stat",
        "x.toml:16: receipt.dialect.stat.DELIVRD: 3 is not allowed: a word",
        "x.toml:17: receipt.dialect.err_words.none: no such err; allowed are numbers",
        "x.toml:18: receipt.dialect.tlvs: ",
        "x.toml:19: receipt.dialect.header: ",
        "x.toml:20: receipt.dialect.colour: unknown key",
        "x.toml:23: outcome[0].orphan: true is not allowed: it goes with an answer that refuses",
        "x.toml:27: outcome[1].dialect: {} is not allowed: this outcome has no receipt",
        "x.toml:30: prefix[0].weights.maybe: \"maybe\" is not allowed: an outcome",
        "x.toml:32: population.from: \"06\" is not allowed",
        "population.count: missing: how many numbers it has",
        "population: goes with outcomes that have a quota",
    ];
    for expected in expected {
        assert!(said.contains(expected), "{expected}\n  is not among\n{said}");
    }
}

#[test]
fn a_csv_file_names_recipients_and_its_faults_have_lines() {
    let folder = std::env::temp_dir().join(format!("smpp-sim-csv-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let scenario = "recipients_csv = \"list.csv\"\n[[outcome]]\nname = \"ok\"\n[[outcome]]\nname = \"bad\"\n\
                    [recipients]\n33600000002 = \"ok\"\n";
    let path = folder.join("scenario.toml");
    std::fs::write(&path, scenario).unwrap();
    let load = |csv: &str| {
        std::fs::write(folder.join("list.csv"), csv).unwrap();
        Scenario::load(&path)
    };
    let read = load("recipient,outcome\n33600000001,bad\n+33600000002,bad\n\"33600000003\", ok\n").unwrap();
    let outcomes = [1, 2, 3, 4].map(|last| read.rules.by_number(33_600_000_000 + last));
    assert_eq!(
        outcomes,
        [Some(1), Some(0), Some(0), None],
        "[recipients] goes before the file"
    );
    let said = load("recipient,outcome\n0x12,bad\n\n33600000001,good\n33600000002\n")
        .unwrap_err()
        .to_string();
    let ends = [
        "list.csv:2: recipient: \"0x12\" is not allowed: 1 to 20 digits, with or without a plus sign",
        "list.csv:4: outcome: \"good\" is not allowed: an outcome",
        "list.csv:5: ",
    ];
    for (line, expected) in said.lines().zip(ends) {
        assert!(line.contains(expected), "{line}\n  should contain\n{expected}");
    }
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(
        load("number,result\n")
            .unwrap_err()
            .to_string()
            .contains("list.csv:1: the first line must be")
    );
    std::fs::remove_dir_all(&folder).unwrap();
    let unread = Scenario::parse(scenario, "body").unwrap_err().to_string();
    assert!(
        unread
            .contains("body:1: recipients_csv: \"list.csv\" is not allowed: only a scenario that is read from a file"),
        "{unread}"
    );
}

#[test]
fn phases_and_outcomes_together_have_a_limit() {
    let outcomes: String = (0..1_000)
        .map(|place| format!("[[outcome]]\nname = \"o{place}\"\n"))
        .collect();
    let phases: String = (0..61)
        .map(|place| format!("[[phase]]\nname = \"p{place}\"\nfor = \"1s\"\n"))
        .collect();
    let said = Scenario::parse(&(outcomes + &phases), "x.toml")
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("phase: 61 phases of 1000 outcomes are too many: at most 60000 together"),
        "{said}"
    );
}

#[test]
fn phases_do_not_inherit_where_their_smsc_listens() {
    let text = "
        [[smsc]]
        name = \"north\"
        listen = \"127.0.0.1:0\"
        [smsc.tls]
        listen = \"127.0.0.1:0\"
        self_signed = {}
        [[smsc.phase]]
        name = \"healthy\"
        for = \"1s\"
        [[smsc.phase]]
        name = \"dead\"
    ";
    let setup = Setup::parse(text, "phases.toml").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(setup.smscs[0].scenario.phases.len(), 2);
}

#[test]
fn the_examples_of_the_documents_are_free_of_faults() {
    let documents = [include_str!("../../README.md"), include_str!("../../docs/use-cases.md")];
    let mut examples = 0;
    for document in documents {
        for block in document.split("```toml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            Setup::parse(text, "example.toml").unwrap_or_else(|faults| panic!("{faults}\n{text}"));
            examples += 1;
        }
    }
    assert_eq!(examples, 3);
}

#[test]
fn the_examples_of_the_keys_are_free_of_faults_and_its_lists_name_no_key_that_is_none() {
    /// Blocks at the beginning that list all keys beside each other, which no scenario has together.
    const LISTS: usize = 2;
    let mut examples = 0;
    let document = include_str!("../../docs/scenario-keys.md");
    for (place, block) in document.split("```toml\n").skip(1).enumerate() {
        let text = block.split("```").next().unwrap();
        let faults = Setup::parse(text, "example.toml").err();
        let faults = faults.into_iter().flat_map(|faults| faults.0);
        let told = |fault: &kit::settings::Fault| {
            place >= LISTS || fault.key.is_empty() || fault.problem.starts_with("unknown key")
        };
        let told: Vec<String> = faults.filter(told).map(|fault| fault.to_string()).collect();
        assert!(told.is_empty(), "{told:?}\n{text}");
        examples += usize::from(place >= LISTS);
    }
    assert!(examples > 3, "{examples}");
}

#[test]
fn a_scenario_that_does_not_exist_is_answered_with_what_is_near() {
    let said = |name| Scenario::named(name).unwrap_err().to_string();
    assert_eq!(
        said("throtling"),
        "throtling: no such file, and no scenario of that name; did you mean \"throttling\"?"
    );
    let listed = said("carrier");
    assert!(
        listed.contains("there are healthy, fr-4379") && !listed.contains("quirks-"),
        "{listed}"
    );
}
