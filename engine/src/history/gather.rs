//! From events of the journal to rows: the last that is known of each message.

use rustc_hash::FxHashMap;

use crate::domain::{
    BadForm, ENDED, Ending, GateId, JournalEvent, MessageId, Partition, Reason, Recipient, ResultSlot, SmscId, State,
    Status, TenantId, Under, events,
};
use crate::store::JournalEntry;

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) tenant: TenantId,
    /// `None`: it was given to nobody.
    pub(super) smsc: Option<SmscId>,
    pub(super) segments: u8,
    /// Segments that the SMSC took, if it took any.
    pub(super) taken: u8,
    pub(super) credits: u8,
    /// Milliseconds since 1970, if these events say so.
    pub(super) taken_at: Option<i64>,
    /// With how it ended.
    pub(super) ended_at: Option<(i64, ResultSlot)>,
    pub(super) gate: GateId,
    /// What it was leased under, if these events say so.
    pub(super) under: Option<Under>,
}

impl Fate {
    /// The word for it: one of the seven statuses, skipped, or canceled.
    pub(super) const fn status(&self) -> &'static str {
        match self.ended_at {
            Some((_, result)) => result.ending.word(),
            None => Status::Transmitted.code(),
        }
    }

    /// When it was taken, or else ended; milliseconds since 1970.
    pub(super) fn at(&self) -> i64 {
        let ended_at = self.ended_at.map(|(at, _)| at);
        self.taken_at.or(ended_at).unwrap_or_default()
    }

    /// Whether an SMSC was given it.
    pub(super) fn was_sent(&self) -> bool {
        let left_out = self.ended_at.is_some_and(|(_, result)| match result.ending {
            Ending::Canceled | Ending::Skipped => true,
            Ending::Status { .. } => false,
        });
        self.smsc.is_some() && !left_out
    }

    pub(super) const fn reason(&self) -> &'static str {
        match self.ended_at {
            Some((_, result)) if !matches!(result.reason, Reason::None) => result.reason.code(),
            Some(_) | None => "",
        }
    }

    pub(super) fn code(&self) -> u16 {
        self.ended_at.map_or(0, |(_, result)| result.code)
    }

    /// Credits that were spent on it: as the books have it, those of what an SMSC took, be they given back afterwards or not.
    pub(super) fn spent(&self) -> u8 {
        if self.is_billed() { self.credits } else { 0 }
    }

    /// Segments that are to be paid for.
    pub(super) fn bought(&self) -> u8 {
        if self.is_billed() { self.taken } else { 0 }
    }

    fn is_billed(&self) -> bool {
        match self.ended_at {
            Some((_, result)) => result.ending.is_billed(),
            None => self.taken_at.is_some(),
        }
    }

    pub(super) fn is_within_3_minutes(&self) -> bool {
        self.ended_at
            .is_some_and(|(_, result)| result.to_handset.is_within_3_minutes())
    }
}

/// Messages of one partition that some events are about.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) fates: FxHashMap<MessageId, Fate>,
    /// Whom they are for, as far as that was looked up.
    pub(super) recipients: FxHashMap<MessageId, Recipient>,
}

impl Gathered {
    /// Reads an entry of a partition's journal.
    ///
    /// # Errors
    /// When it is none, and where.
    pub(super) fn read(&mut self, entry: &JournalEntry, partition: (Partition, u16)) -> Result<(), BadForm> {
        let at = entry.at_milliseconds();
        for event in events(&entry.events, entry.at()) {
            self.note(&event?, at, partition);
        }
        Ok(())
    }

    fn note(&mut self, event: &JournalEvent, at: i64, (partition, partitions): (Partition, u16)) {
        match *event {
            JournalEvent::Moved {
                from,
                to,
                id,
                tenant,
                smsc,
                segments,
                taken: bought,
                credits,
                gate,
                under,
                result,
                ..
            } => {
                let taken = Some(to) == State::Enroute.letter() && from != to;
                let ended = result.filter(|_| to == ENDED);
                if !taken && ended.is_none() {
                    return;
                }
                let fate = self.fates.entry(id).or_insert(Fate {
                    tenant,
                    smsc: None,
                    segments,
                    taken: bought,
                    credits,
                    taken_at: None,
                    ended_at: None,
                    gate,
                    under: None,
                });
                fate.smsc = Some(smsc).filter(|smsc| smsc.0 > 0);
                (fate.segments, fate.credits, fate.gate) = (segments, credits, gate);
                fate.under = under.or(fate.under);
                // What it took was settled when it took it.
                if taken || fate.taken_at.is_none() {
                    fate.taken = bought;
                }
                if taken {
                    fate.taken_at = Some(at);
                }
                fate.ended_at = ended.map(|result| (at, result)).or(fate.ended_at);
            }
            // Rows that were stopped before anything was done for them have no history.
            JournalEvent::Range { result, .. } if result.reason == Reason::Stopped => {}
            JournalEvent::Range {
                result,
                campaign,
                tenant,
                position,
                count,
            } => {
                for position in position..position.saturating_add(count) {
                    let id = MessageId::new(campaign, partition, partitions, position);
                    let fate = Fate {
                        tenant,
                        smsc: None,
                        segments: 0,
                        taken: 0,
                        credits: 0,
                        taken_at: None,
                        ended_at: Some((at, result)),
                        gate: GateId::OPEN,
                        under: None,
                    };
                    self.fates.insert(id, fate);
                }
            }
        }
    }
}
