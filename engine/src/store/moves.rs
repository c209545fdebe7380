//! Records as they are, and the group commit of what they become: one script call a partition, all in one round trip.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use redis::{Cmd, Value};

use super::scripts::Name;
use super::{Store, StoreError, array, bytes, recipient};
use crate::domain::{BadForm, Draft, Due, Note, Partition, PartitionSet, Recipient, Transition, UnixMicros};

/// Records in one script call. Redis serves nobody else meanwhile: 500 are some 1.5 ms.
const CALL_MAX: usize = 500;

/// Tries of a move whose record changes meanwhile.
const TRIES: usize = 10;

/// A record as it was read, and what is to stand in its place.
#[derive(Clone, Debug)]
pub(crate) struct Swap {
    /// As it was read; empty: there was none.
    pub(crate) before: Bytes,
    /// What it becomes.
    pub(crate) draft: Draft,
}

/// What came of swaps.
#[derive(Debug, Default)]
pub(crate) struct Swapped {
    /// For each whether it was done, now or when it was asked before; if not, the record was something else.
    pub(crate) done: Vec<bool>,
    /// Parked receipts of those whose records were swapped.
    pub(crate) parked: Vec<ParkedOf>,
}

/// Partitions that did not do what was asked of them, while others did: of several nodes, some may be away.
#[derive(Debug, Default)]
pub(crate) struct Away {
    pub(crate) partitions: PartitionSet,
    /// Why the last of them did not.
    pub(crate) why: Option<StoreError>,
}

impl Away {
    pub(super) fn add(&mut self, partition: Partition, why: StoreError) {
        self.partitions.insert(partition);
        self.why = Some(why);
    }

    /// All have to be there.
    fn none(self) -> Result<(), StoreError> {
        self.why.map_or(Ok(()), Err)
    }
}

/// Parked receipts of one key, packed as they were parked.
pub(crate) type ParkedOf = (Recipient, Vec<u8>);

impl Store {
    /// Has the journal tell the ids that SMSCs give, from now on.
    pub(crate) fn tell_ids(&self) {
        self.shared.tells_ids.store(true, Ordering::Relaxed);
    }

    /// A record in which nothing has moved yet.
    pub(crate) fn swap_of(&self, recipient: Recipient, before: Bytes) -> Swap {
        let mut draft = Draft::new(recipient, &before);
        draft.tells_ids = self.shared.tells_ids.load(Ordering::Relaxed);
        Swap { before, draft }
    }

    /// The records of some recipients, which may be empty.
    pub(crate) async fn records(&self, recipients: &[Recipient]) -> Result<Vec<Bytes>, StoreError> {
        let (records, away) = self.records_within_reach(recipients).await?;
        away.none()?;
        Ok(records)
    }

    /// The same, as far as their partitions are there.
    pub(crate) async fn records_within_reach(
        &self,
        recipients: &[Recipient],
    ) -> Result<(Vec<Bytes>, Away), StoreError> {
        let groups = self.grouped(recipients.iter().copied());
        let call = |(partition, members): &(Partition, Vec<usize>)| {
            let mut call = redis::cmd("HMGET");
            call.arg(format!("{}rec", self.base(*partition)));
            for &at in members {
                call.arg(&recipients[at].0.to_be_bytes()[..]);
            }
            call
        };
        let replies = self.run_each(&self.moves, groups.iter().map(call).collect()).await?;
        let (mut records, mut away) = (vec![Bytes::new(); recipients.len()], Away::default());
        for ((partition, members), reply) in groups.iter().zip(replies) {
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) => {
                    away.add(*partition, error);
                    continue;
                }
            };
            for (&at, record) in members.iter().zip(array(reply)?) {
                if record != Value::Nil {
                    records[at] = Bytes::from(bytes(record)?);
                }
            }
        }
        Ok((records, away))
    }

    /// Swaps records, each only if it still is what was read; no two of one recipient. On an error some may be done: the
    /// same asked again are finished.
    pub(crate) async fn swap(&self, now: UnixMicros, swaps: &[&Swap]) -> Result<Swapped, StoreError> {
        let (swapped, away) = self.swap_within_reach(now, swaps).await?;
        away.none()?;
        Ok(swapped)
    }

    /// The same, as far as their partitions are there. What was asked of the others may be done there or not.
    pub(crate) async fn swap_within_reach(
        &self,
        now: UnixMicros,
        swaps: &[&Swap],
    ) -> Result<(Swapped, Away), StoreError> {
        let groups = self.grouped(swaps.iter().map(|swap| swap.draft.recipient));
        let calls = groups
            .iter()
            .map(|(partition, members)| {
                let swaps: Vec<&Swap> = members.iter().map(|at| swaps[*at]).collect();
                let mut call = self.partition_script(Name::Swap, *partition);
                add_swaps(&mut call, &swaps, now);
                call
            })
            .collect();
        let mut swapped = Swapped {
            done: vec![false; swaps.len()],
            parked: Vec::new(),
        };
        let mut away = Away::default();
        for ((partition, members), reply) in groups.iter().zip(self.run_each(&self.moves, calls).await?) {
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) => {
                    away.add(*partition, error);
                    continue;
                }
            };
            let mut values = array(reply)?.into_iter();
            let flags = bytes(values.next().ok_or(StoreError::Corrupt("a swap's reply is empty"))?)?;
            for (&at, flag) in members.iter().zip(flags) {
                swapped.done[at] = flag != b'0';
            }
            while let (Some(key), Some(receipts)) = (values.next(), values.next()) {
                swapped.parked.push((recipient(key)?, bytes(receipts)?));
            }
        }
        Ok((swapped, away))
    }

    /// Makes moves, each if its message still is what it was made from. Returns which were made, and parked receipts of
    /// their recipients.
    pub(crate) async fn make(&self, now: UnixMicros, moves: &[(Transition, Note)]) -> Result<Swapped, StoreError> {
        let mut made = Swapped {
            done: vec![false; moves.len()],
            parked: Vec::new(),
        };
        let mut open: Vec<usize> = (0..moves.len()).collect();
        for _ in 0..TRIES {
            if open.is_empty() {
                break;
            }
            let mut recipients: Vec<Recipient> = open.iter().map(|at| moves[*at].0.recipient).collect();
            recipients.sort_unstable();
            recipients.dedup();
            let records = self.records(&recipients).await?.into_iter();
            let mut swaps: Vec<(Swap, Vec<usize>)> = recipients
                .iter()
                .zip(records)
                .map(|(recipient, record)| (self.swap_of(*recipient, record), Vec::new()))
                .collect();
            for at in std::mem::take(&mut open) {
                let (transition, note) = &moves[at];
                let Ok(index) = recipients.binary_search(&transition.recipient) else {
                    continue;
                };
                let (swap, of) = &mut swaps[index];
                let bad = |form: BadForm| StoreError::bad_record(transition.recipient, form);
                if swap.draft.make(transition, note, now).map_err(bad)? {
                    of.push(at);
                }
            }
            swaps.retain(|(_, of)| !of.is_empty());
            let asked: Vec<&Swap> = swaps.iter().map(|(swap, _)| swap).collect();
            let swapped = self.swap(now, &asked).await?;
            made.parked.extend(swapped.parked);
            for ((_, of), done) in swaps.iter().zip(swapped.done) {
                match done {
                    true => of.iter().for_each(|at| made.done[*at] = true),
                    false => open.extend(of),
                }
            }
        }
        Ok(made)
    }

    /// Places of recipients by partition, in order, at most [`CALL_MAX`] in a group.
    fn grouped(&self, recipients: impl Iterator<Item = Recipient>) -> Vec<(Partition, Vec<usize>)> {
        let mut slots: Vec<Vec<usize>> = vec![Vec::new(); usize::from(self.partitions())];
        for (at, recipient) in recipients.enumerate() {
            slots[usize::from(recipient.partition(self.partitions()).0)].push(at);
        }
        let mut groups = Vec::new();
        for (partition, members) in self.all_partitions().zip(&slots) {
            groups.extend(members.chunks(CALL_MAX).map(|chunk| (partition, chunk.to_vec())));
        }
        groups
    }
}

fn add_swaps(call: &mut Cmd, swaps: &[&Swap], now: UnixMicros) {
    let (mut journal, mut lengths) = (
        Vec::with_capacity(swaps.len() * 40),
        Vec::with_capacity(swaps.len() * 4),
    );
    for swap in swaps {
        journal.extend_from_slice(&swap.draft.journal);
        lengths.extend_from_slice(&(swap.draft.journal.len() as u32).to_be_bytes());
    }
    call.arg(swaps.len()).arg(journal).arg(lengths);
    for swap in swaps {
        call.arg(&swap.draft.recipient.0.to_be_bytes()[..]);
    }
    for swap in swaps {
        call.arg(&swap.before[..]);
    }
    for swap in swaps {
        call.arg(swap.draft.octets());
    }
    for (swap, which) in swaps.iter().zip(1..) {
        add_rest(call, &swap.draft, which, now);
    }
}

fn add_rest(call: &mut Cmd, draft: &Draft, which: usize, now: UnixMicros) {
    let member = |id: crate::domain::MessageId| [draft.recipient.0.to_be_bytes(), id.0.to_be_bytes()].concat();
    for due in &draft.dues {
        call.arg(which);
        match due {
            Due::At(line, when, id) => call.arg("z").arg(line.to_string()).arg(when.0).arg(member(*id)),
            Due::Gone(line, id) => call.arg("x").arg(line.to_string()).arg("").arg(member(*id)),
        };
    }
    for tenant in &draft.capped {
        let seconds = (now.seconds() as u32).to_be_bytes();
        call.arg(which).arg("c").arg(tenant.0).arg(&seconds[..]).arg("");
    }
}
