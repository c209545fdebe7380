//! What is kept in the change in which it is told: how far sources were read, and what was told of what is in no journal.

use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{CampaignId, MessageId, TenantId};
use crate::store::CampaignState;

/// The state of a campaign that is told, and was not.
pub(super) struct Stepped {
    pub(super) campaign: CampaignId,
    pub(super) tenant: TenantId,
    pub(super) state: CampaignState,
    /// How often it was found out whom it means.
    pub(super) findings: u64,
}

/// A threshold that a balance has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crossed {
    pub(super) tenant: TenantId,
    pub(super) threshold: u64,
    /// Downwards.
    pub(super) is_low: bool,
}

/// What is kept together with what is to be told.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks<'a> {
    /// How far sources were read.
    pub(super) places: &'a [(String, String)],
    pub(super) states: &'a [Stepped],
    pub(super) crossed: &'a [Crossed],
    /// First clicks that were told.
    pub(super) clicks: &'a [MessageId],
}

impl Marks<'_> {
    /// What was read need not be kept: it would be read in vain again, and nothing more.
    pub(super) const fn may_wait(&self) -> bool {
        self.states.is_empty() && self.crossed.is_empty() && self.clicks.is_empty()
    }
}

/// Keeps which states were told.
pub(super) async fn keep_states(change: &mut Change, all: &[Stepped]) -> Result<(), DatabaseError> {
    for stepped in all {
        let mut put = Sql::new("INSERT INTO webhook_campaign (campaign, tenant, findings, state) VALUES (");
        put.list([
            stepped.campaign.0 as i64,
            i64::from(stepped.tenant.0),
            stepped.findings as i64,
        ])
        .push(", ");
        put.value(stepped.state.code());
        put.push(") ON CONFLICT (campaign) DO UPDATE SET state = excluded.state, findings = excluded.findings");
        change.run(put).await?;
    }
    Ok(())
}

/// Keeps which thresholds were told, and which may be again.
pub(super) async fn keep_crossed(change: &mut Change, all: &[Crossed]) -> Result<(), DatabaseError> {
    for crossed in all {
        let (tenant, threshold) = (i64::from(crossed.tenant.0), crossed.threshold as i64);
        let keep = if crossed.is_low {
            let mut put = Sql::new("INSERT INTO balance_alert (tenant, threshold) VALUES (");
            put.list([tenant, threshold]).push(") ON CONFLICT DO NOTHING");
            put
        } else {
            let mut forget = Sql::new("DELETE FROM balance_alert WHERE tenant = ");
            forget.value(tenant).push(" AND threshold = ").value(threshold);
            forget
        };
        change.run(keep).await?;
    }
    Ok(())
}
