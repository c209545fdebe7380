//! Short links of the recipients' own: which page one leads to, by SQL alone, so that they lead there also when Redis is away or has
//! forgotten their campaign.
//!
//! The token of a link of a campaign is its message's id, encrypted (`encryption::link`): a campaign has one row, whatever its audience.
//! Links of messages by themselves have a row each (`own`).

mod clicks;
mod early;
mod own;
mod previews;
mod whose;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::database::{Database, DatabaseError, Found, Sql};
use crate::domain::{CampaignId, MessageId, TenantId, UnixMicros};
use crate::encryption::LinkOf;
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use clicks::WAITING_MAX;
pub(crate) use clicks::{ClickFigures, Clicks};
use early::Click;
pub(crate) use own::OwnLink;

/// For how long links of a campaign that says nothing else lead somewhere, from its launch on.
const USUAL: Duration = Duration::from_secs(90 * 86_400);

/// For how long it is said of a link that it has expired; who follows it later is told that there is none.
const KEPT: Duration = Duration::from_secs(400 * 86_400);

/// For how long a first click waits to be told where nobody is to be told of anything.
const UNTOLD: Duration = Duration::from_secs(86_400);

/// How often rows of what expired long ago are looked for.
const TIDY_EVERY: Duration = Duration::from_secs(3_600);

/// Where links of a campaign lead.
pub(crate) struct ShortLinks<'a> {
    pub(crate) of: (TenantId, CampaignId),
    /// How often it was edited by then.
    pub(crate) edits: u64,
    pub(crate) domain: &'a str,
    pub(crate) url: &'a str,
    /// `None`: [`USUAL`].
    pub(crate) expires_at: Option<UnixMicros>,
}

/// What a link is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// It leads there.
    To(String),
    /// It led somewhere.
    Expired,
    /// It is none of ours, or of another domain.
    Unknown,
}

/// Where a link leads, and whose it is; not yet, before its message is queued.
struct Leads {
    url: String,
    expires_at: UnixMicros,
    message: Option<MessageId>,
}

/// The short links of all tenants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Links(Arc<Shared>);

struct Shared {
    database: Database,
    mirror: Mirror,
    clock: Clock,
    metrics: Metrics,
    /// What was followed, to whoever writes it down.
    clicks: mpsc::Sender<Click>,
    /// Who follows a link so soon after its message has come is a program; 0: nobody is for that.
    preview_within: Duration,
    gathered: Mutex<Option<mpsc::Receiver<Click>>>,
}

/// Who asks for a link, as far as that tells people from programs.
pub(crate) struct Visitor<'a> {
    pub(crate) agent: &'a str,
    /// Nothing but a head is asked for.
    pub(crate) is_head: bool,
}

impl Links {
    pub(crate) fn new(
        (database, mirror): (Database, Mirror),
        (clock, metrics): (Clock, &Metrics),
        preview_within: Duration,
    ) -> Self {
        let (clicks, gathered) = mpsc::channel(WAITING_MAX);
        Self(Arc::new(Shared {
            database,
            mirror,
            clock,
            metrics: metrics.clone(),
            clicks,
            preview_within,
            gathered: Mutex::new(Some(gathered)),
        }))
    }

    /// Before a campaign is launched: its links lead there from now on.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn keep(&self, links: ShortLinks<'_>) -> Result<(), DatabaseError> {
        let expires_at = links.expires_at.unwrap_or_else(|| self.0.clock.unix().plus(USUAL));
        let (tenant, campaign) = links.of;
        let mut keep = Sql::new("INSERT INTO short_link (campaign, tenant, domain, url, expires_at, edits) VALUES (");
        keep.value(campaign.0.cast_signed())
            .push(", ")
            .value(tenant.0)
            .push(", ")
            .value(links.domain)
            .push(", ")
            .value(links.url)
            .push(", ")
            .value(expires_at.0.cast_signed())
            .push(", ")
            .value(links.edits.cast_signed())
            .push(") ON CONFLICT (campaign) DO UPDATE SET domain = excluded.domain, url = excluded.url, ")
            // A launch that read it before an edit may come late with what it said then.
            .push("expires_at = excluded.expires_at, edits = excluded.edits WHERE short_link.edits <= excluded.edits");
        let mut change = self.0.database.change().await?;
        change.run(keep).await?;
        change.commit().await
    }

    /// Where the link with that token leads, asked under that domain. That it was followed is written down within a second.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn follow(
        &self,
        (domain, token): (&str, &str),
        visitor: Visitor<'_>,
    ) -> Result<Followed, DatabaseError> {
        let Some(of) = self.0.mirror.link_key().and_then(|key| key.read(token)) else {
            return Ok(Followed::Unknown);
        };
        let found = match of {
            LinkOf::Message(message) => self.of_campaign(message, domain).await?,
            LinkOf::Own(id) => self.own(id, domain).await?,
        };
        Ok(match found {
            Some(link) if self.0.clock.unix() < link.expires_at => {
                // One that is followed before its message is queued is no person's.
                if let Some(message) = link.message {
                    self.clicked(message, visitor);
                }
                Followed::To(link.url)
            }
            Some(_) => Followed::Expired,
            None => Followed::Unknown,
        })
    }

    async fn of_campaign(&self, message: MessageId, domain: &str) -> Result<Option<Leads>, DatabaseError> {
        let mut query = Sql::new("SELECT url, expires_at FROM short_link WHERE campaign = ");
        query
            .value(message.campaign().0.cast_signed())
            .push(" AND domain = ")
            .value(domain);
        let read = |row: &Found<'_>| {
            Ok(Leads {
                url: row.text(0)?,
                expires_at: UnixMicros(row.number(1)?.cast_unsigned()),
                message: Some(message),
            })
        };
        self.0.database.row(query, read).await
    }

    fn clicked(&self, message: MessageId, visitor: Visitor<'_>) {
        let click = Click {
            message,
            at: self.0.clock.unix(),
            is_preview: visitor.is_head || previews::is_preview(visitor.agent),
        };
        if self.0.clicks.try_send(click).is_err() {
            tracing::debug!("a click is not counted: too many wait to be written down");
        }
    }

    /// Writes down what is followed, and forgets what expired long ago, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let gathered = self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner).take();
        let gather = async {
            // Whoever asks second has nothing to do.
            if let Some(gathered) = gathered {
                self.gather(gathered, stop.clone()).await;
            }
        };
        tokio::join!(gather, self.keep_tidy(&stop));
    }

    async fn keep_tidy(&self, stop: &CancellationToken) {
        loop {
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "short links that expired long ago cannot be forgotten; it is tried again");
            }
            let pause = tokio::time::sleep(TIDY_EVERY);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn tidy(&self) -> Result<(), DatabaseError> {
        let before = self.0.clock.unix().minus(KEPT).0.cast_signed();
        let mut clicks =
            Sql::new("DELETE FROM click WHERE campaign IN (SELECT campaign FROM short_link WHERE expires_at < ");
        clicks.value(before).push(")");
        let mut forget = Sql::new("DELETE FROM short_link WHERE expires_at < ");
        forget.value(before);
        let own = own::forget_old(before);
        let mut untold = Sql::new("DELETE FROM click_news WHERE at < ");
        untold.value(self.0.clock.unix().minus(UNTOLD).0.cast_signed());
        let mut change = self.0.database.change().await?;
        change.run(untold).await?;
        change.run(whose::forget_old(self.0.clock.unix())).await?;
        change.run(clicks).await?;
        change.run(forget).await?;
        for forget in own {
            change.run(forget).await?;
        }
        change.commit().await
    }
}
