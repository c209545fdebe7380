//! What a campaign will take and cost, for who decides whether to launch it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;

use super::figures::Excluded;
use super::pages::Pages;
use super::price::Price;
use super::resolve::{counted, priced};
use super::texts::Texts;
use super::view::time;
use super::worst::Worst;
use super::{CampaignFault, Campaigns, Order};
use crate::compose::{analyse, asks_in_vain, is_unnamed};
use crate::domain::{CampaignId, GateId, Lengths, Partition, Purpose, Recipient, Row, TenantId, Terms, variables};
use crate::encryption::{Cipher, EncryptionFault};
use crate::people::MergeField;
use crate::store::{Campaign, RowBatch, StoreError};

/// Rendered texts that are shown.
const SAMPLES: usize = 3;

/// A campaign before its launch.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Estimation {
    id: String,
    state: &'static str,
    /// If everybody gets it: what is held at the launch.
    max: Sums,
    /// Without those who want no messages by now, or have had enough.
    expected: Sums,
    opted_out: u64,
    /// Of those that the campaign names itself, who have had as much advertising as the tenant allows; of contacts, see `excluded`.
    frequency_cap: u64,
    /// Recipients by the segments that their message takes: names make some texts longer than others.
    by_segments: BTreeMap<u8, u64>,
    /// If everybody gets it, by what they get: the campaign's own text, then each variant.
    by_variant: Vec<Sums>,
    /// If each field were as long as it may be: its `max` of `field_lengths`, or as the longest value that somebody has. `null`: a text
    /// with these would have more segments than any may, and whoever has such values would keep the campaign from being launched.
    worst: Option<Sums>,
    long_values: LongValues,
    /// Who has no value for a field without anything behind its bar, by the field, if everybody gets it: their text has nothing there.
    without_value: BTreeMap<String, u64>,
    excluded: Excluded,
    balance: Balance,
    /// How many codes its pool lacks: more than 0, and its launch is refused. `null`: it has no pool.
    codes_missing: Option<u64>,
    /// Some of the first, one of each variant, and one of those whose texts are the longest; that comes last.
    samples: Vec<Sample>,
    /// It asks for an answer, and comes from a name, which nobody can answer.
    no_reply_sender: bool,
    /// It is advertising from a number, and the tenant's `brand` is not known: nobody can tell whose it is.
    advertiser_unnamed: bool,
    /// When the first of them may be written to, where that is not now.
    next_open_at: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
struct Sums {
    recipients: u64,
    segments: u64,
    credits: u64,
}

/// Recipients who have a value that is longer than `field_lengths` has it, by what becomes of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct LongValues {
    truncated: u64,
    /// As `excluded.value_too_long`.
    skipped: u64,
    sent: u64,
}

/// The tenant's credits now, and when those of the launch are held.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Balance {
    available: u64,
    after: i64,
    enough: bool,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Sample {
    to: String,
    /// Which variant it is, from 1; `null`: the campaign's own text.
    variant: Option<usize>,
    /// As it reaches the phone.
    text: String,
    segments: u8,
    credits: u8,
}

/// What has been read of an audience.
struct Tally {
    texts: Texts,
    /// What the variables of its rows are encrypted with.
    cipher: Cipher,
    max: Sums,
    expected: Sums,
    opted_out: u64,
    capped: u64,
    by_segments: BTreeMap<u8, u64>,
    by_variant: Vec<Sums>,
    worst: Worst,
    /// Those of whom a value is longer than it should be.
    longer: u64,
    /// What the longest values of its rows are to be.
    lengths: Lengths,
    /// The first row of each variant.
    of_variants: Vec<Option<Vec<u8>>>,
    /// Of each variant, the columns that leave nothing where there is no value; and of each of these, who has none, in all.
    bare: Vec<Vec<usize>>,
    without_value: BTreeMap<usize, u64>,
    /// The rows that become samples.
    shown: Vec<Vec<u8>>,
    /// Segments of the dearest of them.
    dearest: u8,
    /// Of contacts: the gates of their zones.
    zones: HashSet<GateId>,
    /// What it is priced by, and whether nobody pays it: in a sandbox it is said what its tenant would.
    terms: Terms,
    is_free: bool,
    /// Of each variant: how many times its price all of them pay.
    times: Vec<u64>,
}

impl Balance {
    /// What is left of so many behind a hold; a sandbox holds nothing.
    fn after(available: u64, held: u64) -> Self {
        let signed = |credits: u64| i64::try_from(credits).unwrap_or(i64::MAX);
        Self {
            available,
            after: signed(available) - signed(held),
            enough: available >= held,
        }
    }
}

impl Sums {
    fn add(&mut self, row: &Row<'_>, credits: u8) {
        self.recipients += 1;
        self.segments += u64::from(row.segments);
        self.credits += u64::from(credits);
    }
}

impl Tally {
    fn new((texts, cipher): (Texts, Cipher), campaign: &Campaign, terms: &Terms) -> Self {
        let kinds = texts.variants() + 1;
        // In a sandbox it is said what its tenant would pay.
        let priced_by = Terms {
            is_free: false,
            ..terms.clone()
        };
        Self {
            max: Sums::default(),
            expected: Sums::default(),
            opted_out: 0,
            capped: 0,
            by_segments: BTreeMap::new(),
            by_variant: vec![Sums::default(); kinds],
            of_variants: vec![None; kinds],
            bare: (0..kinds).map(|variant| texts.bare(variant)).collect(),
            without_value: BTreeMap::new(),
            shown: Vec::new(),
            dearest: 0,
            worst: Worst::new(
                (&texts, campaign.columns.len()),
                campaign.lengths.clone(),
                priced_by.clone(),
            ),
            longer: 0,
            lengths: campaign.lengths.clone(),
            zones: HashSet::new(),
            is_free: terms.is_free,
            times: vec![0; kinds],
            terms: priced_by,
            texts,
            cipher,
        }
    }

    /// Of how many what is said has nothing in a field, by its name. Codes are given at the launch.
    fn without_value(&self, campaign: &Campaign) -> BTreeMap<String, u64> {
        let named = self.without_value.iter().filter_map(|(column, count)| {
            let name = campaign.columns.get(*column)?;
            let is_code = campaign.code_pool.is_some() && MergeField::is_code(name);
            (!is_code).then(|| (name.clone(), *count))
        });
        named.collect()
    }

    /// The rows of its samples, each once.
    fn samples(&self) -> Vec<&Vec<u8>> {
        let mut samples: Vec<&Vec<u8>> = self.shown.iter().collect();
        if self.texts.variants() > 0 {
            samples.extend(self.of_variants.iter().flatten());
        }
        let mut seen = HashSet::new();
        samples.retain(|row| seen.insert(*row));
        samples
    }

    fn add(
        &mut self,
        (row, packed): (&Row<'_>, &[u8]),
        (opted_out, capped): (bool, bool),
    ) -> Result<(), EncryptionFault> {
        let variables = self.cipher.open(row.variables)?;
        let credits = self.credits(row, &variables);
        self.max.add(row, credits);
        let variant = self.texts.variant(&variables);
        let values: Vec<&str> = self::variables(&variables).collect();
        self.worst.see(&values);
        let has_none = |column: &&usize| values.get(**column).is_none_or(|value| value.trim().is_empty());
        for column in self.bare[variant].iter().filter(has_none) {
            *self.without_value.entry(*column).or_default() += 1;
        }
        self.longer += u64::from(self.lengths.has_longer(&values));
        self.by_variant[variant].add(row, credits);
        self.times[variant] += u64::from(self.terms.prefix_prices.times(row.recipient));
        self.of_variants[variant].get_or_insert_with(|| packed.to_vec());
        *self.by_segments.entry(row.segments).or_default() += 1;
        match (opted_out, capped) {
            (true, _) => self.opted_out += 1,
            (false, true) => self.capped += 1,
            (false, false) => self.expected.add(row, credits),
        }
        let is_dearer = row.segments > self.dearest;
        if self.shown.len() == SAMPLES && is_dearer {
            self.shown.pop();
        }
        if self.shown.len() < SAMPLES {
            self.shown.push(packed.to_vec());
            self.dearest = self.dearest.max(row.segments);
        }
        Ok(())
    }
}

impl Tally {
    /// What its message costs; in a sandbox, what it would.
    fn credits(&self, row: &Row<'_>, packed: &[u8]) -> u8 {
        if !self.is_free {
            return row.credits;
        }
        let (values, mut text) = (variables(packed).collect::<Vec<&str>>(), String::new());
        self.texts.render(&values, &mut text);
        let of_text = (text.chars().count(), row.segments);
        self.terms.credits(of_text, row.recipient).unwrap_or(u8::MAX)
    }

    /// What all of them take at most; `None`: more than any message may.
    fn worst(&self) -> Option<Sums> {
        let mut worst = Sums::default();
        for (variant, sums) in self
            .by_variant
            .iter()
            .enumerate()
            .filter(|(_, sums)| sums.recipients > 0)
        {
            let each = self.worst.of_variant(&self.texts, variant).ok()?;
            worst.recipients += sums.recipients;
            worst.segments += (sums.recipients * u64::from(each.segments)).max(sums.segments);
            worst.credits += (self.times[variant] * u64::from(each.credits)).max(sums.credits);
        }
        Some(worst)
    }
}

impl Campaigns {
    /// What a campaign will take and cost, as its audience and the opt-outs are now.
    ///
    /// # Errors
    /// [`CampaignFault::AlreadyStarted`] for one that was launched, [`CampaignFault::Erased`], [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn estimate(&self, tenant: TenantId, id: CampaignId) -> Result<Estimation, CampaignFault> {
        let campaign = self.find(tenant, id).await?;
        if !campaign.state.is_before_launch() {
            return Err(CampaignFault::AlreadyStarted(campaign.state));
        }
        if campaign.is_erased() {
            return Err(CampaignFault::Erased);
        }
        let (campaign, tally) = match campaign.query {
            Some(_) => self.tally_contacts(campaign).await?,
            None => {
                let tally = self.tally(&campaign).await?;
                (campaign, tally)
            }
        };
        let stock = self.codes_for(&campaign, tally.max.recipients).await?;
        let order = self.0.orders.of(&campaign)?;
        let rows = tally.samples().into_iter();
        let mut samples: Vec<Sample> = rows.filter_map(|row| sample((&order, &tally), row)).collect();
        samples.sort_by_key(|sample| sample.segments);
        let worst = tally.worst();
        let available = self
            .store()
            .tenant(tenant)
            .await?
            .map_or(0, |tenant| tenant.credits.available);
        let now = self.now();
        let zones = match campaign.query {
            Some(_) => &tally.zones,
            None => &self.zones_of_rows(campaign.id).await?,
        };
        let of = (campaign.purpose, self.territory_of(tenant).await?);
        let opens = self.opens(of, zones, now).filter(|opens| *opens > now);
        Ok(Estimation {
            id: id.to_string(),
            state: campaign.state.code(),
            without_value: tally.without_value(&campaign),
            opted_out: tally.opted_out,
            frequency_cap: tally.capped,
            samples,
            codes_missing: stock.map(|stock| stock.missing),
            by_segments: tally.by_segments,
            by_variant: tally.by_variant,
            worst,
            long_values: LongValues {
                truncated: campaign.shortened,
                skipped: campaign.value_too_long,
                sent: tally.longer,
            },
            excluded: Excluded::of(&campaign),
            balance: Balance::after(available, if tally.is_free { 0 } else { tally.max.credits }),
            max: tally.max,
            expected: tally.expected,
            no_reply_sender: {
                let variants = campaign.variants.iter().map(|variant| variant.text.as_str());
                let texts = variants.chain([campaign.text.as_str()]);
                asks_in_vain(texts, (&campaign.sender, &self.0.deps.numbers.senders()))
            },
            advertiser_unnamed: is_unnamed(&tally.terms, (&campaign.sender, campaign.purpose)),
            next_open_at: opens.and_then(time),
        })
    }

    /// Reads the whole audience, a page at a time.
    async fn tally(&self, campaign: &Campaign) -> Result<Tally, CampaignFault> {
        let of = (campaign.tenant, campaign.purpose);
        let texts = Texts::of(campaign).map_err(CampaignFault::Fields)?;
        let terms = Terms {
            encoding: campaign.encoding,
            ..self.terms_of(campaign.tenant).await?
        };
        let (mut pages, mut tally) = (
            Pages::all(campaign.id, self.store().partitions()),
            Tally::new((texts, campaign.cipher.clone()), campaign, &terms),
        );
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                return Ok(tally);
            }
            let groups: Vec<_> = chunks.into_iter().map(|chunk| (chunk.partition, chunk.rows)).collect();
            self.count_rows(of, &groups, &mut tally).await?;
        }
    }

    /// Finds out whom a campaign of contacts means now, and keeps nothing of it.
    async fn tally_contacts(&self, campaign: Campaign) -> Result<(Campaign, Tally), CampaignFault> {
        let (texts, terms) = self.priced_by(&campaign).await?;
        let (of, ordered) = ((campaign.tenant, campaign.purpose), &campaign);
        let count = |mut rows: mpsc::Receiver<RowBatch>| async move {
            let (mut price, mut tally) = (
                Price::new(&texts, &terms),
                Tally::new((texts.clone(), Cipher::Plain), ordered, &terms),
            );
            while let Some(batch) = rows.recv().await {
                tally.zones.extend(batch.zones());
                let priced: Result<Vec<_>, _> = batch.rows.into_iter().map(|row| priced(row, &mut price)).collect();
                self.count_rows(of, &[(batch.partition, priced?)], &mut tally).await?;
            }
            Ok(tally)
        };
        let found = self.find_out(&campaign, Arc::default(), count).await?;
        Ok((counted(campaign, &found.counts), found.made))
    }

    async fn count_rows(
        &self,
        of: (TenantId, Purpose),
        groups: &[(Partition, Vec<Vec<u8>>)],
        tally: &mut Tally,
    ) -> Result<(), CampaignFault> {
        let mut recipients = Vec::with_capacity(groups.len());
        for (partition, rows) in groups {
            let of_rows = rows.iter().map(|packed| Ok(read(packed)?.recipient));
            recipients.push((*partition, of_rows.collect::<Result<Vec<Recipient>, StoreError>>()?));
        }
        let opted_out = self.store().opted_out(of, &recipients).await?;
        let cap = self.terms_of(of.0).await?.frequency_cap;
        let capped = match cap.filter(|_| of.1 == Purpose::Marketing) {
            Some(cap) => self.store().had_enough((of.0, cap, self.now()), &recipients).await?,
            None => groups.iter().map(|(_, rows)| vec![false; rows.len()]).collect(),
        };
        let rows = groups.iter().flat_map(|(_, rows)| rows);
        let left_out = opted_out.iter().flatten().zip(capped.iter().flatten());
        for (packed, (opted_out, capped)) in rows.zip(left_out) {
            tally.add((&read(packed)?, packed), (*opted_out, *capped))?;
        }
        // Counting a page takes a fraction of a millisecond; others have their turn between two.
        tokio::task::yield_now().await;
        Ok(())
    }
}

fn read(packed: &[u8]) -> Result<Row<'_>, StoreError> {
    Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))
}

fn sample((order, tally): (&Order, &Tally), packed: &[u8]) -> Option<Sample> {
    let row = Row::unpack(packed).ok()?;
    let variables = order.open(row.variables).ok()?;
    let analysis = analyse(&order.text(&variables)?, order.encoding(&variables)).ok()?;
    Some(Sample {
        to: row.recipient.to_string(),
        variant: Some(tally.texts.variant(&variables)).filter(|variant| *variant > 0),
        text: analysis.sent,
        segments: row.segments,
        credits: tally.credits(&row, &variables),
    })
}
