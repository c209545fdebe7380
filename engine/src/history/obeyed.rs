//! Under which pack of rules a message was sent: engines write down which packs they obey, events say whose rules held.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use rules::{Pack, Rules, ZoneIndex};
use rustc_hash::FxHashMap;

use super::gather::{Fate, Gathered};
use super::{HistoryFault, Shared};
use crate::config::recalled_pack;
use crate::database::{Change, Database, DatabaseError, Sql};
use crate::domain::{GateId, Under};

/// Processes whose rules are kept in mind.
const KNOWN_MAX: usize = 1_000;

/// Rules change at midnight at the earliest, by some clock: these are apart by quarters of an hour.
const QUARTER_MS: i64 = 15 * 60_000;

/// Writes down which packs an engine obeys. Returns the number of these together.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn obeys(database: &Database, packs: &[Arc<Pack>]) -> Result<u32, DatabaseError> {
    let mut change = database.change().await?;
    let mut numbers = Vec::with_capacity(packs.len());
    for pack in packs {
        numbers.push(number_of_pack(&mut change, pack).await?.to_string());
    }
    let number = number_of_set(&mut change, &numbers.join(",")).await?;
    change.commit().await?;
    Ok(u32::try_from(number).unwrap_or_default())
}

async fn number_of_pack(change: &mut Change, pack: &Pack) -> Result<i64, DatabaseError> {
    let known = || {
        let mut query = Sql::new("SELECT number FROM rule_pack WHERE name = ");
        query
            .value(pack.name.as_str())
            .push(" AND version = ")
            .value(pack.version.as_str());
        query
    };
    if let Some(number) = first(change, known()).await? {
        return Ok(number);
    }
    let number = change.numbers("rule_pack", 1).await?;
    let mut put = Sql::new("INSERT INTO rule_pack (number, name, version, text) VALUES (");
    put.value(number).push(", ").value(pack.name.as_str()).push(", ");
    put.value(pack.version.as_str())
        .push(", ")
        .value(pack.text.as_str())
        .push(") ON CONFLICT DO NOTHING");
    change.run(put).await?;
    // Another engine may have been faster.
    Ok(first(change, known()).await?.unwrap_or(number))
}

async fn number_of_set(change: &mut Change, packs: &str) -> Result<i64, DatabaseError> {
    let known = || {
        let mut query = Sql::new("SELECT number FROM rule_set WHERE packs = ");
        query.value(packs);
        query
    };
    if let Some(number) = first(change, known()).await? {
        return Ok(number);
    }
    let number = change.numbers("rule_set", 1).await?;
    let mut put = Sql::new("INSERT INTO rule_set (number, packs) VALUES (");
    put.value(number)
        .push(", ")
        .value(packs)
        .push(") ON CONFLICT DO NOTHING");
    change.run(put).await?;
    Ok(first(change, known()).await?.unwrap_or(number))
}

async fn first(change: &mut Change, query: Sql) -> Result<Option<i64>, DatabaseError> {
    Ok(change.rows(query, |row| row.number(0)).await?.first().copied())
}

/// Packs that were obeyed together.
pub(super) struct Obeyed {
    rules: Rules,
    /// Their numbers, by name: no two have the same.
    numbers: FxHashMap<String, i64>,
    zones: FxHashMap<GateId, ZoneIndex>,
}

impl Obeyed {
    /// The number of the pack that holds for a gate at that time, in milliseconds since 1970.
    fn pack(&self, gate: GateId, at: i64) -> Option<i64> {
        let at = Timestamp::from_millisecond(at).ok()?;
        let pack = self.rules.decide(*self.zones.get(&gate)?, at).pack?;
        self.numbers.get(&pack.name).copied()
    }
}

/// The packs of some messages, by what they were leased under, their gate and when that was.
#[derive(Default)]
pub(super) struct Packs(FxHashMap<(Under, GateId, i64), Option<i64>>);

impl Packs {
    pub(super) fn of(&self, fate: &Fate) -> Option<i64> {
        self.0.get(&case(fate)?).copied().flatten()
    }
}

/// `None`: no rule held.
fn case(fate: &Fate) -> Option<(Under, GateId, i64)> {
    let under = fate.under.filter(|_| fate.gate != GateId::OPEN && fate.was_sent())?;
    Some((under, fate.gate, fate.at().div_euclid(QUARTER_MS)))
}

impl Shared {
    /// Under which packs messages were sent.
    pub(super) async fn packs(&self, all: impl Iterator<Item = &Gathered>) -> Result<Packs, HistoryFault> {
        let mut packs = Packs::default();
        for case in all.flat_map(|gathered| gathered.fates.values()).filter_map(case) {
            packs.0.entry(case).or_default();
        }
        for ((under, gate, quarter), pack) in &mut packs.0 {
            let obeyed = self.obeyed(*under).await?;
            *pack = obeyed.and_then(|obeyed| obeyed.pack(*gate, *quarter * QUARTER_MS));
        }
        Ok(packs)
    }

    async fn obeyed(&self, under: Under) -> Result<Option<Arc<Obeyed>>, HistoryFault> {
        let known = |shared: &Self| {
            let obeyed = shared.obeyed.lock().unwrap_or_else(PoisonError::into_inner);
            obeyed.get(&under).cloned()
        };
        if let Some(known) = known(self) {
            return Ok(known);
        }
        let sets = self.deps.store.obeyed(under.epoch).await?;
        // What a process that died had under way says no more than whose it was.
        let set = usize::from(under.edition).checked_sub(1).and_then(|at| sets.get(at));
        let read = match set.or(sets.last()) {
            Some(set) => self.read_set(*set).await?.map(Arc::new),
            None => None,
        };
        let mut obeyed = self.obeyed.lock().unwrap_or_else(PoisonError::into_inner);
        if obeyed.len() >= KNOWN_MAX {
            obeyed.clear();
        }
        // Of a process that is there, the last that it obeys may be others by and by.
        if under.edition > 0 {
            obeyed.insert(under, read.clone());
        }
        Ok(read)
    }

    async fn read_set(&self, number: u32) -> Result<Option<Obeyed>, HistoryFault> {
        let database = &self.deps.database;
        let mut query = Sql::new("SELECT packs FROM rule_set WHERE number = ");
        query.value(i64::from(number));
        let Some(list) = database.row(query, |row| row.text(0)).await? else {
            return Ok(None);
        };
        let (mut packs, mut numbers) = (Vec::new(), FxHashMap::default());
        for number in list.split(',').filter_map(|number| number.parse::<i64>().ok()) {
            let mut query = Sql::new("SELECT name, text FROM rule_pack WHERE number = ");
            query.value(number);
            let found = database.row(query, |row| Ok((row.text(0)?, row.text(1)?))).await?;
            let read = found.and_then(|(name, text)| recalled_pack(&name, &text));
            if let Some(pack) = read {
                numbers.insert(pack.name.clone(), number);
                packs.push(Arc::new(pack));
            }
        }
        let rules = Rules::new(packs);
        let gates = self.deps.store.zones_of_gates().await?;
        let zone_of = |(name, gate): &(String, GateId)| {
            let zone = rules.zones().find(|(_, zone)| zone.name == *name);
            zone.map(|(index, _)| (*gate, index))
        };
        let zones = gates.iter().filter_map(zone_of).collect();
        Ok(Some(Obeyed { rules, numbers, zones }))
    }
}
