//! Which engine is asked over its API, with whose key; and what is given to it and brought from it as files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::client::{Client, Where, manager_key, quoted, read_key};
use super::failure::Failure;
use super::output::print_json;
use super::target::{Target, Trust};
use crate::account::is_of_reseller;
use crate::config::{Console, count};

/// Longer than every file takes.
const FILE_WITHIN: Duration = Duration::from_secs(3_600);

/// The API of an engine on this machine.
const API: &str = "http://127.0.0.1:8080";

/// Of a file that nobody else may read.
const OWNER_ONLY: u32 = 0o600;

/// What stands behind the help of every group of commands here.
pub(super) const EXIT_CODES: &str = "Exit codes: 0 done, 1 it went wrong, 2 wrong arguments, 3 invalid configuration, 4 no engine answers, 5 the engine refused it.";

/// Which engine is asked with a tenant's key, or with that of its reseller.
#[derive(Clone, Debug, Args)]
pub(crate) struct Door {
    /// The API, such as http://127.0.0.1:8080. Default: CAMPANILE_API, or that.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// A file with the tenant's key. Default: CAMPANILE_KEY; with --tenant, a reseller's, and CAMPANILE_RESELLER_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// With a reseller's key: for which of its tenants, ten_….
    #[arg(long = "tenant", id = "acts_for", value_name = "TENANT")]
    acts_for: Option<String>,
}

/// The same, and how the answer is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct Asked {
    #[command(flatten)]
    door: Door,
    /// JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Which engine is asked with a reseller's key or the operator's.
#[derive(Clone, Debug, Args)]
pub(crate) struct Office {
    /// The API, such as http://127.0.0.1:8080. Default: CAMPANILE_API, or that.
    #[arg(long, value_name = "URL")]
    api: Option<String>,
    /// A file with a reseller's key or the operator's. Default: CAMPANILE_RESELLER_KEY, CAMPANILE_OPERATOR_KEY, or
    /// api.operator_key_file of the configuration.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The configuration, TOML; only read for what is not said otherwise. Default: campanile.toml, if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A page of a list.
#[derive(Clone, Debug, Args)]
pub(crate) struct Page {
    /// How many, 1 to 500.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count::<u16, 500>)]
    limit: u16,
    /// Where to go on, as the page before says.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

/// What is done once, however often it is asked for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Once {
    /// Under the same key the same request is done once within a day, and answered as the first time (Idempotency-Key).
    #[arg(long = "once", value_name = "KEY")]
    pub(super) key: Option<String>,
}

/// Where a new key goes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Keep {
    /// Write the key into this new file, which only its owner may read, in place of showing it.
    #[arg(long, value_name = "FILE")]
    save_key: Option<PathBuf>,
}

impl Door {
    pub(super) fn open(&self) -> Result<Client, Failure> {
        let console = Console::of_environment();
        let (known, wanted) = match &self.acts_for {
            Some(_) => (
                &console.reseller_key,
                "this needs a reseller's key: --key-file FILE, or CAMPANILE_RESELLER_KEY",
            ),
            None => (
                &console.tenant_key,
                "this needs a tenant's key: --key-file FILE, or CAMPANILE_KEY; or a reseller's, and --tenant TENANT",
            ),
        };
        let key = match (&self.key_file, known) {
            (Some(file), _) => read_key(file)?,
            (None, Some(key)) => key.reveal().to_owned(),
            (None, None) => return Err(Failure::Usage(wanted.to_owned())),
        };
        let client = Client::at(&target((self.api.as_deref(), &console))?, FILE_WITHIN, Some(key))?;
        Ok(client.acting_for(self.acts_for.as_deref()))
    }
}

impl Asked {
    pub(super) fn open(&self) -> Result<Client, Failure> {
        self.door.open()
    }

    /// JSON, or what `table` makes of the answer.
    pub(super) fn show(
        &self,
        answer: &Value,
        table: impl FnOnce(&Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json { print_json(answer) } else { table(answer) }
    }
}

impl Office {
    pub(super) fn open(&self) -> Result<Client, Failure> {
        let console = Console::of_environment();
        let key = manager_key((self.key_file.as_deref(), &console), self.config.as_deref())?;
        Client::at(&target((self.api.as_deref(), &console))?, FILE_WITHIN, Some(key))
    }

    /// JSON, or what `table` makes of the answer.
    pub(super) fn show(
        &self,
        answer: &Value,
        table: impl FnOnce(&Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json { print_json(answer) } else { table(answer) }
    }
}

/// What both listeners have: the API for resellers, and for operators too if it is named; the operators' else.
pub(super) fn either(at: &Where, api: Option<&str>) -> Result<Client, Failure> {
    let console = Console::of_environment();
    let key = manager_key((at.key_file.as_deref(), &console), at.config.as_deref())?;
    let is_resellers = is_of_reseller(&key);
    if is_resellers && at.names_admin() {
        let wanted = "the operators' listener knows no reseller's key: give --api URL in place of --admin";
        return Err(Failure::Usage(wanted.to_owned()));
    }
    if is_resellers || api.is_some() {
        return Client::at(&target((api, &console))?, FILE_WITHIN, Some(key));
    }
    at.open_with(&console, key)
}

impl Page {
    /// The query of that page.
    pub(super) fn query(&self) -> String {
        let cursor = self
            .cursor
            .as_deref()
            .map(|cursor| format!("&cursor={}", quoted(cursor)));
        format!("limit={}{}", self.limit, cursor.unwrap_or_default())
    }
}

impl Keep {
    /// Opens the file, before a key is made that could not be kept.
    pub(super) fn prepare(&self) -> Result<Option<File>, Failure> {
        let Some(file) = &self.save_key else { return Ok(None) };
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(OWNER_ONLY)
            .open(file);
        match made {
            Ok(file) => Ok(Some(file)),
            Err(error) => Err(Failure::Usage(format!("--save-key {}: {error}", file.display()))),
        }
    }

    /// The answer without its key, if that is to be kept in a file: there it is then.
    pub(super) fn take(place: Option<File>, mut answer: Value) -> Result<Value, Failure> {
        if let (Some(mut file), Some(key)) = (place, answer["api_key"].as_str()) {
            let written = writeln!(file, "{key}").and_then(|()| file.sync_all());
            written.map_err(|error| Failure::Other(format!("the key was made, and cannot be written: {error}")))?;
            answer["api_key"] = Value::Null;
        }
        Ok(answer)
    }
}

fn target((given, console): (Option<&str>, &Console)) -> Result<Target, Failure> {
    let trust = Trust::default();
    match (given, &console.api) {
        (Some(url), _) => Target::of_url(url, "--api", trust),
        (None, Some(url)) => Target::of_url(url, "CAMPANILE_API", trust),
        (None, None) => Target::of_url(API, "--api", trust),
    }
}

/// A file to read; `-` is standard input.
pub(super) fn opened(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    match File::open(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(Failure::Usage(format!("{} cannot be read: {error}", file.display()))),
    }
}

/// A file to write.
pub(super) fn created(file: &Path) -> Result<File, Failure> {
    File::create(file).map_err(|error| Failure::Usage(format!("{} cannot be written: {error}", file.display())))
}

/// A file to write; `-` is standard output.
pub(super) fn output(file: &Path) -> Result<Box<dyn Write>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    Ok(Box::new(created(file)?))
}

/// Whom a filter of the arguments means.
pub(super) fn read_filter(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Usage(format!("--filter is no JSON: {error}")))
}

/// What is in a small file, or comes in on standard input.
pub(super) fn text_of(file: &Path, octets_max: u64) -> Result<String, Failure> {
    let mut text = String::new();
    let read = opened(file)?.take(octets_max + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?;
    if text.len() as u64 > octets_max {
        let longest = format!(
            "{} is too long: at most {octets_max} octets are allowed",
            file.display()
        );
        return Err(Failure::Usage(longest));
    }
    Ok(text)
}
