//! `campanile credits`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::margin::{MarginOf, PriceOf};
use super::statements::StatementOf;
use crate::config::count;
use crate::ctl::client::quoted;
use crate::ctl::door::{Asked, Office, Once};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell, rows};

/// What is asked of credits.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CreditsAsk {
    /// A tenant's own: granted = available + held + spent.
    Show(Show),
    /// The newest movements of a tenant's own.
    Ledger(Ledger),
    /// What a tenant had at the beginning of a month, what moved, and what was left.
    #[command(after_help = "Example:\n  campanile credits statement 2026-10 --csv october.csv")]
    Statement(StatementOf),
    /// Give a tenant credits. Needs the key of its reseller, or the operator's.
    #[command(
        after_help = "Example:\n  campanile credits grant ten_… 5000 --reference \"facture 2041\" --once facture-2041"
    )]
    Grant(Grant),
    /// Take credits back that a tenant has not used, to its reseller. Needs the key of that, or the operator's.
    #[command(
        after_help = "Example:\n  campanile credits withdraw ten_… 500 --reference \"avoir 2041\" --once avoir-2041"
    )]
    Withdraw(Grant),
    /// What a reseller's messages of a month cost by the prices of their SMSCs, and what they brought. Needs the reseller's key, or the operator's.
    #[command(after_help = "Example:\n  campanile credits margin res_… 2026-10 --by smsc,prefix --csv margin.csv")]
    Margin(MarginOf),
    /// What a tenant pays for a credit, for the margin of its reseller. Needs the reseller's key, or the operator's.
    #[command(after_help = "Example:\n  campanile credits price ten_… 0.08 EUR --since 2026-10-01")]
    Price(PriceOf),
}

/// One's own credits.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    at: Asked,
}

/// The newest lines of the ledger.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ledger {
    /// How many, 1 to 500.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count::<u16, 500>)]
    limit: u16,
    /// From then on: a time with its offset, such as 2026-10-01T00:00:00+02:00.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    at: Asked,
}

/// Credits for a tenant, or from one.
#[derive(Clone, Debug, Args)]
pub(crate) struct Grant {
    /// The tenant, ten_….
    tenant: String,
    /// How many, 1 to 1,000,000,000.
    #[arg(value_parser = count::<u64, 1_000_000_000>)]
    amount: u64,
    /// For the ledger, such as the number of an invoice.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    at: Office,
}

const CREDITS: [&str; 6] = ["available", "held", "spent", "granted", "recredited", "withdrawn"];

impl CreditsAsk {
    pub(in crate::ctl) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Show(show) => show.run(),
            Self::Ledger(ledger) => ledger.run(),
            Self::Statement(statement) => statement.run(),
            Self::Grant(grant) => grant.run("credits"),
            Self::Withdraw(withdrawal) => withdrawal.run("withdrawals"),
            Self::Margin(margin) => margin.run(),
            Self::Price(price) => price.run(),
        }
    }
}

impl Show {
    fn run(&self) -> Result<(), Failure> {
        let credits = self.at.open()?.get("/v1/tenant")?["credits"].take();
        self.at.show(&credits, |credits| {
            let mut table = Table::new(&CREDITS);
            table.row(CREDITS.map(|key| cell(&credits[key])));
            table.print()
        })
    }
}

impl Ledger {
    fn run(&self) -> Result<(), Failure> {
        let mut path = format!("/v1/ledger?limit={}", self.limit);
        for (name, value) in [("since", &self.since), ("until", &self.until)] {
            if let Some(value) = value {
                path += &format!("&{name}={}", quoted(value));
            }
        }
        let answer = self.at.open()?.get(&path)?;
        self.at.show(&answer, |answer| {
            let columns = ["at", "type", "credits", "from", "to", "campaign", "reference"];
            let mut table = Table::new(&columns);
            for line in rows(answer) {
                table.row(columns.map(|key| cell(&line[key])));
            }
            table.print()
        })
    }
}

impl Grant {
    fn run(&self, what: &str) -> Result<(), Failure> {
        let mut body = json!({ "amount": self.amount });
        if let Some(reference) = &self.reference {
            body["reference"] = reference.as_str().into();
        }
        let path = format!("/v1/tenants/{}/{what}", quoted(&self.tenant));
        let answer = self.at.open()?.post_once(&path, &body, self.once.key.as_deref())?;
        self.at.show(&answer, |tenant| {
            let mut table = Table::new(&["id", "available", "held", "spent", "granted"]);
            let credits = &tenant["credits"];
            table.row([
                cell(&tenant["id"]),
                cell(&credits["available"]),
                cell(&credits["held"]),
                cell(&credits["spent"]),
                cell(&credits["granted"]),
            ]);
            table.print()
        })
    }
}
