//! `campanile keys`: those of a tenant. Needs the key of its reseller, or the operator's.

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
    /// Make a key in place of another, which opens the same until it is revoked.
    #[command(
        after_help = "Example:\n  campanile keys rotate ten_… key_… --save-key new.key\n  campanile keys revoke ten_… key_… --yes   \
                      when nobody shows it any more"
    )]
    Rotate(Rotate),
    /// Change what a key opens, from where, or until when: it holds from then on.
    #[command(after_help = "Example:\n  campanile keys change ten_… key_… --role read --address 192.0.2.0/24")]
    Change(Change),
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

/// What is said of a key.
#[derive(Clone, Debug, Args)]
struct Bounds {
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// What it opens: read, send, full or admin. A new one is full, if nothing is said.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// An address or network from where it may be shown; more of them by repeating it.
    #[arg(long = "address", value_name = "NETWORK")]
    addresses: Vec<String>,
    /// From when on it opens nothing: a time with its offset.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

/// A key that is to be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Create {
    /// The tenant, ten_….
    tenant: String,
    #[command(flatten)]
    bounds: Bounds,
    /// Of the tenant's sandbox: what is sent with it goes to a simulator and costs nothing.
    #[arg(long)]
    sandbox: bool,
    /// For a team: it reaches the numbers of the guest list and nobody else.
    #[arg(long, conflicts_with = "sandbox")]
    team: bool,
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
    /// The key, key_…, whose label and bounds the new one gets.
    key: String,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    at: Office,
}

/// A key that is to be bounded otherwise. What is not said stays.
#[derive(Clone, Debug, Args)]
pub(crate) struct Change {
    /// The tenant, ten_….
    tenant: String,
    /// The key, key_….
    key: String,
    #[command(flatten)]
    bounds: Bounds,
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
            Self::Change(change) => change.run(),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get(&path_of(&self.tenant))?;
        self.at.show(&answer, |answer| {
            let columns = ["id", "begins", "label", "role", "kind", "expires_at", "created_at"];
            let mut table = Table::new(&columns);
            for key in rows(answer) {
                table.row(columns.map(|column| cell(&key[column])));
            }
            table.print()
        })
    }
}

impl Bounds {
    /// What is not said is left out.
    fn body(&self) -> Value {
        let mut body = json!({});
        for (name, value) in [
            ("label", &self.label),
            ("role", &self.role),
            ("expires_at", &self.expires_at),
        ] {
            if let Some(value) = value {
                body[name] = value.as_str().into();
            }
        }
        if !self.addresses.is_empty() {
            body["addresses"] = self.addresses.as_slice().into();
        }
        body
    }
}

impl Create {
    fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let place = self.keep.prepare()?;
        let mut body = self.bounds.body();
        if self.sandbox {
            body["kind"] = "sandbox".into();
        }
        if self.team {
            body["kind"] = "team".into();
        }
        let made = client.post_once(&path_of(&self.tenant), &body, self.once.key.as_deref())?;
        self.at.show(&Keep::take(place, made)?, one)
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
        // Never more than the old one opens.
        let bounds =
            ["label", "role", "kind", "addresses", "expires_at"].map(|name| (name.to_owned(), old[name].clone()));
        let made = client.post(&path, &Value::Object(bounds.into_iter().collect()))?;
        self.at.show(&Keep::take(place, made)?, one)?;
        complain(format_args!(
            "{old} opens what it did. When nobody shows it any more: campanile keys revoke {tenant} {old} --yes",
            old = self.key,
            tenant = self.tenant
        ));
        Ok(())
    }
}

impl Change {
    fn run(&self) -> Result<(), Failure> {
        let Self {
            tenant,
            key,
            bounds,
            at,
        } = self;
        let path = format!("{}/{}", path_of(tenant), quoted(key));
        let changed = at.open()?.patch(&path, &bounds.body())?;
        at.show(&changed, |changed| {
            let columns = ["id", "label", "role", "expires_at"];
            let mut table = Table::new(&columns);
            table.row(columns.map(|column| cell(&changed[column])));
            table.print()
        })
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
            table.print()
        })
    }
}

fn path_of(tenant: &str) -> String {
    format!("/v1/tenants/{}/keys", quoted(tenant))
}

/// A key that was just made: itself, unless it is in a file.
fn one(key: &Value) -> Result<(), Failure> {
    let columns = ["id", "label", "role", "api_key"];
    let mut table = Table::new(&columns);
    table.row(columns.map(|column| cell(&key[column])));
    table.print()
}
