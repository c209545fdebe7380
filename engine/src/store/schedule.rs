//! Launches that are planned.

use super::{CampaignState, Store, StoreError, keys};
use crate::domain::{CampaignId, TenantId, UnixMicros};

/// The most that are looked at together.
const AT_ONCE: usize = 100;

/// The launch of a campaign, planned for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    pub(crate) at: UnixMicros,
}

impl Planned {
    fn entry(&self) -> String {
        format!("{}:{}:{}", self.tenant.0, self.campaign.0, self.at.0)
    }

    fn read(entry: &str) -> Option<Self> {
        let mut parts = entry.splitn(3, ':').map(str::parse::<u64>);
        let mut next = || parts.next()?.ok();
        Some(Self {
            tenant: TenantId(u32::try_from(next()?).ok()?),
            campaign: CampaignId(next()?),
            at: UnixMicros(next()?),
        })
    }
}

impl Store {
    /// Plans the launch of a campaign, in place of what was planned. `false`: it was launched, or is canceled.
    pub(crate) async fn plan(&self, planned: Planned) -> Result<bool, StoreError> {
        // Listed first: what is in the list and not in its campaign is void, and what is not in the list would never be launched.
        let mut add = redis::cmd("ZADD");
        add.arg(keys::SCHEDULE).arg(planned.at.0).arg(planned.entry());
        self.ask::<i64>(&add).await?;
        let owner = (planned.tenant, planned.campaign);
        let moves = (&CampaignState::BEFORE_LAUNCH[..], CampaignState::Scheduled);
        self.set_plan(owner, moves, Some(planned.at)).await
    }

    /// Plans no launch of a campaign any more: it is a draft. `false`: it was launched, is canceled, or waits for credits.
    pub(crate) async fn unplan(&self, owner: (TenantId, CampaignId)) -> Result<bool, StoreError> {
        let from = [CampaignState::Draft, CampaignState::InReview, CampaignState::Scheduled];
        self.set_plan(owner, (&from, CampaignState::Draft), None).await
    }

    /// A launch waits until somebody has looked at the campaign; `at`: for when it is planned. `false`: it is in none of these states.
    pub(crate) async fn begin_review(
        &self,
        owner: (TenantId, CampaignId),
        from: &[CampaignState],
        (at, now): (Option<UnixMicros>, UnixMicros),
    ) -> Result<bool, StoreError> {
        let mut call = self.moving(owner, (from, CampaignState::InReview), None);
        call.arg("scheduled_at").arg(at.map_or(0, |at| at.0));
        call.arg("refused").arg("");
        let begins = self.ask::<i64>(&call).await? == 1;
        if begins {
            self.list_as_unqueued(owner, now).await;
        }
        Ok(begins)
    }

    /// Plans the launch of a campaign that was looked at. `false`: it waits for that no longer.
    pub(crate) async fn plan_reviewed(&self, planned: Planned) -> Result<bool, StoreError> {
        let mut add = redis::cmd("ZADD");
        add.arg(keys::SCHEDULE).arg(planned.at.0).arg(planned.entry());
        self.ask::<i64>(&add).await?;
        let owner = (planned.tenant, planned.campaign);
        let moves = (&[CampaignState::InReview][..], CampaignState::Scheduled);
        self.set_plan(owner, moves, Some(planned.at)).await
    }

    /// A campaign that was looked at does not go: it is a draft.
    pub(crate) async fn refuse_review(&self, owner: (TenantId, CampaignId), code: &str) -> Result<(), StoreError> {
        let moves = (&[CampaignState::InReview][..], CampaignState::Draft);
        let mut call = self.moving(owner, moves, None);
        call.arg("refused").arg(code);
        self.ask::<i64>(&call).await.map(drop)
    }

    /// The launch of a campaign that was planned came to nothing: it is a draft.
    pub(crate) async fn refuse_plan(&self, owner: (TenantId, CampaignId), code: &str) -> Result<(), StoreError> {
        let moves = (&[CampaignState::Scheduled][..], CampaignState::Draft);
        let mut call = self.moving(owner, moves, None);
        call.arg("refused").arg(code);
        self.ask::<i64>(&call).await.map(drop)
    }

    async fn set_plan(
        &self,
        owner: (TenantId, CampaignId),
        moves: (&[CampaignState], CampaignState),
        at: Option<UnixMicros>,
    ) -> Result<bool, StoreError> {
        let mut call = self.moving(owner, moves, None);
        call.arg("scheduled_at").arg(at.map_or(0, |at| at.0));
        if at.is_some() {
            // Why an earlier launch came to nothing says nothing of this one.
            call.arg("refused").arg("");
        }
        Ok(self.ask::<i64>(&call).await? == 1)
    }

    /// Launches whose time has come, the earliest first: some of them.
    pub(crate) async fn due_launches(&self, now: UnixMicros) -> Result<Vec<Planned>, StoreError> {
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range.arg(keys::SCHEDULE).arg("-inf").arg(now.0);
        range.arg("LIMIT").arg(0).arg(AT_ONCE);
        let entries: Vec<String> = self.ask(&range).await?;
        let planned = |entry: &String| Planned::read(entry).ok_or(StoreError::Corrupt("a planned launch"));
        entries.iter().map(planned).collect()
    }

    /// Campaigns of a tenant whose launch is planned, or was when they were listed.
    pub(crate) async fn planned_of(&self, tenant: TenantId) -> Result<Vec<CampaignId>, StoreError> {
        let (mut planned, mut cursor) = (Vec::new(), 0_u64);
        loop {
            let mut scan = redis::cmd("ZSCAN");
            scan.arg(keys::SCHEDULE).arg(cursor);
            scan.arg("MATCH").arg(format!("{}:*", tenant.0)).arg("COUNT").arg(1_000);
            let (next, found): (u64, Vec<(String, f64)>) = self.ask(&scan).await?;
            planned.extend(
                found
                    .iter()
                    .filter_map(|(entry, _)| Some(Planned::read(entry)?.campaign)),
            );
            if next == 0 {
                return Ok(planned);
            }
            cursor = next;
        }
    }

    /// Takes one off that was launched, or is void.
    pub(crate) async fn forget_plan(&self, planned: Planned) -> Result<(), StoreError> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(keys::SCHEDULE).arg(planned.entry());
        self.ask::<i64>(&remove).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let planned = Planned {
            tenant: TenantId(7),
            campaign: CampaignId(8),
            at: UnixMicros(1_798_102_800_000_000),
        };
        assert_eq!(Planned::read(&planned.entry()), Some(planned));
        for entry in ["", "7:8", "7:8:x", "-1:8:9"] {
            assert_eq!(Planned::read(entry), None, "{entry}");
        }
    }
}
