//! What came of messages to a number, and of that number: delivered, followed, answered. Statements, which those run who see it, in the
//! change that keeps how far they have read: nothing is counted twice.

use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{Recipient, TenantId, UnixMicros};

/// Rows of one statement.
const ROWS: usize = 500;

/// What is known of a number. A time that is 0 is that of nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Engagement {
    pub(crate) delivered_count: u64,
    pub(crate) last_delivered_at: UnixMicros,
    /// When a short link was last followed.
    pub(crate) clicked_at: UnixMicros,
    /// When something was last written back that is no STOP.
    pub(crate) replied_at: UnixMicros,
}

/// What is new of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) tenant: TenantId,
    pub(crate) number: Recipient,
    /// What was delivered is added, and the later time stays.
    pub(crate) what: Engagement,
}

/// Adds what is new.
///
/// # Errors
/// The database's.
pub(crate) async fn add(change: &mut Change, all: &[Seen]) -> Result<(), DatabaseError> {
    for some in gathered(all).chunks(ROWS) {
        change.run(statement(some)).await?;
    }
    Ok(())
}

/// Each number once, in the order of the table: so two that write never wait for each other in a circle.
fn gathered(all: &[Seen]) -> Vec<Seen> {
    let mut sorted = all.to_vec();
    sorted.sort_unstable_by_key(|seen| (seen.tenant, seen.number));
    sorted.dedup_by(|later, kept| {
        let same = (later.tenant, later.number) == (kept.tenant, kept.number);
        if same {
            kept.what = kept.what.and(later.what);
        }
        same
    });
    sorted
}

impl Engagement {
    fn and(self, other: Self) -> Self {
        Self {
            delivered_count: self.delivered_count + other.delivered_count,
            last_delivered_at: self.last_delivered_at.max(other.last_delivered_at),
            clicked_at: self.clicked_at.max(other.clicked_at),
            replied_at: self.replied_at.max(other.replied_at),
        }
    }

    const fn numbers(self) -> [u64; 4] {
        [
            self.delivered_count,
            self.last_delivered_at.0,
            self.clicked_at.0,
            self.replied_at.0,
        ]
    }
}

fn statement(some: &[Seen]) -> Sql {
    let mut put = Sql::new("INSERT INTO engagement ");
    put.push("(tenant, number, delivered_count, last_delivered_at, clicked_at, replied_at) VALUES ");
    for (at, seen) in some.iter().enumerate() {
        put.push(if at == 0 { "(" } else { ", (" });
        put.value(seen.tenant.0).push(", ").value(seen.number.0.cast_signed());
        put.push(", ").list(seen.what.numbers().map(u64::cast_signed)).push(")");
    }
    put.push(" ON CONFLICT (tenant, number) DO UPDATE SET ");
    put.push("delivered_count = engagement.delivered_count + excluded.delivered_count");
    for column in ["last_delivered_at", "clicked_at", "replied_at"] {
        put.push(&format!(
            ", {column} = CASE WHEN excluded.{column} > engagement.{column} THEN excluded.{column} ELSE engagement.{column} END"
        ));
    }
    put
}

/// What is known of some numbers, of which nothing is known of some.
///
/// # Errors
/// The database's.
pub(crate) async fn of_numbers(
    database: &Database,
    tenant: TenantId,
    numbers: &[Recipient],
) -> Result<Vec<(Recipient, Engagement)>, DatabaseError> {
    let mut known = Vec::new();
    for some in numbers.chunks(ROWS) {
        let mut query = Sql::new(
            "SELECT number, delivered_count, last_delivered_at, clicked_at, replied_at FROM engagement WHERE tenant = ",
        );
        query.value(tenant.0).push(" AND number IN (");
        query.list(some.iter().map(|number| number.0.cast_signed())).push(")");
        known.extend(database.rows(query, read).await?);
    }
    Ok(known)
}

fn read(row: &Found<'_>) -> Result<(Recipient, Engagement), DatabaseError> {
    let time = |column| row.number(column).map(|at| UnixMicros(at.cast_unsigned()));
    let engagement = Engagement {
        delivered_count: row.number(1)?.cast_unsigned(),
        last_delivered_at: time(2)?,
        clicked_at: time(3)?,
        replied_at: time(4)?,
    };
    Ok((Recipient(row.number(0)?.cast_unsigned()), engagement))
}

/// Forgets what is known of a number.
///
/// # Errors
/// The database's.
pub(crate) async fn forget(change: &mut Change, tenant: TenantId, number: Recipient) -> Result<(), DatabaseError> {
    let mut forget = Sql::new("DELETE FROM engagement WHERE tenant = ");
    forget
        .value(tenant.0)
        .push(" AND number = ")
        .value(number.0.cast_signed());
    change.run(forget).await.map(drop)
}

/// Forgets numbers of which nothing was seen since a time, and who are nobody's contacts.
pub(crate) fn forget_old(before: UnixMicros) -> Sql {
    let mut forget = Sql::new("DELETE FROM engagement WHERE ");
    for (at, column) in ["last_delivered_at", "clicked_at", "replied_at"]
        .into_iter()
        .enumerate()
    {
        forget.push(if at == 0 { "" } else { " AND " }).push(column).push(" < ");
        forget.value(before.0.cast_signed());
    }
    forget.push(" AND NOT EXISTS (SELECT 1 FROM contact WHERE contact.tenant = engagement.tenant AND contact.number = engagement.number)");
    forget
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_of_a_number_is_one_row_and_the_later_time_stays() {
        let seen = |number, delivered_count, at, clicked_at| Seen {
            tenant: TenantId(1),
            number: Recipient(number),
            what: Engagement {
                delivered_count,
                last_delivered_at: UnixMicros(at),
                clicked_at: UnixMicros(clicked_at),
                ..Engagement::default()
            },
        };
        let all = gathered(&[
            seen(7, 1, 90, 0),
            seen(5, 1, 10, 0),
            seen(7, 1, 80, 3),
            seen(7, 0, 0, 2),
        ]);
        assert_eq!(all, [seen(5, 1, 10, 0), seen(7, 2, 90, 3)]);
    }
}
