//! What happened to messages, as the scripts that move them append it to their partition's journal.
//!
//! ```text
//! entry = event …                          one script call; the field's name in the stream is the form: 1
//! move  = 'm' from(1) to(1) id … credits   the stored message's octets from its id to its credits, as one piece
//!         [slot(8) where to is '.']
//!       | 'b' before(1) from(1) …          the same where the credits change: what they were before
//!       | 't' taken(1) before(1) from(1) …  the same where the SMSC took another number of segments than the text has
//!       | 'e' epoch(4) edition(2) …        any of these, of a message that was leased: by whom, and under which of its rules
//!       | 'i' length(2) ids …              any of these, where it is to be told: of each segment the SMSC's id, with its length(1) in front
//! range = 'r' reason(1) letter(1) campaign(8) tenant(4) position(4) count(4)
//! ```

use super::stored::BadForm;
use super::{CampaignId, GateId, MessageId, ResultSlot, SmscId, TenantId};

/// The letter of an end, where a stored state's letter would stand.
pub(crate) const ENDED: u8 = b'.';

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JournalEvent {
    /// A message moved.
    Moved {
        /// The letter of its state before; `Q` for one that was queued.
        from: u8,
        /// The letter of its state then; [`ENDED`].
        to: u8,
        id: MessageId,
        tenant: TenantId,
        smsc: SmscId,
        /// Its segments.
        segments: u8,
        /// Those that the SMSC took, if it took any: what is to be paid for it.
        taken: u8,
        /// Its credits: what is billed.
        credits: u8,
        /// Its credits before.
        before: u8,
        gate: GateId,
        /// What it was leased under, where that is said.
        under: Option<Under>,
        /// How it ended, if it did.
        result: Option<ResultSlot>,
    },
    /// Consecutive rows ended without having been leased.
    Range {
        /// How they ended.
        result: ResultSlot,
        /// Of which campaign.
        campaign: CampaignId,
        tenant: TenantId,
        position: u32,
        count: u32,
    },
}

/// What a message was leased under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Under {
    pub(crate) epoch: u32,
    /// Which of the rules that the epoch's process has obeyed, from 1; 0: nobody can tell any more.
    pub(crate) edition: u16,
}

/// Octets that say what a message was leased under.
const UNDER: usize = 7;

/// Octets in front of ids.
const IDS: usize = 3;

/// Octets of a message from its id to its credits.
const PIECE: usize = 24;
const RANGE: usize = 23;

/// The events of one entry that was written at `at`, seconds since 1970.
///
/// # Errors
/// When something else stands there, and where.
pub(crate) fn events(entry: &[u8], at: u32) -> impl Iterator<Item = Result<JournalEvent, BadForm>> {
    named_events(entry, at).map(|event| event.map(|(event, _)| event))
}

/// The same, each with the ids that its SMSC has given the segments, empty where one has none; none where they are not told.
///
/// # Errors
/// When something else stands there, and where.
pub(crate) fn named_events(
    entry: &[u8],
    at: u32,
) -> impl Iterator<Item = Result<(JournalEvent, impl Iterator<Item = &[u8]>), BadForm>> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let rest = entry.get(offset..).filter(|rest| !rest.is_empty())?;
        match read(rest, at) {
            Some((event, length)) => {
                offset += length;
                Some(Ok((event, each_id(ids_in(rest).unwrap_or_default()))))
            }
            None => {
                let bad = BadForm { at: offset };
                offset = entry.len();
                Some(Err(bad))
            }
        }
    })
}

/// The ids in front of a move, packed; `None`: there are none, or they are cut off.
fn ids_in(event: &[u8]) -> Option<&[u8]> {
    let head: &[u8; IDS] = event.first_chunk().filter(|head| head[0] == b'i')?;
    let length = usize::from(u16::from_be_bytes([head[1], head[2]]));
    event.get(IDS..IDS + length)
}

fn each_id(mut packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = packed.split_first()?;
        let (id, rest) = rest.split_at_checked(usize::from(*length))?;
        packed = rest;
        Some(id)
    })
}

fn read(bytes: &[u8], at: u32) -> Option<(JournalEvent, usize)> {
    match bytes.first()? {
        b'i' => {
            let front = IDS + ids_in(bytes)?.len();
            let moved = bytes
                .get(front..)
                .filter(|rest| !rest.starts_with(b"i") && !rest.starts_with(b"r"))?;
            let (event, length) = read(moved, at)?;
            Some((event, front + length))
        }
        b'e' => {
            let head: &[u8; UNDER] = bytes.first_chunk()?;
            let said = Under {
                epoch: u32::from_be_bytes(head[1..5].try_into().ok()?),
                edition: u16::from_be_bytes([head[5], head[6]]),
            };
            let moved = bytes
                .get(UNDER..)
                .filter(|rest| !rest.starts_with(b"e") && !rest.starts_with(b"i"))?;
            let (mut event, length) = read(moved, at)?;
            if let JournalEvent::Moved { under, .. } = &mut event {
                *under = Some(said);
            }
            Some((event, length + UNDER))
        }
        b'm' => {
            let (event, length) = read_move(bytes.get(1..)?, (None, None))?;
            Some((event, length + 1))
        }
        b'b' => {
            let (event, length) = read_move(bytes.get(2..)?, (None, bytes.get(1).copied()))?;
            Some((event, length + 2))
        }
        b't' => {
            let (taken, before) = (bytes.get(1).copied(), bytes.get(2).copied());
            let (event, length) = read_move(bytes.get(3..)?, (taken, before))?;
            Some((event, length + 3))
        }
        b'r' => {
            let fixed: &[u8; RANGE] = bytes.first_chunk()?;
            let [t1, t2, t3, t4] = at.to_be_bytes();
            let event = JournalEvent::Range {
                result: ResultSlot::unpack(&[fixed[2], fixed[1], 0, 0, t1, t2, t3, t4])?,
                campaign: CampaignId(u64::from_be_bytes(fixed[3..11].try_into().ok()?)),
                tenant: TenantId(u32::from_be_bytes(fixed[11..15].try_into().ok()?)),
                position: u32::from_be_bytes(fixed[15..19].try_into().ok()?),
                count: u32::from_be_bytes(fixed[19..23].try_into().ok()?),
            };
            Some((event, RANGE))
        }
        _ => None,
    }
}

fn read_move(bytes: &[u8], (taken, before): (Option<u8>, Option<u8>)) -> Option<(JournalEvent, usize)> {
    let (states, rest) = bytes.split_first_chunk::<2>()?;
    let piece: &[u8; PIECE] = rest.first_chunk()?;
    let ended = states[1] == ENDED;
    let result = if ended {
        Some(ResultSlot::unpack(rest.get(PIECE..PIECE + ResultSlot::LENGTH)?)?)
    } else {
        None
    };
    let event = JournalEvent::Moved {
        from: states[0],
        to: states[1],
        id: MessageId(u64::from_be_bytes(piece[..8].try_into().ok()?)),
        tenant: TenantId(u32::from_be_bytes(piece[11..15].try_into().ok()?)),
        smsc: SmscId(u16::from_be_bytes([piece[17], piece[18]])),
        segments: piece[22],
        taken: taken.unwrap_or(piece[22]),
        credits: piece[23],
        before: before.unwrap_or(piece[23]),
        gate: GateId(u16::from_be_bytes([piece[20], piece[21]])),
        under: None,
        result,
    };
    Some((event, 2 + PIECE + if ended { ResultSlot::LENGTH } else { 0 }))
}

impl super::Message<'_> {
    /// The event of its move to `to`, packed; `None` for one that changes no figure: a deferral, a receipt of one segment.
    pub(super) fn event(
        &self,
        to: super::State,
        (credits, taken): (u8, u8),
        result: Option<&ResultSlot>,
    ) -> Option<Vec<u8>> {
        let (from, to) = (self.state.letter().unwrap_or(b'Q'), to.letter().unwrap_or(ENDED));
        let doubtful = [from, to].contains(&b'I');
        if from == to || to == b'D' && !doubtful {
            return None;
        }
        let mut event = Vec::with_capacity(UNDER + 5 + PIECE + ResultSlot::LENGTH);
        // What follows is known to be of the same lease.
        if matches!(from, b'L' | b'I') {
            event.push(b'e');
            event.extend_from_slice(&self.epoch.to_be_bytes());
            event.extend_from_slice(&[0, 0]);
        }
        match (taken == self.segments, credits == self.credits) {
            (true, true) => event.push(b'm'),
            (true, false) => event.extend_from_slice(&[b'b', self.credits]),
            (false, _) => event.extend_from_slice(&[b't', taken, self.credits]),
        }
        event.extend_from_slice(&[from, to]);
        let moved = Self { credits, ..*self };
        event.extend_from_slice(&moved.pack(None)[7..7 + PIECE]);
        event.extend(result.into_iter().flat_map(ResultSlot::pack));
        Some(event)
    }
}

/// Says in an event under which of its rules the lease's process leased the message.
pub(super) fn note_edition(event: &mut [u8], edition: u16) {
    if let [b'e', _, _, _, _, octets @ ..] = event
        && let Some(octets) = octets.first_chunk_mut()
    {
        *octets = edition.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Back, Ending, Event, Mark, Reason, Status, Trace, Traces, UnixMicros};

    #[test]
    fn moves_and_ranges_come_back_and_what_is_neither_says_where() {
        let rejected = Event::Rejected {
            status: Status::UnknownNumber,
            reason: Reason::Answer,
            code: 11,
        };
        let mut transition = leased(3, 1).apply(rejected, UnixMicros(7_000_000)).unwrap();
        transition.leased_under(258);
        let packed = transition.journal.clone().unwrap();
        let range = [
            &b"r\x07c"[..],
            &3u64.to_be_bytes(),
            &[0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 8],
        ]
        .concat();
        let entry = [packed, range, b"x".to_vec()].concat();
        let read: Vec<_> = events(&entry, 7).collect();
        let JournalEvent::Moved {
            from,
            to,
            result,
            under,
            ..
        } = read[0].unwrap()
        else {
            panic!()
        };
        assert_eq!((from, to, result), (b'L', ENDED, transition.result));
        let leased_under = Under {
            epoch: leased(3, 1).epoch,
            edition: 258,
        };
        assert_eq!(under, Some(leased_under));
        let JournalEvent::Range {
            result,
            position,
            count,
            ..
        } = read[1].unwrap()
        else {
            panic!()
        };
        assert_eq!(
            (result.ending, result.reason, result.at),
            (Ending::Canceled, Reason::Stopped, 7)
        );
        assert_eq!((position, count), (4, 8));
        assert_eq!(read[2], Err(BadForm { at: 65 }));
    }

    #[test]
    fn the_ids_of_an_smsc_stand_before_a_move_and_are_read_with_it() {
        let trace = |id: &str| Trace {
            mark: Mark::Taken,
            smsc_id: id.into(),
        };
        let traces = Traces {
            at: UnixMicros(5),
            segments: vec![trace("a1"), trace(""), trace("0C")],
        };
        let accepted = leased(1, 3).apply(Event::Accepted(traces), UnixMicros(9)).unwrap();
        let mut entry = Vec::new();
        accepted.untold.as_ref().unwrap().pack_ids(&mut entry);
        entry.extend(accepted.journal.as_ref().unwrap());
        let both = [&entry[..], accepted.journal.as_ref().unwrap()].concat();
        let read: Vec<_> = named_events(&both, 7).map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        let ids: Vec<Vec<&[u8]>> = read.into_iter().map(|(_, ids)| ids.collect()).collect();
        assert_eq!(ids, [vec![&b"a1"[..], b"", b"0C"], vec![]]);
        let plain: Vec<_> = events(&both, 7).map(Result::unwrap).collect();
        assert_eq!(plain[0], plain[1]);
        for cut in 1..entry.len() {
            assert!(events(&entry[..cut], 7).next().unwrap().is_err(), "{cut}");
        }
    }

    #[test]
    fn a_deferral_changes_no_figure_unless_it_ends_a_doubt() {
        let deferred = Event::Deferred {
            back: Back::Unsent,
            traces: None,
            attempts: 1,
            due: UnixMicros(1),
        };
        assert_eq!(leased(3, 1).apply(deferred, UnixMicros(1)).unwrap().journal, None);
    }
}
