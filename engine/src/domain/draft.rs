//! A recipient's record while moves are made in it, and what is to be written besides.

use super::stored::{BadForm, FORM_MESSAGE, FORM_TRAIL, FORM_TRIED, HEAD, Line, Message, Way};
use super::time::UnixMicros;
use super::{MessageId, Recipient, State, Step, TenantId, Transition};

/// Trails in a record: the senders of late.
const TRAILS_MAX: usize = 3;
/// Settled receipts that a trail remembers.
const DIGESTS_MAX: usize = 8;
/// Octets of a digest.
const DIGEST: usize = 4;
/// Octets of a trail before its digests: form and length, sender, tenant, campaign, when.
const TRAIL: usize = 23;

/// What a move adds to the trails of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Nothing.
    None,
    /// A message from that sender was taken.
    Taken(u64),
    /// A receipt of this digest was settled.
    Settled([u8; DIGEST]),
    /// A receipt was settled that spoke for all segments: its digest, and those of what may come for the others.
    AllSettled(Vec<[u8; DIGEST]>),
}

/// A message's place among those that wait to be leased again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It waits there until then.
    At(Line, UnixMicros, MessageId),
    /// It does not wait there any more.
    Gone(Line, MessageId),
}

/// A record in which moves are made. Nothing of it is stored before the store has swapped it for what was read.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) recipient: Recipient,
    octets: Vec<u8>,
    /// What the moves add to the journal.
    pub(crate) journal: Vec<u8>,
    /// What the moves change in the due sets.
    pub(crate) dues: Vec<Due>,
    /// Tenants with a frequency cap of whom a message was taken, one each message.
    pub(crate) capped: Vec<TenantId>,
    /// The journal is told the ids that SMSCs give.
    pub(crate) tells_ids: bool,
}

impl Draft {
    /// A record as it was read.
    pub(crate) fn new(recipient: Recipient, record: &[u8]) -> Self {
        let mut octets = Vec::with_capacity(record.len() + 64);
        octets.extend_from_slice(record);
        Self {
            recipient,
            octets,
            journal: Vec::new(),
            dues: Vec::new(),
            capped: Vec::new(),
            tells_ids: false,
        }
    }

    /// The record as it is now.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The record as it is at last.
    pub(crate) fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// Makes a move. Returns whether it was made: not, when the record does not hold that version of the message.
    ///
    /// # Errors
    /// When the record cannot be read, and where.
    pub(crate) fn make(&mut self, transition: &Transition, note: &Note, now: UnixMicros) -> Result<bool, BadForm> {
        let Some((first, last)) = self.locate(&transition.expected)? else {
            return Ok(false);
        };
        let (message, _) = Message::unpack(self.recipient, &self.octets[first..last])?;
        let (id, tenant, lane) = (message.id, message.tenant, message.lane);
        if message.state.after(transition.step).is_err() {
            return Ok(false);
        }
        if matches!(message.state, State::Waiting | State::Deferred) {
            let line = message.line(None);
            let pinned = Line {
                way: Way::Pinned(message.smsc),
                ..line
            };
            self.dues.extend([Due::Gone(line, id), Due::Gone(pinned, id)]);
        }
        if let Some((line, due)) = transition.due {
            self.dues.push(Due::At(line, due, id));
        }
        if message.capped && is_taken(message.state, transition) {
            self.capped.push(tenant);
        }
        if let Some(event) = &transition.journal {
            if let Some(traces) = transition.untold.as_ref().filter(|_| self.tells_ids) {
                traces.pack_ids(&mut self.journal);
            }
            self.journal.extend_from_slice(event);
        }
        self.octets.splice(first..last, transition.replacement.iter().copied());
        match note {
            Note::None => {}
            Note::Taken(sender) => self.note_taken(*sender, tenant, id, now)?,
            Note::Settled(digest) => self.remember(*digest),
            Note::AllSettled(digests) => digests.iter().for_each(|digest| self.remember(*digest)),
        }
        self.wake(tenant, lane, now)?;
        Ok(true)
    }

    /// Whether it holds that message, in that version: a move to it was made before.
    ///
    /// # Errors
    /// When the record cannot be read, and where.
    pub(crate) fn holds(&self, message: &[u8]) -> Result<bool, BadForm> {
        match message.first_chunk() {
            Some(head) => Ok(self.locate(head)?.is_some()),
            None => Ok(false),
        }
    }

    /// Lets trails go that are older than that, in seconds since 1970.
    ///
    /// # Errors
    /// When the record cannot be read, and where.
    pub(crate) fn forget_trails(&mut self, oldest_s: u64) -> Result<(), BadForm> {
        let mut kept = Vec::new();
        let mut at = 0;
        while let Some(end) = self.trail_end(at)? {
            let trail = &self.octets[at..end];
            let when = trail[TRAIL - 4..TRAIL]
                .iter()
                .fold(0, |when, octet| when << 8 | u64::from(*octet));
            if when >= oldest_s {
                kept.extend_from_slice(trail);
            }
            at = end;
        }
        self.octets.splice(..at, kept);
        Ok(())
    }

    /// Where the message of that head begins and ends.
    fn locate(&self, head: &[u8; HEAD]) -> Result<Option<(usize, usize)>, BadForm> {
        let mut at = self.messages_at()?;
        while at < self.octets.len() {
            let end = self.message_end(at)?;
            if self.octets[at..end].starts_with(head) {
                return Ok(Some((at, end)));
            }
            at = end;
        }
        Ok(None)
    }

    /// Where the messages begin: behind the trails.
    fn messages_at(&self) -> Result<usize, BadForm> {
        let mut at = 0;
        while let Some(end) = self.trail_end(at)? {
            at = end;
        }
        Ok(at)
    }

    fn trail_end(&self, at: usize) -> Result<Option<usize>, BadForm> {
        let Some([FORM_TRAIL, length]) = self.octets.get(at..at + 2) else {
            return Ok(None);
        };
        let end = at + 2 + usize::from(*length);
        let whole = end >= at + TRAIL && end <= self.octets.len();
        whole.then_some(Some(end)).ok_or(BadForm { at })
    }

    fn message_end(&self, at: usize) -> Result<usize, BadForm> {
        let octets = &self.octets[at..];
        let (Some(&(FORM_MESSAGE | FORM_TRIED)), Some(length)) = (octets.first(), octets.get(HEAD + 1..HEAD + 3))
        else {
            return Err(BadForm { at });
        };
        let end = at + HEAD + 3 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        (end <= self.octets.len()).then_some(end).ok_or(BadForm { at })
    }

    /// The sender's trail comes first, with the digests that it had; of the others the newest stay.
    fn note_taken(&mut self, sender: u64, tenant: TenantId, id: MessageId, now: UnixMicros) -> Result<(), BadForm> {
        let sender = sender.to_be_bytes();
        let mut trails = Vec::with_capacity(TRAIL + DIGESTS_MAX * DIGEST);
        trails.extend_from_slice(&[FORM_TRAIL, 0]);
        trails.extend_from_slice(&sender);
        trails.extend_from_slice(&tenant.0.to_be_bytes());
        trails.extend_from_slice(&id.0.to_be_bytes()[..5]);
        trails.extend_from_slice(&(now.seconds() as u32).to_be_bytes());
        let (mut at, mut others, mut kept) = (0, Vec::new(), 1);
        while let Some(end) = self.trail_end(at)? {
            let trail = &self.octets[at..end];
            if trail[2..10] == sender {
                trails.extend_from_slice(&trail[TRAIL..]);
            } else if kept < TRAILS_MAX {
                kept += 1;
                others.extend_from_slice(trail);
            }
            at = end;
        }
        trails[1] = (trails.len() - 2) as u8;
        trails.extend_from_slice(&others);
        self.octets.splice(..at, trails);
        Ok(())
    }

    /// The newest trail remembers that receipt; the oldest that it remembers may go for it.
    fn remember(&mut self, digest: [u8; DIGEST]) {
        let Ok(Some(end)) = self.trail_end(0) else { return };
        self.octets.splice(end..end, digest);
        if end + DIGEST - TRAIL > DIGESTS_MAX * DIGEST {
            self.octets.drain(TRAIL..TRAIL + DIGEST);
        } else {
            self.octets[1] += DIGEST as u8;
        }
    }

    /// The next waiting message of the same tenant and lane is due: one ahead of it has moved.
    fn wake(&mut self, tenant: TenantId, lane: u8, now: UnixMicros) -> Result<(), BadForm> {
        let mut at = self.messages_at()?;
        while at < self.octets.len() {
            let end = self.message_end(at)?;
            let (message, _) = Message::unpack(self.recipient, &self.octets[at..end])?;
            if message.state == State::Waiting && message.tenant == tenant && message.lane == lane {
                self.dues.push(Due::At(message.line(None), now, message.id));
                break;
            }
            at = end;
        }
        Ok(())
    }
}

/// Whether an SMSC has taken a message with this move; of one that was in doubt, a receipt says so as well.
fn is_taken(from: State, transition: &Transition) -> bool {
    let becomes = transition.replacement.get(1).copied();
    match from {
        State::Enroute => false,
        State::InDoubt if matches!(transition.step, Step::Settle(_)) => true,
        State::InDoubt
        | State::Queued
        | State::Waiting
        | State::Deferred
        | State::Leased
        | State::Final(_)
        | State::Canceled
        | State::Skipped => becomes == State::Enroute.letter(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Event, GivesBack, Mark, Record, Status, Trace, Traces};

    fn taken(id: &str) -> Event {
        Event::Accepted(Traces {
            at: UnixMicros(7_000_000),
            segments: vec![Trace {
                mark: Mark::Taken,
                smsc_id: id.into(),
            }],
        })
    }

    fn delivered() -> Event {
        Event::Receipt {
            segment: 0,
            status: Status::Delivered,
            code: 0,
            gives_back: GivesBack::NONE,
        }
    }

    /// Sends one message from that sender and settles it.
    fn live(record: &[u8], campaign: u64, sender: u64, digest: [u8; DIGEST]) -> Vec<u8> {
        let message = leased(campaign, 1);
        let mut draft = Draft::new(message.recipient, &[record, &message.pack(None)].concat());
        let accept = message.apply(taken("7"), UnixMicros(7_000_000)).unwrap();
        assert_eq!(
            draft.make(&accept, &Note::Taken(sender), UnixMicros(7_000_000)),
            Ok(true)
        );
        let octets = draft.octets().to_vec();
        assert_eq!(draft.holds(&accept.replacement), Ok(true));
        let read = Record::unpack(message.recipient, &octets).unwrap();
        let settle = read
            .messages
            .last()
            .unwrap()
            .apply(delivered(), UnixMicros(8_000_000))
            .unwrap();
        assert_eq!(
            draft.make(&settle, &Note::Settled(digest), UnixMicros(8_000_000)),
            Ok(true)
        );
        assert_eq!(
            draft.make(&settle, &Note::Settled(digest), UnixMicros(8_000_000)),
            Ok(false),
            "gone"
        );
        assert_eq!(draft.holds(&accept.replacement), Ok(false), "it has moved on");
        assert_eq!(
            draft.journal,
            [accept.journal.unwrap(), settle.journal.unwrap()].concat()
        );
        draft.into_octets()
    }

    #[test]
    fn a_senders_trail_comes_first_and_remembers_its_last_receipts() {
        let mut record = Vec::new();
        for digest in 0..10 {
            record = live(&record, 1, 38_000, [digest; DIGEST]);
        }
        let read = Record::unpack(Recipient(1), &record).unwrap();
        assert_eq!((read.trails.len(), read.messages.len()), (1, 0));
        assert!(!read.remembers([1; DIGEST]) && read.remembers([2; DIGEST]) && read.remembers([9; DIGEST]));
        for sender in 1..=3 {
            record = live(&record, sender, sender, [20 + sender as u8; DIGEST]);
        }
        let read = Record::unpack(Recipient(1), &record).unwrap();
        let senders: Vec<u64> = read.trails.iter().map(|trail| trail.sender).collect();
        assert_eq!(senders, [3, 2, 1]);
        assert!(read.remembers([21; DIGEST]) && !read.remembers([9; DIGEST]));
        assert_eq!((read.trails[0].at, read.trails[0].campaign.0), (7, 3));
    }

    #[test]
    fn trails_go_when_their_time_is_over() {
        let record = live(&live(&[], 1, 1, [1; DIGEST]), 2, 2, [2; DIGEST]);
        let mut draft = Draft::new(Recipient(1), &record);
        draft.forget_trails(7).unwrap();
        assert_eq!(draft.octets(), record);
        draft.forget_trails(8).unwrap();
        assert!(draft.octets().is_empty());
    }

    #[test]
    fn who_waits_behind_a_message_is_due_when_that_has_moved() {
        let first = leased(1, 1);
        let waits = Message {
            state: State::Waiting,
            ..leased(2, 1)
        };
        let other_lane = Message {
            state: State::Waiting,
            lane: 0,
            ..leased(3, 1)
        };
        let record = [first.pack(None), other_lane.pack(None), waits.pack(None)].concat();
        let mut draft = Draft::new(first.recipient, &record);
        let accept = first.apply(taken("7"), UnixMicros(9)).unwrap();
        assert_eq!(draft.make(&accept, &Note::Taken(0), UnixMicros(9)), Ok(true));
        assert_eq!(draft.dues, [Due::At(waits.line(None), UnixMicros(9), waits.id)]);
        let stopped = waits.apply(Event::Stopped, UnixMicros(9)).unwrap();
        draft.dues.clear();
        assert_eq!(draft.make(&stopped, &Note::None, UnixMicros(9)), Ok(true));
        let pinned = Line {
            way: Way::Pinned(waits.smsc),
            ..waits.line(None)
        };
        assert_eq!(
            draft.dues,
            [Due::Gone(waits.line(None), waits.id), Due::Gone(pinned, waits.id)]
        );
    }

    #[test]
    fn a_record_of_another_form_is_an_error_that_says_where() {
        let message = leased(1, 1);
        let accept = message.apply(taken("7"), UnixMicros(9)).unwrap();
        let mut cut = message.pack(None);
        cut.pop();
        for (record, at) in [(&cut[..], 0), (&[2, 25, 1][..], 0), (&[9][..], 0)] {
            let mut draft = Draft::new(message.recipient, record);
            assert_eq!(draft.make(&accept, &Note::None, UnixMicros(9)), Err(BadForm { at }));
        }
    }
}
