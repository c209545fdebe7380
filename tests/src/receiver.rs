//! A receiver of webhooks, as a tenant has one: it keeps what it is told, and answers as the test says.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::Value;

/// How it treats what comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It takes it.
    Takes,
    /// It answers with that code, and with these headers: lines with their ends.
    Answers(u16, String),
    /// It answers with that body.
    Says(String),
    /// It takes it, and closes the connection before its answer.
    LosesAnswer,
    /// It reads, and says nothing.
    Hangs,
}

/// A POST that came.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    /// As it came: signatures are of these octets.
    pub text: String,
    /// How it was treated.
    pub manner: Manner,
}

/// The receiver. Its threads end with the test's process.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    posted: Vec<Posted>,
    /// Where it listens; `None`: nobody is there.
    listener: Option<TcpListener>,
}

impl Posted {
    /// Its body.
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON body")
    }

    /// A header; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The events in it: those of a batch, or itself.
    pub fn events(&self) -> Vec<Value> {
        let body = self.body();
        match body["data"]["events"].as_array() {
            Some(events) => events.clone(),
            None => vec![body],
        }
    }
}

impl Receiver {
    /// One that takes everything.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let receiver = Self {
            address,
            state: Arc::new(Mutex::new(State {
                manner: Manner::Takes,
                posted: Vec::new(),
                listener: None,
            })),
        };
        receiver.listen(listener);
        receiver
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/webhooks", self.address)
    }

    /// The same under the name of this machine.
    pub fn url_by_name(&self) -> String {
        format!("https://localhost:{}/webhooks", self.address.port())
    }

    /// From here on it treats what comes like that.
    pub fn be(&self, manner: Manner) {
        self.state().manner = manner;
    }

    /// What came so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.state().posted.clone()
    }

    /// What came and was taken, whether or not the answer was lost.
    pub fn taken(&self) -> Vec<Posted> {
        let mut posted = self.posted();
        posted.retain(|posted| [Manner::Takes, Manner::LosesAnswer].contains(&posted.manner));
        posted
    }

    /// Connections are refused from here on.
    pub fn leave(&self) {
        self.state().listener = None;
        // The one that is being waited for.
        drop(TcpStream::connect(self.address));
    }

    /// It is there again.
    pub fn come_back(&self) {
        self.listen(TcpListener::bind(self.address).expect("its port is still free"));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, listener: TcpListener) {
        self.state().listener = Some(listener.try_clone().expect("a second handle"));
        let state = self.state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if lock(&state).listener.is_none() {
                    return;
                }
                let state = state.clone();
                thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut headers, mut line) = (HashMap::new(), String::new());
    reader.read_line(&mut line)?;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let manner = lock(state).manner.clone();
    lock(state).posted.push(Posted {
        headers,
        text: String::from_utf8_lossy(&body).into_owned(),
        manner: manner.clone(),
    });
    let mut stream = stream;
    match manner {
        Manner::Takes => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n"),
        Manner::Answers(code, lines) => {
            stream.write_all(format!("HTTP/1.1 {code} Said\r\ncontent-length: 0\r\n{lines}\r\n").as_bytes())
        }
        Manner::Says(body) => {
            stream.write_all(format!("HTTP/1.1 200 Said\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())
        }
        Manner::LosesAnswer => Ok(()),
        // Until the other side has had enough.
        Manner::Hangs => reader.read_exact(&mut [0]),
    }
}
