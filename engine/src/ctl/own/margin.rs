//! `campanile credits margin` and `price`: what a reseller's messages cost, and what tenants pay.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::ctl::client::quoted;
use crate::ctl::door::{Office, output};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell, rows};

/// A month of a reseller.
#[derive(Clone, Debug, Args)]
pub(crate) struct MarginOf {
    /// The reseller, res_….
    reseller: String,
    /// Which month, such as 2026-10; without one, this one.
    month: Option<String>,
    /// By what it is put together: one or two of tenant, smsc, country, prefix, campaign, day.
    #[arg(long, value_name = "WHAT", default_value = "tenant")]
    by: String,
    /// By whose clocks the month begins.
    #[arg(long, value_name = "ZONE", default_value = "Europe/Paris")]
    time_zone: String,
    /// Write it as CSV; - is standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    at: Office,
}

/// What a tenant pays for a credit.
#[derive(Clone, Debug, Args)]
pub(crate) struct PriceOf {
    /// The tenant, ten_….
    tenant: String,
    /// Exact, such as 0.08; without one, what is known is shown.
    #[arg(requires = "currency", requires = "since")]
    per_credit: Option<String>,
    /// Three letters, such as EUR.
    currency: Option<String>,
    /// The day it holds from, such as 2026-10-01, or a time with its offset.
    #[arg(long, value_name = "DAY")]
    since: Option<String>,
    #[command(flatten)]
    at: Office,
}

const BY: [&str; 6] = ["tenant", "smsc", "country", "prefix", "campaign", "day"];

const COUNTS: [&str; 5] = [
    "messages",
    "segments",
    "unpriced_segments",
    "credits",
    "unpriced_credits",
];

impl MarginOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let month = self.month.as_deref().map(|month| format!("&month={}", quoted(month)));
        let path = format!(
            "/v1/resellers/{}/margin?by={}&time_zone={}{}",
            quoted(&self.reseller),
            quoted(&self.by),
            quoted(&self.time_zone),
            month.unwrap_or_default()
        );
        if let Some(file) = &self.csv {
            return client.download((&format!("{path}&format=csv"), None), &mut output(file)?);
        }
        let answer = client.search(&path)?;
        self.at.show(&answer, months)
    }
}

fn months(answer: &Value) -> Result<(), Failure> {
    let asked = |name: &&str| answer["by"].as_array().is_some_and(|by| by.contains(&json!(name)));
    let by: Vec<&'static str> = BY.into_iter().filter(asked).collect();
    let columns: Vec<&'static str> = by
        .iter()
        .copied()
        .chain(COUNTS)
        .chain(["cost", "value", "margin"])
        .collect();
    let mut table = Table::new(&columns);
    let mut row = |of: &Value, keys: Vec<String>| {
        let amounts = |name: &str| {
            let money = of["money"].as_array().into_iter().flatten();
            let all: Vec<String> = money
                .map(|money| format!("{} {}", cell(&money[name]), cell(&money["currency"])))
                .collect();
            if all.is_empty() {
                "-".to_owned()
            } else {
                all.join(" + ")
            }
        };
        let counts = COUNTS.map(|name| cell(&of[name]));
        let amounts = [amounts("cost"), amounts("value"), cell(&of["margin"])];
        table.row(keys.into_iter().chain(counts).chain(amounts));
    };
    for one in rows(answer) {
        row(one, by.iter().map(|by| cell(&one["group"][*by])).collect());
    }
    row(&answer["total"], by.iter().map(|_| "total".to_owned()).collect());
    table.print()
}

impl PriceOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let path = format!("/v1/tenants/{}/credit_prices", quoted(&self.tenant));
        let answer = match &self.per_credit {
            None => client.search(&path)?,
            Some(price) => {
                let body = json!({ "since": self.since, "per_credit": price, "currency": self.currency });
                client.post_once(&path, &body, None)?
            }
        };
        self.at.show(&answer, |answer| {
            let columns = ["since", "per_credit", "currency"];
            let mut table = Table::new(&columns);
            for line in rows(answer) {
                table.row(columns.map(|key| cell(&line[key])));
            }
            table.print()
        })
    }
}
