//! A client that takes whatever octets come: for answers that no ordinary client would make sense of.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Buf;
use smpp::command_status::CommandStatus;
use smpp::frame::{BindKind, CommandId, PDU_LENGTH_MAX, Sm, encode_bind, encode_empty};

use super::pdus::{any_bind, message};
use super::wire::{PATIENCE, Wire};

/// One PDU's header, and all its octets.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub command: CommandId,
    pub status: CommandStatus,
    pub sequence: u32,
    pub octets: Vec<u8>,
}

pub struct Raw {
    pub wire: Wire,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Self {
        Self {
            wire: Wire::connect(address).await,
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
        encode_bind(&mut self.wire.out, 1, &any_bind(kind)).unwrap();
        self
    }

    /// Queues a submit; a text that begins with a user data header says so with `esm_class` 0x40.
    pub fn submit(&mut self, sequence: u32, recipient: &str, (esm_class, text): (u8, &[u8])) -> &mut Self {
        let sm = Sm {
            esm_class,
            ..message(recipient, text)
        };
        sm.encode_submit(&mut self.wire.out, sequence);
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
        encode_empty(&mut self.wire.out, command, CommandStatus::ESME_ROK, sequence);
        self
    }

    pub async fn flush(&mut self) {
        self.wire.flush().await;
    }

    /// As [`Raw::flush`]; false when the other side has gone.
    pub async fn try_flush(&mut self) -> bool {
        self.wire.try_flush(PATIENCE).await
    }

    /// The next PDU; `None` when the other side has closed or reset.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.first() {
                return Some(frame);
            }
            if self.wire.read().await.is_none_or(|count| count == 0) {
                return None;
            }
        }
    }

    /// Whatever comes first: a length that no PDU can have ends it with what there is.
    fn first(&mut self) -> Option<Frame> {
        let field = |at: usize| Some(u32::from_be_bytes(self.wire.input.get(at..at + 4)?.try_into().unwrap()));
        let length = field(0)? as usize;
        let (command, status, sequence) = (CommandId(field(4)?), CommandStatus(field(8)?), field(12)?);
        let length = if length > PDU_LENGTH_MAX {
            self.wire.input.len()
        } else {
            length
        };
        let octets = self.wire.input.get(..length)?.to_vec();
        self.wire.input.advance(length);
        Some(Frame {
            command,
            status,
            sequence,
            octets,
        })
    }

    /// Everything until the connection ends, and whether it ended in order.
    pub async fn rest(&mut self) -> (Vec<u8>, bool) {
        loop {
            match self.wire.read().await {
                Some(0) => return (self.wire.input.split().to_vec(), true),
                Some(_) => {}
                None => return (self.wire.input.split().to_vec(), false),
            }
        }
    }

    /// Whether nothing comes for some time: what is true on any machine, if only the simulator obeys.
    pub async fn hears_nothing_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.wire.stream.readable()).await.is_err()
    }
}
