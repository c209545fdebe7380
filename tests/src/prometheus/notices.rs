//! Who is woken: a webhook that Alertmanager tells of alerts.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

/// An alert that somebody was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its name.
    pub alert: String,
    /// The job that it is about.
    pub job: String,
    /// `firing` or `resolved`.
    pub status: String,
    /// `critical`, `warning` or `info`.
    pub severity: String,
    /// The path of its page.
    pub runbook: String,
}

/// The webhook; closed when dropped.
#[derive(Debug)]
pub(super) struct Notices {
    address: SocketAddr,
    told: Arc<Mutex<Vec<Notice>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Notices {
    pub(super) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port that is listened on");
        let (told, stop) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (book, stopped) = (Arc::clone(&told), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // Who breaks off tells it again.
                if let Some(body) = take(connection) {
                    book.lock().expect("no test panics meanwhile").extend(alerts(&body));
                }
            }
        });
        Self {
            address,
            told,
            stop,
            thread: Some(thread),
        }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// All so far, in order.
    pub(super) fn all(&self) -> Vec<Notice> {
        self.told.lock().expect("the webhook does not panic").clone()
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // It waits for a connection: this is one.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the webhook panicked");
        }
    }
}

/// The body of one request, which is answered: after this, the connection is closed.
fn take(connection: TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    reader.get_mut().write_all(answer).ok()?;
    serde_json::from_slice(&body).ok()
}

/// What a notification tells.
fn alerts(body: &Value) -> Vec<Notice> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let notice = |alert: &Value| Notice {
        alert: text(&alert["labels"]["alertname"]),
        job: text(&alert["labels"]["job"]),
        status: text(&alert["status"]),
        severity: text(&alert["labels"]["severity"]),
        runbook: text(&alert["annotations"]["runbook_url"]),
    };
    body["alerts"].as_array().into_iter().flatten().map(notice).collect()
}
