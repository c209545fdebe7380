use super::link::InterfaceVersion;
use super::*;

mod envelope;
mod mutations;
mod overdue;
mod presets;
mod routes;
mod secrets;
mod shown;
mod told;

use super::link::Directions;
use smpp::command_status::CommandStatus;

use crate::domain::{Purpose, Recipient, Status, TenantId, UnixMicros};

const CONTRACT: &str = r#"
[api]
listen = "127.0.0.1:8080"
[admin]
listen = "127.0.0.1:9090"
[redis]
url = "redis://127.0.0.1:6379/0"
[[smsc]]
name = "north"
address = "127.0.0.1:2775"
system_id = "campanile"
password = "secret"
bind = "transceiver"
sessions = 1
window = 100
rate = "500/s"
"#;

fn parse(text: &str) -> Result<Config, Faults> {
    Config::parse(text, Path::new("campanile.toml"), [])
}

/// The faults of a text, one line each.
fn faults(text: &str) -> Vec<String> {
    parse(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

/// The faults of `[[smsc]]` with this line added, which stands in line 6.
fn smsc_faults(line: &str) -> Vec<String> {
    let whole = "[[smsc]]\nname = \"n\"\naddress = \"h:1\"\nsystem_id = \"c\"\npassword = \"\"\n";
    faults(&format!("{whole}{line}\n"))
}

#[test]
fn each_listener_has_an_address_of_its_own() {
    let said = faults(&CONTRACT.replace("127.0.0.1:9090", "127.0.0.1:8080"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("admin.listen") && said[0].contains("api.listen"),
        "{said:?}"
    );
    let any = CONTRACT.replace("127.0.0.1:9090", "127.0.0.1:0");
    assert!(parse(&any.replace("127.0.0.1:8080", "127.0.0.1:0")).is_ok());
}

#[test]
fn what_is_delivered_is_not_given_back() {
    let rule = |status: &str| format!("receipts = [{{ stat = \"DELIVRD\", status = \"{status}\", recredit = true }}]");
    let said = smsc_faults(&rule("delivered"));
    assert!(said.len() == 1 && said[0].contains("recredit"), "{said:?}");
    let whole = CONTRACT.to_owned() + &rule("reception_error");
    assert!(parse(&whole).is_ok());
}

#[test]
fn receivers_alone_are_no_configuration() {
    let text = |bind: &str| {
        format!(
            "[[smsc]]\nname = \"north\"\naddress = \"h:1\"\nsystem_id = \"s\"\npassword = \"p\"\nbind = \"{bind}\"\n"
        )
    };
    let parsed = |bind: &str| Config::parse(&text(bind), std::path::Path::new("campanile.toml"), []);
    let said = parsed("receiver").unwrap_err().to_string();
    assert!(said.contains("has only bind = \"receiver\""), "{said}");
    assert!(parsed("transmitter").is_ok() && parsed("pair").is_ok());
}

#[test]
fn the_keys_of_the_contract_are_read() {
    let config = parse(CONTRACT).unwrap();
    assert_eq!(config.api, Api::default());
    assert_eq!(config.admin.listen, "127.0.0.1:9090".parse().unwrap());
    assert_eq!(config.redis.url, Some(RedisAddress::one("redis://127.0.0.1:6379/0")));
    let mut north = Smsc::new("north", "127.0.0.1:2775", "campanile");
    north.password = Secret::new("secret");
    north.window = 100;
    north.rate = Some(Rate::per_second(500));
    assert_eq!(*config.smsc[0], north);
}

const EVERY_KEY: &str = r#"
[api]
listen = "[::1]:80"
operator_key_file = "keys/operator"
body_max = "1MiB"
recipients_max = 5
connections_max = 65536
address_connections_max = 7
tenant_requests_max = 8
tenant_uploads_max = 1
trusted_proxies = ["10.0.0.0/8", "::1"]
[redis]
data_dir = "/var/lib/campanile"
partitions = 64
allow_loss = true
intake_mark = 50
lease_mark = 60
[metrics]
tenants = 0
[log]
format = "pretty"
filter = "warn,campanile::bind=debug"
[audit]
path = "audit/log"
max_size = "1MiB"
keep = 3
[rules]
packs = ["fr-seed", "be"]
[message_log]
path = "messages.log"
max_size = "1GiB"
keep = 7
[traces]
endpoint = "http://otel.example.net:4318"
sample_ratio = 0.25
[engine]
shutdown_timeout = "1m 5s"
in_doubt = "resend"
receipt_timeout = "2days"
countries = ["FR", "RE"]
stop_number = "36180"
protected_senders = ["Clinique du Parc"]
generic_senders = ["Promo"]
[[smsc]]
name = "s-1_a"
address = ["[::1]:2775", "smpp2.example.net:2775"]
system_id = "c"
password = ""
bind = "pair"
sessions = 3
bind_ton = 1
bind_npi = 18
address_range = "^33"
binds_per_hour = 6
session_max_age = "1day"
tls = false
window = 90
window_min = 30
rate = "60/min"
session_rate = "30/min"
sender_rate = "10/s"
recipient_rate = "4/h"
burst = 7
system_type = "SMPP"
interface_version = 0x50
prefixes = ["33", "+262"]
enquire_link_interval = "5s"
response_timeout = "6s"
bind_timeout = "7s"
reconnect_min = "2s"
reconnect_max = "8s"
source_ton = 5
source_npi = "auto"
dest_ton = 2
dest_npi = 0
retry_for = "2h"
stopped_for = "5m"
[smsc.answers]
0x0000040B = "not_routed"
ESME_RSYSERR = { means = "retry", pause = "10s", times = 2 }
0x401 = "throttled"
0x402 = { means = "queue_full", times = 9 }
0x403 = { means = "other_route", otherwise = "unknown_number" }
0x404 = "stop"

[[smsc.receipts]]
stat = "undeliv"
err = "001"
status = "unknown_number"
[[smsc.receipts]]
err = "9"
status = "recredited"
recredit = true
[[smsc.price]]
prefix = "33"
from = "2026-01-01"
until = "2026-07-01T00:00:00+02:00"
per_segment = "0.045"
currency = "EUR"
"#;

fn again(seconds: u32, times: Option<u8>) -> Again {
    let pause = seconds * SECOND;
    Again { pause, times }
}

#[test]
fn every_key_but_the_engines_and_an_smscs_is_read() {
    let config = parse(EVERY_KEY).unwrap();
    assert_eq!((config.api.body_max, config.api.recipients_max), (1 << 20, 5));
    let api = &config.api;
    assert_eq!((api.connections_max, api.address_connections_max), (65_536, 7));
    assert_eq!((api.tenant_requests_max, api.tenant_uploads_max), (8, 1));
    assert_eq!(
        api.trusted_proxies,
        ["10.0.0.0/8", "::1/128"].map(|text| text.parse().unwrap())
    );
    assert_eq!(config.api.operator_key_file, Some(PathBuf::from("keys/operator")));
    assert_eq!((config.redis.partitions, &config.redis.url), (64, &None));
    assert!(config.redis.allow_loss);
    assert_eq!(config.engine.countries.to_string(), "FR,RE");
    assert_eq!(config.engine.stop_number.as_deref(), Some("36180"));
    assert_eq!(config.engine.protected_senders, ["Clinique du Parc"]);
    assert_eq!(config.engine.generic_senders, ["Promo"]);
    let price = |at| config.smsc[0].prices.price(Recipient(33_612_345_678), UnixMicros(at));
    assert_eq!(price(1_770_000_000_000_000).map(|price| price.0), Some(45_000));
    assert_eq!(price(1_760_000_000_000_000), None);
    assert_eq!((config.redis.intake_mark, config.redis.lease_mark), (50, 60));
    assert_eq!(config.metrics.tenants, 0);
    assert_eq!(config.log.format, LogFormat::Pretty);
    assert_eq!(config.log.filter.to_string(), "warn,campanile::bind=debug");
    let audit = LineFile {
        path: Some(PathBuf::from("audit/log")),
        max_size: 1 << 20,
        keep: 3,
    };
    assert_eq!(config.audit, audit);
    assert_eq!(config.rules.obeyed().zones().count(), 12);
    assert!(
        parse(&format!("{CONTRACT}[rules]\npacks = []\n"))
            .unwrap()
            .rules
            .packs()
            .is_empty()
    );
    assert_eq!((config.message_log.max_size, config.message_log.keep), (1 << 30, 7));
    let traces = Traces {
        endpoint: Some("http://otel.example.net:4318/v1/traces".to_owned()),
        sample_ratio: 0.25,
    };
    assert_eq!(config.traces, traces);
}

#[test]
fn every_key_of_the_engine_and_an_smsc_is_read() {
    let config = parse(EVERY_KEY).unwrap();
    assert_eq!(config.engine.shutdown_timeout, Duration::from_secs(65));
    assert_eq!(
        (config.engine.in_doubt, config.engine.receipt_timeout),
        (InDoubt::Resend, 48 * HOUR)
    );
    let smsc = &config.smsc[0];
    assert_eq!(
        (smsc.bind, smsc.interface_version),
        (Directions::Pair, InterfaceVersion::V50)
    );
    assert_eq!(smsc.link.addresses, ["[::1]:2775", "smpp2.example.net:2775"]);
    assert_eq!((smsc.sessions, smsc.session_count()), (3, 6));
    assert_eq!(
        (smsc.link.ton, smsc.link.npi, smsc.link.address_range.as_str()),
        (1, 18, "^33")
    );
    assert_eq!((smsc.link.binds_per_hour, smsc.link.session_max_age), (6, Some(DAY)));
    assert_eq!(smsc.link.tls, None);
    let rate = |segments, period| Some(Rate { segments, period });
    assert_eq!(
        [smsc.rate, smsc.session_rate, smsc.sender_rate, smsc.recipient_rate],
        [
            rate(60, 60 * SECOND),
            rate(30, 60 * SECOND),
            rate(10, SECOND),
            rate(4, HOUR)
        ]
    );
    assert_eq!((smsc.burst, smsc.bound()), (Some(7), Some((1.0, 7))));
    assert_eq!(smsc.session_bound(), Some((0.5, 1)));
    assert_eq!((smsc.window, smsc.window_min()), (90, 30));
    assert_eq!(smsc.prefixes, ["33", "262"]);
    assert_eq!(
        (smsc.source_ton, smsc.source_npi, smsc.dest_ton, smsc.dest_npi),
        (Some(5), None, 2, 0)
    );
    assert_eq!((smsc.reconnect_min, smsc.reconnect_max), (2 * SECOND, 8 * SECOND));
    let answers = [
        (CommandStatus(0x40B), AnswerMeaning::Final(Status::NotRouted)),
        (CommandStatus(0x401), AnswerMeaning::Throttled(again(0, None))),
        (CommandStatus(0x402), AnswerMeaning::QueueFull(again(1, Some(9)))),
        (CommandStatus(0x403), AnswerMeaning::OtherRoute(Status::UnknownNumber)),
        (CommandStatus(0x404), AnswerMeaning::Stop),
        (CommandStatus::ESME_RSYSERR, AnswerMeaning::Retry(again(10, Some(2)))),
    ];
    assert_eq!(smsc.answers, answers);
    assert_eq!((smsc.retry_for, smsc.stopped_for), (2 * HOUR, 300 * SECOND));
    assert_eq!(smsc.receipts[0].stat.as_deref(), Some("UNDELIV"));
    assert_eq!(smsc.receipts[1].status, Status::Recredited);
    assert!(smsc.receipts[1].recredit && smsc.receipts[1].stat.is_none());
}

#[test]
fn every_fault_is_reported_at_once_with_file_line_key_and_what_is_allowed() {
    let text = r#"[api]
listen = "localhost"
lisen = "127.0.0.1:1"

[redis]
partitions = 12

[[smsc]]
name = "North"
address = "127.0.0.1"
window = 0
rate = "fast"
bind = "both"
"#;
    assert_eq!(
        faults(text),
        [
            "campanile.toml:2: api.listen: \"localhost\" is not allowed: an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"",
            "campanile.toml:3: api.lisen: unknown key; did you mean \"listen\"?",
            "campanile.toml:6: redis.partitions: 12 is not allowed: a power of two, 1 to 64",
            "campanile.toml:8: smsc[0].system_id: missing: 1 to 15 ASCII characters",
            "campanile.toml:8: smsc[0].password: missing: up to 64 ASCII characters, or password_file; \"\" if the SMSC wants none",
            "campanile.toml:9: smsc[0].name: \"North\" is not allowed: 1 to 32 of a-z, 0-9, - and _, the first a letter or digit, such as \"north\"",
            "campanile.toml:10: smsc[0].address: \"127.0.0.1\" is not allowed: host:port, such as \"smpp.example.net:2775\" or \"127.0.0.1:2775\", or a list of up to 8 of these, each once",
            "campanile.toml:11: smsc[0].window: 0 is not allowed: a whole number from 1 to 10000",
            "campanile.toml:12: smsc[0].rate: \"fast\" is not allowed: segments in a time, 1 to 1000000, such as \"500/s\", \"60/min\" or \"1000/h\"",
            "campanile.toml:13: smsc[0].bind: \"both\" is not allowed: one of transceiver, transmitter, receiver, pair",
        ]
    );
}

#[test]
fn every_broken_line_is_reported() {
    let found = faults("[api]\nlisten = \n[admin\nlisten = \"x\"\n");
    assert!(found.len() >= 2, "{found:?}");
    assert!(found[0].starts_with("campanile.toml:2: not TOML: "), "{found:?}");
    assert!(found[1].starts_with("campanile.toml:3: not TOML: "), "{found:?}");
}

#[test]
fn an_smsc_must_be_there_and_in_two_brackets() {
    assert_eq!(
        faults(""),
        ["campanile.toml: smsc: missing: at least one [[smsc]] with name, address, system_id and password"]
    );
    assert_eq!(
        faults("[smsc]\nname = \"north\"\n"),
        ["campanile.toml:1: smsc: [smsc] is not allowed: write [[smsc]], with two brackets"]
    );
    assert_eq!(
        faults("smsc = 3\n"),
        ["campanile.toml:1: smsc: 3 is not allowed: write [[smsc]], with two brackets"]
    );
    assert!(
        faults(&format!(
            "{CONTRACT}{}",
            &CONTRACT[CONTRACT.find("[[smsc]]").unwrap()..]
        ))[0]
            .contains("stands twice")
    );
}

#[test]
fn the_burst_is_a_hundredth_of_the_rate_unless_it_is_given() {
    let mut smsc = Smsc::new("n", "h:1", "c");
    assert_eq!(smsc.bound(), None);
    for (rate, burst) in [(1, 1), (20, 1), (199, 1), (200, 2), (5_000, 50)] {
        smsc.rate = Some(Rate::per_second(rate));
        assert_eq!(smsc.bound(), Some((f64::from(rate), burst)), "{rate}/s");
    }
    smsc.sessions = 4;
    smsc.session_rate = Some(Rate::per_second(300));
    assert_eq!(smsc.bound(), Some((1_200.0, 12)), "four sessions have no more");
    assert_eq!(smsc.session_bound(), Some((300.0, 3)));
}

#[test]
fn values_at_their_limits() {
    for line in [
        "window = 10000",
        "sessions = 64",
        "rate = \"1/h\"",
        "rate = \"1/s\"\nburst = 10000",
        "prefixes = [\"1\"]",
        "bind_timeout = \"100ms\"",
    ] {
        let text = format!(
            "[[smsc]]\nname = \"n\"\naddress = \"h:1\"\nsystem_id = \"123456789012345\"\npassword = \"\"\n{line}"
        );
        assert!(parse(&text).is_ok(), "{line}");
    }
    for line in [
        "window = 10001",
        "window = -1",
        "window = 99999999999999999999",
        "window = \"100\"",
        "window = 1.5",
        "sessions = 65",
        "rate = \"0/s\"",
        "rate = 500",
        "rate = \"-1/s\"",
        "burst = 5",
        "rate = \"9/s\"\nburst = 0",
        "rate = \"9/s\"\nburst = 10001",
        "prefixes = []",
        "prefixes = [\"x\"]",
        "prefixes = [33]",
        "prefixes = [\"1234567890123456\"]",
        "bind_timeout = 10",
        "bind_timeout = \"0s\"",
        "reconnect_min = \"2m\"",
        "interface_version = 52000",
        "source_ton = 7",
        "long_receipts = \"all\"",
        "long_receipts = 1",
        "answers = { ESME_ROK = \"retry\" }",
        "answers = { ESME_RWHAT = \"retry\" }",
        "answers = { 0x45 = \"lost\" }",
        "answers = { 0x45 = \"retry\", ESME_RSUBMITFAIL = \"retry\" }",
        "answers = { 0x45 = { pause = \"1s\" } }",
        "answers = { 0x45 = { means = \"retry\", pause = \"1ms\" } }",
        "answers = { 0x45 = { means = \"retry\", times = 0 } }",
        "answers = { 0x45 = { means = \"retry\", otherwise = \"not_routed\" } }",
        "answers = { 0x45 = { means = \"stop\", pause = \"1s\" } }",
        "answers = { 0x45 = { means = \"other_route\", otherwise = \"lost\" } }",
        "answers = { 0x45 = { means = \"retry\", after = \"1s\" } }",
        "session_rate = 5",
        "sender_rate = \"0/s\"",
        "recipient_rate = \"1/d\"",
        "window_min = 11",
        "window_min = 0",
        "retry_for = \"0s\"",
        "stopped_for = \"2 days\"",
        "answers = 3",
        "receipts = [{ status = \"delivered\" }]",
        "receipts = [{ stat = \"X\" }]",
        "receipts = [{ err = 1, status = \"delivered\" }]",
        "receipts = [{ stat = \"X\", status = \"delivered\", recedit = true }]",
        "receipts = [3]",
        "receipts = [{ message_state = 256, status = \"delivered\" }]",
        "receipts = [{ network_error_code = -1, status = \"delivered\" }]",
        "receipts = [{ stat = \"A\", status = \"delivered\" }, { stat = \"A\", err = \"1\", status = \"not_routed\" }]",
    ] {
        let found = smsc_faults(line);
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].starts_with("campanile.toml:"), "{line}: {found:?}");
    }
}

#[test]
fn long_receipts_say_which_segments_are_asked_for_one() {
    for (name, asked) in [
        ("each", [true, true, true]),
        ("first", [true, false, false]),
        ("last", [false, false, true]),
        ("one", [true, true, true]),
    ] {
        let smsc = "[[smsc]]\nname = \"n\"\naddress = \"h:1\"\nsystem_id = \"c\"\npassword = \"\"\n";
        let config = parse(&format!("{smsc}long_receipts = \"{name}\"\n")).unwrap();
        let long_receipts = config.smsc[0].long_receipts;
        assert_eq!([0, 1, 2].map(|segment| long_receipts.asks(segment, 3)), asked, "{name}");
        assert!(long_receipts.asks(0, 1), "{name}: a short message is always asked");
    }
    let fault = smsc_faults("long_receipts = \"all\"").remove(0);
    assert!(
        fault.ends_with("\"all\" is not allowed: one of each, first, last, one"),
        "{fault}"
    );
}

#[test]
fn the_doors_limits_are_counts_and_its_proxies_networks() {
    for (line, allowed) in [
        ("connections_max = 0", "a whole number from 1 to 65536"),
        ("address_connections_max = 65537", "a whole number from 1 to 65536"),
        ("tenant_requests_max = \"8\"", "a whole number from 1 to 65536"),
        ("tenant_uploads_max = -1", "a whole number from 1 to 65536"),
        (
            "trusted_proxies = [\"proxy.example\"]",
            "up to 64 IP addresses or networks",
        ),
        (
            "trusted_proxies = [\"10.0.0.0/33\"]",
            "up to 64 IP addresses or networks",
        ),
        ("trusted_proxies = \"10.0.0.1\"", "up to 64 IP addresses or networks"),
    ] {
        let found = faults(&CONTRACT.replace("[api]\n", &format!("[api]\n{line}\n")));
        assert!(found.len() == 1 && found[0].contains(allowed), "{line}: {found:?}");
    }
    let variable = (
        "CAMPANILE__API__TRUSTED_PROXIES".to_owned(),
        "127.0.0.1, fd00::/8".to_owned(),
    );
    let config = Config::parse(CONTRACT, Path::new("campanile.toml"), [variable]).unwrap();
    assert_eq!(config.api.trusted_proxies.len(), 2);
}

#[test]
fn marks_of_memory_are_percents_in_their_order() {
    let redis = |lines: &str| CONTRACT.replace("[redis]\n", &format!("[redis]\n{lines}\n"));
    let config = parse(&redis("intake_mark = 100\nlease_mark = 100")).unwrap();
    assert_eq!((config.redis.intake_mark, config.redis.lease_mark), (100, 100));
    assert_eq!(
        faults(&redis("intake_mark = 95")),
        ["campanile.toml:6: redis.lease_mark: 93 is not allowed with intake_mark = 95: 95 to 100"]
    );
    assert_eq!(
        faults(&redis("lease_mark = 101")),
        ["campanile.toml:7: redis.lease_mark: 101 is not allowed: percent of maxmemory, 10 to 100"]
    );
    assert_eq!(
        faults(&redis("allow_loss = \"yes\"")),
        ["campanile.toml:7: redis.allow_loss: \"yes\" is not allowed: true or false"]
    );
}

#[test]
fn the_environment_overrides_the_file() {
    let with = |pairs: &[(&str, &str)]| {
        let environment = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(CONTRACT, Path::new("campanile.toml"), environment.collect::<Vec<_>>())
    };
    let config = with(&[
        ("CAMPANILE__REDIS__URL", "redis://elsewhere"),
        ("CAMPANILE__REDIS__PARTITIONS", "4"),
        ("CAMPANILE__SMSC__0__WINDOW", "7"),
        ("CAMPANILE__SMSC__0__PREFIXES", "33, 32"),
        ("CAMPANILE__ENGINE__IN_DOUBT", "fail"),
        ("CAMPANILE_LOG", "debug"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(config.redis.url, Some(RedisAddress::one("redis://elsewhere")));
    assert_eq!((config.redis.partitions, config.engine.in_doubt), (4, InDoubt::Fail));
    assert_eq!((config.smsc[0].window, config.smsc[0].prefixes.len()), (7, 2));

    let faults = with(&[("CAMPANILE__REDIS__ULR", "x"), ("CAMPANILE__SMSC__0__WINDOW", "many")])
        .unwrap_err()
        .to_string();
    assert!(
        faults.contains("environment CAMPANILE__REDIS__ULR: overrides no key; did you mean CAMPANILE__REDIS__URL?")
    );
    assert!(
        faults.contains("environment CAMPANILE__SMSC__0__WINDOW: smsc[0].window: \"many\" is not allowed: a whole number from 1 to 10000")
    );
}

#[test]
fn a_link_that_cannot_be_made_is_a_fault() {
    for (line, fault) in [
        (
            "binds_per_hour = 1",
            "binds_per_hour: 1 is not allowed: a whole number from 2, one for each session, to 36000",
        ),
        (
            "sessions = 2\nbind = \"pair\"\nbinds_per_hour = 3",
            "binds_per_hour: 3 is not allowed: a whole number from 4, one for each session, to 36000",
        ),
        (
            "session_max_age = \"59s\"",
            "session_max_age: \"59s\" is not allowed: a duration from 1m to 30days, such as \"250ms\" or \"1m 30s\"",
        ),
        ("bind_ton = 7", "bind_ton: 7 is not allowed: a whole number from 0 to 6"),
        (
            "bind_npi = 19",
            "bind_npi: 19 is not allowed: a whole number from 0 to 18",
        ),
        (
            "address_range = \"é\"",
            "address_range: \"é\" is not allowed: 0 to 40 ASCII characters",
        ),
        ("tls = 1", "tls: 1 is not allowed: true or false"),
        (
            "tls = { ca_fil = \"x\" }",
            "tls.ca_fil: unknown key; did you mean \"ca_file\"?",
        ),
        (
            "tls = { ca_file = \"none.pem\" }",
            "tls.ca_file: \"none.pem\" cannot be read: No such file or directory (os error 2)",
        ),
        (
            "tls = { ca_file = \"Cargo.toml\" }",
            "tls.ca_file: \"Cargo.toml\" has no certificate in PEM",
        ),
        (
            "tls = { key_file = \"key.pem\" }",
            "tls.key_file: \"key.pem\" stands without certificate_file: give both",
        ),
        (
            "tls = { server_name = \"a b\" }",
            "tls.server_name: \"a b\" is not allowed: a host name or an IP address, such as \"smpp.example.net\"",
        ),
    ] {
        let faults = smsc_faults(line);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].ends_with(&format!("smsc[0].{fault}")), "{faults:?}");
    }
}

#[test]
fn addresses_stand_each_once() {
    let address = |value: &str, more: &str| {
        faults(&format!(
            "[[smsc]]\nname = \"n\"\naddress = {value}\nsystem_id = \"c\"\npassword = \"\"\n{more}\n"
        ))
    };
    for value in ["[]", "[\"h:1\", \"h:1\"]", "[\"h\"]", "[1]"] {
        assert!(address(value, "")[0].contains("each once"), "{value}");
    }
    assert_eq!(host_of("[::1]:2775"), "::1");
}
