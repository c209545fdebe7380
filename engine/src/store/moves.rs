//! Group commit of moves and receipts: one script call a partition and script, all in one round trip.

use redis::{Cmd, Value};

use super::scripts::Name;
use super::{Store, StoreError, array, bytes, bytes_or_none, recipient};
use crate::domain::{HEAD, Partition, Recipient, ResultSlot, SmscId, State, TenantId, Transition};

/// Messages in one script call. Redis serves nobody else meanwhile: 500 are under 2 ms.
const CALL_MAX: usize = 500;

/// The move of a message of one segment that was taken, from Leased: the ordinary answer.
#[derive(Clone, Debug)]
pub(crate) struct AcceptAsk {
    /// Whose record.
    pub(crate) recipient: Recipient,
    /// The head that is expected.
    pub(crate) head: [u8; HEAD],
    /// The sender as a number; 0 when it cannot be replied to.
    pub(crate) sender: u64,
    /// Whose it is.
    pub(crate) tenant: TenantId,
    /// The SMSC's id of it.
    pub(crate) smsc_id: Vec<u8>,
}

/// What a move adds to the trail of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Nothing.
    None,
    /// A message from that sender was taken.
    Taken(u64),
    /// Receipts of these digests were settled.
    Settled(Vec<[u8; 4]>),
}

/// A receipt that may be matched by the store itself.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptAsk {
    /// The number that it is about.
    pub(crate) recipient: Recipient,
    /// The SMSC that sent it.
    pub(crate) smsc: SmscId,
    /// Under which it is remembered.
    pub(crate) digest: [u8; 4],
    /// The SMSC's id of the message.
    pub(crate) smsc_id: Vec<u8>,
    /// What it becomes.
    pub(crate) result: ResultSlot,
}

/// What the store is asked.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// To note that a message was taken.
    Accept(AcceptAsk),
    /// To make any other move.
    Move(Transition, Note),
    /// To settle a receipt.
    Receipt(ReceiptAsk),
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The move was made, now or when it was asked before.
    Moved,
    /// The message was something else.
    Stale,
    /// The receipt settled a message that was taken then, µs since 1970.
    Settled(u64),
    /// The receipt had settled a message before.
    Duplicate,
    /// The receipt matched no message octet for octet; here is the recipient's record.
    Record(Vec<u8>),
    /// The recipient has no message under way.
    NoRecord,
}

/// A question, its reply, and what it comes from: one value.
#[derive(Debug)]
pub(crate) struct Case<T> {
    /// What is asked.
    pub(crate) ask: Ask,
    /// What was said.
    pub(crate) reply: Option<Reply>,
    /// From what.
    pub(crate) of: T,
}

impl<T> Case<T> {
    /// A case that was not asked yet.
    pub(crate) fn new(ask: Ask, of: T) -> Self {
        Self { ask, reply: None, of }
    }
}

/// Parked receipts of one key, packed as they were parked.
pub(crate) type ParkedOf = (Recipient, Vec<u8>);

impl Ask {
    fn recipient(&self) -> Recipient {
        match self {
            Self::Accept(ask) => ask.recipient,
            Self::Move(transition, _) => transition.recipient,
            Self::Receipt(ask) => ask.recipient,
        }
    }

    /// Moves come first, so that a receipt finds the message that an answer of the same group made enroute.
    const fn script(&self) -> Name {
        match self {
            Self::Accept(_) => Name::Accept,
            Self::Move(..) => Name::Move,
            Self::Receipt(_) => Name::Receipt,
        }
    }
}

impl Store {
    /// Asks every case, in one round trip, and puts the reply into it. Returns parked receipts of those whose messages
    /// moved. On an error some may be done: the same cases asked again are finished.
    pub(crate) async fn commit<T>(&self, now_us: u64, cases: &mut [Case<T>]) -> Result<Vec<ParkedOf>, StoreError> {
        let groups = self.grouped(cases);
        let calls = groups.iter().map(|group| self.call_of(group, cases, now_us)).collect();
        let mut parked = Vec::new();
        for (group, reply) in groups.iter().zip(self.run(&self.moves, calls).await?) {
            if group.script == Name::Receipt {
                read_receipts(group, cases, reply)?;
            } else {
                read_moves(group, cases, reply, &mut parked)?;
            }
        }
        Ok(parked)
    }

    /// Cases by script and partition, in order, at most [`CALL_MAX`] in a group.
    fn grouped<T>(&self, cases: &[Case<T>]) -> Vec<Group> {
        const SCRIPTS: [Name; 3] = [Name::Accept, Name::Move, Name::Receipt];
        let partitions = usize::from(self.partitions());
        let mut slots: Vec<Vec<usize>> = vec![Vec::new(); SCRIPTS.len() * partitions];
        for (at, case) in cases.iter().enumerate() {
            let script = SCRIPTS.iter().position(|name| *name == case.ask.script()).unwrap_or(0);
            let partition = case.ask.recipient().partition(self.partitions());
            slots[script * partitions + usize::from(partition.0)].push(at);
        }
        let mut groups = Vec::new();
        for (slot, members) in slots.iter().enumerate() {
            let group = |chunk: &[usize]| Group {
                script: SCRIPTS[slot / partitions],
                partition: Partition((slot % partitions) as u16),
                members: chunk.to_vec(),
            };
            groups.extend(members.chunks(CALL_MAX).map(group));
        }
        groups
    }

    fn call_of<T>(&self, group: &Group, cases: &[Case<T>], now_us: u64) -> Cmd {
        let mut call = self.script(group.script, &[self.base(group.partition)]);
        let seconds = ((now_us / 1_000_000) as u32).to_be_bytes();
        let mut packed = Vec::with_capacity(group.members.len() * 64);
        if group.script != Name::Receipt {
            call.arg(now_us);
        }
        if group.script == Name::Accept {
            call.arg(&now_us.to_be_bytes()[..]);
        }
        if group.script != Name::Receipt {
            call.arg(&seconds[..]);
        }
        for &at in &group.members {
            match &cases[at].ask {
                Ask::Accept(ask) => pack_accept(&mut packed, ask, seconds),
                Ask::Receipt(ask) => pack_receipt(&mut packed, ask),
                Ask::Move(transition, note) => add_move(&mut call, transition, note),
            }
        }
        if group.script != Name::Move {
            call.arg(packed);
        }
        call
    }

    /// The records of some recipients, which may be empty.
    pub(crate) async fn records(&self, recipients: &[Recipient]) -> Result<Vec<Vec<u8>>, StoreError> {
        let get = |recipient: &Recipient| {
            let mut get = redis::cmd("HGET");
            let base = self.base(recipient.partition(self.partitions()));
            get.arg(format!("{base}rec")).arg(&recipient.0.to_be_bytes()[..]);
            get
        };
        let replies = self.run(&self.moves, recipients.iter().map(get).collect()).await?;
        replies.into_iter().map(bytes_or_none).collect()
    }
}

/// Cases of one script call.
struct Group {
    script: Name,
    partition: Partition,
    members: Vec<usize>,
}

fn pack_accept(packed: &mut Vec<u8>, ask: &AcceptAsk, seconds: [u8; 4]) {
    packed.extend_from_slice(&ask.recipient.0.to_be_bytes());
    packed.extend_from_slice(&ask.head);
    packed.extend_from_slice(&ask.sender.to_be_bytes());
    packed.extend_from_slice(&ask.tenant.0.to_be_bytes());
    // The campaign, as the id in the head begins.
    packed.extend_from_slice(&ask.head[7..12]);
    packed.extend_from_slice(&seconds);
    push_id(packed, &ask.smsc_id);
}

fn pack_receipt(packed: &mut Vec<u8>, ask: &ReceiptAsk) {
    packed.extend_from_slice(&ask.recipient.0.to_be_bytes());
    packed.extend_from_slice(&ask.smsc.0.to_be_bytes());
    packed.extend_from_slice(&ask.digest);
    packed.extend_from_slice(&ask.result.pack());
    push_id(packed, &ask.smsc_id);
}

fn push_id(packed: &mut Vec<u8>, smsc_id: &[u8]) {
    let id = &smsc_id[..smsc_id.len().min(255)];
    packed.push(id.len() as u8);
    packed.extend_from_slice(id);
}

fn add_move(call: &mut Cmd, transition: &Transition, note: &Note) {
    call.arg(State::letters_before(transition.step))
        .arg(&transition.recipient.0.to_be_bytes()[..])
        .arg(&transition.expected[..])
        .arg(&transition.replacement[..])
        .arg(transition.journal.as_deref().unwrap_or_default());
    match transition.due {
        Some((line, due)) => call.arg(format!("{line} {due}")),
        None => call.arg(""),
    };
    match note {
        Note::None => call.arg(""),
        Note::Taken(sender) => call.arg([&b"s"[..], &sender.to_be_bytes()].concat()),
        Note::Settled(digests) => call.arg([&b"d"[..], digests.as_flattened()].concat()),
    };
}

fn read_moves<T>(
    group: &Group,
    cases: &mut [Case<T>],
    reply: Value,
    parked: &mut Vec<ParkedOf>,
) -> Result<(), StoreError> {
    let mut values = array(reply)?.into_iter();
    let flags = bytes(values.next().ok_or(StoreError::Corrupt("a move's reply is empty"))?)?;
    for (&at, flag) in group.members.iter().zip(flags) {
        cases[at].reply = Some(if flag == b'0' { Reply::Stale } else { Reply::Moved });
    }
    while let (Some(key), Some(receipts)) = (values.next(), values.next()) {
        parked.push((recipient(key)?, bytes(receipts)?));
    }
    Ok(())
}

fn read_receipts<T>(group: &Group, cases: &mut [Case<T>], reply: Value) -> Result<(), StoreError> {
    for (&at, value) in group.members.iter().zip(array(reply)?) {
        cases[at].reply = Some(receipt_reply(bytes(value)?)?);
    }
    Ok(())
}

fn receipt_reply(mut reply: Vec<u8>) -> Result<Reply, StoreError> {
    match reply.first() {
        Some(b'S') => {
            let at = <[u8; 8]>::try_from(&reply[1..]).map_err(|_| StoreError::Corrupt("a settled receipt's time"))?;
            Ok(Reply::Settled(u64::from_be_bytes(at)))
        }
        Some(b'D') => Ok(Reply::Duplicate),
        Some(b'R') => Ok(Reply::Record(reply.split_off(1))),
        Some(b'N') => Ok(Reply::NoRecord),
        _ => Err(StoreError::Corrupt("a receipt's reply is unknown")),
    }
}
