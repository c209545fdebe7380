//! `campanile tenant`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Where, quoted};
use super::door::{Keep, Office, Once, Page, either, text_of};
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows, say_next};
use crate::config::count;

/// The longest change, in octets: as long as the API takes one.
const BODY_OCTETS_MAX: u64 = 1 << 20;

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
    /// Agree on something else with a tenant; what is not given stays.
    #[command(
        after_help = "Examples:\n  campanile tenants change ten_… --rate 20/s --recredit unknown_number --recredit not_routed\n  campanile tenants change \
                      ten_… --clear daily_max --key-file reseller.key --api https://sms.example.org\n  campanile tenants change ten_… --body terms.json"
    )]
    Change(Change),
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
    #[command(flatten)]
    terms: Terms,
    /// Credits that it may try it with, under its reseller's eye.
    #[arg(long, value_name = "CREDITS", value_parser = count::<u64, 1_000_000_000>)]
    trial_credits: Option<u64>,
    /// Who hosts it, res_…; with the operator's key.
    #[arg(long, value_name = "RESELLER")]
    reseller: Option<String>,
    #[command(flatten)]
    keep: Keep,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    at: Office,
}

/// What is agreed on with a tenant.
#[derive(Clone, Debug, Args)]
struct Terms {
    /// A sender that it may write under; more of them by repeating it. Without any: all.
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
    /// A country that it may send to, as two letters, or `all`; more of them by repeating it. A new tenant's are France and what is French overseas.
    #[arg(long = "country", value_name = "COUNTRY")]
    countries: Vec<String>,
    /// Advertising goes to nobody whose consent is not known.
    #[arg(long)]
    require_consent: bool,
    /// How fast its messages begin at most, such as 20/s.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// How many messages are taken of it a day.
    #[arg(long, value_name = "N", value_parser = count::<u32, 100_000_000>)]
    daily_max: Option<u32>,
    /// A status that gives credits back, such as unknown_number; more of them by repeating it.
    #[arg(long = "recredit", value_name = "STATUS")]
    recredits: Vec<String>,
}

/// A tenant with which something else is agreed on.
#[derive(Clone, Debug, Args)]
pub(crate) struct Change {
    /// Its id, ten_….
    id: String,
    /// What it is called.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// A term that is to be as of a new tenant, such as daily_max; more of them by repeating it.
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
    /// The change as JSON, as PATCH /v1/tenants/{id} takes it; - is standard input.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
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
            Self::Change(change) => change.run(),
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
        let made = client.post_once("/v1/tenants", &self.body().into(), self.once.key.as_deref())?;
        let made = Keep::take(place, made)?;
        self.at.show(&made, account)
    }

    /// What is not said is left to the engine.
    fn body(&self) -> Map<String, Value> {
        let mut body = self.terms.said();
        body.insert("name".to_owned(), self.name.as_str().into());
        let others = [
            ("trial_credits", self.trial_credits.map(Value::from)),
            ("reseller", self.reseller.as_deref().map(Value::from)),
        ];
        body.extend(
            others
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?))),
        );
        body
    }
}

impl Terms {
    /// Those that are said.
    fn said(&self) -> Map<String, Value> {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let list = |list: &[String]| (!list.is_empty()).then(|| Value::from(list));
        let countries = match self.countries == ["all"] {
            true => Some(Value::Null),
            false => list(&self.countries),
        };
        let all = [
            ("senders", list(&self.senders)),
            ("brand", text(&self.brand)),
            ("tariff", text(&self.tariff)),
            ("stop_clause", text(&self.stop_clause)),
            ("countries", countries),
            ("require_consent", self.require_consent.then_some(true.into())),
            ("rate", text(&self.rate)),
            ("daily_max", self.daily_max.map(Value::from)),
            ("recredits", list(&self.recredits)),
        ];
        let said = all
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        said.collect()
    }
}

impl Change {
    fn run(&self) -> Result<(), Failure> {
        let change = self.change()?;
        let answer = self
            .at
            .open()?
            .patch(&format!("/v1/tenants/{}", quoted(&self.id)), &change)?;
        self.at.show(&answer, account)
    }

    fn change(&self) -> Result<Value, Failure> {
        let mut change = self.terms.said();
        if let Some(name) = &self.name {
            change.insert("name".to_owned(), name.as_str().into());
        }
        for name in &self.clear {
            if change.insert(name.clone(), Value::Null).is_some() {
                return Err(Failure::Usage(format!("{name} is given and cleared")));
            }
        }
        match (&self.body, change.is_empty()) {
            (None, false) => Ok(change.into()),
            (Some(file), true) => {
                let read = serde_json::from_str(&text_of(file, BODY_OCTETS_MAX)?);
                read.map_err(|error| Failure::Usage(format!("--body is no JSON: {error}")))
            }
            (None, true) => Err(Failure::Usage(
                "nothing is given that is to change: --rate, --recredit, --clear FIELD and others, or --body FILE with all that PATCH takes".to_owned(),
            )),
            (Some(_), false) => Err(Failure::Usage("--body says all of the change: nothing else goes beside it".to_owned())),
        }
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
