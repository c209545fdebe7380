//! `campanile tenant`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Where, quoted};
use super::door::{Keep, Office, Once, Page, either};
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows, say_next};

/// What is asked of tenants.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TenantAsk {
    /// Tenants in the order in which they were made, with their credits: a reseller's own with its key, all with the operator's.
    #[command(after_help = "Example:\n  campanile tenants list --key-file reseller.key --api https://sms.example.org")]
    List(TenantList),
    /// Make a tenant, with its first key, which is shown or kept this once.
    #[command(
        after_help = "Example:\n  campanile tenants create \"Cabinet des Lilas\" --sender OSTEO --tariff flat160 --save-key lilas.key"
    )]
    Create(Create),
    /// One of them: what was agreed on with it, and its credits.
    Show(Show),
    /// Take nothing new of a tenant, and send nothing that is queued, until it is resumed.
    Suspend(Suspend),
    /// Let a suspended tenant go on.
    Resume(Show),
}

/// A page of a list.
#[derive(Clone, Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) at: Where,
    #[command(flatten)]
    pub(super) page: Page,
}

/// A page of tenants, from either listener.
#[derive(Clone, Debug, Args)]
pub(crate) struct TenantList {
    /// The API: a reseller's key is always shown there, the operator's if it is named. Default: CAMPANILE_API, or
    /// http://127.0.0.1:8080.
    #[arg(long, value_name = "URL", conflicts_with = "admin")]
    api: Option<String>,
    #[command(flatten)]
    list: List,
}

/// A tenant that is to be.
#[derive(Clone, Debug, Args)]
pub(crate) struct Create {
    /// Its name.
    name: String,
    /// A sender that it may write under; more of them by repeating it. Without it: any.
    #[arg(long = "sender", value_name = "SENDER")]
    senders: Vec<String>,
    /// By which name people know it: advertising has to say that.
    #[arg(long, value_name = "NAME")]
    brand: Option<String>,
    /// How texts are billed: concat or flat160.
    #[arg(long, value_name = "TARIFF")]
    tariff: Option<String>,
    /// Which texts say STOP: marketing or always.
    #[arg(long, value_name = "WHICH")]
    stop_clause: Option<String>,
    /// A country that it may send to, as two letters, or `all`; more of them by repeating it. Without it: France and what is French overseas.
    #[arg(long = "country", value_name = "COUNTRY")]
    countries: Vec<String>,
    /// Advertising goes to nobody whose consent is not known.
    #[arg(long)]
    require_consent: bool,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    at: Office,
}

/// A tenant.
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// Its id, ten_….
    id: String,
    #[command(flatten)]
    at: Office,
}

/// A tenant that is to stop, and why.
#[derive(Clone, Debug, Args)]
pub(crate) struct Suspend {
    #[command(flatten)]
    tenant: Show,
    /// One sentence: the tenant reads it, where it is refused something.
    #[arg(long)]
    reason: String,
}

impl TenantAsk {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Create(create) => create.run(),
            Self::Show(show) => show.run(),
            Self::Suspend(suspend) => suspend.tenant.order("suspend", &json!({ "reason": suspend.reason })),
            Self::Resume(tenant) => tenant.order("resume", &json!({})),
        }
    }
}

impl TenantList {
    fn run(&self) -> Result<(), Failure> {
        let List { at, page } = &self.list;
        let answer = either(at, self.api.as_deref())?.get(&format!("/v1/tenants?{}", page.query()))?;
        if at.json {
            return print_json(&answer);
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
        table.print()?;
        say_next(&answer);
        Ok(())
    }
}

impl Create {
    fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let place = self.keep.prepare()?;
        let made = client.post_once("/v1/tenants", &self.body(), self.once.key.as_deref())?;
        let made = Keep::take(place, made)?;
        self.at.show(&made, account)
    }

    /// What is not said is left to the engine.
    fn body(&self) -> Value {
        let mut body = json!({ "name": self.name });
        for (key, value) in [
            ("brand", &self.brand),
            ("tariff", &self.tariff),
            ("stop_clause", &self.stop_clause),
        ] {
            if let Some(value) = value {
                body[key] = value.as_str().into();
            }
        }
        for (key, values) in [("senders", &self.senders), ("countries", &self.countries)] {
            if !values.is_empty() {
                body[key] = values.as_slice().into();
            }
        }
        if self.countries == ["all"] {
            body["countries"] = Value::Null;
        }
        if self.require_consent {
            body["require_consent"] = true.into();
        }
        body
    }
}

impl Show {
    fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get(&format!("/v1/tenants/{}", quoted(&self.id)))?;
        self.at.show(&answer, account)
    }

    /// Asks for what is behind its path.
    fn order(&self, what: &str, body: &Value) -> Result<(), Failure> {
        let path = format!("/v1/tenants/{}/{what}", quoted(&self.id));
        let answer = self.at.open()?.post(&path, body)?;
        self.at.show(&answer, account)
    }
}

/// A tenant line by line; credits as they are.
pub(super) fn account(tenant: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&["what", "value"]);
    for (key, value) in tenant.as_object().into_iter().flatten() {
        match value {
            Value::Object(parts) => {
                for (part, value) in parts {
                    table.row([format!("{key} {part}"), cell(value)]);
                }
            }
            // It is in a file.
            Value::Null if key == "api_key" => {}
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                table.row([key.clone(), cell(value)]);
            }
        }
    }
    table.print()
}
