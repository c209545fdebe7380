//! A gate on the way to Redis: while it is shut, nothing passes and nobody is told, as when a network is cut. What was under way
//! arrives when it opens, late.

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
struct Leaf {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Leaf {
    fn set(&self, open: bool) {
        *self.open.lock().expect("no thread of the gate panics") = open;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let open = self.open.lock().expect("no thread of the gate panics");
        drop(
            self.opened
                .wait_while(open, |open| !*open)
                .expect("no thread of the gate panics"),
        );
    }
}

/// The gate; open, and gone when dropped.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    leaf: Arc<Leaf>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Gate {
    /// A gate in front of the Redis at this URL of a unix socket.
    pub fn new(redis_url: &str) -> Self {
        let socket = PathBuf::from(redis_url.strip_prefix("unix://").expect("a unix socket"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port that is listened on");
        let leaf = Arc::new(Leaf {
            open: Mutex::new(true),
            opened: Condvar::new(),
        });
        let stop = Arc::<AtomicBool>::default();
        let (inner, stopped) = (Arc::clone(&leaf), Arc::clone(&stop));
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
            leaf,
            stop,
            thread: Some(thread),
        }
    }

    /// Where Redis is, behind the gate.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Nothing passes any more.
    pub fn shut(&self) {
        self.leaf.set(false);
    }

    /// What has waited passes, and everything after it.
    pub fn open(&self) {
        self.leaf.set(true);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread; when it cannot be reached, it has ended.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Starts the two directions of one connection; each ends with it.
fn join(engine: TcpStream, redis: UnixStream, leaf: &Arc<Leaf>) {
    engine.set_nodelay(true).expect("TCP_NODELAY");
    let (mut back_from, mut back_to) = (
        redis.try_clone().expect("a second handle"),
        engine.try_clone().expect("a second handle"),
    );
    let (there, back) = (Arc::clone(leaf), Arc::clone(leaf));
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
    leaf: &Leaf,
    mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>,
    mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let octets = read(&mut chunk).unwrap_or(0);
        leaf.pass();
        if octets == 0 || write(&chunk[..octets]).is_err() {
            return;
        }
    }
}
