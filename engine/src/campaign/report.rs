//! What is asked about campaigns: their view, lists, and their recipients page by page.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::figures::OfVariant;
use super::texts::Texts;
use super::{CampaignFault, Campaigns, Figures, view};
use crate::domain::{CampaignId, Cleanse, Language, MessageId, Partition, TenantId, UnixMicros, UnknownId};
use crate::store::{Campaign, CampaignKind, CampaignState, RecipientRow};

/// The most rows of one page.
pub(crate) const PAGE_MAX: usize = 500;

/// The most campaigns that are looked at for one page.
const LOOKED_MAX: usize = 2_000;

/// Which campaigns are wanted; nothing said: all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) kind: Option<CampaignKind>,
    pub(crate) state: Option<CampaignState>,
    pub(crate) category: Option<&'static str>,
    /// Those of that time or later: when they were launched, else are planned, else were made.
    pub(crate) since: Option<UnixMicros>,
    /// Those before that time.
    pub(crate) until: Option<UnixMicros>,
}

impl Wanted {
    fn is(&self, campaign: &Campaign) -> bool {
        let date = campaign.launched_at.or(campaign.scheduled_at);
        let date = date.unwrap_or(campaign.created_at);
        self.kind.is_none_or(|kind| kind == campaign.kind)
            && self.state.is_none_or(|state| state == campaign.state)
            && self
                .category
                .is_none_or(|category| campaign.category.as_deref() == Some(category))
            && self.since.is_none_or(|since| date >= since)
            && self.until.is_none_or(|until| date < until)
    }
}
/// Rows that are looked at for one page, whatever few of them are meant.
const LOOKED_AT_MAX: usize = 20_000;

/// Rows, and where the next page begins; `None` when there is none.
#[derive(Debug)]
pub(crate) struct Page<T, C> {
    pub(crate) rows: Vec<T>,
    /// Where to go on.
    pub(crate) next: Option<C>,
}

/// Where a page of recipients begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageCursor {
    partition: Partition,
    position: u32,
}

impl PageCursor {
    /// The beginning.
    pub(crate) const START: Self = Self {
        partition: Partition(0),
        position: 0,
    };
}

impl fmt::Display for PageCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.partition.0, self.position)
    }
}

impl FromStr for PageCursor {
    type Err = UnknownId;

    fn from_str(text: &str) -> Result<Self, UnknownId> {
        let (partition, position) = text.split_once('.').ok_or(UnknownId)?;
        let partition = Partition(partition.parse().map_err(|_| UnknownId)?);
        let position = position.parse().map_err(|_| UnknownId)?;
        // No campaign has more, and offsets are counted from it.
        if position > MessageId::positions_max(1) {
            Err(UnknownId)
        } else {
            Ok(Self { partition, position })
        }
    }
}

/// Which recipients are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Which {
    /// Those whose message is there: a word of the API.
    pub(crate) status: Option<String>,
    /// Those whose number could be reached or not, as their message says that has ended.
    pub(crate) cleanse: Option<Cleanse>,
}

impl Which {
    const fn is_all(&self) -> bool {
        self.status.is_none() && self.cleanse.is_none()
    }

    fn means(&self, row: &RecipientRow) -> bool {
        let status = |wanted: &String| view::status(row) == wanted;
        let cleanse = |wanted: Cleanse| row.result.is_some_and(|result| result.cleanse() == wanted);
        self.status.as_ref().is_none_or(status) && self.cleanse.is_none_or(cleanse)
    }
}

impl Campaigns {
    /// A campaign, and the same with its progress as JSON; of one that Redis keeps no more, what it came to.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn view(&self, tenant: TenantId, id: CampaignId) -> Result<(Campaign, Value), CampaignFault> {
        let mut campaign = match self.find(tenant, id).await {
            Err(CampaignFault::NotFound) => {
                let past = self.past((tenant, id)).await?;
                let shown = view::campaign(&past.campaign, &past.counters);
                return Ok((past.campaign, shown));
            }
            found => found?,
        };
        if campaign.state == CampaignState::Resolving {
            campaign.total = self.found_so_far(id).unwrap_or(campaign.total);
        }
        let counters = self.store().counters(id).await?;
        let shown = view::campaign(&campaign, &counters);
        Ok((campaign, shown))
    }

    /// What a campaign came to, with labels in that language.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn figures(
        &self,
        tenant: TenantId,
        id: CampaignId,
        language: Language,
    ) -> Result<Figures, CampaignFault> {
        let campaign = match self.find(tenant, id).await {
            Err(CampaignFault::NotFound) => {
                let past = self.past((tenant, id)).await?;
                return Ok(Figures::of(&past.campaign, (&past.counters, &past.times), language));
            }
            found => found?,
        };
        let (counters, times) = (self.store().counters(id).await?, self.times(id).await?);
        let mut figures = Figures::of(&campaign, (&counters, &times), language);
        // Who got which is erased with the texts.
        if !campaign.variants.is_empty() && campaign.launched_at.is_some() {
            figures.variants = self.of_variants(&campaign).await?;
        }
        Ok(figures)
    }

    /// What became of those who got each text: looked up recipient by recipient, since nothing else tells them apart.
    async fn of_variants(&self, campaign: &Campaign) -> Result<Vec<OfVariant>, CampaignFault> {
        let texts = Texts::of(campaign).map_err(CampaignFault::Fields)?;
        let mut all = OfVariant::all(campaign);
        let mut next = Some(PageCursor::START);
        while let Some(from) = next {
            let page = self.page((campaign.id, from), &Which::default(), PAGE_MAX).await?;
            for row in &page.rows {
                let variables = campaign.cipher.open(&row.variables)?;
                if let Some(of) = all.get_mut(texts.variant(&variables)) {
                    of.add(view::status(row));
                }
            }
            next = page.next;
        }
        Ok(all)
    }

    /// Some recipients. What is neither queued nor in a record has ended a moment ago: the books are asked to follow, so
    /// that a status never goes back.
    pub(super) async fn look(
        &self,
        id: CampaignId,
        partition: Partition,
        rows: (u32, u32),
    ) -> Result<Vec<RecipientRow>, CampaignFault> {
        let looked = self.store().look(id, partition, rows).await?;
        let between = |row: &RecipientRow| row.result.is_none() && row.state.is_none();
        if looked.settled || !looked.rows.iter().any(between) {
            return Ok(looked.rows);
        }
        self.0.books.follow(partition).await?;
        Ok(self.store().look(id, partition, rows).await?.rows)
    }

    /// A tenant's campaigns that are wanted, newest first, at most [`PAGE_MAX`]. `before`: those made before that many others. Of many
    /// that are not wanted, a page may have few, or none, and another behind it.
    ///
    /// # Errors
    /// [`CampaignFault::Store`].
    pub(crate) async fn list(
        &self,
        tenant: TenantId,
        (before, limit): (Option<usize>, usize),
        wanted: &Wanted,
    ) -> Result<Page<Campaign, usize>, CampaignFault> {
        let (count, limit) = (self.store().campaign_count(tenant).await?, limit.clamp(1, PAGE_MAX));
        // Counted from the oldest, which new ones do not move.
        let mut before = before.unwrap_or(count).min(count);
        let last = before.saturating_sub(LOOKED_MAX.max(limit));
        let mut rows: Vec<Campaign> = Vec::new();
        while before > last && rows.len() < limit {
            let step = (limit - rows.len()).min(before);
            let found = self.store().campaigns(tenant, count - before, step).await?;
            rows.extend(found.into_iter().filter(|campaign| wanted.is(campaign)));
            before -= step;
        }
        Ok(Page {
            rows,
            next: Some(before).filter(|left| *left > 0),
        })
    }

    /// The recipients of a campaign with what became of their messages, at most [`PAGE_MAX`] of them. Of one that means some of
    /// them, a page may have fewer rows than asked for, or none, and not be the last.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn recipients(
        &self,
        (tenant, id): (TenantId, CampaignId),
        which: &Which,
        (from, limit): (PageCursor, usize),
    ) -> Result<Page<RecipientRow, PageCursor>, CampaignFault> {
        self.find(tenant, id).await?;
        self.page((id, from), which, limit).await
    }

    pub(super) async fn page(
        &self,
        (id, from): (CampaignId, PageCursor),
        which: &Which,
        limit: usize,
    ) -> Result<Page<RecipientRow, PageCursor>, CampaignFault> {
        let limit = limit.clamp(1, PAGE_MAX);
        let (mut rows, mut at, mut looked_at) = (Vec::with_capacity(limit), from, 0);
        while at.partition.0 < self.store().partitions() {
            if rows.len() == limit || looked_at >= LOOKED_AT_MAX {
                return Ok(Page { rows, next: Some(at) });
            }
            let wanted = if which.is_all() { limit - rows.len() } else { PAGE_MAX };
            let found = self.look(id, at.partition, (at.position, wanted as u32)).await?;
            let is_last = found.len() < wanted;
            looked_at += found.len();
            for row in found {
                if rows.len() == limit {
                    return Ok(Page { rows, next: Some(at) });
                }
                at.position += 1;
                rows.extend(Some(row).filter(|row| which.means(row)));
            }
            if is_last {
                at = PageCursor {
                    partition: Partition(at.partition.0 + 1),
                    position: 0,
                };
            }
        }
        Ok(Page { rows, next: None })
    }

    /// The recipients that were not taken, as JSON: `[{"pointer", "to", "code"}]`.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn rejected(&self, tenant: TenantId, id: CampaignId) -> Result<String, CampaignFault> {
        self.find(tenant, id).await?;
        Ok(self.store().rejected(tenant, id).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_others_are_refused() {
        let cursor = PageCursor {
            partition: Partition(3),
            position: 77,
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "3", "3.", "-1.0", "3.4294967295", "3.x", "99999.0"] {
            assert_eq!(text.parse::<PageCursor>(), Err(UnknownId), "{text}");
        }
    }
}
