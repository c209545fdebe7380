use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use kit::clock::{Clock, micros};
use smpp::frame::PDU_LENGTH_MAX;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::pace::Pace;
use super::transport::Transport;
use crate::handle::Handle;
use crate::model::Writing;
use crate::smsc::{End, NextStep};

/// Read buffer of a connection: the longest PDU fits. It begins small, since who never binds needs no more.
const READ_MAX: usize = PDU_LENGTH_MAX;
const READ_AT_FIRST: usize = 4 << 10;

/// While so much is not taken by the peer, nothing more is read from it: it holds back its own requests with it.
const UNWRITTEN_MAX: usize = 512 << 10;

/// Owns one socket. All decisions are the SMSC's.
pub(super) struct Driver {
    stream: Transport,
    handle: Handle,
    session: u32,
    wake: Arc<Notify>,
    input: Vec<u8>,
    filled: usize,
    out: BytesMut,
    /// Since when the peer takes nothing of what is to be written.
    stuck_us: Option<u64>,
    pace: Pace,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.handle.smsc().close(self.session, self.handle.now_us());
        self.handle.notify();
    }
}

impl Driver {
    /// `None` when there are too many connections.
    pub(super) fn open(stream: Transport, peer: SocketAddr, handle: &Handle) -> Option<Self> {
        let wake = Arc::new(Notify::new());
        let session = handle.smsc().open(peer, Arc::clone(&wake), handle.now_us())?;
        Some(Self {
            stream,
            handle: handle.clone(),
            session,
            wake,
            input: vec![0; READ_AT_FIRST],
            filled: 0,
            out: BytesMut::new(),
            stuck_us: None,
            pace: Pace::default(),
        })
    }

    /// Until either side ends it.
    pub(super) async fn run(mut self) {
        if let Err(error) = self.serve().await {
            tracing::debug!(session = self.session, %error, "connection lost");
        }
    }

    async fn serve(&mut self) -> io::Result<()> {
        let mut fresh = false;
        loop {
            let next = self
                .handle
                .turn(self.session, (&self.input[..self.filled], fresh), &mut self.out);
            self.used(next.consumed);
            match next.writing.filter(|_| next.end.is_none()) {
                None => self.write()?,
                Some(writing) => self.write_in_pieces(writing)?,
            }
            if let Some(end) = next.end {
                return self.end(end).await;
            }
            if self.is_stuck() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            fresh = match self.wait(next).await? {
                Event::Readable => {
                    let count = self.read()?;
                    if count == Some(0) {
                        return Ok(());
                    }
                    count.is_some()
                }
                Event::Other => false,
                Event::Stop => return Ok(()),
            };
        }
    }

    /// Until there is something to do.
    async fn wait(&self, next: NextStep) -> io::Result<Event> {
        let reading = next.reading && self.out.len() < UNWRITTEN_MAX && self.filled < READ_MAX;
        let writing = !self.out.is_empty() || self.stream.has_unwritten();
        // With octets that the peer has not taken yet, deliveries that are due now wait for it, not for the clock.
        let wake_us = if writing {
            next.wake_us.max(self.handle.now_us() + RETRY_WRITE_US)
        } else {
            next.wake_us
        };
        // Octets that a fault holds back wait for the clock, and not for the peer.
        let held_until_us = next.writing.and_then(|_| self.pace.wait_until_us(self.handle.now_us()));
        let writing = writing && held_until_us.is_none();
        let wake_us = held_until_us.map_or(wake_us, |until_us| wake_us.min(until_us));
        let deadline = deadline(self.handle.clock(), wake_us);
        tokio::select! {
            biased;
            () = self.handle.stopping().cancelled() => Ok(Event::Stop),
            ready = self.stream.readable(), if reading => ready.map(|()| Event::Readable),
            ready = self.stream.writable(), if writing => ready.map(|()| Event::Other),
            () = self.wake.notified() => Ok(Event::Other),
            () = tokio::time::sleep_until(deadline), if wake_us < u64::MAX => Ok(Event::Other),
        }
    }

    /// Octets read; 0 when the peer has closed, `None` when there were none after all.
    fn read(&mut self) -> io::Result<Option<usize>> {
        if self.filled == self.input.len() && self.input.len() < READ_MAX {
            self.input.resize(READ_MAX, 0);
        }
        match self.stream.try_read(&mut self.input[self.filled..]) {
            Ok(count) => {
                self.filled += count;
                Ok(Some(count))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn used(&mut self, count: usize) {
        self.input.copy_within(count..self.filled, 0);
        self.filled -= count;
    }

    /// As much as the peer takes now.
    fn write(&mut self) -> io::Result<()> {
        self.stream.flush()?;
        while !self.out.is_empty() {
            match self.stream.try_write(&self.out) {
                Ok(count) => {
                    self.out.advance(count);
                    self.stuck_us = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck_us.get_or_insert(self.handle.now_us());
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        if self.stream.has_unwritten() {
            self.stuck_us.get_or_insert(self.handle.now_us());
        } else {
            self.stuck_us = None;
        }
        Ok(())
    }

    /// As a fault says: piece by piece.
    fn write_in_pieces(&mut self, writing: Writing) -> io::Result<()> {
        loop {
            let now_us = self.handle.now_us();
            let allowed = self.pace.allowance(writing, self.out.len(), now_us);
            if allowed == 0 {
                return Ok(());
            }
            match self.stream.try_write(&self.out[..allowed]) {
                Ok(count) => {
                    self.out.advance(count);
                    self.stuck_us = None;
                    self.pace.written(writing, self.out.len(), now_us);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck_us.get_or_insert(now_us);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn is_stuck(&self) -> bool {
        let limit = micros(self.handle.scenario().timers.write);
        self.stuck_us.is_some_and(|since| self.handle.now_us() >= since + limit)
    }

    /// Ends in order, after the rest is written, or with a reset.
    async fn end(&mut self, end: End) -> io::Result<()> {
        if end == End::Reset {
            return self.stream.set_zero_linger();
        }
        while (!self.out.is_empty() || self.stream.has_unwritten()) && !self.is_stuck() {
            let patience =
                tokio::time::sleep_until(deadline(self.handle.clock(), self.handle.now_us() + RETRY_WRITE_US));
            tokio::select! {
                ready = self.stream.writable() => ready?,
                () = patience => {}
            }
            self.write()?;
        }
        self.stream.close();
        match end {
            End::Drain => self.drain().await,
            End::Close | End::Reset => Ok(()),
        }
    }

    /// Says that nothing more will come, and takes what the peer sends until it has closed, too. The session has ended
    /// for everybody else.
    async fn drain(&mut self) -> io::Result<()> {
        self.handle.smsc().close(self.session, self.handle.now_us());
        self.handle.notify();
        self.stream.shut_down().await?;
        let until = deadline(self.handle.clock(), self.handle.now_us() + DRAIN_US);
        tokio::select! {
            drained = self.stream.drain() => drained,
            () = self.handle.stopping().cancelled() => Ok(()),
            () = tokio::time::sleep_until(until) => Ok(()),
        }
    }
}

/// So long a peer may go on sending after its last answer: several round trips around the world.
const DRAIN_US: u64 = 1_000_000;

/// How often a peer that takes nothing is looked at again, for the write timer's sake.
const RETRY_WRITE_US: u64 = 100_000;

enum Event {
    Readable,
    Other,
    Stop,
}

fn deadline(clock: Clock, at_us: u64) -> Instant {
    clock.instant(at_us.min(clock.now_us() + A_DAY_US))
}

/// Timers are set no further ahead; the next turn sets them anew.
const A_DAY_US: u64 = 86_400_000_000;
