//! A connection to the simulator: octets out, octets in.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nothing in these tests takes that long unless it is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Wire {
    pub stream: TcpStream,
    /// What came and was not used yet.
    pub input: BytesMut,
    /// What is queued.
    pub out: BytesMut,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            input: BytesMut::new(),
            out: BytesMut::new(),
        }
    }

    /// Sends what is queued in one write.
    pub async fn flush(&mut self) {
        self.stream.write_all(&self.out).await.unwrap();
        self.out.clear();
    }

    /// As [`Wire::flush`]; false when the other side has gone, or takes nothing for that long.
    pub async fn try_flush(&mut self, patience: Duration) -> bool {
        let written = tokio::time::timeout(patience, self.stream.write_all(&self.out)).await;
        self.out.clear();
        matches!(written, Ok(Ok(())))
    }

    /// Octets that came; 0: closed in order, `None`: reset.
    pub async fn read(&mut self) -> Option<usize> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.input)).await;
        read.expect("the simulator went silent").ok()
    }
}
