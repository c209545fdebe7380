//! What happened to messages, as the scripts that move them append it to their partition's journal.
//!
//! ```text
//! entry = event …                          one script call; the field's name in the stream is the form: 1
//! move  = 'm' from(1) to(1) id(8) tenant(4) smsc(2) segments(1) credits(1)
//!         before(1) [slot(8) where to is '.']
//! range = 'r' reason(1) letter(1) campaign(8) tenant(4) position(4) count(4)
//! ```

use super::stored::BadForm;
use super::{CampaignId, MessageId, ResultSlot, SmscId, TenantId};

/// The letter of an end, where a stored state's letter would stand.
pub const ENDED: u8 = b'.';

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalEvent {
    /// A message moved.
    Moved {
        /// The letter of its state before; `Q` for one that was queued.
        from: u8,
        /// The letter of its state then; [`ENDED`].
        to: u8,
        /// Which.
        id: MessageId,
        /// Whose.
        tenant: TenantId,
        /// Where.
        smsc: SmscId,
        /// Its segments.
        segments: u8,
        /// Its credits: what is billed.
        credits: u8,
        /// Its credits before.
        before: u8,
        /// How it ended, if it did.
        result: Option<ResultSlot>,
    },
    /// Consecutive rows ended without having been leased.
    Range {
        /// How they ended.
        result: ResultSlot,
        /// Of which campaign.
        campaign: CampaignId,
        /// Whose.
        tenant: TenantId,
        /// The first position.
        position: u32,
        /// How many.
        count: u32,
    },
}

const MOVE: usize = 20;
const RANGE: usize = 23;

/// The events of one entry that was written at `at`, seconds since 1970.
///
/// # Errors
/// When something else stands there, and where.
pub fn events(entry: &[u8], at: u32) -> impl Iterator<Item = Result<JournalEvent, BadForm>> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let rest = entry.get(offset..).filter(|rest| !rest.is_empty())?;
        match read(rest, at) {
            Some((event, length)) => {
                offset += length;
                Some(Ok(event))
            }
            None => {
                let bad = BadForm { at: offset };
                offset = entry.len();
                Some(Err(bad))
            }
        }
    })
}

fn read(bytes: &[u8], at: u32) -> Option<(JournalEvent, usize)> {
    match bytes.first()? {
        b'm' => {
            let fixed: &[u8; MOVE] = bytes.first_chunk()?;
            let ended = fixed[2] == ENDED;
            let result = if ended {
                Some(ResultSlot::unpack(bytes.get(MOVE..MOVE + 8)?)?)
            } else {
                None
            };
            let event = JournalEvent::Moved {
                from: fixed[1],
                to: fixed[2],
                id: MessageId(u64::from_be_bytes(fixed[3..11].try_into().ok()?)),
                tenant: TenantId(u32::from_be_bytes(fixed[11..15].try_into().ok()?)),
                smsc: SmscId(u16::from_be_bytes([fixed[15], fixed[16]])),
                segments: fixed[17],
                credits: fixed[18],
                before: fixed[19],
                result,
            };
            Some((event, MOVE + if ended { ResultSlot::LENGTH } else { 0 }))
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

impl super::Message<'_> {
    /// The event of its move to `to`, packed; `None` for one that changes no figure: a deferral, a receipt of one segment.
    pub(super) fn event(&self, to: super::State, credits: u8, result: Option<&ResultSlot>) -> Option<Vec<u8>> {
        let (from, to) = (self.state.letter().unwrap_or(b'Q'), to.letter().unwrap_or(ENDED));
        let doubtful = [from, to].contains(&b'I');
        if from == to || to == b'D' && !doubtful {
            return None;
        }
        let mut event = Vec::with_capacity(MOVE + ResultSlot::LENGTH);
        event.extend_from_slice(&[b'm', from, to]);
        event.extend_from_slice(&self.id.0.to_be_bytes());
        event.extend_from_slice(&self.tenant.0.to_be_bytes());
        event.extend_from_slice(&self.smsc.0.to_be_bytes());
        event.extend_from_slice(&[self.segments, credits, self.credits]);
        event.extend(result.into_iter().flat_map(ResultSlot::pack));
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Ending, Event, Reason, Status};

    #[test]
    fn moves_and_ranges_come_back_and_what_is_neither_says_where() {
        let rejected = Event::Rejected {
            status: Status::UnknownNumber,
            reason: Reason::Answer,
            code: 11,
        };
        let transition = leased(3, 1).apply(rejected, 7_000_000).unwrap();
        let packed = transition.journal.clone().unwrap();
        let range = [
            &b"r\x07c"[..],
            &3u64.to_be_bytes(),
            &[0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 8],
        ]
        .concat();
        let entry = [packed, range, b"x".to_vec()].concat();
        let read: Vec<_> = events(&entry, 7).collect();
        let JournalEvent::Moved { from, to, result, .. } = read[0].unwrap() else {
            panic!()
        };
        assert_eq!((from, to, result), (b'L', ENDED, transition.result));
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
        assert_eq!(read[2], Err(BadForm { at: 51 }));
    }

    #[test]
    fn a_deferral_changes_no_figure_unless_it_ends_a_doubt() {
        let deferred = Event::Deferred {
            traces: None,
            attempts: 1,
            due: 1,
        };
        assert_eq!(leased(3, 1).apply(deferred, 1).unwrap().journal, None);
    }
}
