//! `campanile tenant`.

use clap::{Args, Subcommand};

use super::client::{Where, quoted};
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows, say_next};
use crate::config::count;

/// What is asked of tenants.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TenantAsk {
    /// Tenants in the order in which they were made, with their credits.
    List(List),
}

/// A page of a list.
#[derive(Clone, Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) at: Where,
    /// How many, 1 to 500.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count::<u16, 500>)]
    pub(super) limit: u16,
    /// Where to go on, as the page before says.
    #[arg(long, value_name = "CURSOR")]
    pub(super) cursor: Option<String>,
}

impl List {
    /// The query of that page.
    pub(super) fn query(&self) -> String {
        let cursor = self
            .cursor
            .as_deref()
            .map(|cursor| format!("&cursor={}", quoted(cursor)));
        format!("limit={}{}", self.limit, cursor.unwrap_or_default())
    }
}

impl TenantAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let Self::List(list) = self;
        let answer = list.at.open_with_key()?.get(&format!("/v1/tenants?{}", list.query()))?;
        if list.at.json {
            print_json(&answer);
            return Ok(());
        }
        let mut table = Table::new(&["id", "name", "available", "held", "spent", "granted", "weight"]);
        for tenant in rows(&answer) {
            let credits = &tenant["credits"];
            table.row([
                cell(&tenant["id"]),
                cell(&tenant["name"]),
                cell(&credits["available"]),
                cell(&credits["held"]),
                cell(&credits["spent"]),
                cell(&credits["granted"]),
                cell(&tenant["weight"]),
            ]);
        }
        table.print();
        say_next(&answer);
        Ok(())
    }
}
