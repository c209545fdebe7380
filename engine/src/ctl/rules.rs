//! `campanile rules`: the laws and charters of sending that a configuration obeys. Nothing that runs is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
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
    Packs {
        /// JSON.
        #[arg(long)]
        json: bool,
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
            Self::Packs { json } => {
                packs(*json);
                Ok(())
            }
        }
    }
}

impl Check {
    fn run(&self) -> Result<(), Failure> {
        let config = match &self.config {
            Some(path) => Config::load(path).map_err(Failure::Configuration)?,
            None => Config::default(),
        };
        let to = normalise(&self.to, Country::FRANCE)
            .map_err(|fault| Failure::Usage(format!("--to {:?}: {}", self.to, fault.words())))?;
        let question = Question {
            to,
            purpose: match self.purpose {
                PurposeOf::Marketing => Purpose::Marketing,
                PurposeOf::Transactional => Purpose::Transactional,
            },
            at: self.at.as_deref(),
        };
        let now = Clock::new().unix().timestamp().unwrap_or_default();
        let said = explain(&config.rules.packs(), question, now, Language::En);
        let said = said.ok_or_else(|| {
            let given = self.at.as_deref().unwrap_or_default();
            Failure::Usage(format!("--at {given:?} is not allowed: {INSTANT_ALLOWED}"))
        })?;
        if self.json {
            print_json(&said);
            return Ok(());
        }
        let verdict = if said["open"] == true { "open" } else { "closed" };
        let zone = cell(&said["zone"]);
        let text = format!(
            "{verdict}: {}\n  {}, local time {}\n",
            cell(&said["detail"]),
            zone,
            cell(&said["local_time"])
        );
        print(&text);
        if let Some(pack) = said["pack"].as_str() {
            print(&format!("  {pack}: {}\n", cell(&said["source"])));
        }
        Ok(())
    }
}

fn packs(json: bool) {
    let all: Vec<Value> = rules::names()
        .filter_map(rules::Pack::named)
        .map(|pack| {
            json!({
                "name": pack.name,
                "country": pack.country,
                "valid_from": pack.valid_from.to_string(),
                "source": pack.source,
            })
        })
        .collect();
    if json {
        return print_json(&json!({ "data": all }));
    }
    let mut table = Table::new(&["name", "country", "valid_from", "source"]);
    for pack in &all {
        table.row(["name", "country", "valid_from", "source"].map(|key| cell(&pack[key])));
    }
    table.print();
}
