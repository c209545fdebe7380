//! Whether a text goes, waits, or was rejected.

use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

use super::{FlagFault, FlagReason, FlagState, FlaggedTexts};
use crate::compose::{Written, advertising, masked, recurring};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{CampaignId, FlaggedId, MessageId, Purpose, TenantId, to_hexadecimal};

/// Texts of one tenant that may wait to be looked at: of what is beyond, campaigns are asked about and single messages are not.
pub(super) const OPEN_MAX: u64 = 1_000;

/// What has a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Campaign(CampaignId),
    /// One that is sent by itself.
    Message,
}

/// A text that is about to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) purpose: Purpose,
    pub(crate) text: &'a str,
    pub(crate) source: Source,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    Goes,
    /// The same, and it was asked about for the first time.
    Flagged(FlaggedId),
    /// Until it is decided.
    Waits,
    Rejected {
        note: String,
    },
}

/// What is known of a text.
struct Known {
    id: FlaggedId,
    state: FlagState,
    note: String,
    reasons: String,
    digest: String,
}

/// What is the same each time that a text recurs: as the campaign's or message's that it is, and as if it were the other. What was
/// rejected goes by neither.
struct Digests {
    own: String,
    other: String,
}

impl Digests {
    fn of(seen: &Seen<'_>) -> Self {
        let (own, other) = match seen.source {
            Source::Campaign(_) => (Written::ForMany, Written::ForOne),
            Source::Message => (Written::ForOne, Written::ForMany),
        };
        Self {
            own: digest(seen, own),
            other: digest(seen, other),
        }
    }

    fn are_in(&self, known: &FxHashSet<String>) -> bool {
        known.contains(&self.own) || known.contains(&self.other)
    }
}

impl FlaggedTexts {
    /// Looks at a text that is about to go, and asks the reseller about it if need be.
    ///
    /// # Errors
    /// The database's, or the store's.
    pub(crate) async fn look(&self, seen: &Seen<'_>) -> Result<Looked, FlagFault> {
        // What goes to a simulator need not be looked at.
        if seen.tenant.is_sandbox() {
            return Ok(Looked::Goes);
        }
        let words = match seen.purpose {
            Purpose::Transactional => advertising(seen.text),
            Purpose::Marketing => Vec::new(),
        };
        let is_message = seen.source == Source::Message;
        let digests = Digests::of(seen);
        // Most messages are nothing that anybody was asked about: they do not wait for the database.
        if is_message && words.is_empty() && !digests.are_in(&self.said_of(seen.tenant).await.rejected) {
            return Ok(Looked::Goes);
        }
        let known = self.known(seen.tenant, &digests).await?;
        if let Some(decided) = last_decided(&known, (&digests, seen.source)) {
            return Ok(decided);
        }
        let is_asked = known.iter().any(|known| known.digest == digests.own);
        if is_message && (is_asked || words.is_empty()) {
            return Ok(Looked::Goes);
        }
        let of = self.of_tenant(seen.tenant).await?;
        let is_first = !is_message && self.is_first(seen.tenant, &of).await?;
        let mut reasons = Vec::new();
        if !words.is_empty() {
            reasons.push(FlagReason::Advertising);
        }
        if is_first {
            reasons.push(FlagReason::FirstCampaigns);
        }
        if reasons.is_empty() {
            return Ok(Looked::Goes);
        }
        let waits = !is_message && (is_first || of.rules.hold_flagged);
        self.ask(seen, (&digests.own, &words), (&reasons, waits)).await
    }

    /// The message with which a text was seen first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn seen_with(&self, id: FlaggedId, message: MessageId) -> Result<(), FlagFault> {
        let mut change = self.0.database.change().await?;
        let mut update = Sql::new("UPDATE flagged SET message = ");
        update.value(message.0.cast_signed()).push(" WHERE id = ");
        update.value(id.0.cast_signed());
        change.run(update).await?;
        Ok(change.commit().await?)
    }

    async fn ask(
        &self,
        seen: &Seen<'_>,
        (digest, words): (&str, &[String]),
        (reasons, waits): (&[FlagReason], bool),
    ) -> Result<Looked, FlagFault> {
        let is_message = seen.source == Source::Message;
        if is_message {
            let mut open = Sql::new("SELECT COUNT(*) FROM flagged WHERE state = 'open' AND tenant = ");
            open.value(seen.tenant.0);
            if self.0.database.count(open).await? >= OPEN_MAX {
                return Ok(Looked::Goes);
            }
        }
        let shown = if is_message {
            masked(seen.text)
        } else {
            seen.text.to_owned()
        };
        let key = self.0.store.text_key(Some(seen.tenant)).await?;
        let text = key.own().encrypt_text(&shown)?;
        let mut change = self.0.database.change().await?;
        let known = match self
            .insert(&mut change, seen, (digest, &text), (reasons, words))
            .await?
        {
            Some(id) => Ok(id),
            None => Err(lock(&mut change, seen.tenant, digest).await?),
        };
        let id = match known {
            Ok(id) => id,
            // Decided a moment ago.
            Err(Known { state, note, .. }) if state != FlagState::Open => return Ok(decided(state, note)),
            Err(Known { id, reasons: known, .. }) => {
                add_reasons(&mut change, id, (&known, reasons)).await?;
                id
            }
        };
        if let (Source::Campaign(campaign), true) = (seen.source, waits) {
            self.wait(&mut change, campaign, (seen.tenant, id)).await?;
        }
        change.commit().await?;
        Ok(match (waits, is_message) {
            (true, _) => Looked::Waits,
            (false, true) => Looked::Flagged(id),
            (false, false) => Looked::Goes,
        })
    }

    /// A campaign waits until it was decided on something.
    pub(super) async fn wait(
        &self,
        change: &mut Change,
        campaign: CampaignId,
        (tenant, flagged): (TenantId, FlaggedId),
    ) -> Result<(), DatabaseError> {
        let mut wait = Sql::new("INSERT INTO flagged_campaign (campaign, flagged, tenant, waits, at) VALUES (");
        wait.value(campaign.0.cast_signed());
        wait.push(", ").value(flagged.0.cast_signed());
        wait.push(", ").value(tenant.0);
        wait.push(", 1, ").value(self.0.clock.unix().0.cast_signed());
        wait.push(") ON CONFLICT (campaign) DO UPDATE SET flagged = excluded.flagged, waits = 1, at = excluded.at");
        change.run(wait).await.map(drop)
    }

    /// Keeps that a text is to be looked at; `None`: that is known.
    async fn insert(
        &self,
        change: &mut Change,
        seen: &Seen<'_>,
        (digest, text): (&str, &str),
        (reasons, words): (&[FlagReason], &[String]),
    ) -> Result<Option<FlaggedId>, DatabaseError> {
        let id = change.numbers("flagged", 1).await?;
        let campaign = match seen.source {
            Source::Campaign(campaign) => Some(campaign.0.cast_signed()),
            Source::Message => None,
        };
        let mut insert = Sql::new(
            "INSERT INTO flagged (id, tenant, digest, purpose, text, reasons, words, campaign, message, state, note, created_at, \
             decided_at, untold) VALUES (",
        );
        insert
            .value(id)
            .push(", ")
            .value(seen.tenant.0)
            .push(", ")
            .value(digest);
        insert.push(", ").value(seen.purpose.code()).push(", ").value(text);
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code()).collect();
        insert.push(", ").value(codes.join(" "));
        insert.push(", ").value(serde_json::json!(words).to_string());
        insert.push(", ").value(campaign).push(", NULL, 'open', '', ");
        insert.value(self.0.clock.unix().0.cast_signed());
        insert.push(", NULL, 1) ON CONFLICT (tenant, digest) DO NOTHING");
        let made = change.run(insert).await? == 1;
        Ok(made.then_some(FlaggedId(id.cast_unsigned())))
    }

    /// What is known of a text, as a campaign's and as a message's, what was decided last first.
    async fn known(&self, tenant: TenantId, digests: &Digests) -> Result<Vec<Known>, DatabaseError> {
        let mut query = Sql::new("SELECT id, state, note, reasons, digest FROM flagged WHERE tenant = ");
        query
            .value(tenant.0)
            .push(" AND digest IN (")
            .value(digests.own.as_str());
        query
            .push(", ")
            .value(digests.other.as_str())
            .push(") ORDER BY decided_at DESC");
        self.0.database.rows(query, read).await
    }
}

/// What was decided of a text, if anything was. A campaign's is not accepted because the same was of a message: of that one, names were
/// left out.
fn last_decided(known: &[Known], (digests, source): (&Digests, Source)) -> Option<Looked> {
    let is_of_it =
        |known: &&Known| known.state == FlagState::Rejected || known.digest == digests.own || source == Source::Message;
    let decided = |known: &&Known| known.state != FlagState::Open;
    let last = known.iter().filter(decided).find(is_of_it)?;
    Some(self::decided(last.state, last.note.clone()))
}

fn decided(state: FlagState, note: String) -> Looked {
    match state {
        FlagState::Rejected => Looked::Rejected { note },
        FlagState::Open | FlagState::Accepted => Looked::Goes,
    }
}

/// What is known of a text, which nobody decides until this change is over.
async fn lock(change: &mut Change, tenant: TenantId, digest: &str) -> Result<Known, DatabaseError> {
    let mut update = Sql::new("UPDATE flagged SET state = state WHERE tenant = ");
    update.value(tenant.0).push(" AND digest = ").value(digest);
    update.push(" RETURNING id, state, note, reasons, digest");
    let found = change.rows(update, read).await?;
    found
        .into_iter()
        .next()
        .ok_or(DatabaseError::Corrupt("a text that was flagged a moment ago"))
}

/// It is to be looked at for these reasons as well.
async fn add_reasons(
    change: &mut Change,
    id: FlaggedId,
    (known, more): (&str, &[FlagReason]),
) -> Result<(), DatabaseError> {
    let mut all: Vec<&str> = known.split(' ').collect();
    let before = all.len();
    for reason in more.iter().map(|reason| reason.code()) {
        if !all.contains(&reason) {
            all.push(reason);
        }
    }
    if all.len() == before {
        return Ok(());
    }
    let mut update = Sql::new("UPDATE flagged SET reasons = ");
    update
        .value(all.join(" "))
        .push(" WHERE id = ")
        .value(id.0.cast_signed());
    change.run(update).await.map(drop)
}

fn read(row: &Found<'_>) -> Result<Known, DatabaseError> {
    Ok(Known {
        id: FlaggedId(row.number(0)?.cast_unsigned()),
        state: row.parsed(1, "what was decided of a text", |state| state.parse().ok())?,
        note: row.text(2)?,
        reasons: row.text(3)?,
        digest: row.text(4)?,
    })
}

fn digest(seen: &Seen<'_>, written: Written) -> String {
    let digest = Sha256::new()
        .chain_update(seen.purpose.code())
        .chain_update([0])
        .chain_update(recurring(seen.text, written))
        .finalize();
    to_hexadecimal(&digest)
}
