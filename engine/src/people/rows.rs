//! The rows of the table `contact`.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::contact::{Contact, Details, Unreachable};
use crate::compose::{fold, fold_value};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{CampaignId, ContactId, Recipient, TenantId, UnixMicros};

/// The columns, in the order in which [`read`] reads them.
pub(super) const COLUMNS: &str = "contact.id, contact.reference, contact.number, contact.first_name, contact.last_name, \
     contact.kind, contact.birth_date, contact.last_visit, contact.practices, contact.tags, contact.attributes, \
     contact.consent_at, contact.created_at, contact.updated_at, contact.identity, \
     contact.unreachable_at, contact.unreachable_for, contact.unreachable_campaign, contact.withdrawn_at";

/// The place of `identity` in these.
pub(super) const IDENTITY: usize = 14;

/// The place behind these.
pub(super) const SOURCES: usize = 19;

const WRITTEN: &str = "id, tenant, identity, reference, number, first_name, last_name, first_folded, last_folded, kind, \
     birth_date, last_visit, practices, tags, attributes, practices_folded, tags_folded, attributes_folded, created_at, \
     updated_at, sources";

/// Those that change; who is known keeps number, tenant and the day on which they came.
const CHANGED: [&str; 17] = [
    "identity",
    "reference",
    "number",
    "first_name",
    "last_name",
    "first_folded",
    "last_folded",
    "kind",
    "birth_date",
    "last_visit",
    "practices",
    "tags",
    "attributes",
    "practices_folded",
    "tags_folded",
    "attributes_folded",
    "sources",
];

/// What is known of the number by itself, and what is known of another that comes in its place.
const OF_THE_NUMBER: [(&str, &str); 5] = [
    ("unreachable_at", "NULL"),
    ("unreachable_for", "NULL"),
    ("unreachable_campaign", "NULL"),
    ("reachable_since", "excluded.updated_at"),
    ("soft_failures", "0"),
];

/// Rows that fit one statement.
pub(super) const ROWS_MAX: usize = 1_000;

pub(super) fn read(row: &Found<'_>) -> Result<Contact, DatabaseError> {
    let id = row.number(0)?;
    let number = row.number_if_any(2)?;
    Ok(Contact {
        id: ContactId(id.cast_unsigned()),
        details: Details {
            reference: row.text_if_any(1)?,
            number: number.map(|number| Recipient(number.cast_unsigned())),
            first_name: row.text(3)?,
            last_name: row.text(4)?,
            kind: row.parsed(5, "the kind of a contact", |code| code.parse().ok())?,
            birth_date: date(row, 6)?,
            last_visit: date(row, 7)?,
            practices: row.parsed(8, "the practices of a contact", |json| serde_json::from_str(json).ok())?,
            tags: row.parsed(9, "the tags of a contact", |json| serde_json::from_str(json).ok())?,
            attributes: row.parsed(10, "the attributes of a contact", |json| {
                serde_json::from_str(json).ok()
            })?,
        },
        consent_at: row.number_if_any(11)?.map(time),
        withdrawn_at: row.number_if_any(IDENTITY + 4)?.map(time),
        unreachable: unreachable(row)?,
        created_at: time(row.number(12)?),
        updated_at: time(row.number(13)?),
    })
}

fn unreachable(row: &Found<'_>) -> Result<Option<Unreachable>, DatabaseError> {
    let Some(at) = row.number_if_any(IDENTITY + 1)? else {
        return Ok(None);
    };
    Ok(Some(Unreachable {
        at: time(at),
        how: row.parsed(IDENTITY + 2, "how a contact cannot be reached", |code| {
            code.parse().ok()
        })?,
        campaign: CampaignId(row.number(IDENTITY + 3)?.cast_unsigned()),
    }))
}

pub(super) fn time(value: i64) -> UnixMicros {
    UnixMicros(value.cast_unsigned())
}

fn date(row: &Found<'_>, column: usize) -> Result<Option<Date>, DatabaseError> {
    let text = row.text_if_any(column)?;
    let date = text.map(|text| text.parse()).transpose();
    date.map_err(|_| DatabaseError::Corrupt("a date of a contact"))
}

/// Puts these in place of what is known of them; at most [`ROWS_MAX`], each with its identity.
pub(super) fn write(tenant: TenantId, contacts: &[(&Contact, &str, String)]) -> Sql {
    let mut sql = Sql::new("INSERT INTO contact (");
    sql.push(WRITTEN).push(") VALUES ");
    for (at, (contact, identity, sources)) in contacts.iter().enumerate() {
        sql.push(if at > 0 { ", (" } else { "(" });
        values(tenant, (contact, identity), &mut sql);
        sql.push(", ").value(sources.as_str());
        sql.push(")");
    }
    sql.push(" ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at");
    for column in CHANGED {
        sql.push(", ").push(column).push(" = excluded.").push(column);
    }
    // What was seen of a number is nothing against another.
    for (column, of_another) in OF_THE_NUMBER {
        sql.push(", ").push(column).push(" = CASE WHEN ");
        sql.push("COALESCE(contact.number, 0) = COALESCE(excluded.number, 0) THEN contact.");
        sql.push(column).push(" ELSE ").push(of_another).push(" END");
    }
    sql
}

fn values(tenant: TenantId, (contact, identity): (&Contact, &str), sql: &mut Sql) {
    let details = &contact.details;
    let day = |date: Option<Date>| date.map(|date| date.to_string());
    let number = details.number.map(|number| number.0.cast_signed());
    sql.value(contact.id.0.cast_signed()).push(", ").value(tenant.0);
    sql.push(", ").value(identity);
    sql.push(", ").value(details.reference.clone());
    sql.push(", ").value(number);
    for text in [
        details.first_name.as_str(),
        &details.last_name,
        &fold(&details.first_name),
        &fold(&details.last_name),
        details.kind.code(),
    ] {
        sql.push(", ").value(text);
    }
    sql.push(", ").value(day(details.birth_date));
    sql.push(", ").value(day(details.last_visit));
    for text in [
        serde_json::Value::from(details.practices.clone()).to_string(),
        serde_json::Value::from(details.tags.clone()).to_string(),
        json(&details.attributes),
        barred(&details.practices),
        barred(&details.tags),
        attributes_folded(&details.attributes),
    ] {
        sql.push(", ").value(text);
    }
    sql.push(", ").value(contact.created_at.0.cast_signed());
    sql.push(", ").value(contact.updated_at.0.cast_signed());
}

/// Attributes as a filter looks for them.
pub(super) fn attributes_folded(attributes: &BTreeMap<String, String>) -> String {
    let folded = attributes.iter().map(|(name, value)| (fold(name), fold_value(value)));
    json(&folded.collect())
}

fn json(attributes: &BTreeMap<String, String>) -> String {
    let object: serde_json::Map<String, serde_json::Value> = attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    serde_json::Value::Object(object).to_string()
}

/// Texts as a filter looks for them: between bars.
fn barred(texts: &[String]) -> String {
    let folded = texts.iter().map(|text| fold(text) + "|");
    std::iter::once("|".to_owned()).chain(folded).collect()
}
