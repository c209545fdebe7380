//! What entries of the journal say, campaign by campaign.

use rustc_hash::FxHashMap;

use crate::domain::{BadForm, CampaignId, ENDED, Ending, JournalEvent, Reason, TenantId, events};
use crate::store::{CampaignChanges, JournalEntry, StoreError, changes};

/// Reads entries of a database with that many partitions.
pub(super) fn read(entries: &[JournalEntry], partitions: u16) -> Result<FxHashMap<CampaignId, News>, StoreError> {
    let mut news: FxHashMap<CampaignId, News> = FxHashMap::default();
    for entry in entries {
        for event in events(&entry.events, entry.at()) {
            let event = event.map_err(|form| bad_entry(&entry.id, form))?;
            news.entry(campaign_of(&event)).or_default().add(&event, partitions);
        }
    }
    news.values_mut().for_each(News::finish);
    Ok(news)
}

/// What some entries say of one campaign.
#[derive(Clone, Debug)]
pub(super) struct News {
    pub(super) tenant: TenantId,
    pub(super) changes: CampaignChanges,
    sums: [i32; 32],
    /// Messages of which nothing more is to be sent.
    pub(super) sent: u64,
    /// Messages that were left out when it was their turn, by why.
    pub(super) left_out: Vec<Reason>,
}

impl Default for News {
    fn default() -> Self {
        Self {
            tenant: TenantId(0),
            changes: CampaignChanges::default(),
            sums: [0; 32],
            sent: 0,
            left_out: Vec::new(),
        }
    }
}

impl News {
    fn add(&mut self, event: &JournalEvent, partitions: u16) {
        for (counter, by) in changes(event) {
            self.sums[usize::from(counter)] += by;
        }
        match event {
            JournalEvent::Moved {
                from,
                to,
                id,
                tenant,
                result,
                ..
            } => {
                self.tenant = *tenant;
                // In doubt, it is not among those that are still to be sent either.
                self.sent += u64::from(*from != b'E' && [b'E', b'I', ENDED].contains(to));
                if let Some(result) = result {
                    if result.ending == Ending::Skipped {
                        self.left_out.push(result.reason);
                    }
                    self.changes.results.push((id.place(partitions).1, *result));
                }
            }
            JournalEvent::Range {
                result,
                tenant,
                position,
                count,
                ..
            } => {
                self.tenant = *tenant;
                self.sent += u64::from(*count);
                // One that was stopped needs no result: behind the cursors of a stopped campaign, what has none is canceled.
                if result.reason != Reason::Stopped {
                    if result.ending == Ending::Skipped {
                        let reasons = std::iter::repeat_n(result.reason, *count as usize);
                        self.left_out.extend(reasons);
                    }
                    let rows = *position..*position + *count;
                    self.changes.results.extend(rows.map(|position| (position, *result)));
                }
            }
        }
    }

    fn finish(&mut self) {
        let changed = (0u8..).zip(self.sums).filter(|(_, by)| *by != 0);
        self.changes.counters = changed.collect();
        self.changes.results.sort_by_key(|(position, _)| *position);
        // A message ends once; should the journal say otherwise, the first end stands.
        self.changes.results.dedup_by_key(|(position, _)| *position);
    }
}

fn campaign_of(event: &JournalEvent) -> CampaignId {
    match event {
        JournalEvent::Moved { id, .. } => id.campaign(),
        JournalEvent::Range { campaign, .. } => *campaign,
    }
}

pub(super) fn bad_entry(entry: &str, form: BadForm) -> StoreError {
    StoreError::BadForm {
        key: format!("journal entry {entry}"),
        form,
    }
}
