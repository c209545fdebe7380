use ::presets::{PRESETS, Preset};

use super::super::effective::{Origin, Setting};
use super::*;
use crate::config::smsc::begin_with;

fn account(lines: &str) -> String {
    format!("[[smsc]]\nname = \"n\"\naddress = \"h:1\"\nsystem_id = \"c\"\npassword = \"\"\n{lines}\n")
}

fn smsc(lines: &str) -> Smsc {
    (*parse(&account(lines)).unwrap().smsc[0]).clone()
}

fn setting(smsc: &Smsc, key: &str) -> Option<Setting> {
    let settings = smsc.settings(|_| false);
    settings.into_iter().find(|setting| setting.key == key)
}

#[test]
fn every_preset_is_free_of_faults_and_each_of_its_values_counts() {
    for preset in PRESETS {
        let mut known = Smsc::new("n", "h:1", "c");
        begin_with(preset, &mut known).unwrap_or_else(|faults| panic!("{faults}"));
        let read = smsc(&format!("preset = {:?}", preset.name));
        known.preset = Some(preset.name);
        assert_eq!(read, known, "{}", preset.name);
        let keys: Vec<_> = preset
            .facts()
            .into_iter()
            .filter(|fact| fact.path.starts_with("smsc."))
            .collect();
        for fact in &keys {
            let key = fact.path.split('.').nth(1).unwrap();
            let shown = setting(&read, key).unwrap_or_else(|| panic!("{}: {key} is not shown", preset.name));
            assert_ne!(shown.origin, Origin::Own, "{}: {key}", preset.name);
        }
    }
}

#[test]
fn what_is_written_beside_a_preset_goes_before_it() {
    let ovh = smsc("preset = \"ovh\"");
    assert_eq!((ovh.window, ovh.rate), (10, Some(Rate::per_second(19))));
    let own = smsc("window = 7\npreset = \"ovh\"\nsource_ton = \"auto\"\nbind = \"pair\"");
    assert_eq!((own.window, own.rate, own.bind), (7, ovh.rate, Directions::Pair));
    // Whoever says what the preset or the default says has said it.
    let said = ["preset", "window", "source_ton", "bind", "sessions"];
    let settings = own.settings(|key| said.contains(&key));
    let origin = |key| settings.iter().find(|setting| setting.key == key).unwrap().origin;
    assert_eq!((origin("sessions"), origin("source_ton")), (Origin::Own, Origin::Own));
    assert_eq!(setting(&ovh, "window").unwrap().origin, Origin::Preset);
    assert_eq!(
        (origin("window"), origin("rate"), origin("response_timeout")),
        (Origin::Own, Origin::Preset, Origin::Default)
    );
    let environment = ("CAMPANILE__SMSC__0__RATE".to_owned(), "3/s".to_owned());
    let text = account("preset = \"ovh\"");
    let over = Config::parse(&text, Path::new("campanile.toml"), [environment]).unwrap();
    assert_eq!(over.smsc[0].rate, Some(Rate::per_second(3)));
    let environment = ("CAMPANILE__SMSC__0__PRESET".to_owned(), "link".to_owned());
    let link = Config::parse(&account(""), Path::new("campanile.toml"), [environment]).unwrap();
    assert_eq!(link.smsc[0].rate, Some(Rate::per_second(9)));
}

#[test]
fn codes_are_laid_over_a_presets_one_by_one() {
    let own = smsc(
        "preset = \"ovh\"\nanswers = { 0x401 = \"retry\", 0x500 = \"throttled\" }\n\
         [[smsc.receipts]]\nstat = \"UNDELIV\"\nerr = \"54\"\nstatus = \"recredited\"",
    );
    let answers: Vec<_> = own
        .answers
        .iter()
        .map(|(status, meaning)| (status.0, meaning.word()))
        .collect();
    assert_eq!(
        answers,
        [(0x401, "retry"), (0x500, "throttled"), (0x402, "transmission_failed")]
    );
    let ovh = smsc("preset = \"ovh\"");
    assert_eq!(
        own.receipts.len(),
        ovh.receipts.len(),
        "one is another's, and none is asked in vain"
    );
    assert_eq!(own.receipts[0].status, Status::Recredited);
}

#[test]
fn a_preset_that_is_not_there_is_named_with_the_one_that_is_meant() {
    let names: Vec<_> = Preset::names().collect();
    let fault = format!(
        "campanile.toml:6: smsc[0].preset: \"ohv\" is no preset: there are {}; did you mean \"ovh\"?",
        names.join(", ")
    );
    assert_eq!(smsc_faults("preset = \"ohv\""), [fault]);
    assert_eq!(
        smsc_faults("preset = 7"),
        ["campanile.toml:6: smsc[0].preset: 7 is not allowed: a string"]
    );
    assert_eq!(
        smsc_faults("preset = \"link\"\nreconnect_max = \"10s\""),
        ["campanile.toml:1: smsc[0].reconnect_min: 30s is not allowed: not longer than reconnect_max, 10s"]
    );
}

#[test]
fn version_3_3_has_no_transceiver() {
    let problem = "campanile.toml:6: smsc[0].interface_version: 0x33 is not allowed with bind = \"transceiver\": \
                   SMPP 3.3 has none; set bind = \"pair\", \"transmitter\" or \"receiver\"";
    assert_eq!(smsc_faults("interface_version = 0x33"), [problem]);
    assert_eq!(smsc("interface_version = 0x33\nbind = \"pair\"").bind, Directions::Pair);
}

#[test]
fn what_counts_is_shown_as_a_configuration_would_say_it() {
    let every = parse(EVERY_KEY).unwrap().smsc[0].settings(|_| true);
    let mut text = "[[smsc]]\npassword = \"\"\n".to_owned();
    every
        .iter()
        .for_each(|Setting { key, value, .. }| text += &format!("{key} = {value}\n"));
    let again = parse(&text).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
    assert_eq!(again.smsc[0].settings(|_| true), every);
}

#[test]
fn a_number_belongs_to_one_tenant() {
    let tenant = TenantId(7);
    let number = |line: &str| account(&format!("[[number]]\n{line}\ntenant = \"{tenant}\""));
    let read = |text: &str| parse(&number(&format!("number = {text:?}"))).unwrap().number.remove(0);
    assert_eq!(
        read("+33644630001").number,
        OwnNumber::International("33644630001".to_owned())
    );
    assert_eq!(read("36034").number, OwnNumber::Short("36034".to_owned()));
    assert_eq!(read("36034").tenant, tenant);
    for bad in [
        "",
        "+",
        "OSTEO",
        "12",
        "123456789",
        "0644630001",
        "+0612345678",
        "+123456",
        "36 034",
    ] {
        let found = faults(&number(&format!("number = {bad:?}")));
        let fault = format!(
            "number[0].number: {bad:?} is not allowed: an international number or a short code of 3 to 8 digits, \
             such as \"+33612345678\" or \"36034\""
        );
        assert!(found.len() == 1 && found[0].ends_with(&fault), "{found:?}");
    }
    let again = format!("[[number]]\nnumber = \"36034\"\ntenant = \"{tenant}\"");
    let found = faults(&(number("number = \"36034\"") + &again));
    assert!(
        found
            .iter()
            .any(|fault| fault.contains("36034 stands twice: a number belongs to one tenant")),
        "{found:?}"
    );
    let stranger = faults(&account("[[number]]\nnumber = \"36034\"\ntenant = \"Lilas\""));
    assert_eq!(
        stranger,
        ["campanile.toml:8: number[0].tenant: \"Lilas\" is not allowed: a tenant's id, such as \"ten_0123456789abc\""]
    );
}
