//! One session over one TCP connection: one task that owns the socket, writes what is pending in one go and reads as
//! much as there is.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use smpp::command_status::CommandStatus;
use smpp::frame::{PDU_LENGTH_MAX, split};
use smpp::session::{Ack, Event, Overdue, Phase, Session};
use tokio::sync::mpsc;

use super::elastic::{Elastic, Took};
use super::flight::{Flight, Segments};
use super::life::{End, Life, Notice, Said};
use super::silence::Silence;
use super::slots::{Gate, Pool};
use super::surroundings::Surroundings;
use super::transport::{READ_CHUNK, Transport};
use super::{Answer, Content, Delivery, Events, Heard, Reply};

/// Deliveries that may wait for the store. An SMSC that sends more is not read from until some are acknowledged.
const UNACKNOWLEDGED_MAX: usize = 5_000;

/// How often timers are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Acknowledgement batches that may wait for a session.
const ACKS_MAX: usize = UNACKNOWLEDGED_MAX;

/// A segment in the window.
#[derive(Clone)]
pub(super) struct Token {
    flight: Arc<Flight>,
    part: u8,
}

/// Both ends of the way on which the store's acknowledgements come back.
type AckChannel = (
    mpsc::Sender<Vec<(Ack, CommandStatus)>>,
    mpsc::Receiver<Vec<(Ack, CommandStatus)>>,
);

/// A session's places, and the segments that were handed to it.
type OpenGate = (Arc<Gate>, mpsc::Receiver<Segments>);

pub(super) struct Driver<'a> {
    around: &'a Surroundings,
    transport: Transport,
    session: Session<Token>,
    input: BytesMut,
    outbox: Events,
    unacknowledged: usize,
    acks: AckChannel,
    gate: Option<OpenGate>,
    /// Octets that the connection took in all, those of them that the kernel has, and where in them the batches end that are not written yet, with their segments.
    written: u64,
    departed: u64,
    /// How far in them an eavesdropper has heard: always the end of a PDU.
    told: u64,
    unwritten: VecDeque<(u64, usize)>,
    /// How long after the bind one message may go, when the session before was not answered.
    probe_after: Option<Duration>,
    /// When that is.
    probe_at: Option<Instant>,
    answered: bool,
    silence: Silence,
    /// The peer said unbind: what it took it may still answer.
    peer_left: bool,
    /// How busy the SMSC said that it is, since the last tick.
    congestion: Option<u8>,
    /// How long its answers took since then, and what follows from that.
    took: Took,
    elastic: Elastic,
    end: Option<End>,
}

/// What woke the driver.
enum Woken {
    Socket,
    Segments(Segments),
    Acks(Vec<(Ack, CommandStatus)>),
    Tick,
    Drain,
    Room,
}

impl<'a> Driver<'a> {
    /// `probe_after`: the session before was not answered, so that this one begins with one message after so long.
    pub(super) fn new(
        around: &'a Surroundings,
        transport: Transport,
        session: Session<Token>,
        probe_after: Option<Duration>,
    ) -> Self {
        Self {
            around,
            transport,
            session,
            input: BytesMut::with_capacity(READ_CHUNK),
            outbox: Events::none(around.smsc),
            unacknowledged: 0,
            acks: mpsc::channel(ACKS_MAX),
            gate: None,
            written: 0,
            departed: 0,
            told: 0,
            unwritten: VecDeque::new(),
            probe_after,
            probe_at: None,
            answered: false,
            silence: Silence::default(),
            peer_left: false,
            congestion: None,
            took: Took::default(),
            elastic: Elastic::new(around.window, around.window_min, around.clock.now()),
            end: None,
        }
    }

    /// Runs the session to its end. `drain` asks for an orderly one.
    pub(super) async fn run(&mut self, drain: impl Future<Output = ()>, notice: impl Fn(Notice)) -> End {
        let mut ticks = tokio::time::interval(TICK);
        let mut draining = false;
        tokio::pin!(drain);
        loop {
            if let Err(end) = self.flush() {
                return end;
            }
            let woken = match self.next(&mut ticks, &mut drain, draining).await {
                Ok(woken) => woken,
                Err(end) => return end,
            };
            match woken {
                Woken::Socket => self.read(&notice),
                Woken::Segments(segments) => self.submit(segments),
                Woken::Acks(acks) => self.acknowledge(acks),
                Woken::Tick => self.tick(&notice),
                Woken::Drain => {
                    draining = true;
                    self.retire();
                    notice(Notice::Draining);
                }
                Woken::Room => {}
            }
            if draining {
                self.unbind_if_done();
            }
            if self.peer_left && self.session.in_flight() == 0 {
                self.end = self.end.take().or(Some(End::PeerUnbind));
            }
            self.hand_over();
            if let Some(end) = self.end.take() {
                let _last_words = self.flush();
                return end;
            }
        }
    }

    async fn next(
        &mut self,
        ticks: &mut tokio::time::Interval,
        drain: &mut (impl Future<Output = ()> + Unpin),
        draining: bool,
    ) -> Result<Woken, End> {
        let write = !self.session.pending().is_empty() || self.transport.has_unwritten();
        let read = self.wants_input();
        let Self {
            transport,
            acks,
            gate,
            around,
            outbox,
            ..
        } = self;
        Ok(tokio::select! {
            biased;
            _ = ticks.tick() => Woken::Tick,
            () = drain, if !draining => Woken::Drain,
            Some(acks) = acks.1.recv() => Woken::Acks(acks),
            // Reading comes before submitting: answers free places.
            ready = transport.ready(read, write) => match ready {
                Ok(()) => Woken::Socket,
                Err(error) => return Err(self.lost(error)),
            },
            Some(segments) = next_segments(gate) => Woken::Segments(segments),
            permit = around.events.reserve(), if !outbox.is_empty() => match permit {
                Ok(permit) => {
                    permit.send(std::mem::replace(outbox, Events::none(around.smsc)));
                    Woken::Room
                }
                Err(_) => return Err(End::Local),
            },
        })
    }

    /// After the end: gives up the window. What was written is lost, what was not is unsent. `now`: waits no longer for
    /// someone to take the answers.
    pub(super) async fn close(mut self, end: End, now: impl Future<Output = ()>) -> Life {
        self.close_gate();
        // Some of these may have gone in part: the SMSC's next second counts them.
        let unwritten = self.unwritten.iter().map(|(_, count)| count).sum();
        self.around.pool.wire().wrote(unwritten, self.around.clock.now());
        self.around.in_flight.set(0);
        let mut silent = end == End::Unresponsive;
        for (token, written) in self.session.end() {
            let reply = if written { Reply::Lost } else { Reply::Unsent };
            silent |= written && (!self.answered || end == End::EnquireTimeout);
            self.outbox
                .answers
                .push(Answer::unheard(token.flight, token.part, reply));
        }
        if !self.outbox.is_empty() {
            let sent = tokio::select! {
                biased;
                sent = self.around.events.send(self.outbox) => sent.is_ok(),
                () = now => false,
            };
            if !sent {
                tracing::error!("answers could not be handed over: their messages will be in doubt");
            }
        }
        self.transport.close();
        Life { end, silent }
    }

    /// Takes no new submissions; what was handed to it goes first.
    fn retire(&self) {
        if let Some((gate, _)) = &self.gate {
            self.around.pool.retire(gate);
        }
    }

    /// Takes no submissions any more, and gives back what it has not looked at yet.
    fn close_gate(&mut self) {
        if let Some((gate, mut batches)) = self.gate.take() {
            self.around.pool.close(&gate);
            batches.close();
            while let Ok(segments) = batches.try_recv() {
                self.give_back(&segments, false);
            }
        }
    }

    /// Why a connection that failed, or was closed, is over.
    fn lost(&self, error: std::io::Error) -> End {
        let is_binding = self.session.phase() == Phase::Binding;
        let suspected = || is_binding.then(|| self.transport.refused_quietly()).flatten();
        match error.downcast().ok().or_else(suspected) {
            Some(fault) => End::Tls(fault),
            None if is_binding => End::ClosedUnbound,
            None if self.peer_left => End::PeerUnbind,
            None => End::RemoteClose,
        }
    }

    fn unbind_if_done(&mut self) {
        match self.session.phase() {
            // Nothing was sent yet: there is no answer to wait for.
            Phase::Binding => self.end = Some(End::Local),
            Phase::Bound if self.session.in_flight() == 0 && self.nothing_waits() => {
                self.session.unbind(self.around.clock.now());
            }
            Phase::Bound | Phase::Unbinding | Phase::Over => {}
        }
    }

    fn wants_input(&self) -> bool {
        self.unacknowledged < UNACKNOWLEDGED_MAX
    }

    fn nothing_waits(&self) -> bool {
        self.unacknowledged == 0 && self.gate.as_ref().is_none_or(|(_, batches)| batches.is_empty())
    }

    fn flush(&mut self) -> Result<(), End> {
        if self
            .around
            .fence
            .stops(self.around.clock.now(), !self.unwritten.is_empty())
        {
            return Err(End::Lapsed);
        }
        self.tell();
        let written = self.write();
        if !self.transport.has_unwritten() {
            self.departed = self.written;
        }
        let mut gone = 0;
        while let Some((_, count)) = self.unwritten.pop_front_if(|(end, _)| *end <= self.departed) {
            gone += count;
        }
        if gone > 0 {
            let now = self.around.clock.now();
            self.around.pool.wire().wrote(gone, now);
            if let Some((gate, _)) = &self.gate {
                gate.departed(gone, Some(now));
            }
        }
        written
    }

    /// Tells who listens what is about to go.
    fn tell(&mut self) {
        let pending = self.session.pending();
        if self.around.tap.is_heard() {
            let before = self.told.saturating_sub(self.written) as usize;
            self.around.tap.leaving(pending.get(before..).unwrap_or_default());
        }
        self.told = self.written + pending.len() as u64;
    }

    fn write(&mut self) -> Result<(), End> {
        while !self.session.pending().is_empty() {
            match self.transport.try_write(self.session.pending()) {
                Ok(0) => return Err(self.lost(ErrorKind::UnexpectedEof.into())),
                Ok(octets) => {
                    self.session.wrote(octets);
                    self.written += octets as u64;
                    self.around.metrics.octets_out.inc_by(octets as u64);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(self.lost(error)),
            }
        }
        self.transport.flush().map_err(|error| self.lost(error))
    }

    fn read(&mut self, notice: &impl Fn(Notice)) {
        if !self.wants_input() {
            return;
        }
        match self.transport.try_read(&mut self.input) {
            Ok(0) => self.end = Some(self.lost(ErrorKind::UnexpectedEof.into())),
            Ok(octets) => {
                self.around.metrics.octets_in.inc_by(octets as u64);
                self.take_pdus(notice);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => self.end = Some(self.lost(error)),
        }
    }

    fn take_pdus(&mut self, notice: &impl Fn(Notice)) {
        let input = std::mem::take(&mut self.input);
        let now = self.around.clock.now();
        let (mut at, mut answered) = (0, 0);
        let mut heard = Heard::default();
        let is_traced = self.around.tap.is_heard();
        while self.end.is_none() {
            match split(&input[at..], PDU_LENGTH_MAX) {
                Ok(Some(raw)) => {
                    let begun = at;
                    at += raw.header.length as usize;
                    if is_traced {
                        self.around.tap.came(&input[begun..at]);
                    }
                    let event = self.session.receive(&raw, now);
                    answered += self.take_event(event, &mut heard, notice);
                }
                Ok(None) => break,
                Err(fault) => {
                    self.around
                        .metrics
                        .all
                        .pdu_errors_total
                        .with_label_values(&[&self.around.metrics.name, "length"])
                        .inc();
                    self.session.refuse_length(&fault, now);
                    self.end = Some(End::Protocol);
                }
            }
        }
        self.input = input;
        self.input.advance(at);
        self.around.pool.wire().heard(heard, now);
        if let (Some((gate, _)), true) = (&self.gate, answered > 0) {
            self.around.metrics.submit_sm_resp.inc_by(answered as u64);
            self.around.pool.give_back(gate, answered);
        }
    }

    /// Returns the places that the event frees.
    fn take_event(&mut self, event: Event<'_, Token>, heard: &mut Heard, notice: &impl Fn(Notice)) -> usize {
        let metrics = &self.around.metrics;
        match event {
            Event::Answered {
                token,
                status,
                message_id,
                after,
                late,
                congestion,
            } => {
                self.note_answer(notice);
                self.congestion = congestion.or(self.congestion);
                heard.congestion = heard.congestion.max(congestion);
                if !late {
                    self.took.add(after);
                }
                let again = token.flight.was_refused();
                let reply = if status == CommandStatus::ESME_ROK {
                    heard.accepted += 1;
                    heard.accepted_again += usize::from(again);
                    Reply::Accepted(message_id.to_vec())
                } else {
                    heard.refused.push((status, again));
                    Reply::Refused(status)
                };
                self.outbox.answers.push(Answer {
                    flight: token.flight,
                    part: token.part,
                    reply,
                    late,
                    after,
                });
                return usize::from(!late);
            }
            Event::Delivery { sm, ack } => {
                metrics.deliver_sm.inc();
                self.unacknowledged += 1;
                let session = self.acks.0.clone();
                self.outbox.deliveries.push(Delivery {
                    content: Content::of(&sm, self.around.alphabet),
                    ack,
                    at: self.around.clock.now(),
                    session,
                });
            }
            Event::Bound(response) => self.open(Said::of(&response), notice),
            Event::BindRefused(status) => self.end = Some(End::BindRefused(status)),
            Event::Unbound => {
                self.close_gate();
                self.peer_left = true;
            }
            Event::Alive(after) => {
                metrics
                    .all
                    .enquire_link_rtt_seconds
                    .with_label_values(&[&metrics.name])
                    .observe(after.as_secs_f64());
                notice(Notice::Alive);
            }
            Event::Left => self.end = Some(End::Local),
            Event::Odd(odd) if odd.is_regular() => {
                let labels = [metrics.name.as_str(), "in", odd.word()];
                metrics.all.pdus_total.with_label_values(&labels).inc();
            }
            Event::Odd(odd) => {
                let labels = [metrics.name.as_str(), odd.word()];
                metrics.all.pdu_errors_total.with_label_values(&labels).inc();
            }
        }
        0
    }

    fn open(&mut self, said: Said, notice: &impl Fn(Notice)) {
        if self.around.kind.transmits() {
            let now = self.around.clock.now();
            let open = self.around.pool.open(self.around.window, self.probe_after.is_some());
            if let Some(bound) = self.around.bound {
                open.0.pace(bound, now);
            }
            self.gate = Some(open);
            self.probe_at = self.probe_after.map(|pause| now + pause);
            self.probe(now);
        }
        notice(Notice::Bound(said));
    }

    /// Gives out one place when it is time to try an SMSC that did not answer.
    fn probe(&mut self, now: Instant) {
        if let (Some((gate, _)), Some(_)) = (&self.gate, self.probe_at.take_if(|at| now >= *at)) {
            self.around.pool.allow_one(gate);
        }
    }

    /// An answer, however late, opens the window again.
    fn note_answer(&mut self, notice: &impl Fn(Notice)) {
        let was_silent = self.silence.answered();
        if !std::mem::replace(&mut self.answered, true) || was_silent {
            notice(Notice::Answered);
        }
        if let Some((gate, _)) = &self.gate {
            self.probe_at = None;
            Pool::silence(gate, false);
            self.around.pool.reopen(gate);
        }
    }

    /// Segments that surely never go; of a session that goes on, their places are free again.
    fn give_back(&mut self, segments: &Segments, goes_on: bool) {
        self.around.pool.wire().unsent(segments.count());
        if let Some((gate, _)) = &self.gate {
            gate.departed(segments.count(), None);
            if goes_on {
                self.around.pool.give_back(gate, segments.count());
            }
        }
        for (flight, part, _) in segments.iter() {
            self.outbox
                .answers
                .push(Answer::unheard(flight.clone(), part, Reply::Unsent));
        }
    }

    fn submit(&mut self, segments: Segments) {
        let now = self.around.clock.now();
        let goes_on = self.session.phase() == Phase::Bound;
        if !goes_on || !self.around.fence.is_alive(now) {
            return self.give_back(&segments, goes_on);
        }
        self.around.metrics.submit_sm.inc_by(segments.count() as u64);
        for (flight, part, pdu) in segments.iter() {
            let flight = flight.clone();
            self.session.submit(pdu, Token { flight, part }, now);
        }
        let end = self.written + self.session.pending().len() as u64;
        self.unwritten.push_back((end, segments.count()));
    }

    fn acknowledge(&mut self, acks: Vec<(Ack, CommandStatus)>) {
        debug_assert!(self.unacknowledged >= acks.len(), "a delivery was acknowledged twice");
        self.unacknowledged = self.unacknowledged.saturating_sub(acks.len());
        self.around.metrics.deliver_sm_resp.inc_by(acks.len() as u64);
        for (ack, status) in acks {
            self.session.acknowledge(ack, status);
        }
    }

    fn tick(&mut self, notice: &impl Fn(Notice)) {
        if let Some(state) = self.congestion.take() {
            notice(Notice::Congestion(state));
        }
        let mut overdue = Vec::new();
        let now = self.around.clock.now();
        self.stretch(now, notice);
        let given_up = self.session.tick(now, &mut overdue);
        self.around.in_flight.set(self.session.in_flight() as i64);
        self.probe(now);
        if let (Some((gate, _)), true) = (&self.gate, self.silence.look(self.session.in_flight() > 0, now)) {
            Pool::silence(gate, true);
            notice(Notice::Silent);
        }
        if let (Some((gate, _)), false) = (&self.gate, overdue.is_empty()) {
            // What was not answered in time forbids more until something is; with nothing under way, one may try.
            Pool::shut(gate);
            self.around.pool.give_back(gate, overdue.len());
            if self.session.in_flight() == 0 {
                self.around.pool.allow_one(gate);
            }
        }
        for token in overdue {
            self.outbox
                .answers
                .push(Answer::unheard(token.flight, token.part, Reply::Lost));
        }
        let peer_left = self.peer_left;
        self.end = self.end.take().or(given_up.map(|overdue| match overdue {
            Overdue::Bind => End::BindTimeout,
            Overdue::EnquireLink => End::EnquireTimeout,
            Overdue::Submissions => End::Unresponsive,
            Overdue::Unbind if peer_left => End::PeerUnbind,
            Overdue::Unbind => End::Local,
        }));
    }

    /// Uses as much of the window as fits how long answers take.
    fn stretch(&mut self, now: Instant, notice: &impl Fn(Notice)) {
        let before = self.elastic.limit();
        let limit = self.elastic.look(std::mem::take(&mut self.took), now);
        if let (Some(limit), Some((gate, _))) = (limit, &self.gate) {
            self.around.pool.limit(gate, limit);
            notice(Notice::Window(limit, limit < before));
        }
    }

    /// Hands events to the engine if it has room; otherwise they stay, and `run` waits for room.
    fn hand_over(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        if let Ok(permit) = self.around.events.try_reserve() {
            permit.send(std::mem::replace(&mut self.outbox, Events::none(self.around.smsc)));
        }
    }
}

async fn next_segments(gate: &mut Option<OpenGate>) -> Option<Segments> {
    let Some((_, batches)) = gate else {
        return std::future::pending().await;
    };
    batches.recv().await
}
