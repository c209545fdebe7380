//! `campanile rules`: the laws and charters of sending that a configuration obeys. Nothing that runs is asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use rules::Pack;
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Table, cell, print, print_json};
use crate::audience::normalise;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::{Country, Language, Purpose};
use crate::hours::{INSTANT_ALLOWED, Question, explain};

/// What is asked of rules.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RulesAsk {
    /// Say whether a message may go to a number at a time, why, and until when that is so.
    #[command(
        after_help = "Examples:\n  campanile rules check --to +33612345678 --at 2026-07-14T10:00\n  \
                            campanile rules check --to +262692123456 --at 2026-11-27T19:00+01:00 --json"
    )]
    Check(Check),
    /// List the packs that there are, and where each is written.
    Packs(Packs),
    /// Print a pack as a file: to be changed under another name, and named by rules.packs.
    #[command(after_help = "Example:\n  campanile rules show fr-seed > mine.toml")]
    Show {
        /// The pack.
        #[arg(value_name = "PACK")]
        name: String,
        /// A configuration whose files are packs as well.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// For what a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PurposeOf {
    Marketing,
    Transactional,
}

/// What is to be decided.
#[derive(Clone, Debug, Args)]
pub(crate) struct Check {
    /// The recipient's number.
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// When: with an offset, or by the recipient's clock. Default: now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// What the message is for.
    #[arg(long, default_value = "marketing")]
    purpose: PurposeOf,
    /// The configuration whose rules.packs are obeyed. Default: those that hold without one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// JSON.
    #[arg(long)]
    json: bool,
}

impl RulesAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Packs(packs) => packs.run(),
            Self::Show { name, config } => show(name, config.as_deref()),
        }
    }
}

impl Check {
    fn run(&self) -> Result<(), Failure> {
        let config = configuration(self.config.as_deref())?;
        let to = normalise(&self.to, Country::FRANCE)
            .map_err(|fault| Failure::Usage(format!("--to {:?}: {}", self.to, fault.words())))?;
        let question = Question {
            to,
            territory: None,
            purpose: match self.purpose {
                PurposeOf::Marketing => Purpose::Marketing,
                PurposeOf::Transactional => Purpose::Transactional,
            },
            at: self.at.as_deref(),
        };
        let now = Clock::new().unix().timestamp().unwrap_or_default();
        let said = explain(&config.rules.obeyed(), question, now, Language::En);
        let said = said.ok_or_else(|| {
            let given = self.at.as_deref().unwrap_or_default();
            Failure::Usage(format!("--at {given:?} is not allowed: {INSTANT_ALLOWED}"))
        })?;
        if self.json {
            return print_json(&said);
        }
        let verdict = if said["open"] == true { "open" } else { "closed" };
        let zone = cell(&said["zone"]);
        let text = format!(
            "{verdict}: {}\n  {}, local time {}\n",
            cell(&said["detail"]),
            zone,
            cell(&said["local_time"])
        );
        print(&text)?;
        if let Some(pack) = said["pack"].as_str() {
            let version = cell(&said["pack_version"]);
            print(&format!("  {pack} (version {version}): {}\n", cell(&said["source"])))?;
        }
        Ok(())
    }
}

/// Which packs are listed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Packs {
    /// A configuration whose files are listed as well.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// JSON.
    #[arg(long)]
    json: bool,
}

impl Packs {
    fn run(&self) -> Result<(), Failure> {
        const COLUMNS: [&str; 5] = ["name", "version", "country", "valid_from", "source"];
        let all = packs(self.config.as_deref())?;
        let all = all.iter().map(|pack| {
            json!({
                "name": pack.name,
                "version": pack.version,
                "country": pack.country,
                "valid_from": pack.valid_from.to_string(),
                "source": pack.source,
            })
        });
        let all: Vec<Value> = all.collect();
        if self.json {
            return print_json(&json!({ "data": all }));
        }
        let mut table = Table::new(&COLUMNS);
        for pack in &all {
            table.row(COLUMNS.map(|key| cell(&pack[key])));
        }
        table.print()
    }
}

fn show(name: &str, config: Option<&Path>) -> Result<(), Failure> {
    let all = packs(config)?;
    let Some(pack) = all.iter().find(|pack| pack.name == name) else {
        let names: Vec<&str> = all.iter().map(|pack| pack.name.as_str()).collect();
        let problem = format!("no pack is called {name:?}; there are {}", names.join(", "));
        return Err(Failure::Usage(problem));
    };
    print(&pack.text)?;
    Ok(())
}

/// What is built in, and the files of a configuration.
fn packs(config: Option<&Path>) -> Result<Vec<Arc<Pack>>, Failure> {
    let mut all: Vec<Arc<Pack>> = rules::names().filter_map(Pack::named).collect();
    let config = configuration(config)?;
    let files = config
        .rules
        .packs()
        .iter()
        .filter(|pack| Pack::named(&pack.name).is_none());
    all.extend(files.cloned());
    Ok(all)
}

fn configuration(path: Option<&Path>) -> Result<Config, Failure> {
    match path {
        Some(path) => Config::load(path).map_err(Failure::Configuration),
        None => Ok(Config::default()),
    }
}
