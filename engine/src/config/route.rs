//! `[[route]]`: which messages go to which SMSCs.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use kit::settings::{Given, Table};

use super::price::{PriceClass, PriceList, price_classes};
use super::smsc::{self, NAME_ALLOWED};
use super::value::ENTRIES_MAX;
use super::{SMSC_MAX, Smsc, value};
use crate::domain::{Countries, Purpose, TenantId};

/// Every message without a route was compared with all of them.
const ROUTES_MAX: usize = 1_000;

/// More steps of fail-over than anybody can follow.
const PRIORITIES: RangeInclusive<u64> = 1..=100;

/// Shares finer than this are nobody's.
const WEIGHTS: RangeInclusive<u64> = 1..=100;

/// The longest sender: an international number and its `+`.
const SENDER_MAX: usize = 16;

/// Some messages, and who takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// `name`: what it is called in the store, metrics and logs; unique. What is queued for a route stays queued under its
    /// name.
    pub(crate) name: String,
    /// `prefixes`: what E.164 numbers begin with. Default: every number.
    pub(crate) prefixes: Vec<String>,
    /// `countries`: of which countries the numbers are. Default: of all.
    pub(crate) countries: Countries,
    /// `tenants`: whose messages. Default: everybody's.
    pub(crate) tenants: Vec<TenantId>,
    /// `purposes`: why they are sent. Default: every purpose.
    pub(crate) purposes: Vec<Purpose>,
    /// `senders`: who they come from, as the handset shows it, in any case. Default: every sender.
    pub(crate) senders: Vec<String>,
    /// `smscs`: who takes them; at least one.
    pub(crate) smscs: Vec<Choice>,
    /// `prefer`: who is better among those of a priority. Default: nobody.
    pub(crate) prefer: Option<Prefer>,
}

/// What decides among the SMSCs of a route that have the same priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Prefer {
    /// The price of a segment to the number, at that time.
    Cheapest,
    /// Whose receipts are as they were: one whose receipts turn slow or bad gets little.
    Quality,
}

impl Prefer {
    /// The word of the setting.
    pub(crate) const fn word(self) -> &'static str {
        self.into_str()
    }
}

/// An SMSC of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The `name` of its `[[smsc]]`.
    pub(crate) name: String,
    /// Those of the smallest priority that can take messages share them. Default 1.
    pub(crate) priority: u8,
    /// Its share among those of its priority. `None`: each takes what it can.
    pub(crate) weight: Option<u8>,
}

impl Route {
    /// Its numbers, cut by who is cheapest when: one class, if it does not prefer the cheapest.
    pub(crate) fn classes(&self, smscs: &[Arc<Smsc>]) -> Vec<PriceClass> {
        let unpriced = PriceList::default();
        let lists = self.smscs.iter().map(|choice| match self.prefer {
            Some(Prefer::Cheapest) => of_name(smscs, &choice.name).map_or(&unpriced, |smsc| &smsc.prices),
            Some(Prefer::Quality) | None => &unpriced,
        });
        price_classes(&self.prefixes, &lists.collect::<Vec<_>>())
    }
}

/// Reads all `[[route]]`, over these SMSCs.
pub(super) fn read_all(root: &Table<'_>, smscs: &[Arc<Smsc>]) -> Vec<Route> {
    let mut names = BTreeSet::new();
    let mut routes = Vec::new();
    for table in root.tables("route", ROUTES_MAX) {
        let route = read(&table, smscs);
        if !route.name.is_empty() && !names.insert(route.name.clone()) {
            table.fault("name", format!("\"{}\" stands twice: names must be unique", route.name));
        }
        table.finish();
        routes.push(route);
    }
    let cut: usize = routes.iter().map(|route| route.classes(smscs).len()).sum();
    if cut > ROUTES_MAX {
        root.fault(
            "route",
            format!("prices cut these into {cut} by who is cheapest when: at most {ROUTES_MAX}"),
        );
    }
    if !routes.is_empty() && smscs.iter().any(|smsc| !smsc.sandbox && !smsc.prefixes.is_empty()) {
        root.fault(
            "route",
            "stands beside smsc.prefixes: with routes, prefixes belong to these",
        );
    }
    routes
}

fn read(table: &Table<'_>, smscs: &[Arc<Smsc>]) -> Route {
    table.required("name", NAME_ALLOWED);
    let route = Route {
        name: table.parsed("name", NAME_ALLOWED, smsc::name).unwrap_or_default(),
        prefixes: smsc::read_prefixes(table),
        tenants: list(table, "tenants", "[\"ten_…\"]", |text| text.parse().ok()),
        purposes: list(
            table,
            "purposes",
            "[\"marketing\"]; allowed words are marketing and transactional",
            |text| text.parse().ok(),
        ),
        senders: list(table, "senders", "[\"OSTEO\", \"+33612345678\"]", |text| {
            let length = 1..=SENDER_MAX;
            (length.contains(&text.len()) && text.is_ascii()).then(|| text.to_owned())
        }),
        smscs: read_choices(table),
        countries: value::countries(table),
        prefer: table.choice(
            "prefer",
            &[Prefer::Cheapest, Prefer::Quality].map(|prefer| (prefer.word(), prefer)),
        ),
    };
    check_choices(table, &route.smscs, smscs);
    if route.prefer == Some(Prefer::Cheapest) {
        check_prices(table, &route.smscs, smscs);
    }
    route
}

/// Prices can be compared: all of them are known, and in one currency.
fn check_prices(table: &Table<'_>, choices: &[Choice], smscs: &[Arc<Smsc>]) {
    let mut before = None;
    for smsc in choices.iter().filter_map(|choice| of_name(smscs, &choice.name)) {
        let Some(currency) = smsc.prices.currency() else {
            table.fault(
                "prefer",
                format!("\"cheapest\" is not allowed: \"{}\" has no [[smsc.price]]", smsc.name),
            );
            continue;
        };
        let (name, known) = *before.get_or_insert((&smsc.name, currency));
        if known != currency {
            table.fault(
                "prefer",
                format!(
                    "\"cheapest\" is not allowed: \"{name}\" has prices in {known}, \"{}\" in {currency}",
                    smsc.name
                ),
            );
        }
    }
}

fn of_name<'s>(smscs: &'s [Arc<Smsc>], name: &str) -> Option<&'s Smsc> {
    smscs.iter().find(|smsc| smsc.name == name).map(AsRef::as_ref)
}

fn list<T>(table: &Table<'_>, key: &'static str, example: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let allowed = format!("a list of 1 to {ENTRIES_MAX}, such as {example}");
    let read = |given: Given<'_>| {
        let texts = given.texts()?;
        let count = (1..=ENTRIES_MAX).contains(&texts.len());
        count.then(|| texts.into_iter().map(&read).collect())?
    };
    table.parsed(key, allowed, read).unwrap_or_default()
}

fn read_choices(table: &Table<'_>) -> Vec<Choice> {
    let allowed = format!(
        "1 to {SMSC_MAX} names of [[smsc]], each by itself or as {{ name = \"south\", priority = {} to {}, weight = {} to {} }}",
        PRIORITIES.start(),
        PRIORITIES.end(),
        WEIGHTS.start(),
        WEIGHTS.end()
    );
    table.required("smscs", &allowed);
    let choices = table.parsed("smscs", allowed, |given| {
        let items = given.items()?;
        let count = (1..=SMSC_MAX).contains(&items.len());
        count.then(|| items.into_iter().map(choice).collect())?
    });
    choices.unwrap_or_default()
}

fn choice(given: Given<'_>) -> Option<Choice> {
    let (mut name, mut priority, mut weight) = (given.text(), None, None);
    for (key, given) in given.entries().unwrap_or_default() {
        match key {
            "name" => name = Some(given.text()?),
            "priority" => priority = Some(given.whole().filter(|priority| PRIORITIES.contains(priority))?),
            "weight" => weight = Some(given.whole().filter(|weight| WEIGHTS.contains(weight))?),
            _ => return None,
        }
    }
    Some(Choice {
        name: name?.to_owned(),
        priority: priority.unwrap_or(1) as u8,
        weight: weight.map(|weight| weight as u8),
    })
}

/// Each is there once, and takes submissions; those of one priority have weights, or have none.
fn check_choices(table: &Table<'_>, choices: &[Choice], smscs: &[Arc<Smsc>]) {
    let half = choices.iter().find(|choice| {
        let mut same = choices.iter().filter(|other| other.priority == choice.priority);
        choice.weight.is_some() && (same.clone().count() == 1 || same.any(|other| other.weight.is_none()))
    });
    if let Some(choice) = half {
        let Choice { name, priority, .. } = choice;
        table.fault(
            "smscs",
            format!(
                "\"{name}\" has a weight, and priority {priority} has no others that have one: all of them, or none"
            ),
        );
    }
    let mut seen = BTreeSet::new();
    for Choice { name, .. } in choices {
        let problem = match of_name(smscs, name) {
            None => format!("\"{name}\" is no [[smsc]]"),
            Some(smsc) if smsc.sandbox => {
                format!("\"{name}\" is a sandbox: it takes what sandboxes send, without a route, and nothing else")
            }
            Some(smsc) if !smsc.bind.transmits() => format!("\"{name}\" is bound as a receiver: it takes no messages"),
            Some(_) if !seen.insert(name) => format!("\"{name}\" stands twice"),
            Some(_) => continue,
        };
        table.fault("smscs", problem);
    }
}
