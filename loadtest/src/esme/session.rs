//! The driver of one session: it binds, writes what is due in one go, reads as much as there is, and binds again when
//! the connection is lost.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::BytesMut;
use kit::clock::Clock;
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, PDU_LENGTH_MAX, split};
use smpp::session::{Event, Overdue, Phase, Session};
use tokio::time::Sleep;

use super::book::{Book, Stage, Token};
use super::connection::{Connection, sleep_until};
use super::run::Run;
use crate::clock;
use crate::failure::Failure;

/// The most that one read takes; the longest PDU fits beside what is left of the one before.
const INPUT_MAX: usize = 2 * PDU_LENGTH_MAX;

/// While the other side has this much still to take, nothing more is submitted: what is called written is written.
const UNWRITTEN_MAX: usize = 64 << 10;

/// Timers are looked at this often, and so is the end of the run.
const TICK_US: u64 = 50_000;

/// How long the other side gets to answer unbind.
const UNBIND_US: u64 = 2_000_000;

/// Between two tries to bind again: doubled each time from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A message of which not all parts are written.
#[derive(Clone, Copy, Debug)]
struct Begun {
    number: u64,
    due_us: u64,
    part: usize,
    parts: usize,
}

/// One session.
pub(super) struct Driver {
    run: Arc<Run>,
    kind: BindKind,
    connection: Connection,
    session: Session<Token>,
    input: Vec<u8>,
    filled: usize,
    scratch: BytesMut,
    begun: Option<Begun>,
    overdue: Vec<Token>,
    ticked_us: u64,
}

/// Why a session is at its end.
enum End {
    /// It was told to, and has said goodbye.
    Done,
    /// By a closed name.
    Lost(&'static str),
}

impl Driver {
    /// Connects and binds.
    ///
    /// # Errors
    /// [`Failure`]: nobody there, or refused.
    pub(super) async fn bind(run: &Arc<Run>, kind: BindKind) -> Result<Self> {
        let connection = Connection::open(&run.plan.target).await.map_err(Failure::Unreachable)?;
        let plan = &run.plan;
        let session = Session::new(&plan.account.bind(kind), plan.timers, plan.window, clock::now())
            .map_err(|error| Failure::Usage(error.into()))?;
        let mut driver = Self {
            run: Arc::clone(run),
            kind,
            connection,
            session,
            input: vec![0; INPUT_MAX],
            filled: 0,
            scratch: BytesMut::new(),
            begun: None,
            overdue: Vec::new(),
            ticked_us: 0,
        };
        driver.bound().await?;
        Ok(driver)
    }

    async fn bound(&mut self) -> Result<()> {
        let mut sleep = std::pin::pin!(sleep_until(clock::now()));
        loop {
            let until = clock::now() + Duration::from_micros(TICK_US);
            let open = self.exchange(sleep.as_mut(), until).await;
            let open = open.context("the connection was lost before the bind was answered");
            if !open.map_err(Failure::Unreachable)? {
                let closed = anyhow::anyhow!("{} closed the connection before the bind", self.run.plan.target.address);
                return Err(Failure::Unreachable(closed).into());
            }
            let now = clock::now();
            while let Ok(Some(raw)) = split(&self.input[..self.filled], PDU_LENGTH_MAX) {
                let length = raw.header.length as usize;
                let event = self.session.receive(&raw, now);
                if let Event::BindRefused(status) = event {
                    let (target, meaning) = (&self.run.plan.target.address, status.meaning());
                    let refusal = anyhow::anyhow!("{target} refuses the bind: {status} ({meaning})");
                    return Err(Failure::Refused(refusal).into());
                }
                self.consume(length);
                if self.session.phase() == Phase::Bound {
                    return Ok(());
                }
            }
            if self.session.tick(now, &mut self.overdue).is_some() {
                let silence = anyhow::anyhow!("{} does not answer the bind", self.run.plan.target.address);
                return Err(Failure::Unreachable(silence).into());
            }
        }
    }

    /// Serves from the clock's beginning until the run is over; binds again when the connection is lost, as often as the
    /// plan allows in a row.
    pub(super) async fn run(mut self, clock: Clock) {
        loop {
            self.run.book().bound(self.kind.transmits());
            match self.serve(clock).await {
                End::Done => return,
                End::Lost(why) => self.lost(why),
            }
            match self.again().await {
                Some(driver) => self = driver,
                None => return,
            }
        }
    }

    fn lost(&mut self, why: &'static str) {
        let run = Arc::clone(&self.run);
        let mut book = run.book();
        book.disconnected(self.kind.transmits(), why);
        for (token, written) in self.session.end() {
            book.abandoned(&token, written);
        }
        if let Some(begun) = self.begun.take() {
            book.given_up((begun.parts - begun.part) as u64);
        }
    }

    /// Another session in place of a lost one. `None`: the run is over, or binding fails too often.
    async fn again(&self) -> Option<Self> {
        let mut pause = BACKOFF.0;
        for _ in 0..self.run.plan.reconnects {
            tokio::time::sleep(pause).await;
            if self.run.book().stage() == Stage::Over {
                return None;
            }
            if let Ok(driver) = Self::bind(&self.run, self.kind).await {
                return Some(driver);
            }
            self.run.book().error("bind_failed");
            pause = (pause * 2).min(BACKOFF.1);
        }
        self.run.book().error("session_given_up");
        None
    }

    async fn serve(&mut self, clock: Clock) -> End {
        let mut sleep = std::pin::pin!(sleep_until(clock.instant(0).into_std()));
        let mut unbound_us = None;
        loop {
            let now_us = clock.now_us();
            let now = clock.instant(now_us).into_std();
            let wake_us = match self.turn(now_us, now) {
                Ok(wake_us) => wake_us,
                Err(end) => return end,
            };
            if self.run.book().stage() == Stage::Over {
                let since_us = *unbound_us.get_or_insert(now_us);
                self.session.unbind(now);
                if now_us >= since_us + UNBIND_US {
                    return End::Done;
                }
            }
            match self.exchange(sleep.as_mut(), clock.instant(wake_us).into_std()).await {
                Ok(true) => {}
                Ok(false) | Err(_) if unbound_us.is_some() => return End::Done,
                Ok(false) => return End::Lost("closed_by_peer"),
                Err(_) => return End::Lost("connection_reset"),
            }
        }
    }

    /// Takes what came and submits what is due; when to look again at the latest.
    fn turn(&mut self, now_us: u64, now: Instant) -> Result<u64, End> {
        let run = Arc::clone(&self.run);
        let mut book = run.book();
        book.pass(now_us);
        let mut used = 0;
        loop {
            let raw = match split(&self.input[used..self.filled], PDU_LENGTH_MAX) {
                Ok(Some(raw)) => raw,
                Ok(None) => break,
                Err(fault) => {
                    self.session.refuse_length(&fault, now);
                    return Err(End::Lost("bad_length"));
                }
            };
            used += raw.header.length as usize;
            match self.session.receive(&raw, now) {
                Event::Answered {
                    token,
                    status,
                    message_id,
                    late,
                    after: _,
                    congestion: _,
                } => book.answered(&token, (status, message_id), now_us, late),
                Event::Delivery { sm, ack } => {
                    book.delivered(&sm, now_us);
                    self.session.acknowledge(ack, CommandStatus::ESME_ROK);
                }
                Event::Unbound => return Err(End::Lost("unbound_by_peer")),
                Event::Odd(odd) if !odd.is_regular() => book.error(odd.word()),
                Event::Alive(_) | Event::Bound(_) | Event::BindRefused(_) | Event::Left | Event::Odd(_) => {}
            }
        }
        if self.session.phase() == Phase::Over {
            return Err(End::Done);
        }
        self.consume(used);
        if now_us >= self.ticked_us + TICK_US {
            self.ticked_us = now_us;
            self.tick(&mut book, now)?;
        }
        self.submit(&mut book, now_us, now);
        Ok(self.wake_us(&book, now_us))
    }

    fn tick(&mut self, book: &mut Book, now: Instant) -> Result<(), End> {
        let beyond_hope = self.session.tick(now, &mut self.overdue);
        book.overdue(&self.overdue);
        self.overdue.clear();
        match beyond_hope {
            None => Ok(()),
            Some(Overdue::EnquireLink) => Err(End::Lost("enquire_link_timeout")),
            Some(Overdue::Submissions) => Err(End::Lost("submits_unanswered")),
            Some(Overdue::Bind | Overdue::Unbind) => Err(End::Done),
        }
    }

    fn submit(&mut self, book: &mut Book, now_us: u64, now: Instant) {
        if !self.kind.transmits() || self.session.phase() != Phase::Bound || book.stage() != Stage::Sending {
            return;
        }
        let run = Arc::clone(&self.run);
        let (plan, traffic) = (&run.plan, &run.plan.traffic);
        let mut share = book.share();
        while self.session.in_flight() < plan.window && self.session.pending().len() < UNWRITTEN_MAX {
            let begun = match self.begun.take() {
                Some(begun) => begun,
                None if share == 0 => return,
                None => {
                    let Some(taken) = book.take(now_us, |number| traffic.parts(number)) else {
                        return;
                    };
                    share -= 1;
                    Begun {
                        number: taken.number,
                        due_us: taken.due_us,
                        part: 0,
                        parts: traffic.parts(taken.number),
                    }
                }
            };
            self.scratch.clear();
            traffic.encode(begun.number, begun.part, &mut self.scratch);
            let token = book.submitted(begun.due_us, now_us);
            self.session.submit(&self.scratch, token, now);
            let part = begun.part + 1;
            self.begun = (part < begun.parts).then_some(Begun { part, ..begun });
        }
    }

    /// With a place in the window, the next due moment; without, an answer wakes us.
    fn wake_us(&self, book: &Book, now_us: u64) -> u64 {
        let tick_us = now_us + TICK_US;
        let ready = self.kind.transmits()
            && self.session.in_flight() < self.run.plan.window
            && self.session.pending().len() < UNWRITTEN_MAX
            && !book.is_held();
        match book.wake_us() {
            Some(due_us) if ready => due_us.min(tick_us),
            Some(_) | None => tick_us,
        }
    }

    /// False: the other side has closed.
    async fn exchange(&mut self, mut sleep: Pin<&mut Sleep>, until: Instant) -> std::io::Result<bool> {
        sleep.as_mut().reset(until.into());
        let room = &mut self.input[self.filled..];
        let progress = self.connection.exchange(self.session.pending(), room, sleep).await?;
        self.session.wrote(progress.wrote);
        self.filled += progress.read.unwrap_or(0);
        Ok(progress.read != Some(0))
    }

    fn consume(&mut self, octets: usize) {
        self.input.copy_within(octets..self.filled, 0);
        self.filled -= octets;
    }
}
