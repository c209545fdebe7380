//! What a reseller's messages cost and brought: in whole millionths of a currency, never rounded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::calendar::{Calendar, Span};
use super::{GROUPS_MAX, History};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{CampaignId, MessageId, ResellerId, TenantId};

/// Rows that make one group: a pair of currencies each, of which there are few.
const ROWS_OF_GROUP: usize = 4;

/// Names of tenants are shown for so many: more than the groups of one answer.
const TENANTS_MAX: usize = GROUPS_MAX;

/// What the messages of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum MarginBy {
    Tenant,
    Smsc,
    Country,
    /// The one whose price it is.
    Prefix,
    Campaign,
    Day,
}

impl MarginBy {
    pub(crate) const CODES: [&str; Self::VARIANTS.len()] = {
        let mut codes = [""; Self::VARIANTS.len()];
        let mut at = 0;
        while at < codes.len() {
            codes[at] = Self::VARIANTS[at].code();
            at += 1;
        }
        codes
    };

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// All words are ours.
    fn column(self, calendar: &Calendar) -> String {
        match self {
            Self::Tenant => "message.tenant".to_owned(),
            Self::Smsc => "message.smsc".to_owned(),
            Self::Country => "message.country".to_owned(),
            Self::Prefix => "message.cost_prefix".to_owned(),
            Self::Campaign => format!("(message.id >> {})", MessageId::CAMPAIGN_SHIFT),
            Self::Day => calendar.number(Span::Day),
        }
    }

    /// As it is shown; `None`: nothing is known.
    fn name(self, text: Option<String>, calendar: &Calendar) -> Option<String> {
        let text = text.filter(|text| !text.is_empty())?;
        let number = || text.parse::<i64>().ok();
        match self {
            Self::Tenant => number().map(|number| TenantId(number as u32).to_string()),
            Self::Campaign => number().map(|number| CampaignId(number.unsigned_abs()).to_string()),
            Self::Day => number().map(|number| calendar.name(Span::Day, number)),
            // The price of all numbers has no prefix.
            Self::Prefix => Some(if text == "0" { String::new() } else { text }),
            Self::Smsc | Self::Country => Some(text),
        }
    }
}

/// Whose margin is asked for, of which time.
pub(crate) struct MarginQuestion {
    pub(crate) reseller: ResellerId,
    /// Milliseconds since 1970: from the first on, before the second.
    pub(crate) range: (i64, i64),
    /// None: one group for all.
    pub(crate) by: Vec<MarginBy>,
    /// By whose clocks days begin.
    pub(crate) zone: TimeZone,
}

/// What segments cost and credits brought, in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) cost: i64,
    pub(crate) value: i64,
}

/// What some messages cost and brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Margin {
    pub(crate) messages: u64,
    /// Segments that SMSCs took.
    pub(crate) segments: u64,
    /// Those of them for which there was no price.
    pub(crate) unpriced_segments: u64,
    /// Credits that were spent and not given back.
    pub(crate) credits: u64,
    /// Those of them for which the tenant has no price.
    pub(crate) unpriced_credits: u64,
    /// By currency.
    pub(crate) money: BTreeMap<String, Money>,
}

impl Margin {
    pub(crate) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.segments += other.segments;
        self.unpriced_segments += other.unpriced_segments;
        self.credits += other.credits;
        self.unpriced_credits += other.unpriced_credits;
        for (currency, money) in &other.money {
            let sum = self.money.entry(currency.clone()).or_default();
            sum.cost += money.cost;
            sum.value += money.value;
        }
    }

    /// What is left: known only when everything has a price, all in one currency.
    pub(crate) fn left(&self) -> Option<i64> {
        let complete = self.unpriced_segments == 0 && self.unpriced_credits == 0 && self.money.len() == 1;
        let money = self.money.values().next().filter(|_| complete)?;
        Some(money.value - money.cost)
    }

    fn note(&mut self, row: &Row) {
        let [messages, segments, unpriced_segments, credits, unpriced_credits] = row.counts;
        self.messages += messages;
        self.segments += segments;
        self.unpriced_segments += unpriced_segments;
        self.credits += credits;
        self.unpriced_credits += unpriced_credits;
        if segments > unpriced_segments {
            self.money.entry(row.cost.1.clone()).or_default().cost += row.cost.0;
        }
        if credits > unpriced_credits {
            self.money.entry(row.value.1.clone()).or_default().value += row.value.0;
        }
    }
}

/// Messages that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MarginGroup {
    /// What, in the order of [`MarginQuestion::by`]; `None`: nothing is known, or there is none.
    pub(crate) keys: Vec<Option<String>>,
    /// What its tenant is called, when they are put together by tenant.
    pub(crate) tenant_name: Option<String>,
    pub(crate) margin: Margin,
}

struct Row {
    keys: Vec<Option<String>>,
    /// With their currencies.
    cost: (i64, String),
    value: (i64, String),
    counts: [u64; 5],
}

impl History {
    /// What a reseller's messages cost and brought, in the order of their keys; `None`: there are more than [`GROUPS_MAX`] groups.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn margins(&self, question: &MarginQuestion) -> Result<Option<Vec<MarginGroup>>, DatabaseError> {
        let calendar = Calendar::new(&question.zone, question.range);
        let database = &self.0.deps.database;
        let query = statement(question, &calendar);
        let rows = database.rows(query, |row| read(row, question.by.len())).await?;
        if rows.len() > GROUPS_MAX * ROWS_OF_GROUP {
            return Ok(None);
        }
        let mut groups: BTreeMap<Vec<Option<String>>, Margin> = BTreeMap::new();
        for row in rows {
            groups.entry(row.keys.clone()).or_default().note(&row);
        }
        if groups.len() > GROUPS_MAX {
            return Ok(None);
        }
        let names = match question.by.iter().position(|by| *by == MarginBy::Tenant) {
            Some(at) => Some((at, self.names_of(question.reseller).await?)),
            None => None,
        };
        let group = |(raw, margin): (Vec<Option<String>>, Margin)| {
            let named = names
                .as_ref()
                .and_then(|(at, names)| names.get(raw.get(*at)?.as_ref()?));
            MarginGroup {
                tenant_name: named.cloned(),
                keys: question
                    .by
                    .iter()
                    .zip(raw)
                    .map(|(by, key)| by.name(key, &calendar))
                    .collect(),
                margin,
            }
        };
        Ok(Some(groups.into_iter().map(group).collect()))
    }

    /// What its tenants are called, by their numbers.
    async fn names_of(&self, reseller: ResellerId) -> Result<BTreeMap<String, String>, DatabaseError> {
        let mut all = Sql::new("SELECT CAST(id AS TEXT), settings FROM tenant WHERE reseller = ");
        all.value(i64::from(reseller.0));
        all.push(" AND id < ").value(i64::from(TenantId(0).sandbox().0));
        all.push(" ORDER BY id LIMIT ").value(TENANTS_MAX as i64);
        let one = |row: &Found<'_>| {
            let settings: serde_json::Value = serde_json::from_str(&row.text(1)?).unwrap_or_default();
            Ok((row.text(0)?, settings["name"].as_str().unwrap_or_default().to_owned()))
        };
        Ok(self.0.deps.database.rows(all, one).await?.into_iter().collect())
    }
}

fn statement(question: &MarginQuestion, calendar: &Calendar) -> Sql {
    let keys: Vec<String> = question.by.iter().map(|by| by.column(calendar)).collect();
    let mut query = Sql::new("SELECT ");
    for key in &keys {
        query.push(&format!("CAST({key} AS TEXT), "));
    }
    // A message that was given back brings nothing, and cost what it cost.
    let sold = "CASE WHEN message.status = 'recredited' THEN 0 ELSE message.spent END";
    query.push("message.cost_currency, COALESCE(price.currency, '')");
    for sum in [
        "COALESCE(message.cost, 0)".to_owned(),
        format!("({sold}) * COALESCE(price.per_credit, 0)"),
        "1".to_owned(),
        "message.bought".to_owned(),
        "CASE WHEN message.cost IS NULL THEN message.bought ELSE 0 END".to_owned(),
        sold.to_owned(),
        format!("CASE WHEN price.per_credit IS NULL THEN {sold} ELSE 0 END"),
    ] {
        query.push(&format!(", CAST(SUM({sum}) AS BIGINT)"));
    }
    query.push(" FROM tenant JOIN message ON message.tenant = tenant.id LEFT JOIN (SELECT tenant, since, per_credit, currency, ");
    query.push("LEAD(since) OVER (PARTITION BY tenant ORDER BY since) AS ended FROM credit_price) AS price ");
    query.push("ON price.tenant = message.tenant AND price.since <= message.at AND (price.ended IS NULL OR message.at < price.ended) ");
    query
        .push("WHERE tenant.reseller = ")
        .value(i64::from(question.reseller.0));
    // A sandbox costs and brings nothing.
    query
        .push(" AND tenant.id < ")
        .value(i64::from(TenantId(0).sandbox().0));
    let (since, until) = question.range;
    query.push(" AND message.at >= ").value(since);
    query.push(" AND message.at < ").value(until);
    query.push(" AND (message.bought > 0 OR message.spent > 0) GROUP BY ");
    for key in &keys {
        query.push(&format!("{key}, "));
    }
    query.push("message.cost_currency, COALESCE(price.currency, '') LIMIT ");
    query.value((GROUPS_MAX * ROWS_OF_GROUP + 1) as i64);
    query
}

fn read(row: &Found<'_>, keys: usize) -> Result<Row, DatabaseError> {
    let found: Result<Vec<_>, DatabaseError> = (0..keys).map(|at| row.text_if_any(at)).collect();
    let count = |at: usize| Ok::<_, DatabaseError>(row.number(keys + 4 + at)?.unsigned_abs());
    Ok(Row {
        keys: found?,
        cost: (row.number(keys + 2)?, row.text(keys)?),
        value: (row.number(keys + 3)?, row.text(keys + 1)?),
        counts: [count(0)?, count(1)?, count(2)?, count(3)?, count(4)?],
    })
}

/// The currencies of some margins.
pub(crate) fn currencies<'a>(margins: impl IntoIterator<Item = &'a Margin>) -> BTreeSet<String> {
    margins
        .into_iter()
        .flat_map(|margin| margin.money.keys().cloned())
        .collect()
}
