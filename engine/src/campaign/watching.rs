//! Campaigns that somebody watches: each is looked at once a second, however many watch it.

use std::hash::Hasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHasher};
use tokio::sync::watch;

use super::{CampaignFault, Campaigns, view};
use crate::domain::{CampaignId, TenantId};
use crate::store::{Campaign, CampaignState, Counters, StoreError};

/// How often they are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Campaigns that are looked at in the same round trips, as the books do it: some 5 ms of Redis.
const TOGETHER: usize = 50;

/// Where a campaign is. Who is slow to take it gets the latest, and nothing is kept for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glimpse {
    /// The same for the same content, whichever process says it.
    pub(crate) id: u64,
    /// JSON.
    pub(crate) content: Arc<str>,
    /// Nothing of it changes any more.
    pub(crate) is_over: bool,
}

/// Who is watched.
#[derive(Default)]
pub(super) struct Watchers(Mutex<Table>);

#[derive(Default)]
struct Table {
    watched: FxHashMap<CampaignId, (TenantId, watch::Sender<Glimpse>)>,
    /// Somebody looks.
    is_looking: bool,
}

impl Watchers {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Those that are still watched; without any, nobody looks from here on.
    fn due(&mut self) -> Vec<(TenantId, CampaignId)> {
        self.watched.retain(|_, (_, sender)| sender.receiver_count() > 0);
        self.is_looking = !self.watched.is_empty();
        self.watched.iter().map(|(id, (tenant, _))| (*tenant, *id)).collect()
    }

    fn seen(&mut self, id: CampaignId, glimpse: Option<Glimpse>) {
        let Some(glimpse) = glimpse else {
            // Its watchers see that nobody is left who would tell them.
            self.watched.remove(&id);
            return;
        };
        if let Some((_, sender)) = self.watched.get(&id) {
            sender.send_if_modified(|known| {
                let is_news = *known != glimpse;
                *known = glimpse;
                is_news
            });
        }
    }
}

impl Campaigns {
    /// Where a campaign is, and is from now on, until it is gone.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn watch(
        &self,
        tenant: TenantId,
        id: CampaignId,
    ) -> Result<watch::Receiver<Glimpse>, CampaignFault> {
        // Also of one that others watch: only its tenant may.
        let campaign = self.find(tenant, id).await?;
        let glimpse = glimpse(&campaign, &self.store().counters(id).await?);
        let mut table = self.0.watchers.table();
        let receiver = match table.watched.get(&id) {
            Some((_, sender)) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(glimpse);
                table.watched.insert(id, (tenant, sender));
                receiver
            }
        };
        if !std::mem::replace(&mut table.is_looking, true) {
            self.spawn(self.clone().look_at_watched());
        }
        Ok(receiver)
    }

    async fn look_at_watched(self) {
        let stop = &self.0.deps.stop;
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let due = self.0.watchers.table().due();
            if due.is_empty() {
                return;
            }
            for some in due.chunks(TOGETHER) {
                if let Err(error) = self.glance(some).await {
                    tracing::debug!(%error, "campaigns that are watched could not be looked at; it is tried again");
                }
            }
        }
    }

    async fn glance(&self, some: &[(TenantId, CampaignId)]) -> Result<(), StoreError> {
        let ids: Vec<CampaignId> = some.iter().map(|(_, id)| *id).collect();
        let campaigns = self.store().campaigns_of(some).await?;
        let counters = self.store().counters_of(&ids).await?;
        let mut table = self.0.watchers.table();
        for ((id, campaign), counters) in ids.iter().zip(&campaigns).zip(&counters) {
            table.seen(*id, campaign.as_ref().map(|campaign| glimpse(campaign, counters)));
        }
        Ok(())
    }
}

fn glimpse(campaign: &Campaign, counters: &Counters) -> Glimpse {
    let content = view::progress(campaign, counters).to_string();
    let mut id = FxHasher::default();
    id.write(content.as_bytes());
    Glimpse {
        id: id.finish(),
        content: content.into(),
        is_over: is_over(campaign, counters),
    }
}

/// Whether nothing is left to send, and no receipt is awaited.
fn is_over(campaign: &Campaign, counters: &Counters) -> bool {
    match campaign.state {
        CampaignState::Canceled => true,
        CampaignState::Completed | CampaignState::Stopped => counters.ended() >= campaign.total,
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Resolving
        | CampaignState::Launching
        | CampaignState::Running
        | CampaignState::Paused => false,
    }
}
