use std::net::IpAddr;

use ipnet::IpNet;
use kit::settings::{Given, Table};
use smpp::command_status::CommandStatus;
use smpp::frame::BindKind;
use smpp::text::Alphabet;

use super::fault_keys::misbehaviour;
use super::values::{self, DURATIONS, RATE, RATE_MAX, WINDOW_MAX, status, usual_burst};
use crate::model::{Account, Beyond, Misbehaviour, PASSWORD_MAX};
use crate::version::Version;

/// Accounts that one scenario may name: far more than any aggregator gives one customer.
const ACCOUNTS_MAX: usize = 1000;

/// Networks that one account may name.
const ALLOW_MAX: usize = 1000;

const BEYOND: &str = "\"throttled\", \"queue_full\", \"late\", \"silence\", \"close\", or an error's command_status by name \
                      or number like \"0x00000400\"";

/// What data_coding 0 may be. That an account announces it as 3 is nothing that the SMSC need know.
const ALPHABETS: &[(&str, Alphabet)] = &[
    ("gsm7", Alphabet::Gsm7),
    ("gsm7_packed", Alphabet::Gsm7Packed),
    ("latin1", Alphabet::Latin1),
];

const BINDS: &[(&str, BindKind)] = &[
    ("transceiver", BindKind::Transceiver),
    ("transmitter", BindKind::Transmitter),
    ("receiver", BindKind::Receiver),
];

/// Every `[[account]]`; without any, one that lets everybody in.
pub(super) fn accounts(table: &Table<'_>, faults: &Misbehaviour) -> Vec<Account> {
    let tables = table.tables("account", ACCOUNTS_MAX);
    if tables.is_empty() {
        return vec![Account::open(faults.clone())];
    }
    let mut accounts: Vec<Account> = Vec::new();
    for table in &tables {
        let account = account(table, faults);
        if accounts.iter().any(|other| other.system_id == account.system_id) {
            table.fault_of_value("system_id", "is not allowed: another account has it");
        }
        accounts.push(account);
    }
    accounts
}

fn account(table: &Table<'_>, faults: &Misbehaviour) -> Account {
    let open = Account::open(Misbehaviour::default());
    let own = table.table("faults");
    let rate = table.parsed("rate", RATE, values::rate);
    if table.has("burst") && !table.has("rate") {
        table.fault_of_value("burst", "is not allowed: it goes with rate");
    }
    if own.has("connect") && !own.is_probe() {
        let why = "is not allowed: who connects has no account yet; write it under the scenario's own [faults]";
        own.fault_of_value("connect", why);
    }
    let account = Account {
        sessions: table.integer("sessions", 1..=1000, open.sessions as u64) as usize,
        window: table.integer("window", 1..=WINDOW_MAX, u64::from(open.window)) as u32,
        beyond_window: table
            .parsed("beyond_window", BEYOND, beyond)
            .unwrap_or(open.beyond_window),
        rate,
        burst: table.integer("burst", 0..=RATE_MAX, u64::from(rate.map_or(0, usual_burst))) as u32,
        rate_per_session: table.parsed("rate_per_session", RATE, values::rate),
        beyond_rate: table.parsed("beyond_rate", BEYOND, beyond).unwrap_or(open.beyond_rate),
        late_by: table.duration("late_by", DURATIONS, open.late_by),
        congestion: table.boolean("congestion", false),
        alphabet: table.choice("alphabet", ALPHABETS).unwrap_or(open.alphabet),
        strict: table.boolean("strict", false),
        faults: if table.has("faults") {
            misbehaviour(own)
        } else {
            faults.clone()
        },
        ..entry(table, open)
    };
    let late = [account.beyond_window, account.beyond_rate].contains(&Beyond::Late);
    if table.has("late_by") && !late {
        table.fault_of_value(
            "late_by",
            "is not allowed: it goes with beyond_rate or beyond_window = \"late\"",
        );
    }
    table.finish();
    account
}

/// What decides who may bind, and how.
fn entry(table: &Table<'_>, open: Account) -> Account {
    let any = |value: String| (value != "*").then_some(value);
    let account = Account {
        system_id: table
            .parsed("system_id", SYSTEM_ID, |given| short(given, 1..=15))
            .and_then(any),
        password: table.text("password").and_then(any),
        password_max: table.integer("password_max", 0..=PASSWORD_MAX as u64, PASSWORD_MAX as u64) as usize,
        system_type: table
            .parsed("system_type", SYSTEM_TYPE, |given| short(given, 0..=12))
            .and_then(any),
        binds: table.choices("binds", BINDS).unwrap_or(open.binds),
        allow: table
            .parsed(
                "allow",
                "an array of up to 1000 addresses or networks like [\"127.0.0.1/32\", \"::1\"]",
                networks,
            )
            .unwrap_or_default(),
        versions: table.choices("versions", Version::NAMES).unwrap_or(open.versions),
        interface_version: table
            .parsed(
                "interface_version",
                "\"3.3\", \"3.4\", \"5.0\", \"absent\", or a byte like \"0x99\"",
                interface_version,
            )
            .unwrap_or(open.interface_version),
        ..open
    };
    table.required("system_id", SYSTEM_ID);
    let length = account.password.as_ref().map_or(0, String::len);
    if length > account.password_max {
        let detail = format!("is {length} bytes long, and password_max is {}", account.password_max);
        table.fault("password", detail);
    }
    account
}

/// What fits the fields of a bind (3.4, 5.2.1 and 5.2.3).
const SYSTEM_ID: &str = "1 to 15 characters of ASCII, who it is; \"*\" for any";
const SYSTEM_TYPE: &str = "up to 12 characters of ASCII; \"*\" for any";

fn short(value: Given<'_>, lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let text = value.text()?;
    let plain = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    (plain && lengths.contains(&text.len())).then(|| text.to_owned())
}

fn beyond(value: Given<'_>) -> Option<Beyond> {
    Some(match value.text() {
        Some("throttled") => Beyond::Refused(CommandStatus::ESME_RTHROTTLED),
        Some("queue_full") => Beyond::Refused(CommandStatus::ESME_RMSGQFUL),
        Some("late") => Beyond::Late,
        Some("silence") => Beyond::Silence,
        Some("close") => Beyond::Close,
        Some(_) | None => Beyond::Refused(status(value).filter(|&status| status != CommandStatus::ESME_ROK)?),
    })
}

fn networks(value: Given<'_>) -> Option<Vec<IpNet>> {
    let texts = value.texts().filter(|texts| (1..=ALLOW_MAX).contains(&texts.len()))?;
    let network = |text: &str| {
        text.parse()
            .ok()
            .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
    };
    texts.into_iter().map(network).collect()
}

fn interface_version(value: Given<'_>) -> Option<Option<u8>> {
    let text = value.text()?;
    if text == "absent" {
        return Some(None);
    }
    let named = Version::NAMES.iter().find(|(name, _)| *name == text);
    let octet = || u8::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    named.map(|(_, version)| version.octet()).or_else(octet).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::model::{Beyond, Scenario};
    use crate::version::Version;
    use smpp::command_status::CommandStatus;

    #[test]
    fn an_account_says_who_may_bind_and_what_is_too_much() {
        let text = r#"
max_tps = "900/s"
[[account]]
system_id = "a"
allow = ["10.0.0.0/8", "::1"]
system_type = "HLR"
versions = ["3.4"]
interface_version = "0x99"
rate_per_session = "20/s"
beyond_rate = "0x00000400"
beyond_window = "late"
late_by = "3s"
congestion = true
"#;
        let scenario = Scenario::parse(text, "x.toml").unwrap_or_else(|faults| panic!("{faults}"));
        let account = &scenario.accounts[0];
        assert_eq!((scenario.max_tps, account.rate_per_session), (Some(900), Some(20)));
        assert_eq!(account.beyond_rate, Beyond::Refused(CommandStatus(0x400)));
        assert_eq!((account.beyond_window, account.late_by.as_secs()), (Beyond::Late, 3));
        assert_eq!(
            (&account.versions[..], account.interface_version),
            (&[Version::V34][..], Some(0x99))
        );
        assert!(account.allow[0].contains(&"10.1.2.3".parse::<std::net::IpAddr>().unwrap()));
    }

    #[test]
    fn faults_of_an_account_are_named() {
        let text = r#"
[[account]]
system_id = "a"
password = "ninechars"
password_max = 8
allow = ["10.0.0.0/33"]
versions = ["4.0"]
interface_version = "new"
beyond_rate = "ESME_ROK"
late_by = "3s"
"#;
        let said = Scenario::parse(text, "x.toml").unwrap_err().to_string();
        let expected = [
            "x.toml:4: account[0].password: is 9 bytes long, and password_max is 8",
            "x.toml:6: account[0].allow: [\"10.0.0.0/33\"] is not allowed: an array of",
            "x.toml:7: account[0].versions: [\"4.0\"] is not allowed: an array of 3.3, 3.4, 5.0",
            "x.toml:8: account[0].interface_version: \"new\" is not allowed: \"3.3\"",
            "x.toml:9: account[0].beyond_rate: \"ESME_ROK\" is not allowed: \"throttled\"",
            "x.toml:10: account[0].late_by: \"3s\" is not allowed: it goes with",
        ];
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{said}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}\n  should begin with\n{expected}");
        }
    }
}
