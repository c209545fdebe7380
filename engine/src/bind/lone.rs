//! A session by itself, driven by whoever wants to know how an SMSC answers: it is not kept up, and shares nothing with the
//! binds of an engine.

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, CommandId, PDU_LENGTH_MAX, Sm, split};
use smpp::session::{Ack, Event, Overdue, Phase, Session};
use tokio::time::{Instant, sleep_until};

use super::Content;
use super::board::version;
use super::connect::{Peer, Unreachable, connect};
use super::life::{End, Said};
use super::opening;
use super::transport::{READ_CHUNK, Transport};
use crate::clock::Clock;
use crate::config;

/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(100);

/// A session over a connection of its own.
pub(crate) struct Lone {
    clock: Clock,
    transport: Transport,
    session: Session<u8>,
    input: BytesMut,
    news: VecDeque<News>,
    over: bool,
}

/// What was reached.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    /// The address as it is configured, with what it was resolved to.
    pub(crate) address: String,
    /// The version of TLS; `None` without.
    pub(crate) tls: Option<String>,
    /// When its certificate's time is over, in seconds since 1970.
    pub(crate) certificate_expiry: Option<i64>,
    /// What TCP, and TLS, took.
    pub(crate) after: Duration,
}

/// Why there is no session.
#[derive(Debug)]
pub(crate) enum NoSession {
    /// No connection to any of its addresses.
    Unreachable(String),
    /// A connection, and no TLS over it.
    NoTls(String),
    /// The bind cannot be written.
    Unencodable(String),
}

/// What the SMSC did.
#[derive(Debug)]
pub(crate) enum News {
    /// It accepted the bind, and says that of itself.
    Bound { system_id: String, version: Option<String> },
    /// It refused the bind.
    Refused(CommandStatus),
    /// It answered enquire_link after so long.
    Alive(Duration),
    /// It answered the submission of that segment.
    Answered {
        part: u8,
        status: CommandStatus,
        id: Vec<u8>,
        after: Duration,
    },
    /// A receipt, or a message of somebody.
    Delivery(Box<Parcel>),
    /// The session is over, and that is why.
    Over(Ending),
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It answered our unbind.
    Left,
    /// It closed the connection before it answered the bind.
    ClosedUnbound,
    /// It did not answer the bind, enquire_link or submissions, or ended the session.
    Other(String),
}

/// A delivery with what its envelope shows.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) content: Content,
    pub(crate) ack: Ack,
    pub(crate) esm_class: u8,
    pub(crate) data_coding: u8,
    /// The text is in `message_payload`.
    pub(crate) in_payload: bool,
    /// The optional parameters, by tag.
    pub(crate) tags: Vec<u16>,
    /// The text, without what is not UTF-8.
    pub(crate) text: String,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("it answered our unbind"),
            Self::ClosedUnbound => End::ClosedUnbound.fmt(f),
            Self::Other(words) => f.write_str(words),
        }
    }
}

impl From<End> for Ending {
    fn from(end: End) -> Self {
        if end == End::ClosedUnbound {
            Self::ClosedUnbound
        } else {
            Self::Other(end.to_string())
        }
    }
}

impl Lone {
    /// Connects, and has the bind ready.
    ///
    /// # Errors
    /// Why there is no connection to any of the addresses.
    pub(crate) async fn connect(
        smsc: &config::Smsc,
        kind: BindKind,
        clock: Clock,
    ) -> Result<(Self, Reached), NoSession> {
        let begun = clock.now();
        let connected = connect(smsc, 0).await.map_err(NoSession::from)?;
        let now = clock.now();
        let session = opening::open(smsc, kind, now).map_err(|error| NoSession::Unencodable(error.to_string()))?;
        let Peer {
            address,
            tls,
            certificate_expiry,
        } = connected.peer;
        let reached = Reached {
            address,
            tls,
            certificate_expiry,
            after: now - begun,
        };
        let lone = Self {
            clock,
            transport: connected.transport,
            session,
            input: BytesMut::with_capacity(READ_CHUNK),
            news: VecDeque::new(),
            over: false,
        };
        Ok((lone, reached))
    }

    /// What happens next, until then; nothing is lost when it is not waited for to the end. `None`: nothing has happened.
    pub(crate) async fn next(&mut self, until: Instant) -> Option<News> {
        loop {
            self.write();
            if let Some(news) = self.news.pop_front() {
                return Some(news);
            }
            let tick = self.clock.deadline(TICK);
            if self.over || self.clock.deadline(Duration::ZERO) >= until {
                return None;
            }
            let write = !self.session.pending().is_empty() || self.transport.has_unwritten();
            tokio::select! {
                ready = self.transport.ready(true, write) => match ready {
                    Ok(()) => self.read(),
                    Err(error) => self.lost(error),
                },
                () = sleep_until(tick.min(until)) => self.tick(),
            }
        }
    }

    /// Asks whether it is there.
    pub(crate) fn enquire(&mut self) {
        self.session.enquire(self.clock.now());
    }

    /// Submissions that are not answered.
    pub(crate) fn in_flight(&self) -> usize {
        self.session.in_flight()
    }

    /// Submits an encoded segment.
    pub(crate) fn submit(&mut self, pdu: &[u8], part: u8) {
        if self.session.phase() == Phase::Bound {
            self.session.submit(pdu, part, self.clock.now());
        }
    }

    /// Answers a delivery.
    pub(crate) fn acknowledge(&mut self, ack: Ack, status: CommandStatus) {
        self.session.acknowledge(ack, status);
    }

    /// Ends it in order.
    pub(crate) fn unbind(&mut self) {
        self.session.unbind(self.clock.now());
    }

    /// Goodbye, as TLS wants it.
    pub(crate) fn close(mut self) {
        self.write();
        self.transport.close();
    }

    fn write(&mut self) {
        while !self.over && !self.session.pending().is_empty() {
            match self.transport.try_write(self.session.pending()) {
                Ok(0) => return self.lost(ErrorKind::UnexpectedEof.into()),
                Ok(octets) => self.session.wrote(octets),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return self.lost(error),
            }
        }
        if let Err(error) = self.transport.flush() {
            self.lost(error);
        }
    }

    fn read(&mut self) {
        match self.transport.try_read(&mut self.input) {
            Ok(0) => self.lost(ErrorKind::UnexpectedEof.into()),
            Ok(_) => self.take_pdus(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => self.lost(error),
        }
    }

    fn take_pdus(&mut self) {
        let input = std::mem::take(&mut self.input);
        let now = self.clock.now();
        let mut at = 0;
        loop {
            match split(&input[at..], PDU_LENGTH_MAX) {
                Ok(Some(raw)) => {
                    at += raw.header.length as usize;
                    let event = self.session.receive(&raw, now);
                    self.news.extend(News::of(event));
                }
                Ok(None) => break,
                Err(fault) => {
                    self.session.refuse_length(&fault, now);
                    self.end(End::Protocol.into());
                    break;
                }
            }
        }
        self.input = input;
        self.input.advance(at);
        let refused = matches!(self.news.back(), Some(News::Refused(_)));
        self.over |= refused || self.session.phase() == Phase::Over;
    }

    fn tick(&mut self) {
        let mut overdue = Vec::new();
        let end = match self.session.tick(self.clock.now(), &mut overdue) {
            Some(Overdue::Bind) => End::BindTimeout,
            Some(Overdue::EnquireLink) => End::EnquireTimeout,
            Some(Overdue::Submissions) => End::Unresponsive,
            Some(Overdue::Unbind) => End::Local,
            None => return,
        };
        self.end(end.into());
    }

    fn lost(&mut self, error: std::io::Error) {
        let is_binding = self.session.phase() == Phase::Binding;
        let suspected = || is_binding.then(|| self.transport.refused_quietly()).flatten();
        let end = match error.downcast().ok().or_else(suspected) {
            Some(fault) => End::Tls(fault),
            None if is_binding => End::ClosedUnbound,
            None => End::RemoteClose,
        };
        self.end(end.into());
    }

    fn end(&mut self, ending: Ending) {
        if !std::mem::replace(&mut self.over, true) {
            self.news.push_back(News::Over(ending));
        }
    }
}

impl News {
    fn of(event: Event<'_, u8>) -> Option<Self> {
        Some(match event {
            Event::Bound(response) => {
                let said = Said::of(&response);
                Self::Bound {
                    system_id: said.system_id,
                    version: said.version.map(version),
                }
            }
            Event::BindRefused(status) => Self::Refused(status),
            Event::Answered {
                token,
                status,
                message_id,
                after,
                ..
            } => Self::Answered {
                part: token,
                status,
                id: message_id.to_vec(),
                after,
            },
            Event::Delivery { sm, ack } => Self::Delivery(Box::new(Parcel::of(&sm, ack))),
            Event::Alive(after) => Self::Alive(after),
            Event::Unbound => Self::Over(End::PeerUnbind.into()),
            Event::Left => Self::Over(Ending::Left),
            Event::Odd(_) => return None,
        })
    }
}

impl Parcel {
    fn of(sm: &Sm<'_>, ack: Ack) -> Self {
        Self {
            content: Content::of(sm),
            ack,
            esm_class: sm.esm_class,
            data_coding: sm.data_coding,
            in_payload: sm.short_message.is_empty() && !sm.text().is_empty(),
            tags: sm.tlvs.iter().map(|(tag, _)| tag).collect(),
            text: String::from_utf8_lossy(sm.text()).into_owned(),
        }
    }

    /// Whether it came in a data_sm.
    pub(crate) fn is_data_sm(&self) -> bool {
        self.ack.command == CommandId::DATA_SM
    }
}

impl From<Unreachable> for NoSession {
    fn from(unreachable: Unreachable) -> Self {
        let words = unreachable.to_string();
        if unreachable.is_tls {
            Self::NoTls(words)
        } else {
            Self::Unreachable(words)
        }
    }
}
