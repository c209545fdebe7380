//! Every octet of every session as a file for Wireshark: pcapng with made-up Ethernet, IP and TCP headers, so that no
//! rights are needed, loopback is no exception, and TLS is seen in clear. Begin with [`Capture`]; `packet` makes the
//! frames, `pcapng` the file.

mod packet;
mod pcapng;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kit::clock::Clock;
use serde::Serialize;

use packet::{Direction, Flow};

/// A file that Wireshark still opens in seconds: about a million submits with their answers and receipts.
pub(crate) const FILE_MAX: u64 = 512 << 20;

/// The same in memory, for what is started over HTTP.
const MEMORY_MAX: u64 = 64 << 20;

/// How long the file may lack what was recorded.
const FLUSH_US: u64 = 1_000_000;

/// Writes to the file at a time.
const BUFFER: usize = 256 << 10;

/// The recorder of one process. Cheap to clone; all clones record to the same place.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    running: AtomicBool,
    // Taken for every read and write while it runs, and never while it does not.
    recording: Mutex<Recording>,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Recording {
    sink: Option<Sink>,
    written: u64,
    limit: u64,
    frames: u64,
    dropped: u64,
    /// When the file was last brought up to date, so that it can be looked at meanwhile.
    flushed_us: u64,
    /// Counts the captures, so that a connection knows that it has to introduce itself again.
    number: u32,
}

#[derive(Debug)]
enum Sink {
    File(PathBuf, BufWriter<File>),
    Memory(Vec<u8>),
}

/// Where a capture is.
#[derive(Debug)]
pub(crate) enum Recorded {
    Memory(Vec<u8>),
    File(PathBuf),
}

/// What a capture is about, as `GET /capture` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct CaptureView {
    /// Whether it records now.
    pub running: bool,
    /// The file; `None` in memory.
    pub file: Option<String>,
    /// Frames that were recorded.
    pub frames: u64,
    /// How large the capture is, in bytes.
    pub bytes: u64,
    /// How large it may become, in bytes.
    pub bytes_max: u64,
    /// Frames that were left out, because there was no room.
    pub dropped: u64,
}

impl Capture {
    pub(crate) fn new(clock: Clock) -> Self {
        let shared = Shared {
            running: AtomicBool::new(false),
            recording: Mutex::default(),
            clock,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Records to a file from now on, in place of what was recorded before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn start_file(&self, path: &Path) -> io::Result<()> {
        let describe = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let file = File::create(path).map_err(describe)?;
        self.start(
            Sink::File(path.to_owned(), BufWriter::with_capacity(BUFFER, file)),
            FILE_MAX,
        )
    }

    /// Records to memory from now on, in place of what was recorded before.
    pub(crate) fn start_memory(&self) -> io::Result<()> {
        self.start(Sink::Memory(Vec::new()), MEMORY_MAX)
    }

    fn start(&self, sink: Sink, limit: u64) -> io::Result<()> {
        let mut recording = self.recording();
        *recording = Recording {
            sink: Some(sink),
            limit,
            number: recording.number + 1,
            ..Recording::default()
        };
        recording.write(&pcapng::beginning())?;
        self.shared.running.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Ends it; what was recorded stays.
    pub(crate) fn stop(&self) -> io::Result<()> {
        self.shared.running.store(false, Ordering::Relaxed);
        self.recording().flush()
    }

    pub(crate) fn view(&self) -> CaptureView {
        let recording = self.recording();
        let file = match &recording.sink {
            Some(Sink::File(path, _)) => Some(path.display().to_string()),
            Some(Sink::Memory(_)) | None => None,
        };
        CaptureView {
            running: self.shared.running.load(Ordering::Relaxed),
            file,
            frames: recording.frames,
            bytes: recording.written,
            bytes_max: recording.limit,
            dropped: recording.dropped,
        }
    }

    /// What was recorded so far; `None` when nothing ever was.
    pub(crate) fn recorded(&self) -> io::Result<Option<Recorded>> {
        let mut recording = self.recording();
        recording.flush()?;
        Ok(match &recording.sink {
            None => None,
            Some(Sink::Memory(octets)) => Some(Recorded::Memory(octets.clone())),
            Some(Sink::File(path, _)) => Some(Recorded::File(path.clone())),
        })
    }

    /// What a connection records itself with.
    pub(crate) fn tap(&self, client: SocketAddr, server: SocketAddr) -> Tap {
        let mut tap = Tap {
            capture: self.clone(),
            flow: Flow::new(client, server),
            number: 0,
        };
        tap.record(|flow, frames| flow.opened(frames));
        tap
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.shared.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recording {
    fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.sink {
            Some(Sink::File(_, file)) => file.write_all(octets)?,
            Some(Sink::Memory(memory)) => memory.extend_from_slice(octets),
            None => return Ok(()),
        }
        self.written += octets.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Some(Sink::File(_, file)) => file.flush(),
            Some(Sink::Memory(_)) | None => Ok(()),
        }
    }

    fn frame(&mut self, now_us: u64, frame: &[u8]) -> io::Result<()> {
        let block = pcapng::packet(now_us, frame);
        if self.written + block.len() as u64 > self.limit {
            self.dropped += 1;
            return Ok(());
        }
        self.frames += 1;
        self.write(&block)?;
        if now_us > self.flushed_us + FLUSH_US {
            self.flushed_us = now_us;
            self.flush()?;
        }
        Ok(())
    }
}

/// One connection's recorder.
#[derive(Debug)]
pub(crate) struct Tap {
    capture: Capture,
    flow: Flow,
    /// The capture that knows this connection.
    number: u32,
}

impl Tap {
    /// The client sent this.
    pub(crate) fn received(&mut self, octets: &[u8]) {
        self.record(|flow, frames| flow.data(Direction::FromClient, octets, frames));
    }

    /// We sent this.
    pub(crate) fn sent(&mut self, octets: &[u8]) {
        self.record(|flow, frames| flow.data(Direction::FromServer, octets, frames));
    }

    /// We are about to reset the connection.
    pub(crate) fn reset(&mut self) {
        self.record(|flow, frames| flow.reset(frames));
    }

    fn record(&mut self, write: impl FnOnce(&mut Flow, &mut Vec<Vec<u8>>)) {
        if !self.capture.shared.running.load(Ordering::Relaxed) {
            return;
        }
        let now_us = self.capture.shared.clock.now_us();
        let mut recording = self.capture.recording();
        if self.number != recording.number {
            self.flow.restart();
            self.number = recording.number;
        }
        let mut frames = Vec::new();
        write(&mut self.flow, &mut frames);
        let written = frames.iter().try_for_each(|frame| recording.frame(now_us, frame));
        if let Err(error) = written {
            // A full disk must not end the sessions that are being looked at.
            self.capture.shared.running.store(false, Ordering::Relaxed);
            tracing::error!(%error, "the capture has ended");
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.record(|flow, frames| flow.closed(frames));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap(capture: &Capture) -> Tap {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        capture.tap(address(40_000), address(2775))
    }

    #[test]
    fn nothing_is_recorded_before_the_start_or_after_the_stop() {
        let capture = Capture::new(Clock::unix());
        let mut tap = tap(&capture);
        tap.received(b"before");
        assert!(capture.recorded().unwrap().is_none());
        capture.start_memory().unwrap();
        tap.received(b"between");
        capture.stop().unwrap();
        tap.received(b"after");
        let Some(Recorded::Memory(recorded)) = capture.recorded().unwrap() else {
            panic!("it is in memory");
        };
        let holds = |text: &[u8]| recorded.windows(text.len()).any(|window| window == text);
        assert!(holds(b"between") && !holds(b"before") && !holds(b"after"));
        assert_eq!(capture.view().frames, 1);
    }

    #[test]
    fn what_is_beyond_the_limit_is_dropped_and_counted() {
        let capture = Capture::new(Clock::unix());
        capture.start_memory().unwrap();
        let mut tap = tap(&capture);
        let chunk = vec![0; 1 << 20];
        for _ in 0..70 {
            tap.received(&chunk);
        }
        let view = capture.view();
        assert!(view.dropped > 0 && view.bytes <= view.bytes_max, "{view:?}");
    }
}
