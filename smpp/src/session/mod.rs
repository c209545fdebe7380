//! The rules of one ESME session, without a socket and without a clock.
//!
//! Whoever drives it brings PDUs, instants and what the socket took; the session says what to write, what happened and
//! when to look again. One session is one TCP connection's life (3.4, 2.2): binding → bound → unbinding → over.

mod window;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::command_status::CommandStatus;
use crate::frame::{self, Bind, BindResp, CommandId, Pdu, Raw, Sm, SmResp, tag};
use window::Window;

/// The longest that a peer may be silent, and what else is measured in time.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// From the bind request to its answer.
    pub bind: Duration,
    /// Without a word from the peer, before it is asked with enquire_link (3.4, 7.2 inactivity and enquire_link timers).
    pub enquire_link: Duration,
    /// From a request to its response.
    pub response: Duration,
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The bind request is out.
    Binding,
    /// Messages may go.
    Bound,
    /// One side said unbind: nothing new goes out, answers still come in.
    Unbinding,
    /// Over: close the connection.
    Over,
}

/// What a PDU from the SMSC meant. `T` is whatever the driver gave along with a submission.
#[derive(Debug)]
pub enum Event<'a, T> {
    /// The bind was accepted; what the SMSC says of itself.
    Bound(BindResp<'a>),
    /// The bind was refused; the connection is of no more use.
    BindRefused(CommandStatus),
    /// A submission was answered.
    Answered {
        /// What the driver gave with it.
        token: T,
        /// The SMSC's word.
        status: CommandStatus,
        /// The SMSC's id, when the status is OK; may be empty.
        message_id: &'a [u8],
        /// Since it was handed to the session.
        after: Duration,
        /// It had been reported as overdue before: the message is in doubt by now.
        late: bool,
        /// How busy the SMSC says it is, 0 idle to 99 (5.0, 4.8.4.18): no SMSC before 5.0 does.
        congestion: Option<u8>,
    },
    /// A deliver_sm or data_sm: answer it with [`Session::acknowledge`] once it is stored.
    Delivery {
        /// The message.
        sm: Box<Sm<'a>>,
        /// What to acknowledge.
        ack: Ack,
    },
    /// The peer answered enquire_link after that long.
    Alive(Duration),
    /// The peer wants to end the session; the answer is queued. What it took before, it may still answer: close when nothing
    /// is in flight any more, or when [`Session::tick`] says that it takes too long.
    Unbound,
    /// The peer answered our unbind: the session is over.
    Left,
    /// Answered or dropped as the standard asks.
    Odd(Odd),
}

/// A PDU that is nobody's business but the session's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// The peer asked whether we are there.
    EnquireLink,
    /// It told something that has no response: alert_notification.
    Notification,
    /// A response to nothing that was asked.
    UnexpectedResponse,
    /// A request that this session does not allow now.
    WrongState,
    /// A command that the standard does not know, or that an ESME is not asked.
    UnknownCommand,
    /// Its body cannot be read.
    Malformed,
}

impl Odd {
    /// The word that labels a metric.
    pub const fn word(self) -> &'static str {
        match self {
            Self::EnquireLink => "enquire_link",
            Self::Notification => "notification",
            Self::UnexpectedResponse => "unexpected_response",
            Self::WrongState => "wrong_state",
            Self::UnknownCommand => "unknown_command",
            Self::Malformed => "malformed",
        }
    }

    /// Whether the peer did nothing wrong.
    pub const fn is_regular(self) -> bool {
        matches!(self, Self::EnquireLink | Self::Notification)
    }
}

/// Which delivery to acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// deliver_sm or data_sm.
    pub command: CommandId,
    /// Its sequence number.
    pub sequence: u32,
}

/// Why a session ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// The bind was not answered.
    Bind,
    /// enquire_link was not answered.
    EnquireLink,
    /// Submissions are not answered, none of them, though the connection stands.
    Submissions,
    /// Our unbind was not answered, or after the peer's own the answers to what it took do not come.
    Unbind,
}

/// One session. Its driver goes round in this order, at each turn with the instant of now:
///
/// 1. [`pending`](Self::pending) goes to the socket, as much as it takes; [`wrote`](Self::wrote) says how much that was.
/// 2. Each PDU that came goes to [`receive`](Self::receive), one by one; its event is acted upon before the next.
/// 3. While [`phase`](Self::phase) is bound and the window has room, [`submit`](Self::submit) takes what is to be sent.
/// 4. [`acknowledge`](Self::acknowledge) takes what was stored meanwhile.
/// 5. Several times a second, [`tick`](Self::tick) collects what is overdue; what it returns ends the session.
///
/// Every call may add to what is pending, so the driver sleeps only after a first step that left nothing. When the phase
/// is over, or the connection is, [`end`](Self::end) hands back what has no answer, once, and nothing else is called.
pub struct Session<T> {
    phase: Phase,
    timers: Timers,
    window: Window<T>,
    out: BytesMut,
    handed: u64,
    written: u64,
    phase_since: Instant,
    heard: Instant,
    answered: Instant,
    enquired: Option<(u32, Instant)>,
}

impl<T> Session<T> {
    /// A session on a fresh connection: its bind request is the first thing to write. `window` is the most unanswered
    /// submissions, 1 to 10,000 or so: memory is kept for four times as many.
    pub fn new(bind: &Bind<'_>, timers: Timers, window: usize, now: Instant) -> Result<Self, frame::Unencodable> {
        let mut session = Self {
            phase: Phase::Binding,
            timers,
            window: Window::new(window),
            out: BytesMut::with_capacity(64 * 1024),
            handed: 0,
            written: 0,
            phase_since: now,
            heard: now,
            answered: now,
            enquired: None,
        };
        let sequence = session.window.next_sequence();
        frame::encode_bind(&mut session.out, sequence, bind)?;
        session.handed = session.out.len() as u64;
        Ok(session)
    }

    /// Where it is in its life.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Unanswered submissions that are not overdue.
    pub fn in_flight(&self) -> usize {
        self.window.in_flight()
    }

    /// What waits to be written. Tell with [`Session::wrote`] how much of it was.
    pub fn pending(&self) -> &[u8] {
        &self.out
    }

    /// The socket took that many octets.
    pub fn wrote(&mut self, octets: usize) {
        bytes::Buf::advance(&mut self.out, octets);
        self.written += octets as u64;
        debug_assert_eq!(self.handed, self.written + self.out.len() as u64);
    }

    /// Queues a submit_sm that was encoded before; its sequence number is set here. Only while bound, and only with
    /// room in the window, which the driver sees to.
    pub fn submit(&mut self, encoded: &[u8], token: T, now: Instant) {
        debug_assert!(encoded.len() >= frame::HEADER_LENGTH);
        debug_assert_eq!(
            self.phase,
            Phase::Bound,
            "nothing is submitted before the bind or after unbind"
        );
        let start = self.out.len();
        self.out.extend_from_slice(encoded);
        self.handed += encoded.len() as u64;
        let sequence = self.window.insert(token, now, self.handed);
        self.out[start + 12..start + 16].copy_from_slice(&sequence.to_be_bytes());
    }

    /// Queues the answer to a delivery.
    pub fn acknowledge(&mut self, ack: Ack, status: CommandStatus) {
        self.write(|out| frame::encode_sm_resp(out, (ack.command.response(), status, ack.sequence), b""));
    }

    /// Queues unbind: nothing is submitted after it.
    pub fn unbind(&mut self, now: Instant) {
        if self.phase == Phase::Bound {
            let sequence = self.window.next_sequence();
            self.write(|out| frame::encode_empty(out, CommandId::UNBIND, CommandStatus::ESME_ROK, sequence));
            self.enter(Phase::Unbinding, now);
        }
    }

    /// Queues generic_nack for bytes whose length cannot be right; the stream is lost, so the session is over.
    pub fn refuse_length(&mut self, fault: &frame::BadLength, now: Instant) {
        let sequence = fault.sequence;
        let status = CommandStatus::ESME_RINVCMDLEN;
        self.write(|out| frame::encode_empty(out, CommandId::GENERIC_NACK, status, sequence));
        self.enter(Phase::Over, now);
    }

    /// Takes one PDU from the SMSC.
    pub fn receive<'a>(&mut self, raw: &Raw<'a>, now: Instant) -> Event<'a, T> {
        self.heard = now;
        let header = raw.header;
        let Ok(pdu) = raw.decode() else {
            return self.refuse(
                header.command_id,
                header.sequence,
                CommandStatus::ESME_RINVCMDLEN,
                Odd::Malformed,
            );
        };
        match pdu {
            Pdu::SubmitSmResp(response) => self.answer(header.sequence, header.command_status, &response, now),
            Pdu::DeliverSm(sm) | Pdu::DataSm(sm) if self.phase != Phase::Binding => {
                let ack = Ack {
                    command: header.command_id,
                    sequence: header.sequence,
                };
                Event::Delivery { sm: Box::new(sm), ack }
            }
            Pdu::BindResp(response) => self.bound(header.command_status, response, now),
            Pdu::EnquireLink => {
                let ok = CommandStatus::ESME_ROK;
                self.write(|out| frame::encode_empty(out, CommandId::ENQUIRE_LINK_RESP, ok, header.sequence));
                Event::Odd(Odd::EnquireLink)
            }
            Pdu::EnquireLinkResp => match self.enquired.take() {
                Some((sequence, since)) if sequence == header.sequence => Event::Alive(now - since),
                _ => Event::Odd(Odd::UnexpectedResponse),
            },
            Pdu::Unbind => {
                let ok = CommandStatus::ESME_ROK;
                self.write(|out| frame::encode_empty(out, CommandId::UNBIND_RESP, ok, header.sequence));
                self.enter(Phase::Unbinding, now);
                Event::Unbound
            }
            Pdu::UnbindResp => {
                self.enter(Phase::Over, now);
                Event::Left
            }
            // The SMSC could not even read the request: it surely did nothing with it (3.4, 4.3).
            Pdu::GenericNack if self.phase == Phase::Binding => {
                self.bound(nack_status(header.command_status), BindResp::default(), now)
            }
            Pdu::GenericNack => {
                let status = nack_status(header.command_status);
                self.answer(header.sequence, status, &SmResp::default(), now)
            }
            Pdu::DeliverSm(_) | Pdu::DataSm(_) | Pdu::SubmitSm(_) | Pdu::Bind(_) => self.refuse(
                header.command_id,
                header.sequence,
                CommandStatus::ESME_RINVBNDSTS,
                Odd::WrongState,
            ),
            Pdu::DeliverSmResp(_) | Pdu::DataSmResp(_) => Event::Odd(Odd::UnexpectedResponse),
            Pdu::Other if header.command_id.is_response() => Event::Odd(Odd::UnexpectedResponse),
            // It has no response (3.4, 4.12).
            Pdu::Other if header.command_id == CommandId::ALERT_NOTIFICATION => Event::Odd(Odd::Notification),
            // An SMSC says it on a connection that it opened itself (3.4, 2.2.1); on this one we have sent our bind already.
            Pdu::Other if header.command_id == CommandId::OUTBIND => self.refuse(
                header.command_id,
                header.sequence,
                CommandStatus::ESME_RINVBNDSTS,
                Odd::WrongState,
            ),
            Pdu::Other => self.refuse(
                header.command_id,
                header.sequence,
                CommandStatus::ESME_RINVCMDID,
                Odd::UnknownCommand,
            ),
        }
    }

    /// Looks at the timers: asks a silent peer, and collects what is overdue into `overdue`, whose messages are in doubt
    /// from now on. `Some` when the session is beyond hope.
    pub fn tick(&mut self, now: Instant, overdue: &mut Vec<T>) -> Option<Overdue>
    where
        T: Clone,
    {
        match self.phase {
            Phase::Binding => return (now - self.phase_since >= self.timers.bind).then_some(Overdue::Bind),
            Phase::Unbinding if now - self.phase_since >= self.timers.response => return Some(Overdue::Unbind),
            Phase::Unbinding | Phase::Bound => {}
            Phase::Over => return None,
        }
        let limit = self.timers.response;
        let oldest = self.window.expire(now, limit, |token| overdue.push(token.clone()));
        if oldest.is_some_and(|handed| self.answered < handed) {
            return Some(Overdue::Submissions);
        }
        if let Some((_, since)) = self.enquired {
            return (now - since >= self.timers.response.min(self.timers.enquire_link)).then_some(Overdue::EnquireLink);
        }
        if now - self.heard >= self.timers.enquire_link {
            self.enquire(now);
        }
        None
    }

    /// Asks the peer whether it is there, without waiting for its silence; its answer is [`Event::Alive`]. Only while bound, and not
    /// while an answer is awaited.
    pub fn enquire(&mut self, now: Instant) {
        if self.phase == Phase::Bound && self.enquired.is_none() {
            let sequence = self.window.next_sequence();
            let ok = CommandStatus::ESME_ROK;
            self.write(|out| frame::encode_empty(out, CommandId::ENQUIRE_LINK, ok, sequence));
            self.enquired = Some((sequence, now));
        }
    }

    /// The connection is gone: hands back every submission without an answer, and says of each whether all its octets had
    /// been written. If not, the SMSC surely never had it.
    pub fn end(&mut self) -> impl Iterator<Item = (T, bool)> + use<'_, T> {
        self.phase = Phase::Over;
        let written = self.written;
        self.window.drain().map(move |(token, end)| (token, end <= written))
    }

    fn answer<'a>(
        &mut self,
        sequence: u32,
        status: CommandStatus,
        response: &SmResp<'a>,
        now: Instant,
    ) -> Event<'a, T> {
        match self.window.take(sequence) {
            Some(entry) => {
                self.answered = now;
                let after = now - entry.handed_at;
                Event::Answered {
                    token: entry.token,
                    status,
                    message_id: response.message_id,
                    after,
                    late: entry.overdue,
                    congestion: congestion(response),
                }
            }
            None => Event::Odd(Odd::UnexpectedResponse),
        }
    }

    fn bound<'a>(&mut self, status: CommandStatus, response: BindResp<'a>, now: Instant) -> Event<'a, T> {
        if self.phase != Phase::Binding {
            return Event::Odd(Odd::UnexpectedResponse);
        }
        if status == CommandStatus::ESME_ROK {
            self.enter(Phase::Bound, now);
            self.answered = now;
            return Event::Bound(response);
        }
        self.enter(Phase::Over, now);
        Event::BindRefused(status)
    }

    /// A request that is not served: one that has a response gets that, any other generic_nack, and a response gets nothing.
    fn refuse(&mut self, command: CommandId, sequence: u32, status: CommandStatus, odd: Odd) -> Event<'static, T> {
        if !command.is_response() {
            let answer = if command.has_response() {
                command.response()
            } else {
                CommandId::GENERIC_NACK
            };
            self.write(|out| frame::encode_empty(out, answer, status, sequence));
        }
        Event::Odd(odd)
    }

    fn write(&mut self, encode: impl FnOnce(&mut BytesMut)) {
        let before = self.out.len();
        encode(&mut self.out);
        self.handed += (self.out.len() - before) as u64;
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.phase_since = now;
    }
}

fn congestion(response: &SmResp<'_>) -> Option<u8> {
    response.tlvs.get(tag::CONGESTION_STATE)?.first().copied()
}

/// A generic_nack that says OK would turn a refusal into an acceptance.
fn nack_status(status: CommandStatus) -> CommandStatus {
    if status == CommandStatus::ESME_ROK {
        CommandStatus::ESME_RUNKNOWNERR
    } else {
        status
    }
}
