//! Messages from handsets: put together from their parts, kept once, shown to whom they answer; and STOP.

mod struck;
mod words;

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::audience::normalise;
use crate::bind::{InboundNews, InboundPart};
use crate::campaign::RouteTable;
use crate::clock::Clock;
use crate::config::Number;
use crate::domain::{Country, Partition, Recipient, SmscId, TenantId};
use crate::engines::Engines;
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::numbers::{Numbers, Owned};
use crate::replies::Replies;
use crate::store::{
    InboundEntry, InboundKeeping, InboundKept, InboundMark, InboundPlace, InboundRow, InboundText, OptsOut, PartRow,
    Parts, Store, StoreError,
};
use crate::webhooks::Webhooks;

pub(crate) use struck::Struck;
pub(crate) use words::BrokenWords;
use words::OptOutWords;

/// The same message again within it may be a second copy: an SMSC that heard no acknowledgement sends again within minutes. A person who was
/// sent something since, such as the next question, means it.
const TWICE: Duration = Duration::from_secs(120);

/// Parts are waited for so long; then what is there is shown as it is.
const PARTS_WITHIN: Duration = Duration::from_secs(900);

/// How often it is looked for parts that have waited long enough.
const LOOK: Duration = Duration::from_secs(10);

/// Receipts are settled beside these messages, and do not wait for SQL: what is not known by then is not asked any more.
const ASKED_WITHIN: Duration = Duration::from_millis(200);

/// Messages of one tenant in one partition that are kept at most, the newest.
const KEPT: usize = 10_000;

/// Between the fields that the parts of a message have in common: in no address.
const SEPARATOR: &str = "\u{1f}";

/// What stands for a part that did not come.
const GAP: &str = "[…]";

/// Takes inbound messages in, and shows them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Inbox {
    store: Store,
    clock: Clock,
    metrics: Metrics,
    words: Arc<OptOutWords>,
    struck: Struck,
    /// Told who opted out.
    mirror: Mirror,
    numbers: Numbers,
    /// Know which SMSCs are simulators.
    routes: RouteTable,
    /// Told who was written to. Absent: nobody is told.
    told: Option<Told>,
    /// `retention.campaigns`.
    kept_for: Duration,
}

/// Who is told that somebody has written.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) webhooks: Webhooks,
    pub(crate) replies: Replies,
    /// One of them follows what people write.
    pub(crate) engines: Engines,
}

impl Told {
    fn written_to(&self, tenant: Option<TenantId>) {
        self.replies.written_to(tenant);
        self.engines.changed();
        if let Some(tenant) = tenant {
            self.webhooks.written_to(tenant);
        }
    }

    fn written_to_anybody(&self) {
        self.replies.written_to_anybody();
        self.engines.changed();
    }
}

/// A message, whole.
struct Whole {
    from: Option<Recipient>,
    /// The number that was written to, as far as it is one.
    number: u64,
    source: String,
    destination: String,
    text: String,
    smsc: SmscId,
    /// What its parts have in common; empty when it came in one.
    parts: String,
}

impl Inbox {
    /// # Errors
    /// [`BrokenWords`], which the tests rule out.
    pub(crate) fn new(
        (store, mirror): (&Store, &Mirror),
        (clock, metrics): (Clock, &Metrics),
        (struck, numbers, told): (&Struck, &Numbers, Option<Told>),
        (routes, kept_for): (&RouteTable, Duration),
    ) -> Result<Self, BrokenWords> {
        Ok(Self {
            store: store.clone(),
            clock,
            metrics: metrics.clone(),
            words: Arc::new(OptOutWords::built_in()?),
            struck: struck.clone(),
            mirror: mirror.clone(),
            numbers: numbers.clone(),
            routes: routes.clone(),
            told,
            kept_for,
        })
    }

    /// A number of a tenant that this database does not have has no effect.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn warn_of_strangers(&self, numbers: &[Number]) -> Result<(), StoreError> {
        for Number { number, tenant } in numbers {
            if self.store.tenant(*tenant).await?.is_none() {
                tracing::warn!(%number, %tenant, "the number belongs to a tenant that is not there");
            }
        }
        Ok(())
    }

    /// Keeps messages; afterwards they may be acknowledged. Asked again it keeps none twice. Returns which are whole.
    ///
    /// # Errors
    /// When the store does not answer: some may be kept.
    pub(crate) async fn take(&self, all: &[(SmscId, InboundNews)]) -> Result<Vec<InboundMark>, StoreError> {
        let mut whole = Vec::with_capacity(all.len());
        for (smsc, news) in all {
            let news = &with_country(news);
            match &news.part {
                None => whole.push(Whole::of(*smsc, news, news.text.clone(), String::new())),
                Some(part) => whole.extend(self.keep_part(*smsc, news, part).await?),
            }
        }
        self.keep(whole).await
    }

    /// These were acknowledged.
    ///
    /// # Errors
    /// When the store does not answer: then the same words are second copies for a while.
    pub(crate) async fn acknowledged(&self, marks: &[InboundMark]) -> Result<(), StoreError> {
        self.store.note_heard(marks, TWICE).await
    }

    /// The whole message, if this was its last part.
    async fn keep_part(
        &self,
        smsc: SmscId,
        news: &InboundNews,
        part: &InboundPart,
    ) -> Result<Option<Whole>, StoreError> {
        let fields = [
            &smsc.0.to_string(),
            &news.source,
            &news.destination,
            &part.part.reference.to_string(),
            &part.part.total.to_string(),
        ];
        let key = fields.map(String::as_str).join(SEPARATOR);
        let row = PartRow {
            number: part.part.number,
            total: part.part.total,
            packed: part.pack(),
        };
        let kept = self
            .store
            .keep_part(self.partition(news.from.map(Recipient)), &key, &row, self.clock.unix())
            .await?;
        Ok(match kept {
            Parts::Missing => None,
            Parts::Known => {
                self.count("second_copy");
                None
            }
            Parts::All(parts) => {
                let text = joined(part.part.total, &parts);
                Some(Whole::of(smsc, news, text, key))
            }
        })
    }

    async fn keep(&self, all: Vec<Whole>) -> Result<Vec<InboundMark>, StoreError> {
        let mut by_partition: Vec<Vec<InboundRow>> = vec![Vec::new(); usize::from(self.store.partitions())];
        for whole in &all {
            let row = self.row(whole).await;
            by_partition[usize::from(self.partition(whole.from).0)].push(row);
        }
        let keeping = InboundKeeping {
            now: self.clock.unix(),
            twice: TWICE,
            kept_for: self.kept_for,
            kept: KEPT,
        };
        let mut marks = Vec::with_capacity(all.len());
        for (partition, rows) in self.store.all_partitions().zip(&by_partition) {
            if rows.is_empty() {
                continue;
            }
            let kept = self.store.keep_inbound(partition, rows, &keeping).await?;
            rows.iter().zip(kept).for_each(|(row, kept)| self.note(row, kept));
            marks.extend(rows.iter().map(|row| InboundMark {
                partition,
                digest: row.digest,
            }));
        }
        Ok(marks)
    }

    fn note(&self, row: &InboundRow, kept: InboundKept) {
        match (&self.told, kept.second_copy) {
            (Some(told), false) => told.written_to(kept.tenant),
            // Whose it is, is not told again: perhaps nobody heard it.
            (Some(told), true) => told.written_to_anybody(),
            (None, _) => {}
        }
        if let (Some(recipient), true) = (row.from, kept.opted_out) {
            self.mirror.opted_out(kept.tenant, recipient);
            if let Some(tenant) = kept.tenant.filter(|_| !row.sandbox) {
                let label = self.metrics.tenant(tenant);
                self.metrics.tenant_opt_outs_total.with_label_values(&[&label]).inc();
            }
        }
        // What a second copy said is not asked again: those who wait are leased under what was kept.
        let says_so = kept.opted_out || kept.second_copy && !row.sandbox && row.opts_out != OptsOut::No;
        let opted_out = row.from.filter(|_| says_so);
        if let Some(recipient) = opted_out {
            // Whoever asks twice may have lost a reply: then nobody knows whose messages were meant.
            self.struck.add(recipient, kept.tenant, self.clock.now());
        }
        self.count(match (kept.second_copy, opted_out) {
            (true, _) => "second_copy",
            (false, Some(_)) => "opt_out",
            (false, None) => "kept",
        });
    }

    async fn row(&self, whole: &Whole) -> InboundRow {
        let digest = Sha256::new()
            .chain_update(whole.smsc.0.to_be_bytes())
            .chain_update(format!("{}\0{}\0{}", whole.source, whole.destination, whole.text));
        let message = InboundText {
            at: self.clock.unix().0,
            from: whole.source.clone(),
            to: whole.destination.clone(),
            text: whole.text.clone(),
            smsc: whole.smsc.0,
            sandbox: self.routes.now().is_sandbox(whole.smsc),
        };
        let owned = self.numbers.find(&whole.destination);
        let owners = owned
            .as_ref()
            .map_or_else(Vec::new, |owned| owned.heard_by(message.sandbox));
        InboundRow {
            from: whole.from,
            number: owned.as_ref().map_or(whole.number, |owned| owned.number),
            meant: self.meant((owned.as_ref(), &owners), whole).await,
            digest: digest.finalize().into(),
            opts_out: self.opt_out_of(whole, &owners).await,
            owners,
            sandbox: message.sandbox,
            // Strings and numbers always can be written.
            message: serde_json::to_string(&message).unwrap_or_default(),
            parts: whole.parts.clone(),
        }
    }

    /// Whether it opts out. "CANCEL" answers an appointment of whom it is written to, if there is one to answer about.
    async fn opt_out_of(&self, whole: &Whole, owners: &[TenantId]) -> OptsOut {
        let means = self.words.mean(&whole.text);
        match (means, &self.told, owners, whole.from) {
            // Of several who share the number, whoever has asked them is answered.
            (OptsOut::UnlessItAnswers, Some(told), [_, ..], Some(from)) => {
                match timeout(ASKED_WITHIN, told.replies.have_question(owners, from)).await {
                    Ok(true) => OptsOut::No,
                    Ok(false) | Err(_) => means,
                }
            }
            _ => means,
        }
    }

    /// For whom of those who share a number a text is, as far as it says so itself.
    async fn meant(&self, (owned, owners): (Option<&Owned>, &[TenantId]), whole: &Whole) -> Option<TenantId> {
        match (&self.told, owned, owners) {
            (Some(told), Some(owned), [_, _, ..]) => {
                let asked = (whole.from, &*owned.sender);
                let meant = told.replies.meant(owners, asked, &whole.text);
                timeout(ASKED_WITHIN, meant).await.ok().flatten()
            }
            _ => None,
        }
    }

    /// Whether a text is an opt-out, to anybody.
    pub(crate) fn opts_out(&self, text: &str) -> bool {
        self.words.mean(text) == OptsOut::Yes
    }

    fn partition(&self, from: Option<Recipient>) -> Partition {
        from.unwrap_or(Recipient(0)).partition(self.store.partitions())
    }

    fn count(&self, action: &str) {
        self.metrics.inbound_actions_total.with_label_values(&[action]).inc();
    }

    /// Shows messages as they are whose other parts have not come in time, until it is told to stop.
    pub(crate) async fn watch_parts(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            if let Err(error) = self.close_overdue().await {
                tracing::debug!(%error, "cannot look for inbound parts that have waited long enough");
            }
        }
    }

    async fn close_overdue(&self) -> Result<(), StoreError> {
        let before = self.clock.unix().minus(PARTS_WITHIN);
        for partition in self.store.all_partitions() {
            for (key, parts) in self.store.overdue_parts(partition, before).await? {
                match Whole::of_parts(&key, &parts) {
                    Some(whole) => {
                        self.keep(vec![whole]).await?;
                    }
                    None => tracing::error!(key, "the parts of an inbound message cannot be read"),
                }
            }
        }
        Ok(())
    }

    /// Gives a message that was nobody's to a tenant. Returns where it stands from now on; `None`: it is not nobody's.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn assign(
        &self,
        place: InboundPlace,
        tenant: TenantId,
    ) -> Result<Option<InboundPlace>, StoreError> {
        let Some(entry) = self.store.inbound_at(None, place).await? else {
            return Ok(None);
        };
        let given = self.store.hand_over(&entry, (tenant, None), self.kept_for).await?;
        if let (Some(told), true) = (&self.told, given.is_some()) {
            told.written_to(Some(tenant));
        }
        Ok(given)
    }

    /// A message that is nobody's.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn nobodys(&self, place: InboundPlace) -> Result<Option<InboundEntry>, StoreError> {
        self.store.inbound_at(None, place).await
    }

    /// Messages in answer to a tenant's, or nobody's, oldest first, behind that place.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn list(
        &self,
        tenant: Option<TenantId>,
        behind: Option<InboundPlace>,
        limit: usize,
    ) -> Result<Vec<InboundEntry>, StoreError> {
        self.store.inbound(tenant, behind, limit).await
    }
}

impl Whole {
    fn of(smsc: SmscId, news: &InboundNews, text: String, parts: String) -> Self {
        Self {
            from: news.from.map(Recipient),
            number: number(&news.destination),
            source: news.source.clone(),
            destination: news.destination.clone(),
            text,
            smsc,
            parts,
        }
    }

    /// From what its parts have in common, and those that came.
    fn of_parts(key: &str, parts: &[(u8, Vec<u8>)]) -> Option<Self> {
        let mut fields = key.split(SEPARATOR);
        let smsc = SmscId(fields.next()?.parse().ok()?);
        let (source, destination) = (fields.next()?, fields.next()?);
        let total = fields.nth(1)?.parse().ok()?;
        Some(Self {
            from: source.parse().ok().filter(|number| *number != 0).map(Recipient),
            number: number(destination),
            source: source.to_owned(),
            destination: destination.to_owned(),
            text: joined(total, parts),
            smsc,
            parts: key.to_owned(),
        })
    }
}

/// A message whose sender is written as in France, with its country's code: one number has one conversation, and one STOP.
fn with_country(news: &InboundNews) -> InboundNews {
    let mut news = news.clone();
    if news.from.is_none()
        && news.source.starts_with('0')
        && let Ok(Recipient(number)) = normalise(&news.source, Country::FRANCE)
    {
        news.from = Some(number);
        news.source = number.to_string();
    }
    news
}

/// An address as a number; 0 when it is none.
fn number(address: &str) -> u64 {
    address.trim_start_matches('+').parse().unwrap_or(0)
}

/// The text of the parts that are there. Characters may be split between two parts: octets are put together first.
fn joined(total: u8, parts: &[(u8, Vec<u8>)]) -> String {
    let (mut text, mut octets, mut coding) = (String::new(), Vec::new(), None);
    for wanted in 1..=total {
        let part = parts.iter().find(|(number, _)| *number == wanted);
        let part = part.and_then(|(_, packed)| InboundPart::unpack(packed));
        if coding.is_some() && part.map(|(coding, _)| coding) != coding {
            text.push_str(&decoded(&mut octets, coding));
        }
        match part {
            Some((of, more)) => {
                coding = Some(of);
                octets.extend_from_slice(more);
            }
            None => {
                coding = None;
                text.push_str(GAP);
            }
        }
    }
    text + &decoded(&mut octets, coding)
}

fn decoded(octets: &mut Vec<u8>, coding: Option<u8>) -> String {
    let text = coding.map(|coding| smpp::text::decode(octets, coding));
    octets.clear();
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(crate::test_cases(1_000))]

        /// Whatever number, coding and octets parts have, in whatever order and however often they come.
        #[test]
        fn parts_of_any_kind_are_survived(
            total: u8,
            parts in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..150)), 0..300),
        ) {
            let octets: usize = parts.iter().map(|(_, packed)| packed.len()).sum();
            let text = joined(total, &parts);
            prop_assert!(text.len() <= 3 * octets + GAP.len() * usize::from(total));
        }
    }

    fn part(number: u8, coding: u8, octets: &[u8]) -> (u8, Vec<u8>) {
        (number, [&[coding], octets].concat())
    }

    #[test]
    fn parts_are_put_together_before_they_are_read() {
        let halves = [
            part(2, 8, &[0xDE, 0x00, 0x00, 0x21]),
            part(1, 8, &[0x00, 0x41, 0xD8, 0x3D]),
        ];
        assert_eq!(joined(2, &halves), "A😀!");
        assert_eq!(joined(2, &[part(1, 0, b"caf"), part(2, 8, &[0x00, 0xE9])]), "café");
        assert_eq!(joined(3, &[part(1, 0, b"a"), part(3, 0, b"c")]), "a[…]c");
        assert_eq!(joined(2, &[part(2, 0, b"b")]), "[…]b");
    }

    #[test]
    fn a_sender_is_one_number_however_it_is_written() {
        let heard = |source: &str, from| {
            let news = InboundNews {
                from,
                source: source.to_owned(),
                destination: "36034".to_owned(),
                text: "STOP".to_owned(),
                part: None,
            };
            let news = with_country(&news);
            (news.from, news.source)
        };
        let known = (Some(33_612_345_678), "33612345678".to_owned());
        assert_eq!(heard("0612345678", None), known);
        assert_eq!(heard("33612345678", Some(33_612_345_678)), known);
        for source in ["CLINIQUE", "36034", "0", ""] {
            assert_eq!(heard(source, None), (None, source.to_owned()), "{source}");
        }
    }

    #[test]
    fn a_message_is_known_by_what_its_parts_have_in_common() {
        let whole = Whole::of_parts("3\u{1f}33612345678\u{1f}36034\u{1f}7\u{1f}2", &[part(1, 0, b"Bon")]).unwrap();
        assert_eq!(whole.from, Some(Recipient(33_612_345_678)));
        assert_eq!((whole.smsc, whole.number), (SmscId(3), 36_034));
        assert_eq!(whole.text, "Bon[…]");
    }
}
