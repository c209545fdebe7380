//! A tap on the wire between engine and simulator: it passes everything on, and knows when submissions left the engine.
//!
//! It counts at the socket that the engine writes to, so a simulator that stands still, or a socket's worth that it reads
//! at once, does not show here. Of each submission it knows the span in which it arrived: not before the look before, when
//! there was nothing, and not after it was read. So when the tap itself stands still, it does not take for a burst what
//! merely waited for it: [`Tap::most_in_a_second`] counts what surely lay within one second.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks at a quiet socket.
const LOOK: Duration = Duration::from_millis(1);

/// More than any socket holds of what is sent here within a look.
const CHUNK: usize = 256 * 1024;

const SUBMIT_SM: u32 = 4;

/// Some submissions that were read at once; times since the start of the tap.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    earliest: Duration,
    latest: Duration,
    count: u64,
}

/// The tap; closed when dropped.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// A tap in front of the simulator at `target`.
    pub fn new(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port that is listened on");
        let (arrivals, stop) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (book, stopped, target) = (Arc::clone(&arrivals), Arc::clone(&stop), target.to_owned());
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            for engine in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A simulator that is away refuses here too: the engine sees its connection end.
                if let Ok(simulator) = TcpStream::connect(&target) {
                    pass_on(engine, simulator, Arc::clone(&book), start);
                }
            }
        });
        Self {
            address,
            arrivals,
            stop,
            thread: Some(thread),
        }
    }

    /// Where the engine is to bind.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The most submissions that surely left within one second, whichever second it is.
    pub fn most_in_a_second(&self) -> u64 {
        let mut arrivals = self.arrivals.lock().expect("no thread of the tap panics").clone();
        arrivals.sort_by_key(|arrival| arrival.earliest);
        let second_from = |from: usize| {
            let end = arrivals[from].earliest + Duration::from_secs(1);
            let within = arrivals[from..]
                .iter()
                .take_while(move |arrival| arrival.earliest <= end);
            within
                .filter(|arrival| arrival.latest <= end)
                .map(|arrival| arrival.count)
                .sum()
        };
        (0..arrivals.len()).map(second_from).max().unwrap_or(0)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread; when it cannot be reached, it has ended.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Starts the two directions of one connection; each ends with it.
fn pass_on(engine: TcpStream, simulator: TcpStream, book: Arc<Mutex<Vec<Arrival>>>, start: Instant) {
    for stream in [&engine, &simulator] {
        stream.set_nodelay(true).expect("TCP_NODELAY");
    }
    let (mut back_from, mut back_to) = (
        simulator.try_clone().expect("a second handle"),
        engine.try_clone().expect("a second handle"),
    );
    std::thread::spawn(move || {
        // Whichever side ends it, the other one is told.
        drop(std::io::copy(&mut back_from, &mut back_to));
        drop(back_to.shutdown(Shutdown::Both));
    });
    std::thread::spawn(move || {
        count(&engine, &simulator, &book, start);
        drop(simulator.shutdown(Shutdown::Both));
    });
}

fn count(mut engine: &TcpStream, mut simulator: &TcpStream, book: &Mutex<Vec<Arrival>>, start: Instant) {
    engine.set_read_timeout(Some(LOOK)).expect("a read timeout");
    let (mut chunk, mut pdus) = (vec![0; CHUNK], Pdus::default());
    let (mut before, mut earliest) = (start.elapsed(), start.elapsed());
    loop {
        let read = match engine.read(&mut chunk) {
            Ok(0) => return,
            Ok(octets) => octets,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(_) => return,
        };
        let latest = start.elapsed();
        let count = pdus.submissions_in(&chunk[..read]);
        if count > 0 {
            let arrival = Arrival {
                earliest,
                latest,
                count,
            };
            book.lock().expect("no thread of the tap panics").push(arrival);
        }
        if simulator.write_all(&chunk[..read]).is_err() {
            return;
        }
        // This look took all there was, unless it was too much for it.
        if read < CHUNK {
            earliest = before;
        }
        before = start.elapsed();
    }
}

/// Finds PDUs in a stream.
#[derive(Default)]
struct Pdus {
    header: Vec<u8>,
    /// Octets of the PDU that are still to come, after its length and command.
    rest: usize,
    submission: bool,
}

impl Pdus {
    /// How many submit_sm's end in these octets.
    fn submissions_in(&mut self, mut octets: &[u8]) -> u64 {
        let mut count = 0;
        while !octets.is_empty() {
            if self.rest == 0 {
                let wanted = (8 - self.header.len()).min(octets.len());
                self.header.extend_from_slice(&octets[..wanted]);
                octets = &octets[wanted..];
                if let Ok(header) = <[u8; 8]>::try_from(self.header.as_slice()) {
                    let [a, b, c, d, command @ ..] = header;
                    self.rest = u32::from_be_bytes([a, b, c, d]) as usize - 8;
                    self.submission = u32::from_be_bytes(command) == SUBMIT_SM;
                    self.header.clear();
                }
                continue;
            }
            let taken = self.rest.min(octets.len());
            octets = &octets[taken..];
            self.rest -= taken;
            count += u64::from(self.rest == 0 && self.submission);
        }
        count
    }
}
