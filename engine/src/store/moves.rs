//! Group commit of moves and receipts: one script call a partition and event, all in one round trip.

use redis::{Cmd, Value};

use super::counters::Letter;
use super::scripts::Name;
use super::{Store, StoreError, array, bytes};
use crate::domain::{Message, Partition, Recipient, ResultSlot};

/// Messages in one script call. Redis serves nobody else meanwhile: 500 are under 2 ms.
const CALL_MAX: usize = 500;

/// Recipients of a partition that may have parked receipts, and octets for each: some dozens of receipts.
const PARKED_RECIPIENTS_MAX: usize = 100_000;
const PARKED_OCTETS_MAX: usize = 4_096;

/// Which event moves the message; each has its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveKind {
    /// Accept, Defer or Reject.
    Answer,
    /// Release.
    Release,
    /// Doubt.
    Doubt,
    /// Receipt, when the engine had to match it.
    Decide,
    /// Expire.
    Expire,
    /// Cancel.
    Cancel,
}

impl MoveKind {
    const ALL: [Self; 6] = [
        Self::Answer,
        Self::Release,
        Self::Doubt,
        Self::Decide,
        Self::Expire,
        Self::Cancel,
    ];

    const fn script(self) -> Name {
        match self {
            Self::Answer => Name::Answer,
            Self::Release => Name::Release,
            Self::Doubt => Name::Doubt,
            Self::Decide => Name::Decide,
            Self::Expire => Name::Expire,
            Self::Cancel => Name::Cancel,
        }
    }
}

/// One move: the message that is expected, octet for octet, and what it becomes.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which event.
    pub kind: MoveKind,
    /// Whose record.
    pub recipient: Recipient,
    /// The message as it is stored now.
    pub expected: Vec<u8>,
    /// The message then; empty at its end.
    pub replacement: Vec<u8>,
    /// What it counts.
    pub counts: Option<Letter>,
    /// How it ended, if it did.
    pub result: Option<ResultSlot>,
    /// When it is due again, µs, if it is.
    pub due: Option<u64>,
}

impl Move {
    /// The message comes to its end and counts nothing: what is different is said where it is made.
    pub fn end(kind: MoveKind, message: &Message<'_>) -> Self {
        Self {
            kind,
            recipient: message.entry.recipient,
            expected: message.bytes.to_vec(),
            replacement: Vec::new(),
            counts: None,
            result: None,
            due: None,
        }
    }
}

/// A receipt that may be matched by the store itself.
#[derive(Clone, Debug)]
pub struct ReceiptMatch {
    /// The receipt's source address.
    pub recipient: Recipient,
    /// The SMSC's id of the message.
    pub smsc_message_id: Vec<u8>,
    /// What it becomes.
    pub result: ResultSlot,
}

/// What the store says to a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptReply {
    /// It settled that message: its first 41 octets, which end with `accepted_at`.
    Settled(Vec<u8>),
    /// It matched no message octet for octet; here is the recipient's record.
    Unmatched(Vec<u8>),
    /// The recipient has no live message.
    NoRecord,
}

/// What came of a group.
#[derive(Debug, Default)]
pub struct Committed {
    /// For each move: done, or the message was something else.
    pub moved: Vec<bool>,
    /// For each receipt.
    pub receipts: Vec<ReceiptReply>,
    /// Recipients among the moved with parked receipts, packed as they were parked.
    pub parked: Vec<(Recipient, Vec<u8>)>,
}

impl Store {
    /// Carries out moves, then receipts, in one round trip: a receipt finds the message that an answer of the same group
    /// made enroute. On an error, some may be done: the same group again finishes it, with `false` for these.
    pub async fn commit(
        &self,
        now_us: u64,
        moves: &[Move],
        receipts: &[ReceiptMatch],
    ) -> Result<Committed, StoreError> {
        let mut calls = Vec::new();
        let move_groups = self.move_calls(now_us, moves, &mut calls);
        let receipt_groups = self.receipt_calls(receipts, &mut calls);
        let mut committed = Committed {
            moved: vec![false; moves.len()],
            receipts: vec![ReceiptReply::NoRecord; receipts.len()],
            parked: Vec::new(),
        };
        if calls.is_empty() {
            return Ok(committed);
        }
        let mut replies = self.run(&self.moves, &calls).await?.into_iter();
        for (group, reply) in move_groups.iter().zip(replies.by_ref()) {
            read_moves(group, reply, &mut committed)?;
        }
        for (group, reply) in receipt_groups.iter().zip(replies) {
            for (&at, value) in group.iter().zip(array(reply)?) {
                committed.receipts[at] = receipt_reply(bytes(value)?)?;
            }
        }
        Ok(committed)
    }

    fn move_calls(&self, now_us: u64, moves: &[Move], calls: &mut Vec<Cmd>) -> Vec<Vec<usize>> {
        let partitions = self.partitions();
        let slot = |item: &Move| {
            usize::from(item.recipient.partition(partitions).0) * MoveKind::ALL.len() + item.kind as usize
        };
        let groups = grouped(moves.len(), usize::from(partitions) * MoveKind::ALL.len(), |at| {
            slot(&moves[at])
        });
        for group in &groups {
            let first = &moves[group[0]];
            let base = self.base(first.recipient.partition(partitions));
            let mut call = self.script(first.kind.script(), &[base]);
            call.arg(now_us);
            for &at in group {
                add_move(&mut call, &moves[at]);
            }
            calls.push(call);
        }
        groups
    }

    fn receipt_calls(&self, receipts: &[ReceiptMatch], calls: &mut Vec<Cmd>) -> Vec<Vec<usize>> {
        let partitions = self.partitions();
        let of = |at: usize| receipts[at].recipient.partition(partitions);
        let groups = grouped(receipts.len(), usize::from(partitions), |at| usize::from(of(at).0));
        for group in &groups {
            let mut call = self.script(Name::Receipt, &[self.base(of(group[0]))]);
            for &at in group {
                let receipt = &receipts[at];
                call.arg(&receipt.recipient.0.to_be_bytes()[..])
                    .arg(&receipt.smsc_message_id[..])
                    .arg(&receipt.result.pack()[..]);
            }
            calls.push(call);
        }
        groups
    }

    /// Keeps receipts that match nothing yet. Returns how many found room.
    pub async fn park(&self, receipts: &[(Recipient, Vec<u8>)]) -> Result<usize, StoreError> {
        let limits = |call: &mut Cmd| {
            call.arg(PARKED_RECIPIENTS_MAX).arg(PARKED_OCTETS_MAX);
        };
        self.on_parked(Name::Park, receipts, limits).await
    }

    /// Forgets parked receipts.
    pub async fn unpark(&self, receipts: &[(Recipient, Vec<u8>)]) -> Result<usize, StoreError> {
        self.on_parked(Name::Unpark, receipts, |_| ()).await
    }

    async fn on_parked(
        &self,
        script: Name,
        receipts: &[(Recipient, Vec<u8>)],
        head: impl Fn(&mut Cmd),
    ) -> Result<usize, StoreError> {
        let partitions = self.partitions();
        let of = |at: usize| receipts[at].0.partition(partitions);
        let mut calls = Vec::new();
        for group in grouped(receipts.len(), usize::from(partitions), |at| usize::from(of(at).0)) {
            let mut call = self.script(script, &[self.base(of(group[0]))]);
            head(&mut call);
            for at in group {
                call.arg(&receipts[at].0.0.to_be_bytes()[..]).arg(&receipts[at].1[..]);
            }
            calls.push(call);
        }
        let replies = self.run(&self.moves, &calls).await?;
        replies
            .iter()
            .map(|reply| super::integer(reply).map(|count| count as usize))
            .sum()
    }

    /// The records of some recipients, which may be empty.
    pub async fn records(&self, recipients: &[Recipient]) -> Result<Vec<Vec<u8>>, StoreError> {
        let calls: Vec<Cmd> = recipients
            .iter()
            .map(|recipient| {
                let mut get = redis::cmd("HGET");
                let base = self.base(recipient.partition(self.partitions()));
                get.arg(format!("{base}rec")).arg(&recipient.0.to_be_bytes()[..]);
                get
            })
            .collect();
        let replies = self.run(&self.moves, &calls).await?;
        replies
            .into_iter()
            .map(|reply| {
                if reply == Value::Nil {
                    Ok(Vec::new())
                } else {
                    bytes(reply)
                }
            })
            .collect()
    }

    /// Keeps inbound messages, newest last, and the newest `keep` of each partition.
    pub async fn keep_inbound(&self, partition: Partition, packed: &[Vec<u8>], keep: usize) -> Result<(), StoreError> {
        let key = format!("{}inbound", self.base(partition));
        let (mut push, mut trim) = (redis::cmd("RPUSH"), redis::cmd("LTRIM"));
        push.arg(&key).arg(packed);
        trim.arg(&key).arg(-(keep as i64)).arg(-1);
        self.run(&self.moves, &[push, trim]).await.map(drop)
    }
}

fn add_move(call: &mut Cmd, item: &Move) {
    call.arg(&item.recipient.0.to_be_bytes()[..])
        .arg(&item.expected[..])
        .arg(&item.replacement[..]);
    match item.counts {
        Some(letter) => call.arg(&[letter.0][..]),
        None => call.arg(""),
    };
    match &item.result {
        Some(result) => call.arg(&result.pack()[..]),
        None => call.arg(""),
    };
    match item.due {
        Some(due) => call.arg(due),
        None => call.arg(""),
    };
}

/// Splits `count` items by their slot, in order, at most [`CALL_MAX`] in a group.
fn grouped(count: usize, slots: usize, slot: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    let mut by_slot: Vec<Vec<usize>> = vec![Vec::new(); slots];
    for at in 0..count {
        by_slot[slot(at)].push(at);
    }
    let chunks = by_slot.iter().flat_map(|group| group.chunks(CALL_MAX));
    chunks.map(<[usize]>::to_vec).collect()
}

fn read_moves(group: &[usize], reply: Value, committed: &mut Committed) -> Result<(), StoreError> {
    let mut values = array(reply)?.into_iter();
    let flags = bytes(values.next().ok_or(StoreError::Corrupt("a move's reply is empty"))?)?;
    for (&at, flag) in group.iter().zip(flags) {
        committed.moved[at] = flag == b'1';
    }
    while let (Some(recipient), Some(parked)) = (values.next(), values.next()) {
        let octets = bytes(recipient)?;
        let octets: [u8; 8] = octets
            .try_into()
            .map_err(|_| StoreError::Corrupt("a recipient is not 8 octets"))?;
        committed
            .parked
            .push((Recipient(u64::from_be_bytes(octets)), bytes(parked)?));
    }
    Ok(())
}

fn receipt_reply(mut reply: Vec<u8>) -> Result<ReceiptReply, StoreError> {
    match reply.first() {
        Some(b'S') => Ok(ReceiptReply::Settled(reply.split_off(1))),
        Some(b'R') => Ok(ReceiptReply::Unmatched(reply.split_off(1))),
        Some(b'N') => Ok(ReceiptReply::NoRecord),
        _ => Err(StoreError::Corrupt("a receipt's reply is unknown")),
    }
}
