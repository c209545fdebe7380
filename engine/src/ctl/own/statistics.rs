//! `campanile statistics`.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::ctl::client::quoted;
use crate::ctl::door::{Asked, output};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell, rows};

/// Figures of a tenant's messages.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatisticsOf {
    /// What they are put together by, one or two with a comma between: day, month, campaign, category, smsc, status, country, ….
    #[arg(long, value_name = "WORDS", default_value = "day")]
    by: String,
    /// From then on: a day, or a time with its offset. Default: 30 days before --until.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before then. Default: now.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// By whose clocks days begin. Default: the tenant's.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Of that campaign only, cmp_….
    #[arg(long, value_name = "ID")]
    campaign: Option<String>,
    /// Write them as CSV; - is standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    at: Asked,
}

const FIGURES: [&str; 5] = ["messages", "skipped", "segments", "credits", "recredited"];

impl StatisticsOf {
    pub(in crate::ctl) fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let path = self.path();
        if let Some(file) = &self.csv {
            return client.download((&format!("{path}&format=csv"), None), &mut output(file)?);
        }
        let answer = client.search(&path)?;
        self.at.show(&answer, table)
    }

    fn path(&self) -> String {
        let mut path = format!("/v1/statistics?by={}", quoted(&self.by));
        for (name, value) in [
            ("time_zone", &self.time_zone),
            ("since", &self.since),
            ("until", &self.until),
            ("campaign", &self.campaign),
        ] {
            if let Some(value) = value {
                path += &format!("&{name}={}", quoted(value));
            }
        }
        path
    }
}

/// A line for each group, and the sum of all.
fn table(answer: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "group",
        FIGURES[0],
        "delivered",
        FIGURES[1],
        FIGURES[2],
        FIGURES[3],
        FIGURES[4],
    ]);
    for group in rows(answer) {
        let keys = group["group"].as_object();
        let keys: Vec<String> = keys.into_iter().flatten().map(|(_, key)| cell(key)).collect();
        table.row(line(keys.join(" "), group));
    }
    table.row(line("total".to_owned(), &answer["total"]));
    table.print()
}

fn line(name: String, figures: &Value) -> Vec<String> {
    let statuses = figures["statuses"].as_array().into_iter().flatten();
    let delivered = statuses
        .filter(|row| row["status"] == "delivered")
        .map(|row| cell(&row["count"]));
    let [messages, rest @ ..] = FIGURES.map(|key| cell(&figures[key]));
    [name, messages].into_iter().chain(delivered).chain(rest).collect()
}
