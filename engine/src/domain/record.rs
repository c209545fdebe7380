//! How a message is packed in the store. The scripts know these offsets too: `scripts/prelude.lua`.
//!
//! ```text
//! record of a recipient = message …                      in submission order
//! message = state(1) epoch(4) attempts(1) entry          RECORD_HEAD = 6
//! entry   = length(2) recipient(8) id(8) tenant(4) smsc(2) segments(1) credits(1) lane(1) body
//! ```
//!
//! Numbers are big-endian. `length` counts what follows it. A queue holds entries; a record holds messages. The body
//! is the message's variables until it is accepted, and then `accepted_at(8)` with one trace a segment.

use super::{CampaignId, MessageId, Reason, Recipient, SmscId, State, Status, TenantId};

/// Octets before the entry in a record's message.
pub const RECORD_HEAD: usize = 6;

/// Octets of an entry before its body, `length` included.
pub const ENTRY_HEAD: usize = 27;

/// A message as it lies in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// To whom.
    pub recipient: Recipient,
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub tenant: TenantId,
    /// Through which SMSC.
    pub smsc: SmscId,
    /// submit_sm's that it takes: 1 to 255.
    pub segments: u8,
    /// Credits that it costs when an SMSC takes it.
    pub credits: u8,
    /// [`super::Purpose::lane`].
    pub lane: u8,
    /// Variables, see [`Entry::variables`].
    pub body: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Appends the packed entry. The body is at most 65,000 octets: callers limit variables far below.
    pub fn pack(&self, out: &mut Vec<u8>) {
        let length = (ENTRY_HEAD - 2 + self.body.len()) as u16;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&self.recipient.0.to_be_bytes());
        out.extend_from_slice(&self.id.0.to_be_bytes());
        out.extend_from_slice(&self.tenant.0.to_be_bytes());
        out.extend_from_slice(&self.smsc.0.to_be_bytes());
        out.extend_from_slice(&[self.segments, self.credits, self.lane]);
        out.extend_from_slice(self.body);
    }

    fn unpack(bytes: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16::from_be_bytes(array(bytes, 0)?));
        let entry = bytes.get(..length + 2)?;
        Some(Self {
            recipient: Recipient(u64::from_be_bytes(array(entry, 2)?)),
            id: MessageId(u64::from_be_bytes(array(entry, 10)?)),
            tenant: TenantId(u32::from_be_bytes(array(entry, 18)?)),
            smsc: SmscId(u16::from_be_bytes(array(entry, 22)?)),
            segments: *entry.get(24)?,
            credits: *entry.get(25)?,
            lane: *entry.get(26)?,
            body: entry.get(ENTRY_HEAD..)?,
        })
    }

    /// Appends one variable to a body: length(2) and text, in the order of the campaign's columns.
    pub fn push_variable(body: &mut Vec<u8>, value: &str) {
        body.extend_from_slice(&(value.len() as u16).to_be_bytes());
        body.extend_from_slice(value.as_bytes());
    }

    /// The variables of a body.
    pub fn variables(body: &'a [u8]) -> impl Iterator<Item = &'a str> {
        let mut rest = body;
        std::iter::from_fn(move || {
            let length = usize::from(u16::from_be_bytes(array(rest, 0)?));
            let value = rest.get(2..2 + length)?;
            rest = &rest[2 + length..];
            std::str::from_utf8(value).ok()
        })
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// One message of a recipient's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Where it is in its life.
    pub state: State,
    /// The lease that it was last claimed under; in doubt, since when (see [`Message::doubted`]).
    pub epoch: u32,
    /// Submissions that were refused for now.
    pub attempts: u8,
    /// The rest.
    pub entry: Entry<'a>,
    /// The packed message as a whole: what a script compares before it changes it.
    pub bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the message at the front of `bytes`; `None` when that is none.
    pub fn unpack(bytes: &'a [u8]) -> Option<Self> {
        let entry = Entry::unpack(bytes.get(RECORD_HEAD..)?)?;
        let length = RECORD_HEAD + ENTRY_HEAD + entry.body.len();
        Some(Self {
            state: State::from_letter(bytes[0])?,
            epoch: u32::from_be_bytes(array(bytes, 1)?),
            attempts: bytes[5],
            entry,
            bytes: &bytes[..length],
        })
    }

    /// The same message in another state, packed.
    pub fn with_state(&self, state: State, attempts: u8) -> Vec<u8> {
        let mut out = self.bytes.to_vec();
        out[0] = state.letter().unwrap_or(b'?');
        out[5] = attempts;
        out
    }

    /// The same message, in doubt. It needs no epoch any more: the seconds since 1970 stand in its place, so that it is
    /// known since when.
    pub fn doubted(&self, now_us: u64) -> Vec<u8> {
        let mut out = self.with_state(State::InDoubt, self.attempts);
        out[1..5].copy_from_slice(&((now_us / 1_000_000) as u32).to_be_bytes());
        out
    }

    /// The same message, taken by the SMSC: variables go, ids come.
    pub fn accepted(&self, enroute: &Enroute) -> Vec<u8> {
        let mut body = Vec::with_capacity(8 + enroute.segments.len() * 24);
        enroute.pack(&mut body);
        let mut out = Vec::with_capacity(RECORD_HEAD + ENTRY_HEAD + body.len());
        out.push(b'E');
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.push(self.attempts);
        Entry {
            body: &body,
            ..self.entry
        }
        .pack(&mut out);
        out
    }
}

/// The messages of a recipient's record, in submission order.
pub fn split_messages(record: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = record;
    std::iter::from_fn(move || {
        let message = Message::unpack(rest)?;
        rest = &rest[message.bytes.len()..];
        Some(message)
    })
}

/// What is known of one segment that the SMSC took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentTrace {
    /// The id in its submit_sm_resp; empty when there was none.
    pub smsc_message_id: Vec<u8>,
    /// What its final receipt said; `None` while that is awaited.
    pub settled: Option<Status>,
}

/// The body of a message that is enroute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enroute {
    /// When the answer came, microseconds since 1970.
    pub accepted_at: u64,
    /// One each segment, in their order.
    pub segments: Vec<SegmentTrace>,
}

impl Enroute {
    /// `accepted_at(8)`, then for each segment: `settled(1, letter or 0) length(1) id`.
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.accepted_at.to_be_bytes());
        for segment in &self.segments {
            let id = &segment.smsc_message_id[..segment.smsc_message_id.len().min(255)];
            out.push(segment.settled.map_or(0, |status| status.letter(true)));
            out.push(id.len() as u8);
            out.extend_from_slice(id);
        }
    }

    /// Reads the body of a message in state [`State::Enroute`].
    pub fn unpack(body: &[u8]) -> Option<Self> {
        let accepted_at = u64::from_be_bytes(array(body, 0)?);
        let mut rest = &body[8..];
        let mut segments = Vec::with_capacity(1);
        while let [settled, length, tail @ ..] = rest {
            let (id, after) = tail.split_at_checked(usize::from(*length))?;
            let settled = Status::from_letter(*settled).map(|(status, _)| status);
            segments.push(SegmentTrace {
                smsc_message_id: id.to_vec(),
                settled,
            });
            rest = after;
        }
        Some(Self { accepted_at, segments })
    }
}

/// How a message ended: eight octets in its campaign's results, at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResultSlot {
    /// Its status, or `None` for canceled.
    pub status: Option<Status>,
    /// Whether the SMSC had taken it, so that it is billed.
    pub accepted: bool,
    /// Why.
    pub reason: Reason,
    /// The low 16 bits of the answer's command_status, or the receipt's `err` as a number.
    pub code: u16,
    /// When, seconds since 1970.
    pub at: u32,
}

impl ResultSlot {
    /// The letter of a canceled message.
    pub const CANCELED: u8 = b'c';

    /// Octets of a slot.
    pub const LENGTH: usize = 8;

    /// The counter that it adds to: a letter.
    pub const fn letter(&self) -> u8 {
        match self.status {
            Some(status) => status.letter(self.accepted),
            None => Self::CANCELED,
        }
    }

    /// Packs it.
    pub fn pack(&self) -> [u8; Self::LENGTH] {
        let ([c1, c2], [t1, t2, t3, t4]) = (self.code.to_be_bytes(), self.at.to_be_bytes());
        [self.letter(), self.reason as u8, c1, c2, t1, t2, t3, t4]
    }

    /// Reads it; `None` while the message is not at its end.
    pub fn unpack(octets: &[u8]) -> Option<Self> {
        let [letter, reason, c1, c2, t1, t2, t3, t4] = *octets else {
            return None;
        };
        let (status, accepted) = match letter {
            0 => return None,
            Self::CANCELED => (None, false),
            letter => Status::from_letter(letter).map(|(status, accepted)| (Some(status), accepted))?,
        };
        let (code, at) = (u16::from_be_bytes([c1, c2]), u32::from_be_bytes([t1, t2, t3, t4]));
        Some(Self {
            status,
            accepted,
            reason: Reason::from_octet(reason),
            code,
            at,
        })
    }
}

/// A campaign's number as the scripts' keys spell it.
impl CampaignId {
    /// Decimal digits.
    pub fn key(self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Partition;

    fn entry(body: &[u8]) -> Entry<'_> {
        Entry {
            recipient: Recipient(33_612_345_678),
            id: MessageId::new(CampaignId(9), Partition(3), 16, 5),
            tenant: TenantId(7),
            smsc: SmscId(1),
            segments: 2,
            credits: 2,
            lane: 1,
            body,
        }
    }

    fn leased(entry: &Entry<'_>) -> Vec<u8> {
        let mut bytes = vec![b'L', 0, 0, 0, 42, 0];
        entry.pack(&mut bytes);
        bytes
    }

    #[test]
    fn a_record_of_two_messages_comes_apart() {
        let mut body = Vec::new();
        Entry::push_variable(&mut body, "Dupont");
        Entry::push_variable(&mut body, "Zoé");
        let (first, second) = (leased(&entry(&body)), leased(&entry(&[])));
        let record = [first.clone(), second].concat();
        let messages: Vec<_> = split_messages(&record).collect();
        assert_eq!(messages.len(), 2);
        assert_eq!((messages[0].bytes, messages[0].epoch), (&first[..], 42));
        assert_eq!(messages[0].entry, entry(&body));
        assert_eq!(
            Entry::variables(messages[0].entry.body).collect::<Vec<_>>(),
            ["Dupont", "Zoé"]
        );
    }

    #[test]
    fn an_accepted_message_keeps_its_head_and_gets_its_ids() {
        let bytes = leased(&entry(b"\0\x01x"));
        let enroute = Enroute {
            accepted_at: 1_700_000_000_000_000,
            segments: vec![
                SegmentTrace {
                    smsc_message_id: b"abc".to_vec(),
                    settled: None,
                },
                SegmentTrace {
                    smsc_message_id: Vec::new(),
                    settled: Some(Status::Delivered),
                },
            ],
        };
        let accepted = Message::unpack(&bytes).unwrap().accepted(&enroute);
        let message = Message::unpack(&accepted).unwrap();
        assert_eq!(
            (message.state, message.entry.id, message.epoch),
            (State::Enroute, entry(&[]).id, 42)
        );
        assert_eq!(Enroute::unpack(message.entry.body), Some(enroute));
    }

    #[test]
    fn result_slots_come_back_and_zeros_are_none() {
        let slot = ResultSlot {
            status: Some(Status::UnknownNumber),
            accepted: false,
            reason: Reason::Answer,
            code: 0x0B,
            at: 1_763_000_000,
        };
        assert_eq!(ResultSlot::unpack(&slot.pack()), Some(slot));
        assert_eq!(ResultSlot::unpack(&[0; 8]), None);
        assert_eq!(ResultSlot::unpack(&[1; 3]), None);
    }
}
