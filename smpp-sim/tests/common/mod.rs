//! A plain SMPP client and a plain HTTP client, for tests over real sockets; `raw` is a client that takes whatever
//! octets come, `ask` has requests about earlier messages, and `tshark` says what another decoder makes of octets.
#![allow(unreachable_pub, reason = "all files of these tests use it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod ask;
pub mod pdus;
pub mod raw;
pub mod tshark;
mod wire;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use smpp::command_status::CommandStatus;
use smpp::frame::{
    Bind, BindKind, CommandId, PDU_LENGTH_MAX, Pdu, Sm, encode_bind, encode_empty, encode_sm_resp, split,
};
use smpp_sim::{Options, Running, Scenario, Waited};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub use pdus::{any_bind, message};
pub use wire::PATIENCE;
use wire::Wire;

/// How long the simulator may take no octets before it counts as one that does not read.
const SHORT: Duration = Duration::from_millis(500);

pub async fn sim(scenario: &str) -> Running {
    let scenario = Scenario::parse(scenario, "test.toml").unwrap_or_else(|faults| panic!("{faults}"));
    smpp_sim::start(scenario, Options::ephemeral()).await.unwrap()
}

/// One PDU as the client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub command: CommandId,
    pub status: CommandStatus,
    pub sequence: u32,
    pub esm_class: u8,
    /// The id of an answer, or the text of a delivery.
    pub text: Vec<u8>,
}

pub struct Client {
    pub wire: Wire,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self {
            wire: Wire::connect(address).await,
        }
    }

    pub async fn bound(address: SocketAddr, kind: BindKind) -> Self {
        let mut client = Self::connect(address).await;
        assert_eq!(client.bind(kind, "campanile", "secret").await, CommandStatus::ESME_ROK);
        client
    }

    pub async fn bind(&mut self, kind: BindKind, system_id: &str, password: &str) -> CommandStatus {
        let bind = Bind {
            system_id: system_id.as_bytes(),
            password: password.as_bytes(),
            ..any_bind(kind)
        };
        self.bind_as(&bind).await.0
    }

    /// Binds in any way: the status, and `sc_interface_version`.
    pub async fn bind_as(&mut self, bind: &Bind<'_>) -> (CommandStatus, Option<u8>) {
        encode_bind(&mut self.wire.out, 1, bind).unwrap();
        let answer = self.ask_for().await;
        let raw = split(&answer, PDU_LENGTH_MAX).unwrap().unwrap();
        assert_eq!(raw.header.command_id, bind.kind.command_id().response());
        let Pdu::BindResp(response) = raw.decode().unwrap() else {
            panic!("{:?} is no answer to a bind", raw.header)
        };
        (raw.header.command_status, response.sc_interface_version)
    }

    /// Queues whatever the function writes.
    pub fn queue_with(&mut self, write: impl FnOnce(&mut BytesMut)) {
        write(&mut self.wire.out);
    }

    /// Sends what is queued: the octets of the next PDU that comes.
    pub async fn ask_for(&mut self) -> Vec<u8> {
        self.flush().await;
        self.receive_octets().await.expect("the session is open")
    }

    /// The octets of the next PDU; `None` when the other side has closed or reset.
    pub async fn receive_octets(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(raw) = split(&self.wire.input, PDU_LENGTH_MAX).unwrap() {
                let length = raw.header.length as usize;
                return Some(self.wire.input.split_to(length).to_vec());
            }
            self.wire.read().await.filter(|&count| count > 0)?;
        }
    }

    /// Queues a submit; [`Client::flush`] sends what is queued in one write.
    pub fn queue(&mut self, sequence: u32, recipient: &str, text: &[u8], esm_class: u8) {
        let sm = Sm {
            esm_class,
            ..message(recipient, text)
        };
        self.queue_sm(sequence, &sm);
    }

    /// Queues any submit_sm.
    pub fn queue_sm(&mut self, sequence: u32, sm: &Sm<'_>) {
        sm.encode_submit(&mut self.wire.out, sequence);
    }

    pub fn queue_empty(&mut self, command: CommandId, sequence: u32) {
        encode_empty(&mut self.wire.out, command, CommandStatus::ESME_ROK, sequence);
    }

    pub fn queue_acknowledgement(&mut self, sequence: u32) {
        encode_sm_resp(
            &mut self.wire.out,
            (CommandId::DELIVER_SM_RESP, CommandStatus::ESME_ROK, sequence),
            b"",
        );
    }

    pub async fn flush(&mut self) {
        self.wire.flush().await;
    }

    /// As [`Client::flush`], but false when the other side does not take it within a short time, or has gone.
    pub async fn try_flush(&mut self) -> bool {
        self.wire.try_flush(SHORT).await
    }

    /// The next PDU; `None` when the other side has closed or reset.
    pub async fn receive(&mut self) -> Option<Received> {
        let octets = self.receive_octets().await?;
        first(&octets).map(|(received, _)| received)
    }

    /// Acknowledges every receipt until the other side closes.
    pub async fn acknowledge_until_closed(&mut self) {
        while let Some(received) = self.receive().await {
            if received.command == CommandId::DELIVER_SM {
                self.queue_acknowledgement(received.sequence);
                self.flush().await;
            }
        }
    }

    /// Submits to every recipient and acknowledges every receipt, until that many answers and receipts have come.
    pub async fn exchange(&mut self, recipients: &[String], receipts: usize) -> Vec<Received> {
        for (place, recipient) in recipients.iter().enumerate() {
            self.queue(place as u32 + 1, recipient, b"Bonjour", 0);
        }
        self.flush().await;
        let mut all = Vec::new();
        while all.len() < recipients.len() + receipts {
            let received = self.receive().await.expect("the session is open");
            if received.command == CommandId::DELIVER_SM {
                self.queue_acknowledgement(received.sequence);
                self.flush().await;
            }
            all.push(received);
        }
        all
    }
}

/// Waits until a counter of the totals has reached a value.
pub async fn wait(running: &Running, name: &str, value: u64) {
    let waited = running.handle.wait(&vec![(name.to_owned(), value)], PATIENCE).await;
    assert!(matches!(waited, Waited::Reached(_)), "{name} >= {value}: {waited:?}");
}

fn first(bytes: &[u8]) -> Option<(Received, usize)> {
    let raw = split(bytes, PDU_LENGTH_MAX).unwrap()?;
    let pdu = raw.decode().unwrap();
    let (esm_class, text) = if let Pdu::DeliverSm(sm) = pdu {
        (sm.esm_class, sm.text().to_vec())
    } else if let Pdu::SubmitSmResp(response) = pdu {
        (0, response.message_id.to_vec())
    } else {
        (0, Vec::new())
    };
    let header = raw.header;
    let (command, status, sequence) = (header.command_id, header.command_status, header.sequence);
    Some((
        Received {
            command,
            status,
            sequence,
            esm_class,
            text,
        },
        header.length as usize,
    ))
}

pub fn recipients(from: u64, count: u64) -> Vec<String> {
    (from..from + count).map(|number| number.to_string()).collect()
}

/// What a server answered.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// One HTTP request on a connection of its own; `headers` end with CR LF each, and replace `Host` if they have it.
pub async fn exchange_http(address: SocketAddr, request: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let host = if headers.starts_with("Host:") {
        ""
    } else {
        "Host: localhost\r\n"
    };
    let head =
        format!("{request} HTTP/1.1\r\n{host}{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let body = &answer[end + 4..];
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_vec() };
    Answer { status, head, body }
}

/// The same, for who wants status and body only.
pub async fn http(address: SocketAddr, request: &str, body: &str) -> (u16, String) {
    let answer = exchange_http(address, request, "", body).await;
    (answer.status, String::from_utf8(answer.body).unwrap())
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let rest = &body[end + 2..];
        whole.extend_from_slice(&rest[..length]);
        body = &rest[(length + 2).min(rest.len())..];
    }
    whole
}

pub async fn json(address: SocketAddr, request: &str, body: &str) -> serde_json::Value {
    let (status, text) = http(address, request, body).await;
    assert!((200..300).contains(&status), "{request}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}
