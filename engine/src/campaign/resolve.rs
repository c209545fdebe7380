//! Whom a campaign of contacts means: found out at its launch, and not before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::draft::repriced;
use super::had::Had;
use super::packer::{BATCHES_MAX, Packer};
use super::price::Price;
use super::refusal::code_of;
use super::taking::{Coming, Taken, TakingRules, take, taken_of};
use super::texts::Texts;
use super::{CampaignFault, Campaigns};
use crate::audience::{Counts, Ingest, ReadFault};
use crate::database::DatabaseError;
use crate::domain::{CampaignId, CodePoolId, ContactId, Purpose, Reach, TenantId, Terms, UnixMicros};
use crate::fault::{FieldFault, FieldProblem};
use crate::people::{Audience, Contact, Filter, Meant, MergeField, People};
use crate::store::{Begun, Campaign, CampaignState, Owner, RowBatch, StoreError, StoredVariant};

/// The pause before a database that is away is asked again.
const AGAIN: Duration = Duration::from_secs(2);

/// Steps of contacts that may wait to be taken.
const STEPS_MAX: usize = 2;

/// An audience that was found out.
pub(super) struct Found<T> {
    pub(super) counts: Counts,
    /// Those of these who were not counted when the campaign was made.
    pub(super) newly: Counts,
    /// The first who get nothing, as they are shown.
    pub(super) rejected: Value,
    /// Where they are.
    pub(super) reach: Reach,
    /// What was made of its rows.
    pub(super) made: T,
}

/// The finding out of one campaign's audience.
#[derive(Default)]
pub(super) struct Finding {
    /// How many recipients have been found.
    count: Arc<AtomicU64>,
    /// One at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Campaigns {
    /// Sets a launch going that begins with finding out whom it means; the rest is done behind the answer.
    ///
    /// # Errors
    /// As [`Campaigns::launch`].
    pub(super) async fn resolve_for_launch(
        &self,
        campaign: &Campaign,
        planned: Option<UnixMicros>,
    ) -> Result<CampaignState, CampaignFault> {
        let owner = (campaign.tenant, campaign.id);
        let from = match (planned, campaign.state) {
            (Some(_), _) => &[CampaignState::Scheduled][..],
            // It was accepted; taken back meanwhile, it is launched by nobody.
            (None, CampaignState::InReview) => &[CampaignState::InReview][..],
            (None, _) => &CampaignState::BEFORE_LAUNCH[..],
        };
        let from = (from, campaign.edits);
        match self.store().begin_resolving(owner, from, self.0.deps.epoch).await {
            Ok(Begun::Yes) => {}
            Ok(Begun::Edited) => return Err(CampaignFault::Edited),
            Ok(Begun::WrongState) if self.is_left_here(owner).await? => {}
            Ok(Begun::WrongState) => return Err(self.why_not(owner.0, owner.1).await?),
            Err(error) => {
                // It may have begun, and then nobody else sees to it before the next start.
                self.resolve_later(owner, planned);
                return Err(error.into());
            }
        }
        self.resolve_later(owner, planned);
        Ok(CampaignState::Resolving)
    }

    /// Whether a campaign's audience is to be found out by this process, which does not: the call that began it was made again.
    async fn is_left_here(&self, (tenant, id): (TenantId, CampaignId)) -> Result<bool, CampaignFault> {
        let listed = self.store().resolving().await?;
        Ok(listed.contains(&(id, self.0.deps.epoch))
            && self.found_so_far(id).is_none()
            && self.find(tenant, id).await?.state == CampaignState::Resolving)
    }

    /// Launches that were being found out by a process that has ended.
    pub(super) async fn take_over_resolving(&self) -> Result<(), CampaignFault> {
        let resolving = self.store().resolving().await?;
        if resolving.is_empty() {
            return Ok(());
        }
        let alive = self.store().epochs().await?;
        for (id, epoch) in resolving {
            let is_ours = epoch == self.0.deps.epoch;
            if is_ours || alive.iter().any(|known| known.number == epoch) {
                continue;
            }
            let owner = self.store().owner_of(id).await?;
            let campaign = match owner {
                Some(tenant) => self.store().campaign(tenant, id).await?,
                None => None,
            };
            match campaign.filter(|campaign| campaign.state == CampaignState::Resolving) {
                Some(campaign) => {
                    self.store().set_resolving(id, Some(self.0.deps.epoch)).await?;
                    tracing::info!(campaign = %id, "a launch that was cut off is begun again");
                    self.resolve_later((campaign.tenant, id), None);
                }
                None => self.store().set_resolving(id, None).await?,
            }
        }
        Ok(())
    }

    /// At the start: of a launch that is listed, it is known whose it is, and when that one has ended. Of one that is not, nobody
    /// would go on with it.
    pub(super) async fn resolve_unless_listed(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let resolving = self.store().resolving().await?;
        if resolving.iter().all(|(id, _)| *id != campaign.id) {
            self.store().set_resolving(campaign.id, Some(self.0.deps.epoch)).await?;
            self.resolve_later((campaign.tenant, campaign.id), None);
        }
        Ok(())
    }

    /// How many recipients have been found so far, of a campaign whose audience this process is finding out.
    pub(super) fn found_so_far(&self, id: CampaignId) -> Option<u64> {
        let found = self.0.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(&id).map(|finding| finding.count.load(Ordering::Relaxed))
    }

    fn resolve_later(&self, (tenant, id): (TenantId, CampaignId), planned: Option<UnixMicros>) {
        let mut found = self.0.found.lock().unwrap_or_else(PoisonError::into_inner);
        let finding = found.entry(id).or_default().clone();
        drop(found);
        let campaigns = self.clone();
        self.spawn(async move {
            // One that was refused a moment ago may still be on its way out.
            let _turn = finding.turn.lock().await;
            let work = campaigns.resolve_and_launch((tenant, id), planned, &finding.count);
            if campaigns
                .0
                .deps
                .stop
                .run_until_cancelled(work)
                .await
                .flatten()
                .is_none()
            {
                tracing::info!(campaign = %id, "not wholly found out; the next start begins again");
            }
            let mut found = campaigns.0.found.lock().unwrap_or_else(PoisonError::into_inner);
            // Its own, and that of the map: nobody else waits for a turn.
            if Arc::strong_count(&finding) == 2 {
                found.remove(&id);
            }
        });
    }

    /// `None`: it is left to the next start.
    async fn resolve_and_launch(
        &self,
        (tenant, id): (TenantId, CampaignId),
        planned: Option<UnixMicros>,
        count: &Arc<AtomicU64>,
    ) -> Option<()> {
        let mut finding = 0;
        let launched = loop {
            count.store(0, Ordering::Relaxed);
            match self.resolve_once((tenant, id), planned, (count, &mut finding)).await {
                Err(CampaignFault::Store(StoreError::TakenOver)) => {
                    tracing::warn!(campaign = %id, "this engine was taken for dead: another finds out whom it means");
                    return Some(());
                }
                Err(CampaignFault::Store(StoreError::Unavailable(_) | StoreError::Refused(_)))
                | Err(CampaignFault::Database(_) | CampaignFault::Stopping) => {
                    tracing::warn!(campaign = %id, "whom it means cannot be read now; it is read again");
                    tokio::time::sleep(AGAIN).await;
                }
                launched => break launched,
            }
        };
        let Err(fault) = launched else {
            return self.insist("resolve", || self.store().set_resolving(id, None)).await;
        };
        let code = code_of(&fault);
        tracing::warn!(campaign = %id, %fault, code, "not launched");
        // Its rows first: once it is a draft, somebody else may launch it again.
        let clear = || async {
            match self.store().clear_found(id, finding).await {
                Err(StoreError::TakenOver) => Ok(false),
                cleared => cleared.map(|()| true),
            }
        };
        if !self.insist("resolve", clear).await? {
            return Some(());
        }
        let pool = self.find(tenant, id).await.ok().and_then(|campaign| campaign.code_pool);
        self.give_back_codes(pool, id).await;
        let code = &code;
        let refuse = || async {
            if !self.store().is_last_finding((tenant, id), finding).await? {
                return Ok(());
            }
            let back = CampaignState::Draft;
            self.store().refuse_resolving((tenant, id), back, code).await?;
            self.store().set_resolving(id, None).await
        };
        let refused = self.insist("resolve", refuse).await;
        self.0.books.campaign_moved(tenant, id);
        refused
    }

    async fn resolve_once(
        &self,
        (tenant, id): (TenantId, CampaignId),
        planned: Option<UnixMicros>,
        (count, finding): (&Arc<AtomicU64>, &mut u64),
    ) -> Result<(), CampaignFault> {
        let campaign = self.find(tenant, id).await?;
        match campaign.state {
            CampaignState::Resolving => *finding = self.store().begin_finding((tenant, id)).await?,
            CampaignState::Canceled => return self.drop_found(&campaign).await,
            // Another has launched it, or it was refused.
            CampaignState::Draft
            | CampaignState::Scheduled
            | CampaignState::InReview
            | CampaignState::Blocked
            | CampaignState::Launching
            | CampaignState::Running
            | CampaignState::Paused
            | CampaignState::Completed
            | CampaignState::Stopped => return Ok(()),
        }
        let finding = *finding;
        let campaign = self.resolve(Campaign { finding, ..campaign }, count).await?;
        match self.launch_as(&campaign, planned).await {
            Ok(_) | Err(CampaignFault::Short { .. }) => Ok(()),
            // It has another date since this one came.
            Err(CampaignFault::AlreadyStarted(CampaignState::Resolving)) => {
                self.store().clear_found(id, finding).await?;
                if !self.store().is_last_finding((tenant, id), finding).await? {
                    return Err(StoreError::TakenOver.into());
                }
                let back = CampaignState::Scheduled;
                self.store().refuse_resolving((tenant, id), back, "").await?;
                Ok(())
            }
            Err(CampaignFault::WrongState(CampaignState::Canceled)) => self.drop_found(&campaign).await,
            Err(CampaignFault::AlreadyStarted(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Of a campaign that is not launched: what was found out of it.
    pub(super) async fn drop_found(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        self.store().clear_found(campaign.id, campaign.finding).await?;
        self.give_back_codes(campaign.code_pool, campaign.id).await;
        Ok(())
    }

    /// Puts the recipients whom a campaign means in place of its rows, and says what they will take.
    async fn resolve(&self, campaign: Campaign, count: &Arc<AtomicU64>) -> Result<Campaign, CampaignFault> {
        let (tenant, id, purpose) = (campaign.tenant, campaign.id, campaign.purpose);
        self.store().clear_found(id, campaign.finding).await?;
        let (_, decided) = self.routes().chooser_of(tenant);
        let version = if decided { self.routes().version() } else { 0 };
        let cipher = campaign.cipher.clone();
        let finding = campaign.finding;
        let keep = |rows| {
            let of = (tenant, id, &cipher);
            async move { Ok(self.keep(of, (version, finding), rows).await?) }
        };
        let found = self.find_out(&campaign, count.clone(), keep).await?;
        if found.counts.accepted == 0 {
            return Err(CampaignFault::EmptyAudience(Vec::new()));
        }
        self.count_skipped(&found.newly);
        self.keep_list((tenant, id), &found.rejected).await?;
        // Advertising gets its gates when it is queued.
        if purpose == Purpose::Transactional {
            let campaign = id;
            let owner = Owner {
                tenant,
                campaign,
                purpose,
            };
            self.set_gates(owner, finding).await?;
        }
        self.give_codes(&campaign, found.counts.accepted).await?;
        let (texts, terms) = self.priced_by(&campaign).await?;
        let price = Price::new(&texts, &terms);
        let (estimate_segments, estimate_credits) = self
            .price((id, &campaign.cipher, finding), price, found.counts.accepted)
            .await?;
        let campaign = Campaign {
            estimate_segments,
            estimate_credits,
            reach: found.reach,
            ..counted(campaign, &found.counts)
        };
        self.store().save_counts(&campaign).await?;
        Ok(campaign)
    }

    /// Texts and terms by which the messages of a campaign are priced.
    pub(super) async fn priced_by(&self, campaign: &Campaign) -> Result<(Texts, Terms), CampaignFault> {
        let texts = Texts::of(campaign).map_err(CampaignFault::Fields)?;
        let terms = Terms {
            encoding: campaign.encoding,
            ..self.terms_of(campaign.tenant).await?
        };
        Ok((texts, terms))
    }

    /// Whether all lists are there by which its texts are chosen.
    async fn check_variants(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        for (at, variant) in campaign.variants.iter().enumerate() {
            let pointer = format!("/variants/{at}/filter");
            let filter = (&variant.filter, pointer.as_str());
            self.0.deps.people.check_filter(campaign.tenant, filter).await?;
        }
        Ok(())
    }

    /// Finds out whom a campaign means, and makes something of the rows that they become, as they come.
    pub(super) async fn find_out<T, F>(
        &self,
        campaign: &Campaign,
        count: Arc<AtomicU64>,
        make: impl FnOnce(mpsc::Receiver<RowBatch>) -> F,
    ) -> Result<Found<T>, CampaignFault>
    where
        F: Future<Output = Result<T, CampaignFault>>,
    {
        let (made, taken) = self.look_at(campaign, (count, None), make).await?;
        let ((newly, rejected), reach) = taken?;
        let pasted = self.pasted_left_out((campaign.tenant, campaign.id)).await?;
        let (counts, rejected) = pasted.and(newly, &rejected);
        Ok(Found {
            counts,
            newly,
            rejected,
            reach,
            made,
        })
    }

    /// The same, but for those who had it already, for who may have seen enough before the last row: then the taking ended for that reason, and its counts are none.
    pub(super) async fn look_at<T, F>(
        &self,
        campaign: &Campaign,
        (count, had): (Arc<AtomicU64>, Option<Had>),
        make: impl FnOnce(mpsc::Receiver<RowBatch>) -> F,
    ) -> Result<(T, Result<(Taken, Reach), CampaignFault>), CampaignFault>
    where
        F: Future<Output = Result<T, CampaignFault>>,
    {
        let tenant = campaign.tenant;
        let query = campaign.query.as_deref().unwrap_or("{}");
        let query = serde_json::from_str(query).map_err(|_| StoreError::Corrupt("whom a campaign means"))?;
        let audience = Audience::read(&query).map_err(CampaignFault::Fields)?;
        let meant = self.0.deps.people.meant(tenant, &audience).await?;
        self.check_variants(campaign).await?;
        let table = self.routes();
        let (batches, rows) = mpsc::channel(BATCHES_MAX);
        let chooser = table.chooser_of(tenant).0;
        let packer = Packer::new(batches, (chooser, self.0.deps.gates.clone()), self.store().partitions());
        let countries = [
            self.0.deps.limits.countries.clone(),
            self.store().countries(tenant).await?,
        ];
        let guests = self.guests((tenant, campaign.guests_only)).await?;
        let limits = self.0.deps.limits.clone();
        let marketing = campaign.purpose == Purpose::Marketing;
        let consent = marketing && self.terms_of(tenant).await?.require_consent;
        let rules = TakingRules {
            fields: self
                .merge_fields(tenant, (&campaign.columns, "/text"), campaign.code_pool)
                .await?,
            texts: self.priced_by(campaign).await?,
            code: self.stand_in(campaign).await?,
            lengths: campaign.lengths.clone(),
            excluded: meant.numbers.clone(),
            had,
            marketing,
            consent,
            reachable: !meant.unreachable,
        };
        let (steps, coming) = mpsc::channel(STEPS_MAX);
        let taking = tokio::task::spawn_blocking(move || {
            let mut packer = packer;
            let ingest = Ingest::new(&mut packer, limits.country, limits.recipients_max);
            let taken = take(ingest.only(countries).among(guests), (coming, count), &rules)?;
            let reach = packer.finish().map_err(ReadFault::from)?;
            Ok::<_, CampaignFault>((taken, reach))
        });
        let (sent, made) = tokio::join!(self.send_contacts(campaign, &meant, steps), make(rows));
        let left_out = self.0.deps.people.count_left_out(tenant, &meant).await?;
        let taken = taken_of(taking.await).map(|((mut counts, rejected), reach)| {
            let left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
            counts.by_request = counts.by_request.saturating_add(left_out);
            ((counts, rejected), reach)
        });
        // When nobody took the rows any more, or none came, the taking ended for that reason.
        Ok((made?, taken.and_then(|taken| sent.map(|()| taken))))
    }

    /// Contacts first: they have names.
    async fn send_contacts(
        &self,
        campaign: &Campaign,
        meant: &Meant,
        steps: mpsc::Sender<Coming>,
    ) -> Result<(), CampaignFault> {
        let people = &self.0.deps.people;
        let of = (campaign.tenant, meant);
        let variants = variants(campaign)?;
        let mut after = ContactId(0);
        loop {
            let contacts = people.meant_contacts(of, after).await?;
            let Some(last) = contacts.last() else { break };
            after = last.id;
            let numbers = contacts.iter().flat_map(|contact| contact.details.numbers());
            let capped = self.capped(campaign, numbers.collect()).await?;
            let chosen = choose((people, campaign.tenant), &variants, contacts).await?;
            if steps.send(Coming::Contacts(chosen, capped)).await.is_err() {
                return Ok(());
            }
        }
        let pasted = self.pasted_of(campaign, meant).await?;
        // Nobody takes them: that side says why.
        let _taken = steps.send(Coming::Pasted(pasted)).await.is_ok();
        Ok(())
    }

    /// What stands for a code until each has its own; empty where there are none.
    pub(super) async fn stand_in(&self, campaign: &Campaign) -> Result<String, CampaignFault> {
        let stock = self.codes_for(campaign, 0).await?;
        Ok(stock.map(|stock| stock.longest).unwrap_or_default())
    }

    /// What the names in a text mean of a contact.
    ///
    /// # Errors
    /// Names that mean nothing, as faults of the text at that pointer.
    pub(super) async fn merge_fields(
        &self,
        tenant: TenantId,
        (names, pointer): (&[String], &str),
        codes: Option<CodePoolId>,
    ) -> Result<Vec<MergeField>, CampaignFault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let attributes = self.0.deps.people.attributes(tenant).await?;
        let mut faults = Vec::new();
        let mut fields = Vec::with_capacity(names.len());
        for name in names {
            if codes.is_some() && MergeField::is_code(name) {
                fields.push(MergeField::Code);
                continue;
            }
            match MergeField::named(name, &attributes) {
                Some(field) => fields.push(field),
                None => {
                    let (columns, french) = (MergeField::all(&attributes), MergeField::all_in_french(&attributes));
                    let both: Vec<&String> = french.iter().chain(&columns).collect();
                    let problem = FieldProblem::UnknownMergeField {
                        name: name.clone(),
                        nearest: crate::compose::nearest_column(name, &both),
                        columns: columns.into(),
                        french: french.into(),
                    };
                    faults.push(FieldFault::new(pointer, problem));
                }
            }
        }
        if faults.is_empty() {
            Ok(fields)
        } else {
            Err(CampaignFault::Fields(faults))
        }
    }
}

/// Contacts, each with the first variant whose filter means them, from 1, or 0.
pub(super) async fn choose(
    (people, tenant): (&People, TenantId),
    variants: &[Filter],
    contacts: Vec<Contact>,
) -> Result<Vec<(Contact, usize)>, DatabaseError> {
    let mut chosen: HashMap<ContactId, usize> = HashMap::new();
    for (number, filter) in (1..).zip(variants) {
        let left = contacts.iter().map(|contact| contact.id);
        let left: Vec<ContactId> = left.filter(|id| !chosen.contains_key(id)).collect();
        let meant = people.those((tenant, filter), &left).await?;
        chosen.extend(meant.into_iter().map(|id| (id, number)));
    }
    let with_variant = |contact: Contact| {
        let variant = chosen.get(&contact.id).copied().unwrap_or(0);
        (contact, variant)
    };
    Ok(contacts.into_iter().map(with_variant).collect())
}

/// Whom the variants of a campaign are for.
pub(super) fn variants(campaign: &Campaign) -> Result<Vec<Filter>, CampaignFault> {
    let filter = |variant: &StoredVariant| Filter::read(&variant.filter, "/variants").map_err(CampaignFault::Fields);
    campaign.variants.iter().map(filter).collect()
}

/// A campaign with what was counted of its audience.
pub(super) fn counted(campaign: Campaign, counts: &Counts) -> Campaign {
    Campaign {
        total: counts.accepted.into(),
        invalid: counts.invalid.into(),
        not_mobile: counts.not_mobile.into(),
        not_allowed: counts.not_allowed.into(),
        not_guests: counts.not_guests.into(),
        duplicates: counts.duplicates.into(),
        no_consent: counts.no_consent.into(),
        unreachable: counts.unreachable.into(),
        frequency_cap: counts.frequency_cap.into(),
        by_request: counts.by_request.into(),
        value_too_long: counts.value_too_long.into(),
        values_refused: counts.values_refused.into(),
        shortened: counts.shortened.into(),
        ..campaign
    }
}

/// A row with its price.
///
/// # Errors
/// When its text takes too many segments.
pub(super) fn priced(packed: Vec<u8>, price: &mut Price<'_>) -> Result<Vec<u8>, CampaignFault> {
    let row = crate::domain::Row::unpack(&packed).map_err(|_| StoreError::Corrupt("an audience row"))?;
    let cost = price.of_recipient((row.recipient, row.variables));
    let cost = cost.map_err(|fault| CampaignFault::Fields(vec![fault]))?;
    let dearer = repriced(row, cost);
    Ok(dearer.unwrap_or(packed))
}
