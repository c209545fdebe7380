//! The list of what is to be looked at, and what is decided.

use super::{Decided, FlagFault, FlagReason, FlagState, Flagged, FlaggedTexts};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{CampaignId, FlaggedId, MessageId, ResellerId, TenantId, UnixMicros};
use crate::encryption::EncryptionFault;

/// The longest note of a decision, in characters.
pub(crate) const NOTE_MAX: usize = 500;

/// Campaigns that are carried out, or shown with a text, at once.
const AT_ONCE: i64 = 100;

/// Which texts are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) state: Option<FlagState>,
    pub(crate) reason: Option<FlagReason>,
}

/// What is decided of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) accepted: bool,
    pub(crate) note: String,
}

const COLUMNS: &str =
    "id, tenant, purpose, text, reasons, words, campaign, message, state, note, created_at, decided_at, traffic";

impl FlaggedTexts {
    /// Texts of those tenants that the asker manages, the newest first, behind one.
    ///
    /// # Errors
    /// The database's, or the store's.
    pub(crate) async fn list(
        &self,
        manager: Option<ResellerId>,
        wanted: &Wanted,
        (behind, limit): (Option<FlaggedId>, usize),
    ) -> Result<Vec<Flagged>, FlagFault> {
        let mut query = selected(manager);
        if let Some(tenant) = wanted.tenant {
            query.push(" AND tenant = ").value(tenant.0);
        }
        if let Some(state) = wanted.state {
            query.push(" AND state = ").value(state.code());
        }
        if let Some(reason) = wanted.reason {
            query
                .push(" AND (' ' || reasons || ' ') LIKE ")
                .value(format!("% {} %", reason.code()));
        }
        if let Some(behind) = behind {
            query.push(" AND id < ").value(behind.0.cast_signed());
        }
        query.push(" ORDER BY id DESC LIMIT ").value(limit as i64);
        let mut found = self.0.database.rows(query, read).await?;
        for flagged in &mut found {
            self.open(flagged).await?;
        }
        Ok(found)
    }

    /// One of these.
    ///
    /// # Errors
    /// [`FlagFault::NotFound`], the database's, or the store's.
    pub(crate) async fn one(&self, manager: Option<ResellerId>, id: FlaggedId) -> Result<Flagged, FlagFault> {
        let mut query = selected(manager);
        query.push(" AND id = ").value(id.0.cast_signed());
        let mut found = self.0.database.row(query, read).await?.ok_or(FlagFault::NotFound)?;
        self.open(&mut found).await?;
        Ok(found)
    }

    /// The campaigns that wait for a decision on a text, or waited for it, the newest first: some of them.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn campaigns(&self, id: FlaggedId) -> Result<Vec<CampaignId>, FlagFault> {
        let mut query = Sql::new("SELECT campaign FROM flagged_campaign WHERE flagged = ");
        query.value(id.0.cast_signed());
        query.push(" ORDER BY campaign DESC LIMIT ").value(AT_ONCE);
        let read = |row: &Found<'_>| Ok(CampaignId(row.number(0)?.cast_unsigned()));
        Ok(self.0.database.rows(query, read).await?)
    }

    /// A tenant's campaigns that wait for a decision, or for it to be carried out.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn waiting(&self, tenant: TenantId) -> Result<Vec<CampaignId>, FlagFault> {
        let mut query = Sql::new(
            "SELECT flagged_campaign.campaign FROM flagged_campaign JOIN flagged ON flagged.id = flagged_campaign.flagged ",
        );
        query
            .push("WHERE flagged_campaign.waits = 1 AND flagged.tenant = ")
            .value(tenant.0);
        let read = |row: &Found<'_>| Ok(CampaignId(row.number(0)?.cast_unsigned()));
        Ok(self.0.database.rows(query, read).await?)
    }

    /// Decides. Another decision takes the place of an earlier one, for what comes from then on.
    ///
    /// # Errors
    /// [`FlagFault::NotFound`], the database's, or the store's.
    pub(crate) async fn decide(
        &self,
        (manager, id): (Option<ResellerId>, FlaggedId),
        decision: &Decision,
    ) -> Result<Flagged, FlagFault> {
        let state = if decision.accepted {
            FlagState::Accepted
        } else {
            FlagState::Rejected
        };
        let known = self.one(manager, id).await?;
        if known.state == state && known.note == decision.note {
            return Ok(known);
        }
        let mut change = self.0.database.change().await?;
        let mut update = Sql::new("UPDATE flagged SET untold = 1, state = ");
        update
            .value(state.code())
            .push(", note = ")
            .value(decision.note.as_str());
        update
            .push(", decided_at = ")
            .value(self.0.clock.unix().0.cast_signed());
        update.push(" WHERE id = ").value(id.0.cast_signed());
        change.run(update).await?;
        change.commit().await?;
        self.0.memory.forget_of(known.tenant);
        self.one(manager, id).await
    }

    /// Campaigns of which it was decided, and that still wait: some of them; of one text, or of all.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn decided(&self, of: Option<FlaggedId>) -> Result<Vec<Decided>, FlagFault> {
        let mut query = Sql::new(
            "SELECT flagged_campaign.flagged, flagged_campaign.tenant, flagged_campaign.campaign, flagged.state, flagged_campaign.at, \
             flagged.traffic FROM flagged_campaign JOIN flagged ON flagged.id = flagged_campaign.flagged \
             WHERE flagged_campaign.waits = 1 AND flagged.state <> 'open'",
        );
        if let Some(id) = of {
            query.push(" AND flagged.id = ").value(id.0.cast_signed());
        }
        query.push(" ORDER BY flagged_campaign.campaign LIMIT ").value(AT_ONCE);
        let read = |row: &Found<'_>| {
            let state: FlagState = row.parsed(3, "what was decided of a text", |state| state.parse().ok())?;
            Ok(Decided {
                flagged: FlaggedId(row.number(0)?.cast_unsigned()),
                tenant: TenantId(row.number(1)? as u32),
                campaign: CampaignId(row.number(2)?.cast_unsigned()),
                accepted: state == FlagState::Accepted,
                since: UnixMicros(row.number(4)?.cast_unsigned()),
                is_traffic: !row.text(5)?.is_empty(),
            })
        };
        Ok(self.0.database.rows(query, read).await?)
    }

    /// What was decided of a campaign is carried out.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn is_carried_out(&self, decided: &Decided) -> Result<(), FlagFault> {
        let mut change = self.0.database.change().await?;
        let mut update = Sql::new("UPDATE flagged_campaign SET waits = 0 WHERE campaign = ");
        update.value(decided.campaign.0.cast_signed());
        // It may wait again, for another text or since another moment.
        update.push(" AND flagged = ").value(decided.flagged.0.cast_signed());
        update.push(" AND at = ").value(decided.since.0.cast_signed());
        change.run(update).await?;
        Ok(change.commit().await?)
    }

    async fn open(&self, flagged: &mut Flagged) -> Result<(), FlagFault> {
        let Some(text) = flagged.text.take() else { return Ok(()) };
        let key = self.0.store.text_key(Some(flagged.tenant)).await?;
        flagged.text = match key.own().decrypt_text(&text) {
            Ok(text) => Some(text),
            // With another key: the tenant's texts were erased.
            Err(EncryptionFault::Unreadable) => None,
            Err(fault) => return Err(fault.into()),
        };
        Ok(())
    }
}

fn selected(manager: Option<ResellerId>) -> Sql {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(" FROM flagged WHERE ");
    match manager {
        Some(reseller) => {
            query.push("tenant IN (SELECT id FROM tenant WHERE reseller = ");
            query.value(reseller.0).push(")");
        }
        None => drop(query.push("1 = 1")),
    }
    query
}

pub(super) fn read(row: &Found<'_>) -> Result<Flagged, DatabaseError> {
    let reasons = row.text(4)?;
    Ok(Flagged {
        id: FlaggedId(row.number(0)?.cast_unsigned()),
        tenant: TenantId(row.number(1)? as u32),
        purpose: row.parsed(2, "the purpose of a text", |purpose| purpose.parse().ok())?,
        text: row.text_if_any(3)?,
        reasons: reasons.split(' ').filter_map(|reason| reason.parse().ok()).collect(),
        words: row.parsed(5, "the words of a text", |words| serde_json::from_str(words).ok())?,
        campaign: row.number_if_any(6)?.map(|id| CampaignId(id.cast_unsigned())),
        message: row.number_if_any(7)?.map(|id| MessageId(id.cast_unsigned())),
        state: row.parsed(8, "what was decided of a text", |state| state.parse().ok())?,
        note: row.text(9)?,
        created_at: UnixMicros(row.number(10)?.cast_unsigned()),
        decided_at: row.number_if_any(11)?.map(|at| UnixMicros(at.cast_unsigned())),
        traffic: row.parsed(12, "what is unusual about traffic", |traffic| match traffic {
            "" => Some(None),
            traffic => serde_json::from_str(traffic).ok().map(Some),
        })?,
    })
}

/// What is told of them, and so the columns.
pub(super) const TOLD: &str = COLUMNS;
