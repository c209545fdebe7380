//! What is known of messages: the ledger's rows, what they point at, and how an earlier message is found again.

use kit::random::mix;
use rustc_hash::FxHashMap;
use smpp::address::Address;

use super::refusal::refusals;
use crate::ledger::{IdOf, Ledger, Row, write_id};
use crate::model::{Outcome, ReceiptPlan, Scenario};
use crate::number::{Number, Numbers};

/// Service types that are told apart: a row of the ledger names its own in 8 bits. The standard has eight (3.4, 5.2.11).
const SERVICES_MAX: usize = 254;

/// Message ids begin with the milliseconds of the start, and leave room for a million a millisecond: a simulator that
/// is killed and started again repeats none.
const IDS_PER_MS: u64 = 1_000_000;

/// The rows of the ledger, and what they name by a place.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) ledger: Ledger,
    pub(super) numbers: Numbers,
    /// The refusals, then the outcomes of every scenario so far: rows keep pointing at what they were dealt.
    pub(super) outcomes: Vec<Outcome>,
    /// Service types that were met.
    services: Vec<Box<[u8]>>,
    index: Index,
}

/// Messages that are kept as pending before those are dropped that have come to their final state since.
const SWEEP_AT_FIRST: usize = 100_000;

/// Finds messages for the few requests that are about earlier ones. It is brought up to date when somebody asks, so that
/// it costs a client nothing that never does: 12 octets a message then.
#[derive(Debug, Default)]
struct Index {
    /// It knows the rows before this place.
    until: u64,
    /// By the hash of the id in the answer; of ids that are used twice, the last.
    by_id: FxHashMap<u64, u32>,
    /// By account and recipient.
    pending: FxHashMap<(u16, Number), Vec<u32>>,
    pending_rows: usize,
    sweep_at: usize,
    sweep_ids_at: usize,
    /// Room for one id, used again.
    id: Vec<u8>,
}

/// Which messages a request is about.
pub(super) enum Found {
    /// These rows: one, or the destinations of a submit_multi.
    Rows(Vec<u32>),
    /// There is such a message, but not from that source address.
    OtherSource,
    /// There is none.
    Nothing,
}

/// What tells alike messages: their account, addresses and service type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alike {
    pub(super) account: usize,
    pub(super) source: Number,
    pub(super) recipient: Number,
    /// `None`: any.
    pub(super) service: Option<u8>,
}

impl Records {
    pub(super) fn new(scenario: &Scenario, now_us: u64) -> Self {
        let filed = scenario.ledger_file.is_some();
        Self {
            ledger: Ledger::new(scenario.ledger, now_us / 1000 * IDS_PER_MS, filed),
            numbers: Numbers::default(),
            outcomes: refusals(),
            services: Vec::new(),
            index: Index::default(),
        }
    }

    /// Forgets every row and every outcome; ids that are counted go on where they were.
    pub(super) fn reset(&mut self, scenario: &Scenario) {
        self.ledger = Ledger::new(scenario.ledger, self.ledger.next_id(), self.ledger.is_filed());
        self.numbers = Numbers::default();
        self.outcomes = refusals();
        self.index = Index::default();
    }

    /// Whether another submit cannot be written down.
    pub(super) fn is_full(&self) -> bool {
        self.ledger.is_full() || self.numbers.is_full()
    }

    /// What the message in a row was dealt.
    pub(super) fn outcome(&self, row: &Row) -> &Outcome {
        &self.outcomes[usize::from(row.outcome)]
    }

    /// The receipt of the message in a row, if it has one.
    pub(super) fn receipt(&self, row: &Row) -> Option<&ReceiptPlan> {
        self.outcome(row).receipt.as_ref()
    }

    /// Writes the id of the message at that place as its answer has it, in place of what `out` holds.
    pub(super) fn write_id(&self, row: &Row, place: u32, out: &mut Vec<u8>) {
        out.clear();
        let format = &self.outcome(row).message_id;
        let of = IdOf::row(row, place, &self.numbers);
        write_id(of.shape(format, &format.answer), &of, out);
    }

    /// The number of a service_type: 0 for none, 255 for all beyond the first 254 that the simulator meets.
    pub(super) fn service(&mut self, service_type: &[u8]) -> u8 {
        if service_type.is_empty() {
            return 0;
        }
        let known = self.services.iter().position(|known| &**known == service_type);
        let place = known.unwrap_or(self.services.len());
        if known.is_none() && place < SERVICES_MAX {
            self.services.push(service_type.into());
        }
        place.min(SERVICES_MAX) as u8 + 1
    }

    /// The message of that id, in whatever letters, which that account submitted from that source address. Many
    /// clients leave out the type of number, the numbering plan, or all of the address: the first two are not looked at,
    /// and an empty address is anybody's.
    pub(super) fn named(&mut self, now_us: u64, account: usize, (id, source): (&[u8], Address<'_>)) -> Found {
        self.catch_up(now_us);
        let Some(&first) = self.index.by_id.get(&hash(id)) else {
            return Found::Nothing;
        };
        let Some(row) = self.ledger.row(first).filter(|row| usize::from(row.account) == account) else {
            return Found::Nothing;
        };
        if !source.digits.is_empty() && self.numbers.known(source.digits) != Some(row.source) {
            return Found::OtherSource;
        }
        Found::Rows(self.destinations_of(first))
    }

    /// The rows of one submit_multi; of any other submit, the row itself.
    pub(super) fn destinations_of(&self, first: u32) -> Vec<u32> {
        let belongs = |place: u32, at: u8| self.ledger.row(place).is_some_and(|row| row.of_multi == at);
        let others = (1..=u8::MAX).map_while(|at| {
            let place = first.wrapping_add(u32::from(at));
            belongs(place, at).then_some(place)
        });
        std::iter::once(first).chain(others).collect()
    }

    /// Messages that are alike and on their way, in order of arrival.
    pub(super) fn pending(&mut self, now_us: u64, alike: Alike) -> Vec<u32> {
        self.catch_up(now_us);
        let key = (alike.account as u16, alike.recipient);
        let rows = self.index.pending.get(&key).map(Vec::as_slice).unwrap_or_default();
        let is_alike = |row: &Row| {
            row.source == alike.source
                && alike.service.is_none_or(|service| service == row.service)
                && !row.is_final(now_us)
        };
        let row = |&place: &u32| self.ledger.row(place).is_some_and(is_alike).then_some(place);
        rows.iter().filter_map(row).collect()
    }

    /// Takes in the rows since the last question.
    fn catch_up(&mut self, now_us: u64) {
        let index = &mut self.index;
        for (place, row) in self.ledger.rows_from(index.until).filter(|(_, row)| row.accepted) {
            let place = place as u32;
            let format = &self.outcomes[usize::from(row.outcome)].message_id;
            let of = IdOf::row(row, place, &self.numbers);
            index.id.clear();
            write_id(of.shape(format, &format.answer), &of, &mut index.id);
            let first = place.wrapping_sub(u32::from(row.of_multi));
            index.by_id.insert(hash(&index.id), first);
            if !row.is_final(now_us) {
                let rows = index.pending.entry((row.account, row.recipient)).or_default();
                rows.push(place);
                index.pending_rows += 1;
            }
        }
        index.until = self.ledger.next_place();
        self.sweep(now_us);
    }

    /// Forgets what the ledger has dropped and who is not pending any more, whenever there are twice as many as the last
    /// time.
    fn sweep(&mut self, now_us: u64) {
        let (index, ledger) = (&mut self.index, &self.ledger);
        if index.by_id.len() >= index.sweep_ids_at.max(SWEEP_AT_FIRST) {
            index.by_id.retain(|_, &mut place| ledger.row(place).is_some());
            index.sweep_ids_at = index.by_id.len() * 2;
        }
        if index.pending_rows < index.sweep_at.max(SWEEP_AT_FIRST) {
            return;
        }
        index.pending.retain(|_, rows| {
            rows.retain(|&place| ledger.row(place).is_some_and(|row| !row.is_final(now_us)));
            !rows.is_empty()
        });
        let kept = index.pending.values().map(Vec::len).sum();
        debug_assert!(kept <= index.pending_rows, "rows are pending that were never counted");
        index.pending_rows = kept;
        index.sweep_at = index.pending_rows * 2;
    }
}

/// Of an id, capitals or not: no two of a test's ids will share 64 bits.
fn hash(id: &[u8]) -> u64 {
    id.iter().fold(id.len() as u64, |hash, octet| {
        mix(hash ^ u64::from(octet.to_ascii_lowercase()))
    })
}
