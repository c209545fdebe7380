//! `campanile keys`: those of a tenant. Needs the operator's key.

use clap::{Args, Subcommand};
use kit::output::complain;
use serde_json::{Value, json};

use super::client::quoted;
use super::door::{Keep, Office, Once};
use super::failure::Failure;
use super::output::{Table, cell, rows};

/// What is asked of keys.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeysAsk {
    /// A tenant's keys: how each begins, and what it is for.
    List(List),
    /// Make another key, which is shown or kept this once.
    #[command(after_help = "Example:\n  campanile keys create ten_… --label CRM --save-key crm.key")]
    Create(Create),
    /// Make a key in place of another, which opens everything until it is revoked.
    #[command(
        after_help = "Example:\n  campanile keys rotate ten_… key_… --save-key new.key\n  campanile keys revoke ten_… key_… --yes   \
                      when nobody shows it any more"
    )]
    Rotate(Rotate),
    /// Take a key back: it opens nothing from then on. There is no way back.
    Revoke(Revoke),
}

/// Whose keys are listed.
#[derive(Clone, Debug, Args)]
pub(crate) struct List {
    /// The tenant, ten_….
    tenant: String,
    #[command(flatten)]
    at: Office,
}

/// A key that is to be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Create {
    /// The tenant, ten_….
    tenant: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    at: Office,
}

/// A key that is to have a successor.
#[derive(Clone, Debug, Args)]
pub(crate) struct Rotate {
    /// The tenant, ten_….
    tenant: String,
    /// The key, key_…, whose label the new one gets.
    key: String,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    at: Office,
}

/// A key that is taken back.
#[derive(Clone, Debug, Args)]
pub(crate) struct Revoke {
    /// The tenant, ten_….
    tenant: String,
    /// The key, key_….
    key: String,
    /// Yes, for good.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    at: Office,
}

impl KeysAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Create(create) => create.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get(&path_of(&self.tenant))?;
        self.at.show(&answer, |answer| {
            let columns = ["id", "begins", "label", "created_at"];
            let mut table = Table::new(&columns);
            for key in rows(answer) {
                table.row(columns.map(|column| cell(&key[column])));
            }
            table.print();
        });
        Ok(())
    }
}

impl Create {
    fn run(&self) -> Result<(), Failure> {
        let mut body = json!({});
        if let Some(label) = &self.label {
            body["label"] = label.as_str().into();
        }
        let client = self.at.open()?;
        let place = self.keep.prepare()?;
        let made = client.post_once(&path_of(&self.tenant), &body, self.once.key.as_deref())?;
        self.at.show(&Keep::take(place, made)?, one);
        Ok(())
    }
}

impl Rotate {
    fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let path = path_of(&self.tenant);
        let known = client.get(&path)?;
        let old = rows(&known).iter().find(|key| key["id"] == self.key.as_str());
        let old = old.ok_or_else(|| {
            let all: Vec<String> = rows(&known).iter().map(|key| cell(&key["id"])).collect();
            let (tenant, key) = (&self.tenant, &self.key);
            Failure::Usage(format!("{tenant} has no key {key:?}: it has {}", all.join(", ")))
        })?;
        let place = self.keep.prepare()?;
        let made = client.post(&path, &json!({ "label": old["label"] }))?;
        self.at.show(&Keep::take(place, made)?, one);
        complain(format_args!(
            "{old} opens everything as before. When nobody shows it any more: campanile keys revoke {tenant} {old} --yes",
            old = self.key,
            tenant = self.tenant
        ));
        Ok(())
    }
}

impl Revoke {
    fn run(&self) -> Result<(), Failure> {
        let Self { tenant, key, yes, at } = self;
        if !yes {
            let unsure = format!("whoever shows {key} would be refused from then on: say --yes if that is meant");
            return Err(Failure::Usage(unsure));
        }
        let path = format!("{}/{}/revoke", path_of(tenant), quoted(key));
        let answer = at.open()?.post(&path, &json!({}))?;
        at.show(&answer, |answer| {
            let mut table = Table::new(&["id", "revoked"]);
            table.row(["id", "revoked"].map(|column| cell(&answer[column])));
            table.print();
        });
        Ok(())
    }
}

fn path_of(tenant: &str) -> String {
    format!("/v1/tenants/{}/keys", quoted(tenant))
}

/// A key that was just made: itself, unless it is in a file.
fn one(key: &Value) {
    let mut table = Table::new(&["id", "label", "api_key"]);
    table.row(["id", "label", "api_key"].map(|column| cell(&key[column])));
    table.print();
}
