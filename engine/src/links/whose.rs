//! Whose clicks they are: history says for whom a message was, a moment after it was taken, and the click waits for it in SQL.

use std::time::Duration;

use super::Links;
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{MessageId, Recipient, TenantId, UnixMicros};
use crate::engagement::{self, Engagement, Seen};

/// For how long a click waits whose message is not in history. History is never as far behind: Redis has no room for that.
const WAITS: Duration = Duration::from_secs(7 * 86_400);

/// Clicks that are noted in one change.
const AT_ONCE: usize = 500;

/// A click, and for whom its message was.
struct Known {
    message: MessageId,
    at: UnixMicros,
    tenant: TenantId,
    /// 0: somebody whom nobody is to know any more.
    number: Recipient,
}

impl Links {
    /// Notes of people that they have followed a link. The later time stays, so that nothing is wrong when it is noted twice.
    pub(super) async fn note_whose(&self) -> Result<(), DatabaseError> {
        loop {
            let known = self.known().await?;
            if !known.is_empty() {
                self.note(&known).await?;
            }
            if known.len() < AT_ONCE {
                return Ok(());
            }
        }
    }

    async fn known(&self) -> Result<Vec<Known>, DatabaseError> {
        let mut query = Sql::new(
            "SELECT click_of_somebody.message, click_of_somebody.at, message.tenant, message.recipient FROM click_of_somebody \
             JOIN message ON message.id = click_of_somebody.message ORDER BY click_of_somebody.message LIMIT ",
        );
        query.value(AT_ONCE as i64);
        let read = |row: &Found<'_>| {
            Ok(Known {
                message: MessageId(row.number(0)?.cast_unsigned()),
                at: UnixMicros(row.number(1)?.cast_unsigned()),
                tenant: TenantId(row.number(2)? as u32),
                number: Recipient(row.number(3)?.cast_unsigned()),
            })
        };
        self.0.database.rows(query, read).await
    }

    async fn note(&self, known: &[Known]) -> Result<(), DatabaseError> {
        let people = known.iter().filter(|click| click.number != Recipient(0));
        let seen: Vec<Seen> = people
            .map(|click| Seen {
                tenant: click.tenant,
                number: click.number,
                what: Engagement {
                    clicked_at: click.at,
                    ..Engagement::default()
                },
            })
            .collect();
        let mut change = self.0.database.change().await?;
        engagement::add(&mut change, &seen).await?;
        // Who has followed it again meanwhile is noted again.
        let mut done = Sql::new("DELETE FROM click_of_somebody WHERE ");
        for (at, click) in known.iter().enumerate() {
            done.push(if at == 0 { "(message = " } else { " OR (message = " });
            done.value(click.message.0.cast_signed()).push(" AND at = ");
            done.value(click.at.0.cast_signed()).push(")");
        }
        change.run(done).await?;
        change.commit().await
    }
}

/// Forgets clicks whose message history does not have any more.
pub(super) fn forget_old(now: UnixMicros) -> Sql {
    let mut forget = Sql::new("DELETE FROM click_of_somebody WHERE at < ");
    forget.value(now.minus(WAITS).0.cast_signed());
    forget.push(" AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = click_of_somebody.message)");
    forget
}
