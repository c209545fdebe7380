//! Whatever is wrong with a value, its fault names the key, shows the value and says what is allowed; but for secrets, which
//! nothing shows.

use kit::settings::trials;

use super::*;

/// Keys whose values are never shown.
const SECRETS: [&str; 4] = ["redis.url", "database.url", "traces.endpoint", "smsc[0].password"];

#[test]
fn every_key_shows_what_is_wrong_with_its_value_and_what_is_allowed() {
    let schema = kit::settings::schema(|root| drop(read(root)));
    let all = trials(&schema, CONTRACT);
    assert!(all.len() > 1_000, "{}", all.len());
    for trial in all {
        let answer = parse(&trial.text).err();
        let judged = trial.judge(answer.as_ref(), SECRETS.contains(&&*trial.key));
        assert_eq!(judged, Ok(()));
    }
}

/// Every page that tells operators of keys.
fn pages() -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let all = [root.join("README.md"), root.join("deploy/README.md")]
        .into_iter()
        .chain(docs);
    all.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn every_key_stands_in_a_page() {
    let schema = kit::settings::schema(|root| drop(read(root)));
    let pages = pages();
    let mut paths: Vec<String> = trials(&schema, CONTRACT).into_iter().map(|trial| trial.key).collect();
    paths.dedup();
    let is_named = |path: &&String| {
        let key = path.rsplit('.').next().unwrap();
        [format!("`{key}`"), format!(".{key}`"), format!("{key} = ")]
            .iter()
            .any(|form| pages.contains(form))
    };
    let unnamed: Vec<&String> = paths.iter().filter(|path| !is_named(path)).collect();
    assert!(
        unnamed.is_empty(),
        "in none of README.md, deploy/README.md and docs/*.md: {unnamed:?}"
    );
}

/// What has no SMSC of its own takes this one.
const SMSC: &str = "\n[[smsc]]\nname = \"south\"\naddress = \"h:1\"\nsystem_id = \"s\"\npassword = \"\"\n";

/// Whether one of the faults of a configuration begins so, and none has a secret.
fn assert_shown(text: &str, said: &str) {
    let found = faults(text);
    assert!(
        found.iter().any(|fault| fault.contains(said)) && !found.iter().any(|fault| fault.contains("hush")),
        "{text}\nis answered by {found:?}, not by {said}"
    );
}

#[test]
fn what_does_not_go_together_is_shown() {
    for (text, said) in [
        (
            "[retention]\ncampaigns = \"2days\"",
            "retention.campaigns: \"2days\" is not allowed: longer than engine.receipt_timeout, 3days",
        ),
        (
            "[api]\nlisten = \"127.0.0.1:9999\"\n[admin]\nlisten = \"127.0.0.1:9999\"",
            "campanile.toml:4: admin.listen: \"127.0.0.1:9999\" is the address of api.listen as well",
        ),
        (
            "[api]\nlisten = \"127.0.0.1:9090\"",
            "admin.listen: \"127.0.0.1:9090\", its default, is the address of api.listen as well",
        ),
        (
            "[[smsc]]\nname = \"north\"\naddress = \"h:1\"\nsystem_id = \"s\"\npassword = \"\"\n\
             answers = { 0x45 = { means = \"retry\", pause = \"0s\" } }",
            "smsc[0].answers.0x45: { means = \"retry\", pause = \"0s\" } is not allowed: its pause; \"retry\"",
        ),
        (
            "[[smsc]]\nname = \"north\"\naddress = \"h:1\"\nsystem_id = \"s\"\npassword = \"\"\n\
             answers = { 0x45 = \"lost\" }",
            "smsc[0].answers.0x45: \"lost\" is not allowed: \"retry\"",
        ),
        (
            "[log]\nfilter = \"chatty\"",
            "log.filter: \"chatty\" is not allowed: a level",
        ),
        (
            "[history]\nkeep = \"60days\"\n[retention]\nreplies = \"61days\"",
            "retention.replies: \"61days\" is not allowed: at most history.keep, 60days",
        ),
        (
            "[database]\nurl = \"postgres://h/d\"\nfile = \"people.db\"",
            "database.file: \"people.db\" stands beside url",
        ),
        (
            "[redis]\nca_file = \"ca.pem\"",
            "redis.ca_file: \"ca.pem\" has no effect without url",
        ),
        (
            "[redis]\nwait_replicas = 2",
            "redis.wait_replicas: 2 has no effect without url",
        ),
        (
            "[redis]\nurl = \"redis-cluster://u:hush@h/3\"",
            "redis.url: \"/3\" is not allowed: a cluster has one database",
        ),
        (
            "[redis]\nurl = \"redis-sentinel://u:hush@h/main/x\"",
            "redis.url: \"/main/x\" is not allowed: behind the sentinels",
        ),
    ] {
        assert_shown(&format!("{text}\n{SMSC}"), said);
    }
}

#[test]
fn what_does_not_go_together_of_an_smsc_is_shown() {
    let of_smsc = |lines: &str| format!("{CONTRACT}{SMSC}{lines}");
    let price = |lines: &str| {
        let first = "[[smsc.price]]\nprefix = \"33\"\nuntil = \"2026-03-01T00:00:00Z\"\nper_segment = \"0.04\"\ncurrency = \"EUR\"\n";
        of_smsc(&format!(
            "{first}[[smsc.price]]\nprefix = \"33\"\nper_segment = \"0.04\"\n{lines}"
        ))
    };
    for (text, said) in [
        (
            of_smsc("window = 5\nwindow_min = 6"),
            "smsc[1].window_min: 6 is not allowed: at most window, 5",
        ),
        (of_smsc("burst = 6"), "smsc[1].burst: 6 stands without rate"),
        (
            of_smsc("reconnect_max = \"500ms\""),
            "smsc[1].reconnect_min: 1s is not allowed: not longer than reconnect_max, 500ms",
        ),
        (
            of_smsc("validity = \"none\"\nvalidity_default = \"2h\""),
            "smsc[1].validity_default: \"2h\" stands beside validity = \"none\"",
        ),
        (
            of_smsc("source_ton = 1\n[smsc.ton_npi]\nalphanumeric = \"5/0\""),
            "smsc[1].ton_npi: [smsc.ton_npi] stands beside source_ton",
        ),
        (
            of_smsc("bind = \"pair\"\ninterface_version = 0x33\nconcatenation = \"sar\""),
            "smsc[1].concatenation: \"sar\" stands beside interface_version = 0x33",
        ),
        (
            price("from = \"2026-04-01T00:00:00Z\"\ncurrency = \"EUR\""),
            "smsc[1].price[1].from: \"2026-04-01T00:00:00Z\" is not allowed: from 2026-03-01",
        ),
        (
            price("from = \"2026-03-01T00:00:00Z\"\ncurrency = \"USD\""),
            "smsc[1].price[1].currency: \"USD\" is not allowed: the prices before it are in EUR",
        ),
        (
            price("from = \"2026-05-01T00:00:00Z\"\nuntil = \"2026-04-01T00:00:00Z\"\ncurrency = \"EUR\""),
            "smsc[1].price[1].until: \"2026-04-01T00:00:00Z\" is not allowed: it must be later than from",
        ),
    ] {
        assert_shown(&text, said);
    }
}

#[test]
fn a_value_of_the_environment_is_shown_with_its_variable() {
    let variable = ("CAMPANILE__SMSC__0__BURST".to_owned(), "6".to_owned());
    let text = CONTRACT.replace("rate = \"500/s\"", "");
    let faults = Config::parse(&text, Path::new("campanile.toml"), [variable]).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "environment CAMPANILE__SMSC__0__BURST: smsc[0].burst: \"6\" stands without rate or session_rate: only a rate can be exceeded"
    );
}
