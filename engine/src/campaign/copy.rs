//! Drafts that are made of another campaign: one like it, or one to those of its recipients whose messages ended in some statuses.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::{FxBuildHasher, FxHashSet};
use tokio::sync::mpsc;

use super::draft::Created;
use super::packer::{BATCHES_MAX, Packer};
use super::pages::Pages;
use super::price::Price;
use super::report::{PageCursor, Wanted, Which};
use super::taking::Taken;
use super::texts::Texts;
use super::view::status;
use super::{CampaignFault, Campaigns, Limits, PAGE_MAX};
use crate::audience::{
    Counts, Ingest, NAME_MAX, Place, ReadFault, Rejected, Row as GivenRow, ValueBuffer, Values, faults_of,
};
use crate::compose::{Sender, Wording};
use crate::domain::{
    CampaignId, Cleanse, Countries, Lengths, Purpose, Reach, Recipient, Row, TenantId, Terms, variables,
};
use crate::encryption::Cipher;
use crate::fault::{FieldFault, FieldProblem};
use crate::store::{Campaign, CampaignKind, CampaignLink, CampaignState, LateJoiners, Owner, RecipientRow, StoreError};

/// Steps of recipients that may wait to be taken.
const STEPS_MAX: usize = 2;

/// What the name of a copy ends with that was given none.
const AGAIN: &str = " (2)";

/// What a message may have come to, by which its recipient is written to again.
pub(crate) const RESENT: &[&str] = &[
    "transmission_failed",
    "reception_error",
    "not_routed",
    "recredited",
    "unknown_number",
    "canceled",
    "skipped",
    "in_doubt",
    "transmitted",
    "delivered",
];

/// The last of them are those of people who have the message, or may have it.
pub(crate) const HAD: usize = 3;

/// Whom a copy goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// As the campaign that it is made of.
    All,
    /// Those of its recipients whose messages have one of these statuses: words of the API.
    With {
        statuses: Vec<String>,
        /// But for those whose number nobody has, though what they cost was given back.
        reachable: bool,
        /// Those who have it from another copy as well.
        again: bool,
    },
}

/// Recipients with their packed variables.
type Rows = Vec<(Recipient, Vec<u8>)>;

/// Rows that were copied.
pub(super) struct Copied {
    counts: Counts,
    /// The first who were not taken.
    pub(super) rejected: Vec<Rejected>,
    /// Where they are.
    reach: Reach,
    /// Whether somebody has another gate than most.
    far: Arc<AtomicBool>,
}

/// Recipients on their way to the copy's rows.
struct Step {
    rows: Rows,
    /// Those of them who have agreed to advertising; `None`: nobody has to have.
    agreed: Option<HashSet<Recipient>>,
}

impl Campaigns {
    /// Makes a draft of another campaign.
    ///
    /// # Errors
    /// [`CampaignFault::WrongState`]: it is under way, or has sent nothing, and only some of its recipients are wanted; it gathers
    /// single messages. [`CampaignFault::EmptyAudience`], [`CampaignFault::Fields`] where the tenant's terms do not allow it any
    /// more, [`CampaignFault::NotFound`], [`CampaignFault::Busy`] or [`CampaignFault::Store`].
    pub(crate) async fn copy(
        &self,
        tenant: TenantId,
        of: CampaignId,
        (name, whom): (Option<String>, Whom),
    ) -> Result<Created, CampaignFault> {
        let campaigns = self.clone();
        self.draft_in_turn(move |id| async move {
            campaigns.admit(tenant).await?;
            let original = campaigns.find(tenant, of).await?;
            let is_over = matches!(original.state, CampaignState::Completed | CampaignState::Stopped);
            if original.kind == CampaignKind::Direct || whom != Whom::All && !is_over {
                return Err(CampaignFault::WrongState(original.state));
            }
            if original.is_erased() {
                return Err(CampaignFault::Erased);
            }
            campaigns.copy_to(id, original, (name, whom)).await
        })
        .await
    }

    async fn copy_to(
        &self,
        id: CampaignId,
        original: Campaign,
        (name, whom): (Option<String>, Whom),
    ) -> Result<Created, CampaignFault> {
        let terms = self.terms_of(original.tenant).await?;
        let cipher = self.store().new_cipher(original.tenant).await?;
        let wording = self.wording_of(original.tenant, &terms).await?;
        let copy = reworded(self.blank((id, cipher), &original, (name, &whom)), &wording, &whom)?;
        if copy.query.is_some() {
            let pasted = self.store().pasted((original.tenant, original.id)).await?;
            let pasted: Vec<Recipient> = pasted.into_iter().map(Recipient).collect();
            let left_out = self.pasted_left_out((original.tenant, original.id)).await?;
            self.keep_pasted((copy.tenant, id), (&pasted, &left_out)).await?;
            self.keep_list((copy.tenant, id), &left_out.rejected.clone().into())
                .await?;
            let copy = super::resolve::counted(copy, &left_out.counts);
            return self.keep_draft(copy, Vec::new()).await;
        }
        let rows = self.copy_rows((&original, whom), &copy).await?;
        self.keep_copied(copy, (Counts::default(), rows), Vec::new()).await
    }

    /// Keeps a draft whose rows were copied, beside others that were counted before.
    ///
    /// # Errors
    /// [`CampaignFault::EmptyAudience`], or as [`Campaigns::copy`].
    pub(super) async fn keep_copied(
        &self,
        copy: Campaign,
        (before, rows): (Counts, Copied),
        rejected: Vec<Rejected>,
    ) -> Result<Created, CampaignFault> {
        let (id, counts) = (copy.id, rows.counts);
        if counts.accepted == 0 {
            let mut faults = faults_of(&rows.rejected);
            if copy.resends && faults.is_empty() {
                faults.push(FieldFault::new("/statuses", FieldProblem::NobodyLeft));
            }
            return Err(CampaignFault::EmptyAudience(faults));
        }
        self.count_skipped(&counts);
        let purpose = copy.purpose;
        if purpose == Purpose::Transactional && rows.far.load(Ordering::Relaxed) {
            let (tenant, campaign) = (copy.tenant, id);
            let owner = Owner {
                tenant,
                campaign,
                purpose,
            };
            self.set_gates(owner, 0).await?;
        }
        let terms = Terms {
            encoding: copy.encoding,
            ..self.terms_of(copy.tenant).await?
        };
        let texts = Texts::of(&copy).map_err(CampaignFault::Fields)?;
        let price = Price::new(&texts, &terms);
        let (estimate_segments, estimate_credits) = self.price((id, &copy.cipher, 0), price, counts.accepted).await?;
        let copy = Campaign {
            estimate_segments,
            estimate_credits,
            reach: rows.reach,
            ..super::resolve::counted(copy, &before.and(counts))
        };
        self.keep_draft(copy, rejected).await
    }

    /// The order of the copy, as if nothing had come of it yet. A last moment that is over would only keep it from being launched.
    fn blank(
        &self,
        (id, cipher): (CampaignId, Cipher),
        original: &Campaign,
        (name, whom): (Option<String>, &Whom),
    ) -> Campaign {
        let now = self.now();
        Campaign {
            id,
            cipher,
            redacted: None,
            finding: 0,
            name: name.unwrap_or_else(|| again(&original.name)),
            expires_at: original.expires_at.filter(|at| *at > now),
            // Those to whom something went before are no filter.
            late: original
                .late
                .as_ref()
                .filter(|late| late.until > now && *whom == Whom::All)
                .map(|late| LateJoiners::until(late.until)),
            link: original.link.clone().map(|link| CampaignLink {
                expires_at: link.expires_at.filter(|at| *at > now),
                ..link
            }),
            copied_from: Some(original.id),
            resends: *whom != Whom::All,
            refused: None,
            state: CampaignState::Draft,
            total: 0,
            reach: Reach::default(),
            estimate_segments: 0,
            estimate_credits: 0,
            held: 0,
            spent: 0,
            recredited: 0,
            created_at: now,
            scheduled_at: None,
            launched_at: None,
            traceparent: None,
            edits: 0,
            unpriced: false,
            ..super::resolve::counted(original.clone(), &Counts::default())
        }
    }

    /// Keeps the recipients of the original as those of the copy: under the routes and countries of now.
    pub(super) async fn copy_rows(
        &self,
        (original, whom): (&Campaign, Whom),
        copy: &Campaign,
    ) -> Result<Copied, CampaignFault> {
        let (batches, rows) = mpsc::channel(BATCHES_MAX);
        let table = self.routes();
        let (routes, decided) = table.chooser_of(copy.tenant);
        let version = if decided { table.version() } else { 0 };
        let packer = Packer::new(batches, (routes, self.0.deps.gates.clone()), self.store().partitions());
        let (limits, far) = (self.0.deps.limits.clone(), packer.far());
        let countries = self.store().countries(copy.tenant).await?;
        let guests = self.guests((copy.tenant, copy.guests_only)).await?;
        let (steps, coming) = mpsc::channel(STEPS_MAX);
        let lengths = copy.lengths.clone();
        let rules = TakingRules {
            limits,
            countries,
            guests,
            lengths,
        };
        let taking = tokio::task::spawn_blocking(move || take(packer, coming, rules));
        let sending = async {
            match whom {
                Whom::All => self.send_all(original, steps).await,
                Whom::With {
                    statuses,
                    reachable,
                    again,
                } => {
                    let had = match again {
                        true => FxHashSet::default(),
                        false => self.had_by_copies(original, copy.id).await?,
                    };
                    self.send_some(original, (&statuses, reachable), (&had, steps)).await
                }
            }
        };
        let (sent, kept) = tokio::join!(
            sending,
            self.keep((copy.tenant, copy.id, &copy.cipher), (version, 0), rows)
        );
        let taken = taking.await.unwrap_or(Err(CampaignFault::Stopping));
        // When nobody took the rows any more, the rest ended for that reason.
        kept?;
        let ((counts, rejected), reach) = taken?;
        sent?;
        Ok(Copied {
            counts,
            rejected,
            reach,
            far,
        })
    }

    /// Forgets a draft that nobody has seen.
    ///
    /// # Errors
    /// [`CampaignFault::Store`].
    pub(crate) async fn forget_draft(&self, tenant: TenantId, id: CampaignId) -> Result<(), CampaignFault> {
        Ok(self.store().retire(tenant, id).await?)
    }

    async fn send_all(&self, of: &Campaign, steps: mpsc::Sender<Step>) -> Result<(), CampaignFault> {
        let mut pages = Pages::all(of.id, self.store().partitions());
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                return Ok(());
            }
            let rows = chunks.iter().flat_map(|chunk| &chunk.rows).map(|packed| {
                let row = Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))?;
                Ok((row.recipient, of.cipher.open(row.variables)?.into_owned()))
            });
            let rows = rows.collect::<Result<Rows, StoreError>>()?;
            if steps.send(self.step(of, rows).await?).await.is_err() {
                return Ok(());
            }
        }
    }

    /// With what is to be known of the recipients.
    async fn step(&self, of: &Campaign, rows: Rows) -> Result<Step, CampaignFault> {
        let numbers: Vec<Recipient> = rows.iter().map(|(recipient, _)| *recipient).collect();
        let agreed = self.agreed((of.tenant, of.purpose), &numbers).await?;
        Ok(Step { rows, agreed })
    }

    /// Who has the text, may have it, or is to get it, by another copy: one that was launched, or goes to some of its recipients as this
    /// one does.
    async fn had_by_copies(&self, original: &Campaign, but: CampaignId) -> Result<FxHashSet<u64>, CampaignFault> {
        let mut had = FxHashSet::default();
        for copy in self.copies_of(original, but).await? {
            let mut next = Some(PageCursor::START);
            while let Some(from) = next {
                let page = self.page((copy.id, from), &Which::default(), PAGE_MAX).await?;
                let got = page.rows.iter().filter(|row| may_have_it(status(row)));
                had.extend(got.map(|row| row.recipient.0));
                next = page.next;
            }
        }
        Ok(had)
    }

    /// Copies of a campaign, and copies of these.
    async fn copies_of(&self, original: &Campaign, but: CampaignId) -> Result<Vec<Campaign>, CampaignFault> {
        let mut later = Vec::new();
        let mut next = None;
        loop {
            let page = self.list(original.tenant, (next, PAGE_MAX), &Wanted::default()).await?;
            // The newest come first, and a copy is newer than what it is made of.
            let is_all = page.rows.iter().any(|campaign| campaign.id <= original.id);
            later.extend(page.rows.into_iter().filter(|campaign| campaign.id > original.id));
            next = page.next;
            if is_all || next.is_none() {
                break;
            }
        }
        let (mut family, mut copies) = (vec![original.id], Vec::new());
        for campaign in later.into_iter().rev() {
            let is_copy = campaign.copied_from.is_some_and(|of| family.contains(&of));
            if !is_copy || campaign.id == but {
                continue;
            }
            family.push(campaign.id);
            let counts = campaign.launched_at.is_some() || campaign.resends;
            if counts && campaign.state != CampaignState::Canceled {
                copies.push(campaign);
            }
        }
        Ok(copies)
    }

    async fn send_some(
        &self,
        of: &Campaign,
        (statuses, reachable): (&[String], bool),
        (had, steps): (&FxHashSet<u64>, mpsc::Sender<Step>),
    ) -> Result<(), CampaignFault> {
        let mut next = Some(PageCursor::START);
        while let Some(from) = next {
            let page = self.page((of.id, from), &Which::default(), PAGE_MAX).await?;
            let wanted = page.rows.into_iter().filter(|row| {
                let status = status(row);
                let is_dead = || row.result.is_some_and(|result| result.cleanse() == Cleanse::Hard);
                if reachable && is_dead() {
                    return false;
                }
                statuses.iter().any(|wanted| wanted == status) && !had.contains(&row.recipient.0)
            });
            let open = |row: RecipientRow| Ok((row.recipient, of.cipher.open(&row.variables)?.into_owned()));
            let rows = wanted.map(open).collect::<Result<Rows, StoreError>>()?;
            if steps.send(self.step(of, rows).await?).await.is_err() {
                return Ok(());
            }
            next = page.next;
        }
        Ok(())
    }
}

/// Whether that status is of people who have the message, may have it, or are still to get it.
fn may_have_it(status: &str) -> bool {
    !RESENT[..RESENT.len() - HAD].contains(&status)
}

/// The copy under the terms of now. Its texts have their clause and are as long as they may be: that was looked at before.
fn reworded(copy: Campaign, wording: &Wording, whom: &Whom) -> Result<Campaign, CampaignFault> {
    let purpose = copy.purpose;
    let sender = Sender::parse(&copy.sender).map_err(|_| StoreError::Corrupt("a campaign's sender"))?;
    let refuse = |pointer: &str, problem| CampaignFault::Fields(vec![FieldFault::new(pointer, problem)]);
    wording
        .check_sender(&sender)
        .and_then(|()| sender.check_purpose(purpose))
        .map_err(|problem| refuse("/sender", problem))?;
    // Those to whom something went before are numbers now, whoever they were.
    let query = copy.query.clone().filter(|_| *whom == Whom::All);
    let worded = |text: &str| {
        let checked = wording.check_advertiser(text, &sender, purpose);
        checked
            .and_then(|()| wording.with_clause(text, (Some(&sender), purpose)))
            .map_err(|problem| refuse("/text", problem))
    };
    let mut variants = copy.variants.clone();
    for variant in &mut variants {
        variant.text = worded(&variant.text)?;
    }
    let link = copy.link.as_ref().map(|link| {
        let shortened = wording.shorten(&link.url).map_err(|problem| refuse("/link", problem))?;
        Ok::<_, CampaignFault>(CampaignLink {
            url: shortened.url,
            domain: shortened.domain,
            expires_at: link.expires_at,
        })
    });
    let link = link.transpose()?;
    // These have theirs already.
    let code_pool = copy.code_pool.filter(|_| query.is_some());
    Ok(Campaign {
        text: worded(&copy.text)?,
        query,
        code_pool,
        link,
        variants,
        ..copy
    })
}

/// The name of a copy, within its limit.
fn again(name: &str) -> String {
    let kept: String = name.chars().take(NAME_MAX - AGAIN.len()).collect();
    kept + AGAIN
}

/// How recipients become rows.
struct TakingRules {
    limits: Limits,
    countries: Countries,
    guests: Option<FxHashSet<u64>>,
    lengths: Lengths,
}

/// Takes recipients as rows until there are no more; blocks.
fn take(
    mut packer: Packer,
    mut coming: mpsc::Receiver<Step>,
    rules: TakingRules,
) -> Result<(Taken, Reach), CampaignFault> {
    let limits = rules.limits;
    let ingest = Ingest::new(&mut packer, limits.country, limits.recipients_max);
    let mut ingest = ingest.only([limits.countries, rules.countries]).among(rules.guests);
    let mut values = ValueBuffer::default();
    while let Some(step) = coming.blocking_recv() {
        for (recipient, packed) in &step.rows {
            let fit = values.fill(variables(packed).enumerate(), &rules.lengths);
            let row = GivenRow {
                place: Place::Audience,
                to: &recipient.to_string(),
                values: Values::of(&values),
            };
            match step.agreed.as_ref().is_none_or(|agreed| agreed.contains(recipient)) {
                // Of those who share a number each has what was said to them.
                true => {
                    let says = FxBuildHasher.hash_one(packed).max(1);
                    ingest.fitted(row, fit, says).map_err(ReadFault::from)?;
                }
                false => ingest.without_consent(row),
            }
        }
    }
    let taken = ingest.finish();
    let reach = packer.finish().map_err(ReadFault::from)?;
    Ok((taken, reach))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_another_name_within_the_limit() {
        assert_eq!(again("Soldes"), "Soldes (2)");
        assert_eq!(again(&"é".repeat(NAME_MAX)).chars().count(), NAME_MAX);
    }
}
