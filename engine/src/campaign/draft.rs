//! From a body to a draft: recipients kept as they come, then priced.

use std::future::Future;
use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustc_hash::FxHashSet;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::codes::gone;
use super::packer::{BATCHES_MAX, Packer};
use super::pages::Pages;
use super::pasted::PastedLeftOut;
use super::price::{self, Cost, Price};
use super::texts::Texts;
use super::{CampaignFault, Campaigns, Limits};
use crate::audience::{
    CampaignDraft, Counts, GivenTemplate, Ingest, ReadFault, Rejected, Rules, Variant, faults_of, read_campaign,
};
use crate::compose::{Shortened, Template, Wording, longest_link};
use crate::database::DatabaseError;
use crate::domain::{CampaignId, Countries, Partition, Purpose, Reach, Row, TemplateId, TenantId, Terms, UnixMicros};
use crate::encryption::Cipher;
use crate::fault::{FieldFault, FieldProblem};
use crate::people::{Audience, Filter, MergeField, People, PeopleFault};
use crate::store::{
    Campaign, CampaignKind, CampaignLink, CampaignState, LateJoiners, Owner, RowBatch, StoreError, StoredVariant,
};

/// How long a body may wait for its turn to be read.
const TURN_MAX: Duration = Duration::from_secs(10);

/// What a row takes and costs before it is priced.
const ONE: Cost = Cost {
    segments: 1,
    credits: 1,
};

/// A campaign that was just made.
#[derive(Debug)]
pub(crate) struct Created {
    /// The campaign, a draft with its estimate.
    pub(crate) campaign: Campaign,
    /// The first recipients that were not taken.
    pub(crate) rejected: Vec<Rejected>,
}

/// A body that was read to its end.
pub(super) struct Taken {
    /// It goes to guests alone.
    pub(super) guests_only: bool,
    pub(super) draft: CampaignDraft,
    pub(super) counts: Counts,
    pub(super) rejected: Vec<Rejected>,
    /// Where they are.
    pub(super) reach: Reach,
}

impl Campaigns {
    /// Makes a draft of what `body` says (`POST /v1/campaigns`). `body` is read on a thread of its own, and never kept
    /// whole; its recipients are in the store when this returns.
    ///
    /// # Errors
    /// Everything that can be wrong with the request; [`CampaignFault::Busy`]; [`CampaignFault::Store`]. Nothing of the
    /// campaign is left then.
    pub(crate) async fn create(
        &self,
        tenant: TenantId,
        body: impl Read + Send + 'static,
    ) -> Result<Created, CampaignFault> {
        self.create_for((tenant, false), body).await
    }

    /// The same; `guests_only`: it goes to the tenant's guests alone, whoever launches it.
    ///
    /// # Errors
    /// As [`Campaigns::create`].
    pub(crate) async fn create_for(
        &self,
        (tenant, guests_only): (TenantId, bool),
        body: impl Read + Send + 'static,
    ) -> Result<Created, CampaignFault> {
        let campaigns = self.clone();
        self.draft_in_turn(move |id| async move { campaigns.take_in((tenant, guests_only), id, body).await })
            .await
    }

    /// The numbers that a campaign of guests alone goes to; `None`: it goes to anybody.
    pub(super) async fn guests(
        &self,
        (tenant, guests_only): (TenantId, bool),
    ) -> Result<Option<FxHashSet<u64>>, DatabaseError> {
        match guests_only {
            true => self.0.deps.people.guest_numbers(tenant).await.map(Some),
            false => Ok(None),
        }
    }

    /// Has a draft made under a new id, when there is room for one more. Nothing of it is left when it comes to nothing.
    pub(super) async fn draft_in_turn<M, F>(&self, make: M) -> Result<Created, CampaignFault>
    where
        M: FnOnce(CampaignId) -> F + Send + 'static,
        F: Future<Output = Result<Created, CampaignFault>> + Send + 'static,
    {
        let turn = self.turn().await?;
        let campaigns = self.clone();
        // A task of its own: when the caller hangs up, what was kept of the audience is forgotten all the same.
        let task = self.spawn(async move {
            let _turn = turn;
            campaigns.draft_or_forget(make).await
        });
        task.await.unwrap_or(Err(CampaignFault::Stopping))
    }

    /// The turn of an order that is read; some are at once.
    ///
    /// # Errors
    /// [`CampaignFault::Busy`].
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, CampaignFault> {
        let turn = tokio::time::timeout(TURN_MAX, self.0.creations.clone().acquire_owned());
        match turn.await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(CampaignFault::Busy),
        }
    }

    pub(super) async fn draft_or_forget<M, F>(&self, make: M) -> Result<Created, CampaignFault>
    where
        M: FnOnce(CampaignId) -> F,
        F: Future<Output = Result<Created, CampaignFault>>,
    {
        let id = self.next_id().await?;
        // Listed while it is taken in: what a process leaves behind that ends meanwhile is found, and forgotten.
        self.store().set_drafting(id, Some(self.0.deps.epoch)).await?;
        let created = make(id).await;
        if created.is_err() {
            self.insist("forget", || self.store().drop_rows(id)).await;
        }
        self.insist("draft", || self.store().set_drafting(id, None)).await;
        created
    }

    async fn take_in(
        &self,
        (tenant, guests_only): (TenantId, bool),
        id: CampaignId,
        body: impl Read + Send + 'static,
    ) -> Result<Created, CampaignFault> {
        let (batches, rows) = mpsc::channel(BATCHES_MAX);
        let table = self.routes();
        let (routes, decided) = table.chooser_of(tenant);
        // Where purpose and sender decide too, rows are cut when these are known: at the launch.
        let version = if decided { table.version() } else { 0 };
        let packer = Packer::new(batches, (routes, self.0.deps.gates.clone()), self.store().partitions());
        let (limits, far) = (self.0.deps.limits.clone(), packer.far());
        let countries = self.admit(tenant).await?.countries;
        let guests = self.guests((tenant, guests_only)).await?;
        let terms = self.terms_of(tenant).await?;
        let asked = Asked {
            wording: self.wording_of(tenant, &terms).await?,
            now: self.now(),
            people: self.0.deps.people.clone(),
            tenant,
        };
        let reading = tokio::task::spawn_blocking(move || read((body, asked), packer, (limits, countries, guests)));
        let cipher = self.store().new_cipher(tenant).await?;
        let kept = self.keep((tenant, id, &cipher), (version, 0), rows).await;
        let read = reading.await.unwrap_or(Err(CampaignFault::Stopping));
        // When the store took no more, the reading stopped for that reason.
        kept?;
        let read = read?;
        self.count_skipped(&read.counts);
        if read.draft.query.is_some() {
            return self.draft_of_contacts((id, cipher), read, (tenant, terms)).await;
        }
        if read.counts.accepted == 0 {
            return Err(CampaignFault::EmptyAudience(faults_of(&read.rejected)));
        }
        let purpose = read.draft.purpose;
        self.check_agreed((tenant, purpose), id).await?;
        if read.draft.lengths.changes_rows() {
            return self.draft_with_lengths((id, cipher), read, (tenant, terms)).await;
        }
        // Advertising gets its gates at the launch: rules may change before.
        if purpose == Purpose::Transactional && far.load(Ordering::Relaxed) {
            let campaign = id;
            let owner = Owner {
                tenant,
                campaign,
                purpose,
            };
            self.set_gates(owner, 0).await?;
        }
        let terms = Terms {
            encoding: read.draft.encoding.unwrap_or(terms.encoding),
            ..terms
        };
        let texts = Texts::one(read.draft.template.clone());
        let price = Price::new(&texts, &terms);
        let priced = self.price((id, &cipher, 0), price, read.counts.accepted).await?;
        let (estimate_segments, estimate_credits) = priced;
        let campaign = Campaign {
            cipher,
            encoding: terms.encoding,
            estimate_segments,
            estimate_credits,
            ..self.campaign_of(tenant, id, &read)
        };
        self.keep_draft(campaign, read.rejected).await
    }

    /// A draft whose contacts are found out at its launch: only the numbers that were pasted beside them are kept.
    async fn draft_of_contacts(
        &self,
        (id, cipher): (CampaignId, Cipher),
        read: Taken,
        (tenant, terms): (TenantId, Terms),
    ) -> Result<Created, CampaignFault> {
        let query = self.check_contacts(tenant, &read.draft).await?;
        let mut pages = Pages::all(id, self.store().partitions());
        let mut pasted = Vec::new();
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                break;
            }
            for packed in chunks.iter().flat_map(|chunk| &chunk.rows) {
                let row = Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))?;
                pasted.push(row.recipient);
            }
        }
        let left_out = PastedLeftOut::of(&read.counts, &read.rejected);
        self.keep_pasted((tenant, id), (&pasted, &left_out)).await?;
        self.store().drop_rows(id).await?;
        let campaign = Campaign {
            cipher,
            encoding: read.draft.encoding.unwrap_or(terms.encoding),
            query: Some(query),
            // Nobody knows yet how many they are.
            total: 0,
            ..self.campaign_of(tenant, id, &read)
        };
        self.keep_draft(campaign, read.rejected).await
    }

    /// Whom a draft of contacts means, as it is kept: its lists and segments are there, and contacts have what its texts name.
    pub(super) async fn check_contacts(
        &self,
        tenant: TenantId,
        draft: &CampaignDraft,
    ) -> Result<String, CampaignFault> {
        let query = draft
            .query
            .as_ref()
            .ok_or_else(|| CampaignFault::EmptyAudience(Vec::new()))?;
        let audience = Audience::read(query).map_err(CampaignFault::Fields)?;
        self.0.deps.people.meant(tenant, &audience).await?;
        self.check_texts(tenant, draft).await?;
        Ok(Value::Object(query.clone()).to_string())
    }

    /// Whether contacts have what the texts name, and whether the variants' filters are some.
    async fn check_texts(&self, tenant: TenantId, draft: &CampaignDraft) -> Result<(), CampaignFault> {
        let mut faults = Vec::new();
        let variants = draft.variants.iter().enumerate();
        for (at, variant) in variants.clone() {
            faults.extend(
                Filter::read(&variant.filter, &format!("/variants/{at}/filter"))
                    .err()
                    .into_iter()
                    .flatten(),
            );
            let filter = (&variant.filter, format!("/variants/{at}/filter"));
            match self.0.deps.people.check_filter(tenant, (filter.0, &filter.1)).await {
                Err(PeopleFault::Fields(gone)) => faults.extend(gone),
                checked => checked?,
            }
        }
        let texts = variants.map(|(at, variant)| (format!("/variants/{at}/text"), variant.text.as_str()));
        let longest = draft.link.as_ref().map(|(link, _)| longest_link(&link.domain));
        let own = ("/text".to_owned(), draft.template.text());
        for (pointer, text) in [own].into_iter().chain(texts) {
            let (_, names) =
                Template::parse_open_linked(text, &[""; 0], longest.as_deref()).map_err(CampaignFault::Fields)?;
            match self.merge_fields(tenant, (&names, &pointer), draft.code_pool).await {
                Err(CampaignFault::Fields(more)) => faults.extend(more),
                named => drop(named?),
            }
        }
        if let Some(pool) = draft.code_pool {
            self.0.deps.people.code_pool(tenant, pool).await.map_err(gone)?;
            if !draft.columns.names().iter().any(|name| MergeField::is_code(name)) {
                let fields = &["[code]"];
                faults.push(FieldFault::new("/text", FieldProblem::MissingBeside { fields }));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(CampaignFault::Fields(faults))
        }
    }

    pub(super) async fn keep_draft(
        &self,
        campaign: Campaign,
        rejected: Vec<Rejected>,
    ) -> Result<Created, CampaignFault> {
        self.keep_rejected(&campaign, &rejected).await?;
        // Taken for dead, its rows are forgotten.
        if !self.store().is_drafting(campaign.id, self.0.deps.epoch).await? {
            return Err(CampaignFault::Busy);
        }
        self.store().save_campaign(&campaign).await?;
        Ok(Created { campaign, rejected })
    }

    /// The list of those who were not taken, as it is shown.
    pub(super) async fn keep_list(&self, of: (TenantId, CampaignId), rejected: &Value) -> Result<(), StoreError> {
        self.store().save_rejected(of.0, of.1, &rejected.to_string()).await
    }

    async fn keep_rejected(&self, campaign: &Campaign, rejected: &[Rejected]) -> Result<(), StoreError> {
        if rejected.is_empty() {
            return Ok(());
        }
        self.keep_list((campaign.tenant, campaign.id), &super::view::rejected(rejected))
            .await
    }

    /// Keeps rows until there are no more: cut under that version of the routes, and of that finding, or 0.
    pub(super) async fn keep(
        &self,
        (tenant, id, cipher): (TenantId, CampaignId, &Cipher),
        of: (u32, u64),
        mut batches: mpsc::Receiver<RowBatch>,
    ) -> Result<(), StoreError> {
        let mut ready = Vec::with_capacity(BATCHES_MAX);
        while batches.recv_many(&mut ready, BATCHES_MAX).await > 0 {
            // One after the other in a partition: each batch says where it begins.
            self.store().add_rows((id, cipher), of, &ready).await?;
            // Who was erased is skipped at the lease, also when Redis has forgotten that.
            let rows = ready.iter().flat_map(|batch| &batch.rows);
            let numbers = rows.filter_map(|row| Row::unpack(row).ok().map(|row| row.recipient));
            self.0.deps.mirror.held_back(tenant, numbers).await?;
            ready.clear();
        }
        Ok(())
    }

    pub(super) fn count_skipped(&self, counts: &Counts) {
        let skipped = &self.0.deps.metrics.messages_skipped_total;
        let by_reason = [
            ("invalid_number", counts.invalid),
            ("not_mobile", counts.not_mobile),
            ("country_not_allowed", counts.not_allowed),
            ("not_a_guest", counts.not_guests),
            ("duplicate", counts.duplicates),
            ("no_consent", counts.no_consent),
            ("unreachable", counts.unreachable),
            ("frequency_cap", counts.frequency_cap),
            ("value_too_long", counts.value_too_long),
            ("values_refused", counts.values_refused),
        ];
        for (reason, count) in by_reason {
            skipped.with_label_values(&[reason]).inc_by(count.into());
        }
    }

    /// Segments and credits of all messages; rows whose message takes more than one of them say so from then on.
    pub(super) async fn price(
        &self,
        (id, cipher, finding): (CampaignId, &Cipher, u64),
        price: Price<'_>,
        accepted: u32,
    ) -> Result<(u64, u64), CampaignFault> {
        let refuse = |price: &Price<'_>| CampaignFault::Fields(vec![price::too_long(price.characters())]);
        if let Some(each) = price.constant() {
            let each = each.map_err(|_| refuse(&price))?;
            if each == ONE {
                return Ok((accepted.into(), accepted.into()));
            }
        }
        let put = |rows: Vec<_>| async move { self.store().set_rows((id, finding), &rows).await };
        self.price_rows((id, cipher), price, put).await
    }

    /// The same of all rows, whatever their prices were; those that have another are handed on.
    pub(super) async fn price_rows<F>(
        &self,
        (id, cipher): (CampaignId, &Cipher),
        mut price: Price<'_>,
        mut put: impl FnMut(Vec<(Partition, u32, Vec<u8>)>) -> F,
    ) -> Result<(u64, u64), CampaignFault>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let mut pages = Pages::all(id, self.store().partitions());
        let (mut segments, mut credits) = (0, 0);
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                return Ok((segments, credits));
            }
            let mut other: Vec<(Partition, u32, Vec<u8>)> = Vec::new();
            for chunk in chunks {
                for (position, packed) in (chunk.position..).zip(&chunk.rows) {
                    let row = Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))?;
                    let variables = cipher.open(row.variables)?;
                    let of_row = price.of_recipient((row.recipient, &variables));
                    let of_row = of_row.map_err(|fault| CampaignFault::Fields(vec![fault]))?;
                    segments += u64::from(of_row.segments);
                    credits += u64::from(of_row.credits);
                    let with_price = repriced(row, of_row).map(|row| (chunk.partition, position, row));
                    other.extend(with_price);
                }
                // Rendering a chunk takes a fraction of a millisecond; others have their turn between two.
                tokio::task::yield_now().await;
            }
            put(other).await?;
        }
    }

    pub(super) fn campaign_of(&self, tenant: TenantId, id: CampaignId, read: &Taken) -> Campaign {
        let (draft, counts) = (&read.draft, &read.counts);
        Campaign {
            id,
            tenant,
            kind: CampaignKind::Audience,
            // Its caller's.
            cipher: Cipher::Plain,
            redacted: None,
            finding: 0,
            name: draft.name.clone(),
            text: draft.template.text().to_owned(),
            sender: draft.sender.text(),
            purpose: draft.purpose,
            encoding: draft.encoding.unwrap_or_default(),
            validity: draft.validity,
            expires_at: draft.expires_at,
            rate: draft.rate,
            late: draft.late_until.map(LateJoiners::until),
            parameters: draft.parameters.clone(),
            columns: draft.columns.names().to_vec(),
            lengths: draft.lengths.clone(),
            query: None,
            code_pool: draft.code_pool,
            link: draft.link.as_ref().map(link),
            copied_from: None,
            resends: false,
            category: draft.category.clone(),
            template: draft.from_template,
            variants: draft.variants.iter().map(stored).collect(),
            refused: None,
            state: CampaignState::Draft,
            total: counts.accepted.into(),
            invalid: counts.invalid.into(),
            not_mobile: counts.not_mobile.into(),
            not_allowed: counts.not_allowed.into(),
            not_guests: counts.not_guests.into(),
            guests_only: read.guests_only,
            duplicates: counts.duplicates.into(),
            no_consent: counts.no_consent.into(),
            unreachable: counts.unreachable.into(),
            frequency_cap: counts.frequency_cap.into(),
            by_request: counts.by_request.into(),
            value_too_long: counts.value_too_long.into(),
            values_refused: counts.values_refused.into(),
            shortened: counts.shortened.into(),
            reach: read.reach.clone(),
            estimate_segments: 0,
            estimate_credits: 0,
            held: 0,
            spent: 0,
            recredited: 0,
            created_at: self.now(),
            scheduled_at: None,
            launched_at: None,
            traceparent: None,
            edits: 0,
            unpriced: false,
        }
    }
}

/// By whom, and when.
pub(super) struct Asked {
    pub(super) wording: Wording,
    pub(super) now: UnixMicros,
    pub(super) people: People,
    pub(super) tenant: TenantId,
}

impl Asked {
    pub(super) async fn template(&self, id: TemplateId) -> Result<Option<GivenTemplate>, DatabaseError> {
        match self.people.template((self.tenant, id), None).await {
            Ok(found) => Ok(Some(GivenTemplate {
                version: found.version,
                purpose: found.says.purpose,
                category: found.says.category,
                text: found.says.text,
            })),
            Err(PeopleFault::NotFound | PeopleFault::Fields(_)) => Ok(None),
            Err(PeopleFault::Database(error)) => Err(error),
        }
    }
}

fn link((link, expires_at): &(Shortened, Option<UnixMicros>)) -> CampaignLink {
    CampaignLink {
        url: link.url.clone(),
        domain: link.domain.clone(),
        expires_at: *expires_at,
    }
}

fn stored(variant: &Variant) -> StoredVariant {
    StoredVariant {
        filter: variant.filter.clone(),
        text: variant.text.clone(),
    }
}

/// Reads a body to its end, and takes numbers of the tenant's countries; blocks.
fn read(
    (body, asked): (impl Read, Asked),
    mut packer: Packer,
    (limits, countries, guests): (Limits, Countries, Option<FxHashSet<u64>>),
) -> Result<Taken, CampaignFault> {
    let guests_only = guests.is_some();
    let ingest = Ingest::new(&mut packer, limits.country, limits.recipients_max);
    let mut ingest = ingest.only([limits.countries, countries]).among(guests);
    let runtime = Handle::current();
    let find = |id| runtime.block_on(asked.template(id));
    let rules = Rules {
        wording: asked.wording.clone(),
        now: asked.now,
        find_template: &find,
        again: None,
    };
    let draft = read_campaign(body, rules, &mut ingest)?;
    let (counts, rejected) = ingest.finish();
    let reach = packer.finish().map_err(ReadFault::from)?;
    Ok(Taken {
        guests_only,
        reach,
        draft,
        counts,
        rejected,
    })
}

/// The row, packed, if its message takes or costs something else than the row says.
pub(super) fn repriced(row: Row<'_>, Cost { segments, credits }: Cost) -> Option<Vec<u8>> {
    let priced = Row {
        segments,
        credits,
        ..row
    };
    ((segments, credits) != (row.segments, row.credits)).then(|| priced.pack())
}
