//! Who followed a link: gathered for a second, and written down in one change. A row a message, so that there are never more than there are
//! messages.

use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::early::{Click, Early};
use super::{Links, own};
use crate::database::{DatabaseError, Sql};
use crate::domain::{CampaignId, MessageId, Recipient, TenantId, UnixMicros};

/// Clicks that may wait to be gathered, and messages of which some are: a few MB. Beyond, while SQL is away, they are not counted.
pub(super) const WAITING_MAX: usize = 20_000;

/// How long they are gathered.
const GATHERED_FOR: Duration = Duration::from_secs(1);

/// Rows of one statement.
const ROWS: usize = 100;

/// What is known of a message's link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clicks {
    /// 0: no person has followed it.
    pub(crate) first_at: UnixMicros,
    pub(crate) last_at: UnixMicros,
    pub(crate) clicks: u64,
    pub(crate) previews: u64,
}

/// How often the links of a campaign were followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClickFigures {
    pub(crate) clicks: u64,
    /// Of how many messages.
    pub(crate) people: u64,
    pub(crate) previews: u64,
}

impl Clicks {
    fn add(&mut self, click: Click) {
        if click.is_preview {
            self.previews += 1;
            return;
        }
        self.clicks += 1;
        self.last_at = self.last_at.max(click.at);
        if self.first_at == UnixMicros::default() || click.at < self.first_at {
            self.first_at = click.at;
        }
    }
}

impl Links {
    /// What waits when `stop` comes is written down before this returns.
    pub(super) async fn gather(&self, mut clicks: mpsc::Receiver<Click>, stop: CancellationToken) {
        let mut gathered: FxHashMap<MessageId, Clicks> = FxHashMap::default();
        let (mut early, mut failed) = (Early::new(self.0.preview_within), false);
        loop {
            let pause = tokio::time::sleep(GATHERED_FOR);
            let stopped = stop.run_until_cancelled(pause).await.is_none();
            while gathered.len() + early.len() < WAITING_MAX
                && let Ok(click) = clicks.try_recv()
            {
                if !early.holds(click) {
                    self.add(click, &mut gathered);
                }
            }
            let written = async {
                for click in early.told(&self.0.database, (self.0.clock.unix(), stopped)).await? {
                    self.add(click, &mut gathered);
                }
                self.write_down(&gathered).await?;
                gathered.clear();
                self.note_whose().await
            };
            match written.await {
                Ok(()) => failed = false,
                Err(error) if !failed => {
                    tracing::warn!(%error, "clicks cannot be written down; it is tried again");
                    failed = true;
                }
                Err(_) => {}
            }
            if stopped {
                return;
            }
        }
    }

    /// It is known by whom: a person, or a program.
    fn add(&self, click: Click, gathered: &mut FxHashMap<MessageId, Clicks>) {
        let by = if click.is_preview { "program" } else { "person" };
        self.0.metrics.link_clicks_total.with_label_values(&[by]).inc();
        gathered.entry(click.message).or_default().add(click);
    }

    async fn write_down(&self, gathered: &FxHashMap<MessageId, Clicks>) -> Result<(), DatabaseError> {
        if gathered.is_empty() {
            return Ok(());
        }
        let mut all: Vec<(MessageId, Clicks)> = gathered.iter().map(|(id, clicks)| (*id, *clicks)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        let mut change = self.0.database.change().await?;
        for some in all.chunks(ROWS) {
            change.run(statement(some)).await?;
            let of_people: Vec<(MessageId, Clicks)> =
                some.iter().filter(|(_, clicks)| clicks.clicks > 0).copied().collect();
            if !of_people.is_empty() {
                change.run(first_clicks(&of_people)).await?;
                change.run(of_somebody(&of_people)).await?;
            }
        }
        change.commit().await
    }

    /// How often the links of a campaign were followed; `None`: it has none.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn figures(&self, campaign: CampaignId) -> Result<Option<ClickFigures>, DatabaseError> {
        let mut query = Sql::new(
            "SELECT CAST(COALESCE(SUM(click.clicks), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN click.clicks > 0 THEN 1 ELSE 0 END), 0) AS BIGINT), \
             CAST(COALESCE(SUM(click.previews), 0) AS BIGINT) FROM short_link LEFT JOIN click ON click.campaign = short_link.campaign \
             WHERE short_link.campaign = ",
        );
        query
            .value(campaign.0.cast_signed())
            .push(" GROUP BY short_link.campaign");
        let figures = self.0.database.row(query, |row| {
            Ok(ClickFigures {
                clicks: row.number(0)?.cast_unsigned(),
                people: row.number(1)?.cast_unsigned(),
                previews: row.number(2)?.cast_unsigned(),
            })
        });
        figures.await
    }

    /// The links that somebody followed who has that number, by what history knows of it.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn clicks_of(
        &self,
        tenant: TenantId,
        number: Recipient,
    ) -> Result<Vec<(MessageId, Clicks)>, DatabaseError> {
        let mut query = Sql::new(
            "SELECT click.message, click.first_at, click.last_at, click.clicks, click.previews FROM click \
             JOIN message ON message.id = click.message WHERE message.tenant = ",
        );
        query
            .value(tenant.0)
            .push(" AND message.recipient = ")
            .value(number.0.cast_signed())
            .push(" ORDER BY click.message");
        let read = |row: &crate::database::Found<'_>| {
            let clicks = Clicks {
                first_at: UnixMicros(row.number(1)?.cast_unsigned()),
                last_at: UnixMicros(row.number(2)?.cast_unsigned()),
                clicks: row.number(3)?.cast_unsigned(),
                previews: row.number(4)?.cast_unsigned(),
            };
            Ok((MessageId(row.number(0)?.cast_unsigned()), clicks))
        };
        self.0.database.rows(query, read).await
    }

    /// Forgets these, and the links of that person's own, while history still knows which they are.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn forget_clicks_of(&self, tenant: TenantId, number: Recipient) -> Result<(), DatabaseError> {
        let mut forget = Sql::new("DELETE FROM click WHERE message IN (SELECT id FROM message WHERE tenant = ");
        forget
            .value(tenant.0)
            .push(" AND recipient = ")
            .value(number.0.cast_signed())
            .push(")");
        let mut untold = Sql::new("DELETE FROM click_news WHERE message IN (SELECT id FROM message WHERE tenant = ");
        untold
            .value(tenant.0)
            .push(" AND recipient = ")
            .value(number.0.cast_signed())
            .push(")");
        let mut change = self.0.database.change_of(tenant).await?;
        change.run(untold).await?;
        change.run(forget).await?;
        change.run(own::forget_of((tenant, number))).await?;
        change.commit().await
    }
}

fn statement(some: &[(MessageId, Clicks)]) -> Sql {
    let mut put = Sql::new("INSERT INTO click (message, campaign, first_at, last_at, clicks, previews) VALUES ");
    for (at, (message, clicks)) in some.iter().enumerate() {
        put.push(if at == 0 { "(" } else { ", (" });
        let values = [
            message.0,
            message.campaign().0,
            clicks.first_at.0,
            clicks.last_at.0,
            clicks.clicks,
            clicks.previews,
        ];
        put.list(values.map(u64::cast_signed)).push(")");
    }
    put.push(" ON CONFLICT (message) DO UPDATE SET clicks = click.clicks + excluded.clicks, ");
    put.push("previews = click.previews + excluded.previews, ");
    put.push("first_at = CASE WHEN click.first_at = 0 THEN excluded.first_at ELSE click.first_at END, ");
    put.push("last_at = CASE WHEN excluded.last_at > click.last_at THEN excluded.last_at ELSE click.last_at END");
    put
}

/// Keeps for webhooks whose link a person has followed for the first time: of whom all clicks are those that were just added.
fn first_clicks(some: &[(MessageId, Clicks)]) -> Sql {
    let mut put = Sql::new(
        "INSERT INTO click_news (message, tenant, at) SELECT click.message, COALESCE(short_link.tenant, own_link.tenant), click.first_at ",
    );
    put.push("FROM click LEFT JOIN short_link ON short_link.campaign = click.campaign LEFT JOIN own_link ON own_link.message = click.message ");
    put.push("WHERE COALESCE(short_link.tenant, own_link.tenant) IS NOT NULL AND (");
    for (at, (message, clicks)) in some.iter().enumerate() {
        put.push(if at == 0 {
            "(click.message = "
        } else {
            " OR (click.message = "
        });
        put.value(message.0.cast_signed()).push(" AND click.clicks = ");
        put.value(clicks.clicks.cast_signed()).push(")");
    }
    put.push(") ON CONFLICT (message) DO NOTHING");
    put
}

/// Keeps that it is to be noted whose clicks they are.
fn of_somebody(some: &[(MessageId, Clicks)]) -> Sql {
    let mut put = Sql::new("INSERT INTO click_of_somebody (message, at) VALUES ");
    for (at, (message, clicks)) in some.iter().enumerate() {
        put.push(if at == 0 { "(" } else { ", (" });
        put.list([message.0, clicks.last_at.0].map(u64::cast_signed)).push(")");
    }
    put.push(
        " ON CONFLICT (message) DO UPDATE SET at = CASE WHEN excluded.at > click_of_somebody.at THEN excluded.at ",
    );
    put.push("ELSE click_of_somebody.at END");
    put
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_a_first_and_a_last_click_and_previews_are_counted() {
        let click = |at, is_preview| Click {
            message: MessageId(1),
            at: UnixMicros(at),
            is_preview,
        };
        let mut clicks = Clicks::default();
        clicks.add(click(1, true));
        assert_eq!((clicks.first_at, clicks.previews), (UnixMicros(0), 1));
        for at in [7, 5, 9] {
            clicks.add(click(at, false));
        }
        let wanted = Clicks {
            first_at: UnixMicros(5),
            last_at: UnixMicros(9),
            clicks: 3,
            previews: 1,
        };
        assert_eq!(clicks, wanted);
    }
}
