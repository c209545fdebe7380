//! How people take what they are sent: as filters ask for it, and as it is shown with a contact.

use std::collections::HashMap;

use jiff::ToSpan;

use super::day::begins;
use super::seen::Seen;
use super::{Contact, People};
use crate::database::{DatabaseError, Sql};
use crate::domain::{Recipient, TenantId, UnixMicros};
use crate::engagement::{self, Engagement};

/// The highest score.
pub(crate) const SCORE_MAX: u64 = 3;

/// Days within which an answer or a click makes the score 3, and 2.
const DAYS: [i64; 2] = [90, 365];

/// What is known of a person's number, and what follows from it today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Engaged {
    pub(crate) known: Engagement,
    /// 0: nothing was delivered; 1: something was; 2, 3: they have answered or followed a link within a year, 90 days.
    pub(crate) score: u64,
}

impl People {
    /// How some of a tenant's contacts take what they are sent, in their order.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn engaged(&self, tenant: TenantId, contacts: &[Contact]) -> Result<Vec<Engaged>, DatabaseError> {
        let number = |contact: &Contact| contact.details.number;
        let numbers: Vec<Recipient> = contacts.iter().filter_map(number).collect();
        let known = engagement::of_numbers(&self.database, tenant, &numbers).await?;
        let known: HashMap<Recipient, Engagement> = known.into_iter().collect();
        let since = since(&self.seen(tenant).await?);
        let of = |contact| {
            let known = number(contact).and_then(|number| known.get(&number).copied());
            let known = known.unwrap_or_default();
            Engaged {
                known,
                score: score(known, since),
            }
        };
        Ok(contacts.iter().map(of).collect())
    }

    /// What is known of a number.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn engaged_with(&self, tenant: TenantId, number: Recipient) -> Result<Engaged, DatabaseError> {
        let known = engagement::of_numbers(&self.database, tenant, &[number]).await?;
        let known = known.first().map(|(_, known)| *known).unwrap_or_default();
        Ok(Engaged {
            known,
            score: score(known, since(&self.seen(tenant).await?)),
        })
    }
}

/// From when on an answer counts for each of the scores above 1, the highest first.
fn since(seen: &Seen) -> [i64; 2] {
    DAYS.map(|days| begins(seen.today.saturating_sub(days.days()), &seen.zone))
}

fn score(known: Engagement, since: [i64; 2]) -> u64 {
    let last = known.clicked_at.max(known.replied_at);
    let reached = u64::from(known.delivered_count > 0);
    match since.iter().position(|since| last >= UnixMicros(since.cast_unsigned())) {
        Some(at) => SCORE_MAX - at as u64,
        None => reached,
    }
}

/// The row of the contact's number, of which something follows.
const OF_CONTACT: &str =
    "FROM engagement WHERE engagement.tenant = contact.tenant AND engagement.number = contact.number";

/// A moment is known, and lies from one time on and before another.
pub(super) fn moment(column: &str, bounds: (Option<i64>, Option<i64>), sql: &mut Sql) {
    sql.push("EXISTS (SELECT 1 ").push(OF_CONTACT);
    sql.push(" AND ").push(column).push(" > 0");
    for (word, bound) in [(" >= ", bounds.0), (" < ", bounds.1)] {
        if let Some(bound) = bound {
            sql.push(" AND ").push(column).push(word).value(bound);
        }
    }
    sql.push(")");
}

/// How many were delivered, as a number; 0 of who has no number.
pub(super) fn delivered_count(sql: &mut Sql) {
    sql.push("COALESCE((SELECT engagement.delivered_count ")
        .push(OF_CONTACT)
        .push("), 0)");
}

/// The score of today, as a number.
pub(super) fn score_of(seen: &Seen, sql: &mut Sql) {
    sql.push("COALESCE((SELECT CASE");
    for (score, since) in (0..=SCORE_MAX).rev().zip(since(seen)) {
        sql.push(" WHEN engagement.clicked_at >= ").value(since);
        sql.push(" OR engagement.replied_at >= ").value(since);
        sql.push(&format!(" THEN {score}"));
    }
    sql.push(" WHEN engagement.delivered_count > 0 THEN 1 ELSE 0 END ");
    sql.push(OF_CONTACT).push("), 0)");
}
