use super::*;
use crate::outcome::{Form, IdFormat};

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
        "x.toml:3: colour: no such key; allowed are",
        "x.toml:5: answer.dellay: no such key; did you mean \"delay\"?",
        "x.toml:6: answer.delay: \"soon\" is not allowed: a duration, { uniform",
        "x.toml:9: account[0].rate: \"fast\" is not allowed: segments a second",
        "x.toml:10: account[0].binds: [\"tranceiver\"] is not allowed: an array of transceiver, transmitter, receiver",
        "x.toml:12: account[1].system_id: two accounts have the same system_id",
        "x.toml:15: outcome[0].stat: \"DONE\" is not allowed: one of ENROUTE, DELIVRD",
        "x.toml:19: outcome[1].err: this outcome has no receipt",
        "x.toml:22: outcome[2].first_attempts: goes with then",
        "x.toml:24: prefix[0].starts_with: \"+33\" is not allowed: 1 to 18 digits",
        "x.toml:25: prefix[0].outcome: no outcome is called \"nothing\"; there are ok, refused, late",
        "x.toml:27: recipients.33600000000: no outcome is called \"nobody\"",
        "x.toml:29: faults.no_answer: 1.5 is not allowed: a number from 0 to 1",
    ];
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}\n  should begin with\n{expected}");
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
        "x.toml:4: answer.dellay: no such key; did you mean \"delay\"?",
        "x.toml:6: faults.no_answer: 2 is not allowed: a number from 0 to 1",
        "x.toml:10: phase[0].seed: no such key; allowed are",
        "x.toml:13: phase[0].answer.ids: \"none\" is not allowed: one of seeded, since_start",
        "x.toml:14: phase[1]: a phase needs one of for and submits",
        "x.toml:15: phase[1].name: a phase needs a name of its own",
        "x.toml:18: phase[1].weights: the weights add up to nothing",
        "x.toml:18: phase[1].weights.nobody: no outcome is called",
        "x.toml:20: phase[1].faults.connect.share: a port refuses every connection or none",
        "x.toml:21: phase[1].faults.close.pdus: only one of after, pdus, time can begin it",
        "x.toml:22: phase[1].faults.write.octets: 0 is not allowed: a whole number from 1 to 65536",
        "x.toml:22: phase[1].faults.write.pause: 3600s is too long: at most 60s",
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
        (slow.defaults.message_id, slow.accounts[0].rate),
        (IdFormat::Uuid, Some(100))
    );
    let faults = &slow.accounts[0].faults;
    assert_eq!(
        (faults.clock_skew_us, faults.no_answer.from, faults.no_answer.until),
        (-7_200_000_000, 10, 20)
    );
    assert_eq!(scenario.phases[1].scenario.accounts[0].rate, Some(5));
    assert_eq!(scenario.phases[1].lasts, Lasts::Ever);
}
