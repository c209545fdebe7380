use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use kit::settings::{Faults, Given, Source, Table};
use sha2::{Digest, Sha256};

use super::builtin::{BUILT_IN, no_such_scenario};
use super::phases::scenario;
use super::preset;
use super::values::{NAME, name};
use crate::model::{Certificate, DEFAULT_SMSC, Scenario, Setup, SmscSetup, TIME_SCALE, Tls};

/// SMSCs in one file: far more than a test has carriers.
const SMSCS_MAX: usize = 64;

/// Where TLS is spoken when `[tls]` does not say.
const TLS_PORT: u16 = 2776;

impl Scenario {
    /// Reads the scenario of one SMSC; `file` is how faults call it. Returns every fault at once.
    pub fn parse(text: &str, file: &str) -> Result<Self, Faults> {
        Setup::parse(text, file)?.only(file)
    }

    /// Reads a scenario from a file.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        Setup::load(path)?.only(&path.display().to_string())
    }

    /// One that is built in, by its name; a fault that lists the names when there is none.
    pub fn named(name: &str) -> Result<Self, Faults> {
        Setup::named(name)?.only(name)
    }
}

impl Setup {
    /// Reads a file of one SMSC or of several; `file` is how faults call it. Returns every fault at once.
    pub fn parse(text: &str, file: &str) -> Result<Self, Faults> {
        Self::read(text, file, None)
    }

    /// Reads it from a file.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::read(&text, &file, path.parent()),
            Err(error) => Err(Faults::of_file(file, format!("cannot be read: {error}"))),
        }
    }

    fn read(text: &str, file: &str, folder: Option<&Path>) -> Result<Self, Faults> {
        let source = Source::new(text, file);
        let mut document = source.parse()?;
        preset::apply(&source, document.get_mut());
        let mut setup = source.read(&document, |table| setup(table, folder))?;
        setup.hash = hash(text);
        Ok(setup)
    }

    /// One that is built in, by its name; a fault that lists the names when there is none.
    pub fn named(name: &str) -> Result<Self, Faults> {
        match BUILT_IN.iter().find(|built_in| built_in.name == name) {
            Some(built_in) => Self::parse(built_in.text, &format!("{name}.toml")),
            None => Err(no_such_scenario(name)),
        }
    }

    /// The scenario of the only SMSC; a fault when there are several.
    fn only(mut self, file: &str) -> Result<Scenario, Faults> {
        match (self.smscs.pop(), self.smscs.is_empty()) {
            (Some(only), true) => Ok(only.scenario),
            _ => Err(Faults::of_file(file, "describes several SMSCs; one is wanted here")),
        }
    }
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

/// The whole file: `[[smsc]]` tables, or one SMSC at the top level.
pub(super) fn setup(table: &Table<'_>, folder: Option<&Path>) -> Setup {
    let tables = table.tables("smsc", SMSCS_MAX);
    if tables.is_empty() || table.is_probe() {
        let only = smsc(table, DEFAULT_SMSC.to_owned(), folder);
        for probe in &tables {
            smsc(probe, DEFAULT_SMSC.to_owned(), folder);
        }
        return Setup {
            name: only.scenario.name.clone(),
            about: only.scenario.about.clone(),
            smscs: vec![only],
            hash: String::new(),
        };
    }
    let setup = Setup {
        name: table.text("name").unwrap_or_else(|| "unnamed".to_owned()),
        about: table.text("about").unwrap_or_default(),
        smscs: several(table, &tables, folder),
        hash: String::new(),
    };
    table.finish();
    setup
}

fn several(table: &Table<'_>, tables: &[Table<'_>], folder: Option<&Path>) -> Vec<SmscSetup> {
    let seed = table.integer("seed", 0..=u64::MAX, 1);
    let time_scale = table.number("time_scale", TIME_SCALE, 1.0);
    let mut smscs: Vec<SmscSetup> = Vec::new();
    for table in tables {
        let name = table.parsed("name", NAME, name);
        table.required("name", NAME);
        let mut smsc = smsc(table, name.unwrap_or_default(), folder);
        if !table.has("seed") {
            smsc.scenario.seed = seed;
        }
        if !table.has("time_scale") {
            smsc.scenario.time_scale = time_scale;
        }
        if smscs.iter().any(|other| other.name == smsc.name) {
            table.fault_of_value("name", "is not allowed: another SMSC is called so");
        }
        if tables.len() > 1 {
            table.required("listen", &format!("each of several SMSCs has one; {ADDRESS}"));
        }
        let taken = |address: Option<SocketAddr>| {
            address.is_some_and(|address| address.port() > 0 && smscs.iter().any(|other| other.listen == Some(address)))
        };
        if taken(smsc.listen) {
            table.fault_of_value("listen", "is not allowed: another SMSC listens there");
        }
        smscs.push(smsc);
    }
    smscs
}

/// One SMSC: its port, its TLS, and every key of a scenario.
fn smsc(table: &Table<'_>, name: String, folder: Option<&Path>) -> SmscSetup {
    SmscSetup {
        name,
        listen: table.parsed("listen", ADDRESS, address),
        tls: table.has("tls").then(|| tls(&table.table("tls"))),
        scenario: scenario(table, folder),
    }
}

const ADDRESS: &str = "an address and a port like \"127.0.0.1:2775\" or \"[::1]:2775\"; port 0 is any free one";

fn address(value: Given<'_>) -> Option<SocketAddr> {
    value.text()?.parse().ok()
}

fn tls(table: &Table<'_>) -> Tls {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, TLS_PORT));
    let tls = Tls {
        listen: table.parsed("listen", ADDRESS, address).unwrap_or(default),
        certificate: certificate(table),
        only_13: table
            .choice("min_version", &[("1.2", false), ("1.3", true)])
            .unwrap_or(false),
        client_ca: file(table, "client_ca"),
    };
    table.finish();
    tls
}

fn certificate(table: &Table<'_>) -> Certificate {
    let (certificate, key) = (file(table, "certificate"), file(table, "key"));
    let own = table.table("self_signed");
    let names = own.parsed("names", HOSTS, hosts);
    let expired = own.boolean("expired", false);
    own.finish();
    match (table.has("certificate"), table.has("key")) {
        (true, false) => table.fault_of_value("certificate", "is not allowed: it goes with key"),
        (false, true) => table.fault_of_value("key", "is not allowed: it goes with certificate"),
        (true, true) | (false, false) => {}
    }
    if table.has("certificate") && table.has("self_signed") && !table.is_probe() {
        table.fault_of_value("self_signed", "is not allowed: it goes without certificate and key");
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => Certificate::Files { certificate, key },
        _ => Certificate::SelfSigned {
            names: names.unwrap_or_else(Tls::own_names),
            expired,
        },
    }
}

const HOSTS: &str = "an array of 1 to 100 names of hosts or IP addresses, such as [\"localhost\", \"127.0.0.1\"]";

/// Names that one certificate may have.
const HOSTS_MAX: usize = 100;

fn hosts(value: Given<'_>) -> Option<Vec<String>> {
    let names = value.texts().filter(|names| (1..=HOSTS_MAX).contains(&names.len()))?;
    let all = names.iter().all(|name| is_host(name));
    all.then(|| names.into_iter().map(str::to_owned).collect())
}

/// An IP address, or the name of a host (RFC 1123, 2.1), of all below it with an asterisk.
fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let plain = label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    let labels = name.strip_prefix("*.").unwrap_or(name);
    name.parse::<IpAddr>().is_ok() || name.len() <= 253 && labels.split('.').all(is_label)
}

/// A file that can be read, beside the scenario unless its path is absolute.
fn file(table: &Table<'_>, key: &'static str) -> Option<PathBuf> {
    let path = table.file_beside(&table.text(key)?);
    if let Err(error) = std::fs::File::open(&path) {
        table.fault_of_value(
            key,
            format!("is not allowed: {} cannot be read: {error}", path.display()),
        );
    }
    Some(path)
}
