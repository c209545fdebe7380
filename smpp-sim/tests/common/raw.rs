//! A client that takes whatever octets come: for answers that no ordinary client would make sense of.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use smpp::address::Address;
use smpp::command_status::CommandStatus;
use smpp::frame::{Bind, BindKind, CommandId, PDU_LENGTH_MAX, Sm, encode_bind, encode_empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nothing in these tests takes that long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// One PDU's header, and all its octets.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub command: CommandId,
    pub status: CommandStatus,
    pub sequence: u32,
    pub octets: Vec<u8>,
}

pub struct Raw {
    pub stream: TcpStream,
    input: Vec<u8>,
    out: BytesMut,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            input: Vec::new(),
            out: BytesMut::new(),
        }
    }

    /// Bound as a transmitter, which gets no receipts.
    pub async fn bound(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address).await;
        raw.bind(BindKind::Transmitter).flush().await;
        assert_eq!(raw.next().await.unwrap().status, CommandStatus::ESME_ROK);
        raw
    }

    /// Queues a bind with sequence number 1.
    pub fn bind(&mut self, kind: BindKind) -> &mut Self {
        let bind = Bind {
            kind,
            system_id: b"campanile",
            password: b"secret",
            system_type: b"",
            interface_version: 0x34,
            addr_ton: 0,
            addr_npi: 0,
            address_range: b"",
        };
        encode_bind(&mut self.out, 1, &bind).unwrap();
        self
    }

    /// Queues a submit; a text that begins with a user data header says so with `esm_class` 0x40.
    pub fn submit(&mut self, sequence: u32, recipient: &str, (esm_class, text): (u8, &[u8])) -> &mut Self {
        let sm = Sm {
            source: Address {
                ton: 5,
                npi: 0,
                digits: b"CLINIQUE",
            },
            destination: Address::international(recipient.as_bytes()),
            registered_delivery: 1,
            esm_class,
            short_message: text,
            ..Sm::default()
        };
        sm.encode_submit(&mut self.out, sequence);
        self
    }

    /// Queues submits to different recipients, with sequence numbers from 1.
    pub fn submits(&mut self, count: u32) -> &mut Self {
        for sequence in 1..=count {
            let recipient = (33_600_000_000 + u64::from(sequence)).to_string();
            self.submit(sequence, &recipient, (0, b"Bonjour"));
        }
        self
    }

    pub fn empty(&mut self, command: CommandId, sequence: u32) -> &mut Self {
        encode_empty(&mut self.out, command, CommandStatus::ESME_ROK, sequence);
        self
    }

    pub async fn flush(&mut self) {
        self.stream.write_all(&self.out).await.unwrap();
        self.out.clear();
    }

    /// As [`Raw::flush`]; false when the other side has gone.
    pub async fn try_flush(&mut self) -> bool {
        let written = self.stream.write_all(&self.out).await;
        self.out.clear();
        written.is_ok()
    }

    /// The next PDU; `None` when the other side has closed or reset.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.first() {
                return Some(frame);
            }
            if self.read().await.is_none_or(|count| count == 0) {
                return None;
            }
        }
    }

    /// Whatever stands first: a length that no PDU can have ends it with what there is.
    fn first(&mut self) -> Option<Frame> {
        let field = |at: usize| Some(u32::from_be_bytes(self.input.get(at..at + 4)?.try_into().unwrap()));
        let length = field(0)? as usize;
        let (command, status, sequence) = (CommandId(field(4)?), CommandStatus(field(8)?), field(12)?);
        let length = if length > PDU_LENGTH_MAX {
            self.input.len()
        } else {
            length
        };
        let octets = self.input.get(..length)?.to_vec();
        self.input.drain(..length);
        Some(Frame {
            command,
            status,
            sequence,
            octets,
        })
    }

    /// Octets that came; 0: closed in order, `None`: reset.
    async fn read(&mut self) -> Option<usize> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.input)).await;
        read.expect("the simulator went silent").ok()
    }

    /// Everything until the connection ends, and whether it ended in order.
    pub async fn rest(&mut self) -> (Vec<u8>, bool) {
        loop {
            match self.read().await {
                Some(0) => return (std::mem::take(&mut self.input), true),
                Some(_) => {}
                None => return (std::mem::take(&mut self.input), false),
            }
        }
    }

    /// Whether nothing comes for some time: what is true on any machine, if only the simulator obeys.
    pub async fn hears_nothing_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.stream.readable()).await.is_err()
    }
}
