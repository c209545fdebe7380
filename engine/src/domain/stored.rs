//! How a recipient's record is stored. The scripts know these offsets by the same names: `store/scripts/prelude.lua`.
//!
//! ```text
//! record  = item …                         trails first, then messages in submission order: the recipient's queue
//! item    = form(1) …                      the form is its version: another layout gets another number
//! message = 1 state(1) moves(1) epoch(4) id(8) attempts(1) length(2) tenant(4) route(2) smsc(2) lane(1) gate(2)
//!           segments(1) credits(1) body    length counts what follows it
//!         | 3 … the same, and tries before the body, where an SMSC refused it: see domain/tries.rs
//! body    = nothing, or at(8) then for each segment mark(1) length(1) id
//! trail   = 2 length(1) sender(8) tenant(4) campaign(5) at(4) digest(4) …
//! ```
//!
//! Numbers are big-endian. A message's first 15 octets are its *head*: `moves` counts its moves, so that a head names one
//! version of one message, and whoever compares heads compares the whole.

use super::time::UnixMicros;
use super::tries::Tries;
use super::{CampaignId, GateId, MessageId, Recipient, RouteId, SmscId, State, Status, TenantId};

/// The form of a message.
pub(crate) const FORM_MESSAGE: u8 = 1;
/// The form of a trail.
pub(crate) const FORM_TRAIL: u8 = 2;
/// The form of a message that an SMSC refused.
pub(crate) const FORM_TRIED: u8 = 3;

/// Octets that name one version of one message.
pub(crate) const HEAD: usize = 15;
/// Octets before the body.
pub(crate) const FIXED: usize = 31;

/// The place of the lane in a stored message; the gate follows.
const LANE: usize = 26;

/// In the octet of the lane: the tenant has a frequency cap, so that what is taken is counted.
pub(crate) const CAPPED: u8 = 0x80;

/// Where a message waits to be leased again: for whoever serves a route, or for the SMSC that has a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Any SMSC of the route may take it.
    Route(RouteId),
    /// Only that SMSC may take it: it has a segment of it, or may have one, or others of the route do not take it.
    Pinned(SmscId),
}

/// What is queued alike: a way, a lane, a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Line {
    /// For whom.
    pub(crate) way: Way,
    /// [`super::Purpose::lane`].
    pub(crate) lane: u8,
    pub(crate) gate: GateId,
}

impl std::fmt::Display for Line {
    /// As the keys spell it: `route:lane:gate`, or `@smsc:lane:gate`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.way {
            Way::Route(route) => write!(f, "{}:{}:{}", route.0, self.lane, self.gate.0),
            Way::Pinned(smsc) => write!(f, "@{}:{}:{}", smsc.0, self.lane, self.gate.0),
        }
    }
}

impl std::str::FromStr for Line {
    type Err = super::UnknownId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(super::UnknownId);
        let (way, lane, gate) = (part()?, part()?, part()?);
        let number = |text: &str| text.parse().map_err(|_| super::UnknownId);
        let way = match way.strip_prefix('@') {
            Some(smsc) => Way::Pinned(SmscId(number(smsc)?)),
            None => Way::Route(RouteId(number(way)?)),
        };
        Ok(Self {
            way,
            lane: lane.parse().map_err(|_| super::UnknownId)?,
            gate: GateId(number(gate)?),
        })
    }
}

/// What is known of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Never submitted, or surely unsent: still to be submitted.
    Open,
    /// The SMSC took it; its receipt is awaited.
    Taken,
    /// Written and never answered.
    Lost,
    /// Refused for good, or not sent any more: it ended so, and was not taken.
    Refused(Status),
    /// Its receipt said so.
    Settled(Status),
}

impl Mark {
    const fn octet(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Taken => 1,
            Self::Lost => 2,
            Self::Refused(status) => status.letter(false),
            Self::Settled(status) => status.letter(true),
        }
    }

    fn from_octet(octet: u8) -> Option<Self> {
        Some(match octet {
            0 => Self::Open,
            1 => Self::Taken,
            2 => Self::Lost,
            letter => match Status::from_letter(letter)? {
                (status, true) => Self::Settled(status),
                (status, false) => Self::Refused(status),
            },
        })
    }

    /// Whether an SMSC took it.
    pub(crate) const fn is_taken(self) -> bool {
        matches!(self, Self::Taken | Self::Settled(_))
    }
}

/// One segment: what is known of it, and the SMSC's id of it, empty when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) mark: Mark,
    /// The id in its submit_sm_resp.
    pub(crate) smsc_id: Vec<u8>,
}

impl Trace {
    /// A segment without an id.
    pub(crate) const fn new(mark: Mark) -> Self {
        Self {
            mark,
            smsc_id: Vec::new(),
        }
    }
}

/// The segments of a message that an SMSC has, or may have, a part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traces {
    /// When the first of them was taken; in doubt: since when.
    pub(crate) at: UnixMicros,
    /// One each segment, in their order.
    pub(crate) segments: Vec<Trace>,
}

impl Traces {
    /// Reads a body; `None` when it has none, or is invalid.
    pub(crate) fn unpack(body: &[u8]) -> Option<Self> {
        let at = u64::from_be_bytes(array(body, 0)?);
        let mut rest = &body[8..];
        let mut segments = Vec::with_capacity(1);
        while let [mark, length, tail @ ..] = rest {
            let (id, after) = tail.split_at_checked(usize::from(*length))?;
            segments.push(Trace {
                mark: Mark::from_octet(*mark)?,
                smsc_id: id.to_vec(),
            });
            rest = after;
        }
        Some(Self {
            at: UnixMicros(at),
            segments,
        })
    }

    fn pack(&self, out: &mut Vec<u8>) {
        if self.segments.is_empty() {
            return;
        }
        out.extend_from_slice(&self.at.0.to_be_bytes());
        for segment in &self.segments {
            let id = &segment.smsc_id[..segment.smsc_id.len().min(255)];
            out.extend_from_slice(&[segment.mark.octet(), id.len() as u8]);
            out.extend_from_slice(id);
        }
    }

    /// Appends the ids of the segments as they stand before a move in the journal; nothing where there are none.
    pub(crate) fn pack_ids(&self, out: &mut Vec<u8>) {
        if self.segments.iter().all(|segment| segment.smsc_id.is_empty()) {
            return;
        }
        let ids = || {
            self.segments
                .iter()
                .map(|segment| &segment.smsc_id[..segment.smsc_id.len().min(255)])
        };
        let length: usize = ids().map(|id| 1 + id.len()).sum();
        out.push(b'i');
        out.extend_from_slice(&(length as u16).to_be_bytes());
        for id in ids() {
            out.push(id.len() as u8);
            out.extend_from_slice(id);
        }
    }

    /// Whether a segment has that mark.
    pub(crate) fn any(&self, wanted: impl Fn(Mark) -> bool) -> bool {
        self.segments.iter().any(|segment| wanted(segment.mark))
    }

    /// Segments that an SMSC took.
    pub(crate) fn taken(&self) -> usize {
        self.segments.iter().filter(|segment| segment.mark.is_taken()).count()
    }
}

/// One message of a recipient's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// To whom; the record's key, not in its octets.
    pub(crate) recipient: Recipient,
    /// Where it is in its life.
    pub(crate) state: State,
    /// Its moves so far, modulo 256.
    pub(crate) moves: u8,
    /// The epoch that it was last leased under.
    pub(crate) epoch: u32,
    pub(crate) id: MessageId,
    /// Submissions that were refused for now.
    pub(crate) attempts: u8,
    pub(crate) tenant: TenantId,
    /// The route that it was queued under.
    pub(crate) route: RouteId,
    /// The SMSC that leased it last.
    pub(crate) smsc: SmscId,
    /// [`super::Purpose::lane`].
    pub(crate) lane: u8,
    /// Whether its tenant has a frequency cap.
    pub(crate) capped: bool,
    pub(crate) gate: GateId,
    /// submit_sm's that it takes, as estimated.
    pub(crate) segments: u8,
    /// Credits that it costs when an SMSC takes all of it.
    pub(crate) credits: u8,
    /// What came of earlier submissions.
    pub(crate) tries: Tries<'a>,
    /// Its traces, packed; see [`Traces::unpack`].
    pub(crate) body: &'a [u8],
}

/// What is not a message where one should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("octet {at}: not a message of a form that this version knows")]
pub(crate) struct BadForm {
    /// Where it begins.
    pub(crate) at: usize,
}

impl<'a> Message<'a> {
    /// Reads the message at the front of `bytes`, and how long it is.
    ///
    /// # Errors
    /// When that is invalid.
    pub(crate) fn unpack(recipient: Recipient, bytes: &'a [u8]) -> Result<(Self, usize), BadForm> {
        Self::read(recipient, bytes).ok_or(BadForm { at: 0 })
    }

    fn read(recipient: Recipient, bytes: &'a [u8]) -> Option<(Self, usize)> {
        let fixed: &[u8; FIXED] = bytes.first_chunk()?;
        let end = HEAD + 3 + usize::from(u16::from_be_bytes([fixed[16], fixed[17]]));
        let rest = bytes.get(FIXED..end)?;
        let tries = match fixed[0] {
            FORM_MESSAGE => Tries::NONE,
            FORM_TRIED => Tries::read(rest)?,
            _ => return None,
        };
        let message = Self {
            recipient,
            state: State::from_letter(fixed[1])?,
            moves: fixed[2],
            epoch: u32::from_be_bytes(array(fixed, 3)?),
            id: MessageId(u64::from_be_bytes(array(fixed, 7)?)),
            attempts: fixed[15],
            tenant: TenantId(u32::from_be_bytes(array(fixed, 18)?)),
            route: RouteId(u16::from_be_bytes([fixed[22], fixed[23]])),
            smsc: SmscId(u16::from_be_bytes([fixed[24], fixed[25]])),
            lane: fixed[LANE] & !CAPPED,
            capped: fixed[LANE] & CAPPED != 0,
            gate: GateId(u16::from_be_bytes([fixed[27], fixed[28]])),
            segments: fixed[29],
            credits: fixed[30],
            tries,
            body: &rest[tries.octets().len()..],
        };
        Some((message, end))
    }

    /// Whether a stored message was refused by an SMSC before, without reading it all.
    pub(crate) fn is_tried(stored: &[u8]) -> bool {
        stored.first() == Some(&FORM_TRIED)
    }

    /// The gate of a stored message that is advertising, without reading it all.
    pub(crate) fn advertising(stored: &[u8]) -> Option<GateId> {
        let [lane, gate @ ..] = stored.get(LANE..LANE + 3)? else {
            return None;
        };
        let is_advertising = lane & !CAPPED == super::Purpose::Marketing.lane();
        is_advertising.then(|| Some(GateId(u16::from_be_bytes(gate.try_into().ok()?))))?
    }

    /// Its first octets, which name this version of it.
    pub(crate) fn head(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        head[0] = if self.tries == Tries::NONE {
            FORM_MESSAGE
        } else {
            FORM_TRIED
        };
        head[1] = self.state.letter().unwrap_or(b'?');
        head[2] = self.moves;
        head[3..7].copy_from_slice(&self.epoch.to_be_bytes());
        head[7..].copy_from_slice(&self.id.0.to_be_bytes());
        head
    }

    /// Its segments, where anything is known of them.
    pub(crate) fn traces(&self) -> Option<Traces> {
        Traces::unpack(self.body)
    }

    /// Where it waits when it is handed back.
    pub(crate) fn line(&self, traces: Option<&Traces>) -> Line {
        let has_part = traces.is_some_and(|traces| traces.any(|mark| mark != Mark::Open));
        let pinned = has_part || self.tries.is_turned_away();
        let way = if pinned {
            Way::Pinned(self.smsc)
        } else {
            Way::Route(self.route)
        };
        Line {
            way,
            lane: self.lane,
            gate: self.gate,
        }
    }

    /// It with these traces in place of its body, packed.
    pub(super) fn pack(&self, traces: Option<&Traces>) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED + 32);
        out.extend_from_slice(&self.head());
        out.extend_from_slice(&[self.attempts, 0, 0]);
        out.extend_from_slice(&self.tenant.0.to_be_bytes());
        out.extend_from_slice(&self.route.0.to_be_bytes());
        out.extend_from_slice(&self.smsc.0.to_be_bytes());
        out.push(self.lane | if self.capped { CAPPED } else { 0 });
        out.extend_from_slice(&self.gate.0.to_be_bytes());
        out.extend_from_slice(&[self.segments, self.credits]);
        out.extend_from_slice(self.tries.octets());
        if let Some(traces) = traces {
            traces.pack(&mut out);
        }
        let length = (out.len() - HEAD - 3) as u16;
        out[16..18].copy_from_slice(&length.to_be_bytes());
        out
    }
}

/// What remains of finished messages to a recipient from one sender: for replies and STOP, and so that a receipt that
/// comes again is not taken for another message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trail<'a> {
    /// The sender as a number; 0 when it cannot be replied to.
    pub(crate) sender: u64,
    /// Whose the last message was.
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    /// When it was taken, seconds since 1970.
    pub(crate) at: u32,
    digests: &'a [u8],
}

impl<'a> Trail<'a> {
    /// Octets before the digests, form and length included.
    const FIXED: usize = 23;

    fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let [FORM_TRAIL, length, ..] = bytes else { return None };
        let end = 2 + usize::from(*length);
        let campaign: [u8; 5] = array(bytes, 14)?;
        let campaign = campaign.iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
        let trail = Self {
            sender: u64::from_be_bytes(array(bytes, 2)?),
            tenant: TenantId(u32::from_be_bytes(array(bytes, 10)?)),
            campaign: CampaignId(campaign),
            at: u32::from_be_bytes(array(bytes, 19)?),
            digests: bytes.get(Self::FIXED..end)?,
        };
        Some((trail, end))
    }

    /// Whether a receipt of that digest settled a message of it.
    pub(crate) fn remembers(&self, digest: [u8; 4]) -> bool {
        self.digests.chunks_exact(4).any(|known| known == digest)
    }
}

/// The digest under which a settled receipt is remembered.
pub(crate) fn digest(smsc: SmscId, smsc_id: &[u8]) -> [u8; 4] {
    // FNV-1a: an id is short, and whoever makes two ids collide harms only his own messages.
    let octets = smsc
        .0
        .to_be_bytes()
        .into_iter()
        .chain(smsc_id.iter().map(u8::to_ascii_lowercase));
    let hash = octets.fold(0x811C_9DC5u32, |hash, octet| {
        (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193)
    });
    hash.to_be_bytes()
}

/// A recipient's record, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record<'a> {
    /// Trails, newest first.
    pub(crate) trails: Vec<Trail<'a>>,
    /// Messages under way, in submission order.
    pub(crate) messages: Vec<Message<'a>>,
}

impl<'a> Record<'a> {
    /// Reads a record.
    ///
    /// # Errors
    /// When it holds something that is neither a trail nor a message, and where.
    pub(crate) fn unpack(recipient: Recipient, bytes: &'a [u8]) -> Result<Self, BadForm> {
        let (mut record, mut at) = (Self::default(), 0);
        while at < bytes.len() {
            let rest = &bytes[at..];
            at += if let Some((trail, length)) = Trail::read(rest) {
                record.trails.push(trail);
                length
            } else {
                let (message, length) = Message::read(recipient, rest).ok_or(BadForm { at })?;
                record.messages.push(message);
                length
            };
        }
        Ok(record)
    }

    /// Whether a receipt of that digest settled a message before.
    pub(crate) fn remembers(&self, digest: [u8; 4]) -> bool {
        self.trails.iter().any(|trail| trail.remembers(digest))
    }
}

/// What encrypted variables begin with. Those that are not begin with the first octet of a length, which is far smaller.
pub(crate) const ENCRYPTED: u8 = 0xff;

/// One recipient of an audience, as it is stored: `form(1) recipient(8) segments(1) credits(1) variables`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) recipient: Recipient,
    /// submit_sm's that the message takes, as estimated.
    pub(crate) segments: u8,
    /// Credits that it costs.
    pub(crate) credits: u8,
    /// The variables, see [`variables`], or these encrypted.
    pub(crate) variables: &'a [u8],
}

impl<'a> Row<'a> {
    /// The form of a row.
    const FORM: u8 = 1;
    /// The form of one whose variables are encrypted.
    const FORM_ENCRYPTED: u8 = 2;
    /// Octets before the variables.
    pub(crate) const FIXED: usize = 11;

    /// Packs it.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::FIXED + self.variables.len());
        out.push(self.form());
        out.extend_from_slice(&self.recipient.0.to_be_bytes());
        out.extend_from_slice(&[self.segments, self.credits]);
        out.extend_from_slice(self.variables);
        out
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is invalid.
    pub(crate) fn unpack(bytes: &'a [u8]) -> Result<Self, BadForm> {
        let read = || {
            let (head, variables) = bytes.split_at_checked(Self::FIXED)?;
            let row = Self {
                recipient: Recipient(u64::from_be_bytes(array(head, 1)?)),
                segments: head[9],
                credits: head[10],
                variables,
            };
            (head[0] == row.form()).then_some(row)
        };
        read().ok_or(BadForm { at: 0 })
    }

    const fn form(&self) -> u8 {
        match self.variables {
            [ENCRYPTED, ..] => Self::FORM_ENCRYPTED,
            _ => Self::FORM,
        }
    }
}

/// Appends one variable: `length(2)` and text, in the order of the campaign's columns.
pub(crate) fn push_variable(out: &mut Vec<u8>, value: &str) {
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value.as_bytes());
}

/// The variables of a row.
pub(crate) fn variables(packed: &[u8]) -> impl Iterator<Item = &str> {
    debug_assert!(
        packed.first() != Some(&ENCRYPTED),
        "variables are read that nobody has decrypted"
    );
    let mut rest = packed;
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_be_bytes(array(rest, 0)?));
        let value = rest.get(2..2 + length)?;
        rest = &rest[2 + length..];
        std::str::from_utf8(value).ok()
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;

    #[test]
    fn a_record_comes_apart() {
        let first = leased(1, 2).pack(None);
        let traces = Traces {
            at: UnixMicros(1_700_000_000_000_000),
            segments: vec![
                Trace {
                    mark: Mark::Taken,
                    smsc_id: b"abc".to_vec(),
                },
                Trace::new(Mark::Refused(Status::UnknownNumber)),
            ],
        };
        let second = leased(2, 2).pack(Some(&traces));
        let trail = [
            &[2, 25][..],
            &7u64.to_be_bytes(),
            &[0, 0, 0, 9, 0, 0, 0, 0, 3, 0, 0, 0, 5],
            b"dig1",
        ]
        .concat();
        let bytes = [trail, first.clone(), second].concat();
        let record = Record::unpack(Recipient(33_612_345_678), &bytes).unwrap();
        assert_eq!(record.messages.len(), 2);
        assert_eq!(record.messages[0], leased(1, 2));
        assert_eq!(record.messages[0].head(), first[..HEAD]);
        assert_eq!(record.messages[1].traces(), Some(traces));
        let trail = record.trails[0];
        assert_eq!(
            (trail.sender, trail.tenant, trail.campaign, trail.at),
            (7, TenantId(9), CampaignId(3), 5)
        );
        assert!(record.remembers(*b"dig1") && !record.remembers(*b"dig2"));
        assert_eq!(
            Record::unpack(Recipient(1), &bytes[1..]).unwrap_err(),
            BadForm { at: 0 }
        );
        assert_eq!(
            Record::unpack(Recipient(1), &bytes[..bytes.len() - 1]).unwrap_err(),
            BadForm { at: 27 + first.len() }
        );
    }

    #[test]
    fn rows_and_variables_come_back() {
        let mut packed = Vec::new();
        push_variable(&mut packed, "Dupont");
        push_variable(&mut packed, "Zoé");
        let row = Row {
            recipient: Recipient(33_612_345_678),
            segments: 2,
            credits: 3,
            variables: &packed,
        };
        let bytes = row.pack();
        assert_eq!(Row::unpack(&bytes), Ok(row));
        assert_eq!(variables(&packed).collect::<Vec<_>>(), ["Dupont", "Zoé"]);
        assert!(Row::unpack(&bytes[..10]).is_err());
    }

    #[test]
    fn lines_are_spelled_as_the_keys_do() {
        for text in ["12:1:0", "@3:0:7"] {
            assert_eq!(text.parse::<Line>().unwrap().to_string(), text);
        }
        assert!("12:1".parse::<Line>().is_err());
    }
}
