//! What is queued: spans of rows, in lines, and how messages are claimed from them.

use bytes::Bytes;
use redis::Value;

use super::scripts::Name;
use super::{Store, StoreError, array, bytes, integer, recipient};
use crate::domain::{
    BadForm, CampaignId, GateId, Line, Message, MessageId, Partition, Purpose, Recipient, RouteId, Row, SmscId,
    TenantId, UnixMicros,
};
use crate::encryption::Cipher;

/// What a dispatcher asks for.
#[derive(Clone, Debug)]
pub(crate) struct LeaseAsk<'a> {
    /// For which SMSC.
    pub(crate) smsc: SmscId,
    /// From which partition.
    pub(crate) partition: Partition,
    /// The epoch that the leased messages carry.
    pub(crate) epoch: u32,
    /// The number of this lease among those of the epoch in the partition, from 1.
    pub(crate) number: u64,
    /// About that many segments.
    pub(crate) segments: usize,
    pub(crate) now: UnixMicros,
    /// The routes that the SMSC serves now.
    pub(crate) routes: &'a [RouteId],
    /// The gates that are open now.
    pub(crate) gates: &'a [GateId],
    /// The version of the routes.
    pub(crate) version: u32,
    /// The server with which all engines have checked in; empty where there is no other engine.
    pub(crate) server: &'a str,
}

/// A message that was leased, and its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeasedMessage {
    pub(crate) recipient: Recipient,
    /// The message as it is stored, Leased.
    pub(crate) message: Bytes,
    /// Its record as it is stored; empty where that is long.
    pub(crate) record: Bytes,
    /// As they are stored.
    pub(crate) variables: Bytes,
}

/// What a lease brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Leased {
    /// Messages.
    Messages {
        /// They, now in state Leased.
        messages: Vec<LeasedMessage>,
        /// More is due in this partition.
        more: bool,
        /// When the next deferred message is due, µs.
        next_due: Option<UnixMicros>,
        /// Spans were found that had been cut under older routes.
        stale: bool,
    },
    /// The database is older than what this process has seen of it: it knows the lease of that number as the last.
    Older(u64),
    /// The partition is on another server: nothing is leased before all engines have checked in there.
    Elsewhere,
}

/// Consecutive rows of one route and gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) route: RouteId,
    pub(crate) gate: GateId,
    pub(crate) first: u32,
    /// How many rows.
    pub(crate) count: u32,
}

/// Whose rows, in which lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
    pub(crate) purpose: Purpose,
}

/// How a campaign's queues are halted; the letters of `halt.lua`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// Nothing is leased until it is resumed.
    Pause,
    /// Goes on.
    Resume,
    /// Nothing is leased any more: what is queued is canceled.
    Stop,
    /// Nothing is leased any more: the time of what is queued is over.
    Outdate,
}

impl Halt {
    const fn letter(self) -> &'static str {
        match self {
            Self::Pause => "p",
            Self::Resume => "",
            Self::Stop => "c",
            Self::Outdate => "x",
        }
    }
}

/// A message that waits to be leased again: its key in a due set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DueMessage {
    pub(crate) recipient: Recipient,
    pub(crate) id: MessageId,
}

impl Store {
    /// Claims due messages of one partition for an SMSC. Asked again with the same number it brings the same.
    pub(crate) async fn lease(&self, ask: &LeaseAsk<'_>) -> Result<Leased, StoreError> {
        let mut call = self.partition_script(Name::Lease, ask.partition);
        call.arg(ask.epoch)
            .arg(ask.number)
            .arg(ask.number - 1)
            .arg(ask.now.0)
            .arg(ask.smsc.0)
            .arg(ask.segments)
            .arg(ask.version)
            .arg(list(ask.routes.iter().map(|route| route.0)))
            .arg(list(ask.gates.iter().map(|gate| gate.0)))
            .arg(self.partitions())
            .arg(ask.server);
        let mut replies = self.run(&self.leases, vec![call]).await?;
        read_lease(replies.pop().unwrap_or_default())
    }

    /// Adds rows to an audience at their positions in a partition, with the spans that they are queued in. Asked again
    /// it adds none twice.
    pub(crate) async fn add_rows(
        &self,
        (campaign, cipher): (CampaignId, &Cipher),
        (version, finding): (u32, u64),
        batches: &[RowBatch],
    ) -> Result<(), StoreError> {
        let mut calls = Vec::with_capacity(batches.len());
        for batch in batches {
            let mut call = self.partition_script(Name::Rows, batch.partition);
            let spans: Vec<u8> = batch.spans.iter().flat_map(pack_span_without_first).collect();
            call.arg(campaign.0)
                .arg(batch.position)
                .arg(version)
                .arg(spans)
                .arg(finding);
            for row in &batch.rows {
                let row = Row::unpack(row).map_err(bad("a row"))?;
                let variables = &*cipher.close(row.variables)?;
                call.arg(Row { variables, ..row }.pack());
            }
            calls.push(call);
        }
        for (batch, reply) in batches.iter().zip(self.run(&self.bulk, calls).await?) {
            let rows = integer(&reply)?;
            if rows < 0 {
                return Err(StoreError::TakenOver);
            }
            if rows != i64::from(batch.position) + batch.rows.len() as i64 {
                return Err(StoreError::Corrupt("an audience has rows that nobody put there"));
            }
        }
        Ok(())
    }

    /// Queues a campaign in every partition. Returns the partitions whose spans were cut under other routes: there nothing
    /// was done.
    pub(crate) async fn launch_spans(&self, owner: Owner, version: u32) -> Result<Vec<Partition>, StoreError> {
        let call = |partition| {
            let mut call = self.partition_script(Name::Launch, partition);
            call.arg(owner.campaign.0)
                .arg(owner.tenant.0)
                .arg(owner.purpose.lane())
                .arg(version);
            call
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(call).collect()).await?;
        let mut stale = Vec::new();
        for (partition, reply) in self.all_partitions().zip(replies) {
            if integer(&reply)? < 0 {
                stale.push(partition);
            }
        }
        Ok(stale)
    }

    pub(super) async fn recut(
        &self,
        owner: Owner,
        partition: Partition,
        (line, expected, finding): (&str, Vec<u8>, u64),
        (spans, version): (&[Span], u32),
    ) -> Result<bool, StoreError> {
        let mut call = self.partition_script(Name::Recut, partition);
        let packed: Vec<u8> = spans.iter().flat_map(pack_span).collect();
        call.arg(owner.campaign.0)
            .arg(owner.tenant.0)
            .arg(owner.purpose.lane())
            .arg(version)
            .arg(line)
            .arg(expected)
            .arg(packed)
            .arg(finding);
        let mut replies = self.run(&self.bulk, vec![call]).await?;
        match integer(&replies.pop().unwrap_or_default())? {
            -1 => Err(StoreError::TakenOver),
            replaced => Ok(replaced == 1),
        }
    }

    /// Pauses, resumes or stops a campaign's queues everywhere. Returns the lines, by partition, in which messages of it
    /// may be deferred.
    pub(crate) async fn halt(
        &self,
        owner: Owner,
        halt: Halt,
        now: UnixMicros,
    ) -> Result<Vec<(Partition, Vec<Line>)>, StoreError> {
        let call = |partition| {
            let mut call = self.partition_script(Name::Halt, partition);
            call.arg(owner.campaign.0)
                .arg(owner.tenant.0)
                .arg(owner.purpose.lane())
                .arg(halt.letter())
                .arg(now.0);
            call
        };
        let replies = self.run(&self.bulk, self.all_partitions().map(call).collect()).await?;
        let lines = |reply| array(reply)?.into_iter().map(line).collect::<Result<Vec<Line>, _>>();
        self.all_partitions()
            .zip(replies)
            .map(|(partition, reply)| Ok((partition, lines(reply)?)))
            .collect()
    }

    /// Some messages of a campaign, or of all, that are deferred or wait in a line, from a cursor on; the next cursor, 0 at
    /// the end.
    pub(crate) async fn due_of(
        &self,
        campaign: Option<CampaignId>,
        (partition, line): (Partition, Line),
        cursor: u64,
    ) -> Result<(Vec<DueMessage>, u64), StoreError> {
        const STEP: usize = 1_000;
        let mut scan = redis::cmd("ZSCAN");
        scan.arg(format!("{}due:{line}", self.base(partition)))
            .arg(cursor)
            .arg("MATCH")
            .arg(campaign.map_or_else(|| b"*".to_vec(), pattern))
            .arg("COUNT")
            .arg(STEP);
        let mut replies = self.run(&self.bulk, vec![scan]).await?;
        let mut reply = array(replies.pop().unwrap_or_default())?.into_iter();
        let next = integer(&reply.next().unwrap_or_default())? as u64;
        let members = array(reply.next().unwrap_or_default())?.into_iter().step_by(2);
        let due = members
            .map(|member| read_due(&bytes(member)?))
            .collect::<Result<_, _>>()?;
        Ok((due, next))
    }

    /// Tenants and campaigns with spans in a line.
    pub(crate) async fn queued_in(
        &self,
        partition: Partition,
        line: Line,
    ) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let base = self.base(partition);
        let range = |key: String| {
            let mut range = redis::cmd("LRANGE");
            range.arg(key).arg(0).arg(-1);
            range
        };
        let tenants: Vec<u32> = self.ask(&range(format!("{base}ring:{line}"))).await?;
        let mut queued = Vec::new();
        for tenant in tenants {
            let campaigns: Vec<u64> = self.ask(&range(format!("{base}lane:{line}:{tenant}"))).await?;
            queued.extend(campaigns.into_iter().map(|id| (TenantId(tenant), CampaignId(id))));
        }
        Ok(queued)
    }

    /// Makes deferred messages due now.
    pub(crate) async fn make_due(
        &self,
        (partition, line): (Partition, Line),
        due: &[DueMessage],
        now: UnixMicros,
    ) -> Result<(), StoreError> {
        let mut add = redis::cmd("ZADD");
        add.arg(format!("{}due:{line}", self.base(partition))).arg("XX");
        for message in due {
            add.arg(now.0)
                .arg([message.recipient.0.to_be_bytes(), message.id.0.to_be_bytes()].concat());
        }
        self.run(&self.bulk, vec![add]).await.map(drop)
    }

    /// After the database came back older: what this process leased since is in doubt. Returns how many messages, and
    /// parked receipts of them; `None` when the database knows another lease as the last.
    pub(crate) async fn restore(
        &self,
        ask: &RestoreAsk<'_>,
    ) -> Result<Option<(usize, Vec<super::ParkedOf>)>, StoreError> {
        let mut call = self.partition_script(Name::Restore, ask.partition);
        call.arg(ask.epoch)
            .arg(ask.known)
            .arg(ask.number)
            .arg(&(ask.now.seconds() as u32).to_be_bytes()[..])
            .arg(&ask.now.0.to_be_bytes()[..])
            .arg(self.partitions());
        for (recipient, message) in ask.messages {
            call.arg(&recipient.0.to_be_bytes()[..]).arg(&message[..]);
        }
        let mut replies = self.run(&self.leases, vec![call]).await?;
        let mut values = array(replies.pop().unwrap_or_default())?.into_iter();
        let found = integer(&values.next().unwrap_or_default())?;
        let mut parked = Vec::new();
        while let (Some(key), Some(receipts)) = (values.next(), values.next()) {
            parked.push((recipient(key)?, bytes(receipts)?));
        }
        Ok(usize::try_from(found).ok().map(|found| (found, parked)))
    }

    /// How often each tenant gets a turn, everywhere; 1 is everybody's.
    pub(crate) async fn set_weight(&self, tenant: TenantId, weight: u8) -> Result<(), StoreError> {
        let set = |partition| {
            let mut set = redis::cmd("HSET");
            set.arg(format!("{}weights", self.base(partition)))
                .arg(tenant.0)
                .arg(weight);
            set
        };
        self.run(&self.bulk, self.all_partitions().map(set).collect())
            .await
            .map(drop)
    }
}

/// Rows of one partition that are added together.
#[derive(Clone, Debug)]
pub(crate) struct RowBatch {
    pub(crate) partition: Partition,
    /// The position of the first.
    pub(crate) position: u32,
    pub(crate) rows: Vec<Vec<u8>>,
    /// Their spans, in order.
    pub(crate) spans: Vec<Span>,
}

impl RowBatch {
    /// The gates of its rows.
    pub(crate) fn zones(&self) -> impl Iterator<Item = GateId> {
        self.spans.iter().map(|span| span.gate)
    }
}

/// What is to be put in doubt after the database came back older.
#[derive(Clone, Debug)]
pub(crate) struct RestoreAsk<'a> {
    pub(crate) partition: Partition,
    /// The epoch of the leases.
    pub(crate) epoch: u32,
    /// The number of the last lease that the database knows.
    pub(crate) known: u64,
    /// The number that it is to know then.
    pub(crate) number: u64,
    /// What was leased, in order.
    pub(crate) messages: &'a [(Recipient, Bytes)],
    pub(crate) now: UnixMicros,
}

fn list(numbers: impl Iterator<Item = u16>) -> String {
    numbers.fold(String::from(","), |list, number| list + &number.to_string() + ",")
}

fn read_lease(reply: Value) -> Result<Leased, StoreError> {
    let mut values = array(reply)?.into_iter();
    let mut next = || values.next().unwrap_or_default();
    match &bytes(next())?[..] {
        b"ok" => {}
        b"elsewhere" => return Ok(Leased::Elsewhere),
        b"older" => return Ok(Leased::Older(integer(&next())? as u64)),
        _ => return Err(StoreError::Corrupt("a lease's reply is unknown")),
    }
    let more = integer(&next())? == 1;
    let due = bytes(next())?;
    let next_due = std::str::from_utf8(&due).ok().and_then(|due| due.parse().ok());
    let stale = integer(&next())? == 1;
    Ok(Leased::Messages {
        messages: read_leased(&Bytes::from(bytes(next())?))?,
        more,
        next_due,
        stale,
    })
}

fn read_leased(packed: &Bytes) -> Result<Vec<LeasedMessage>, StoreError> {
    let (mut messages, mut at) = (Vec::with_capacity(packed.len() / 64), 0);
    while at < packed.len() {
        let short = StoreError::Corrupt("a leased message is cut off");
        let head: &[u8; 6] = packed[at..].first_chunk().ok_or(short)?;
        let [row_length, record_length, begins] = [[head[0], head[1]], [head[2], head[3]], [head[4], head[5]]]
            .map(|octets| usize::from(u16::from_be_bytes(octets)));
        let row_at = at + head.len();
        let record_at = row_at + row_length;
        let row = Row::unpack(packed.get(row_at..record_at).unwrap_or_default()).map_err(bad("a leased row"))?;
        let message_at = record_at + begins;
        let rest = packed.get(message_at..).unwrap_or_default();
        let (_, length) = Message::unpack(row.recipient, rest).map_err(bad("a leased message"))?;
        let end = (message_at + length).max(record_at + record_length);
        messages.push(LeasedMessage {
            recipient: row.recipient,
            message: packed.slice(message_at..message_at + length),
            record: if end <= packed.len() && record_length > 0 {
                packed.slice(record_at..record_at + record_length)
            } else {
                Bytes::new()
            },
            variables: packed.slice(row_at + Row::FIXED..record_at),
        });
        at = end;
    }
    Ok(messages)
}

fn bad(what: &'static str) -> impl Fn(BadForm) -> StoreError {
    move |form| StoreError::BadForm {
        key: what.to_owned(),
        form,
    }
}

pub(super) fn line(value: Value) -> Result<Line, StoreError> {
    let text = String::from_utf8(bytes(value)?).map_err(|_| StoreError::Corrupt("a line"))?;
    text.parse().map_err(|_| StoreError::Corrupt("a line"))
}

pub(super) fn read_cut(cut: &[u8]) -> Result<Span, StoreError> {
    let short = |at: usize| {
        let octets = cut.get(at..at + 2).ok_or(StoreError::Corrupt("a draft's span"))?;
        Ok::<_, StoreError>(u16::from_be_bytes([octets[0], octets[1]]))
    };
    Ok(Span {
        route: RouteId(short(0)?),
        gate: GateId(short(2)?),
        first: number(cut, 4)?,
        count: number(cut, 8)?,
    })
}

pub(super) fn number(packed: &[u8], at: usize) -> Result<u32, StoreError> {
    let octets = packed.get(at..at + 4).and_then(|octets| octets.try_into().ok());
    octets.map(u32::from_be_bytes).ok_or(StoreError::Corrupt("a span"))
}

fn pack_span(span: &Span) -> [u8; 12] {
    let mut packed = [0; 12];
    packed[..2].copy_from_slice(&span.route.0.to_be_bytes());
    packed[2..4].copy_from_slice(&span.gate.0.to_be_bytes());
    packed[4..8].copy_from_slice(&span.first.to_be_bytes());
    packed[8..].copy_from_slice(&span.count.to_be_bytes());
    packed
}

fn pack_span_without_first(span: &Span) -> [u8; 8] {
    let packed = pack_span(span);
    let mut short = [0; 8];
    short[..4].copy_from_slice(&packed[..4]);
    short[4..].copy_from_slice(&packed[8..]);
    short
}

fn read_due(member: &[u8]) -> Result<DueMessage, StoreError> {
    let number = |at: usize| {
        let octets = member.get(at..at + 8).and_then(|octets| octets.try_into().ok());
        octets
            .map(u64::from_be_bytes)
            .ok_or(StoreError::Corrupt("a due message's key"))
    };
    Ok(DueMessage {
        recipient: Recipient(number(0)?),
        id: MessageId(number(8)?),
    })
}

/// The glob pattern of a campaign's members: any recipient, its five octets, any index.
fn pattern(campaign: CampaignId) -> Vec<u8> {
    let mut pattern = b"????????".to_vec();
    for octet in &campaign.0.to_be_bytes()[3..] {
        if b"*?[]\\^-".contains(octet) {
            pattern.push(b'\\');
        }
        pattern.push(*octet);
    }
    pattern.extend_from_slice(b"???");
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_is_cut_off_is_an_error_and_no_panic() {
        let row = Row {
            recipient: Recipient(33_612_345_678),
            segments: 1,
            credits: 1,
            variables: b"\0\x03Zoe",
        }
        .pack();
        let mut message = crate::domain::tests::leased(1, 1).head().to_vec();
        message.extend_from_slice(&[0, 0, 13, 0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1]);
        let lengths = [row.len() as u16, message.len() as u16, 0].map(u16::to_be_bytes);
        let packed = [lengths.as_flattened(), &row, &message].concat();
        let read = read_leased(&Bytes::from(packed.clone())).unwrap();
        assert_eq!(
            (&read[0].variables[..], &read[0].message[..], &read[0].record[..]),
            (&b"\0\x03Zoe"[..], &message[..], &message[..])
        );
        for end in 1..packed.len() {
            assert!(read_leased(&Bytes::copy_from_slice(&packed[..end])).is_err(), "{end}");
        }
    }

    #[test]
    fn a_campaigns_members_are_found_whatever_their_octets_mean_to_a_pattern() {
        assert_eq!(pattern(CampaignId(0x3F)), b"????????\0\0\0\0\\????");
    }
}
