//! The PDUs of an SMSC's sessions as they come and go, for whoever listens for a while.
//!
//! A session looks once a batch whether anybody does. If so it copies octets and goes on: taking a PDU apart is the
//! listener's work, and what a slow listener has no room for is counted and let go.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use smpp::frame::{PDU_LENGTH_MAX, split};
use tokio::sync::mpsc;

use super::masked::{Direction, TracedPdu};
use crate::clock::Clock;
use crate::domain::UnixMicros;

/// PDUs that may wait for a listener: what an SMSC at full speed says in some 50 ms.
const WAITING_MAX: usize = 4_096;

/// Octets that may wait for one: the longest PDU fits, thousands of the usual ones too.
const OCTETS_MAX: usize = 4 << 20;

/// Listeners of one SMSC: a few people who look for the same thing.
const LISTENERS_MAX: usize = 4;

/// A PDU that was seen.
#[derive(Clone, Debug)]
struct Seen {
    at: UnixMicros,
    session: u32,
    direction: Direction,
    octets: Bytes,
}

/// The traces of all SMSCs, by name; one that has left has none. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces(Arc<Mutex<BTreeMap<String, Weak<Inner>>>>);

impl Traces {
    /// The trace of an SMSC that is bound to or will be.
    pub(super) fn open(&self, smsc: &str) -> Trace {
        let mut traces = self.lock();
        traces.retain(|_, trace| trace.strong_count() > 0);
        let known = traces.get(smsc).and_then(Weak::upgrade);
        let trace = known.unwrap_or_default();
        traces.insert(smsc.to_owned(), Arc::downgrade(&trace));
        Trace(trace)
    }

    /// The trace of that SMSC, if there is one.
    pub(crate) fn of(&self, smsc: &str) -> Option<Trace> {
        self.lock().get(smsc)?.upgrade().map(Trace)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Weak<Inner>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who listens to the sessions of one SMSC. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_heard: AtomicBool,
    listeners: Mutex<Vec<Arc<Listener>>>,
}

#[derive(Debug)]
struct Listener {
    pdus: mpsc::Sender<Seen>,
    /// Octets that wait.
    octets: AtomicUsize,
    /// PDUs that there was no room for.
    missed: AtomicU64,
}

impl Trace {
    /// Listens from now on; `None`: enough others do.
    pub(crate) fn listen(&self) -> Option<Listening> {
        let (pdus, seen) = mpsc::channel(WAITING_MAX);
        let listener = Arc::new(Listener {
            pdus,
            octets: AtomicUsize::new(0),
            missed: AtomicU64::new(0),
        });
        let mut listeners = self.lock();
        if listeners.len() >= LISTENERS_MAX {
            return None;
        }
        listeners.push(listener.clone());
        self.0.is_heard.store(true, Ordering::Relaxed);
        let trace = self.clone();
        Some(Listening { trace, listener, seen })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Listener>>> {
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    fn offer(&self, seen: &Seen) {
        let length = seen.octets.len();
        let waiting = self.octets.fetch_add(length, Ordering::Relaxed);
        if waiting + length > OCTETS_MAX || self.pdus.try_send(seen.clone()).is_err() {
            self.octets.fetch_sub(length, Ordering::Relaxed);
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A listener's end. Dropped, it listens no more.
#[derive(Debug)]
pub(crate) struct Listening {
    trace: Trace,
    listener: Arc<Listener>,
    seen: mpsc::Receiver<Seen>,
}

impl Listening {
    /// The next PDU.
    pub(crate) async fn next(&mut self) -> Option<TracedPdu> {
        let seen = self.seen.recv().await?;
        self.listener.octets.fetch_sub(seen.octets.len(), Ordering::Relaxed);
        let Seen {
            at,
            session,
            direction,
            octets,
        } = seen;
        Some(TracedPdu::new(at, (session, direction), &octets))
    }

    /// PDUs that it had no room for, so far.
    pub(crate) fn missed(&self) -> u64 {
        self.listener.missed.load(Ordering::Relaxed)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listeners = self.trace.lock();
        listeners.retain(|other| !Arc::ptr_eq(other, &self.listener));
        self.trace.0.is_heard.store(!listeners.is_empty(), Ordering::Relaxed);
    }
}

/// A session's side.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) trace: Trace,
    /// Its number among the binds of the SMSC.
    pub(super) session: u32,
    pub(super) clock: Clock,
}

impl Tap {
    /// Whether anybody listens: one relaxed load.
    pub(super) fn is_heard(&self) -> bool {
        self.trace.0.is_heard.load(Ordering::Relaxed)
    }

    /// PDUs that go, one behind the other.
    pub(super) fn leaving(&self, mut octets: &[u8]) {
        while let Ok(Some(raw)) = split(octets, PDU_LENGTH_MAX) {
            let (pdu, rest) = octets.split_at(raw.header.length as usize);
            self.saw(Direction::Out, pdu);
            octets = rest;
        }
    }

    /// One PDU that came.
    pub(super) fn came(&self, pdu: &[u8]) {
        self.saw(Direction::In, pdu);
    }

    fn saw(&self, direction: Direction, pdu: &[u8]) {
        let seen = Seen {
            at: self.clock.unix(),
            session: self.session,
            direction,
            octets: Bytes::copy_from_slice(pdu),
        };
        for listener in self.trace.lock().iter() {
            listener.offer(&seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use smpp::command_status::CommandStatus;
    use smpp::frame::{CommandId, encode_empty};

    use super::*;

    fn tap(trace: &Trace) -> Tap {
        Tap {
            trace: trace.clone(),
            session: 1,
            clock: Clock::new(),
        }
    }

    fn links(count: u32) -> BytesMut {
        let mut octets = BytesMut::new();
        for sequence in 1..=count {
            encode_empty(&mut octets, CommandId::ENQUIRE_LINK, CommandStatus::ESME_ROK, sequence);
        }
        octets
    }

    #[tokio::test]
    async fn a_listener_sees_each_pdu_that_goes_and_comes_while_it_listens() {
        let traces = Traces::default();
        assert!(traces.of("north").is_none());
        let tap = tap(&traces.open("north"));
        assert!(!tap.is_heard());
        let trace = traces.of("north").unwrap();
        let mut first = trace.listen().unwrap();
        let others: Vec<Listening> = (1..LISTENERS_MAX).map(|_| trace.listen().unwrap()).collect();
        assert!(trace.listen().is_none(), "enough listen");
        assert!(tap.is_heard());
        tap.leaving(&links(2));
        tap.came(&links(1));
        let mut seen = Vec::new();
        for _ in 0..3 {
            let line = serde_json::to_value(first.next().await.unwrap()).unwrap();
            seen.push((
                line["direction"].clone(),
                line["sequence"].clone(),
                line["session"].clone(),
            ));
        }
        let expected = [("out", 1), ("out", 2), ("in", 1)];
        assert_eq!(
            seen,
            expected.map(|(way, sequence)| (way.into(), sequence.into(), 1.into()))
        );
        drop(others);
        assert!(tap.is_heard());
        drop(first);
        assert!(!tap.is_heard());
        drop((tap, trace));
        assert!(traces.of("north").is_none(), "it has left");
    }

    #[tokio::test]
    async fn what_a_slow_listener_has_no_room_for_is_counted() {
        let trace = Trace::default();
        let tap = tap(&trace);
        let mut slow = trace.listen().unwrap();
        let extra = 7;
        tap.leaving(&links(WAITING_MAX as u32 + extra));
        assert_eq!(slow.missed(), u64::from(extra));
        for _ in 0..WAITING_MAX {
            slow.next().await.unwrap();
        }
        let long = vec![0; PDU_LENGTH_MAX];
        let room = OCTETS_MAX / PDU_LENGTH_MAX;
        (0..=room).for_each(|_| tap.came(&long));
        assert_eq!(slow.missed(), u64::from(extra) + 1);
        slow.next().await.unwrap();
        tap.came(&long);
        assert_eq!(slow.missed(), u64::from(extra) + 1, "there is room again");
    }
}
