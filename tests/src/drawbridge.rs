//! A drawbridge on the way to Redis: while it is up, nothing passes and nobody is told, as when a network is cut. What was under way
//! arrives when it is down again, late.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

const CHUNK: usize = 64 * 1024;

/// Whether octets pass.
#[derive(Debug)]
struct Deck {
    down: Mutex<bool>,
    lowered: Condvar,
}

impl Deck {
    fn set(&self, down: bool) {
        *self.down.lock().expect("no thread of the drawbridge panics") = down;
        self.lowered.notify_all();
    }

    fn pass(&self) {
        let down = self.down.lock().expect("no thread of the drawbridge panics");
        drop(
            self.lowered
                .wait_while(down, |down| !*down)
                .expect("no thread of the drawbridge panics"),
        );
    }
}

/// The drawbridge; down, and gone when dropped.
#[derive(Debug)]
pub struct Drawbridge {
    address: SocketAddr,
    deck: Arc<Deck>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drawbridge {
    /// A drawbridge in front of the Redis at this URL of a unix socket.
    pub fn new(redis_url: &str) -> Self {
        let socket = PathBuf::from(redis_url.strip_prefix("unix://").expect("a unix socket"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port that is listened on");
        let deck = Arc::new(Deck {
            down: Mutex::new(true),
            lowered: Condvar::new(),
        });
        let stop = Arc::<AtomicBool>::default();
        let (inner, stopped) = (Arc::clone(&deck), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for engine in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A Redis that is away refuses here too.
                if let Ok(redis) = UnixStream::connect(&socket) {
                    join(engine, redis, &inner);
                }
            }
        });
        Self {
            address,
            deck,
            stop,
            thread: Some(thread),
        }
    }

    /// Where Redis is, behind the drawbridge.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Nothing passes any more.
    pub fn raise(&self) {
        self.deck.set(false);
    }

    /// What has waited passes, and everything after it.
    pub fn lower(&self) {
        self.deck.set(true);
    }
}

impl Drop for Drawbridge {
    fn drop(&mut self) {
        self.lower();
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread; when it cannot be reached, it has ended.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Starts the two directions of one connection; each ends with it.
fn join(engine: TcpStream, redis: UnixStream, deck: &Arc<Deck>) {
    engine.set_nodelay(true).expect("TCP_NODELAY");
    let (mut back_from, mut back_to) = (
        redis.try_clone().expect("a second handle"),
        engine.try_clone().expect("a second handle"),
    );
    let (there, back) = (Arc::clone(deck), Arc::clone(deck));
    std::thread::spawn(move || {
        let (mut from, mut to) = (&engine, &redis);
        pump(&there, |chunk| from.read(chunk), |octets| to.write_all(octets));
        drop(redis.shutdown(Shutdown::Both));
    });
    std::thread::spawn(move || {
        pump(&back, |chunk| back_from.read(chunk), |octets| back_to.write_all(octets));
        drop(back_to.shutdown(Shutdown::Both));
    });
}

fn pump(
    deck: &Deck,
    mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>,
    mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let octets = read(&mut chunk).unwrap_or(0);
        deck.pass();
        if octets == 0 || write(&chunk[..octets]).is_err() {
            return;
        }
    }
}
