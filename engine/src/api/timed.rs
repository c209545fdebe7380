//! A stream that ends when its client is too slow: with a head, or in reading the answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::places::{Cut, Phase, Seat};

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first octet of a head, or from the connection, to the head's end.
    pub(super) head: Duration,
    /// From an answer to the end of the next head.
    pub(super) idle: Duration,
    /// In which a client that is being answered has to take something of it.
    pub(super) unread: Duration,
    /// For the requests that are under way at the end.
    pub(super) end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            // As long as common proxies keep their side, so that these are mostly the ones to hang up.
            idle: Duration::from_secs(60),
            unread: Duration::from_secs(20),
            end: Duration::from_secs(10),
        }
    }
}

/// The stream of a connection.
pub(super) struct Timed<S> {
    stream: S,
    seat: Arc<Seat>,
    patience: Patience,
    head: Timer,
    write: Timer,
}

impl<S> Timed<S> {
    pub(super) fn new(stream: S, seat: Arc<Seat>, patience: Patience) -> Self {
        Self {
            stream,
            seat,
            patience,
            head: Timer::default(),
            write: Timer::default(),
        }
    }

    /// What a write came to: one that waits, waits only so long.
    fn in_time<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write.stop();
            return written;
        }
        ready!(self.write.poll(self.patience.unread, cx));
        self.seat.count(Cut::Unread);
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the client does not read its answer",
        )))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && this.seat.hears() {
            this.head.stop();
        }
        match this.seat.phase() {
            Phase::Head if read.is_pending() => {}
            // More of a head does not prolong its time.
            Phase::Head => return read,
            Phase::Idle | Phase::Busy => {
                this.head.stop();
                return read;
            }
        }
        ready!(this.head.poll(this.patience.head, cx));
        this.seat.count(Cut::LateHead);
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the request's head did not arrive in time",
        )))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, octets);
        this.in_time(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.in_time(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Runs from the first poll until it is stopped.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        sleep.as_mut().poll(cx)
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}
