use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::capture::{Capture, Tap};

/// Ciphertext that is made ahead of what the socket takes.
const CIPHERTEXT_MAX: usize = 64 << 10;

/// A connection as its session sees it: the same calls whether it is plain TCP or TLS, and recorded while a capture
/// runs. Neither costs a plain connection more than a look at a flag.
pub(super) struct Transport {
    stream: TcpStream,
    tls: Option<Box<Tls>>,
    tap: Tap,
}

struct Tls {
    connection: ServerConnection,
    /// Whether plaintext is there that was not read yet.
    readable: bool,
}

impl Transport {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        capture: &Capture,
    ) -> io::Result<Self> {
        let tls = match tls {
            None => None,
            Some(config) => {
                let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
                connection.set_buffer_limit(Some(CIPHERTEXT_MAX));
                let readable = false;
                Some(Box::new(Tls { connection, readable }))
            }
        };
        let tap = capture.tap(peer, stream.local_addr()?);
        Ok(Self { stream, tls, tap })
    }

    /// Until there is something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        if self.tls.as_ref().is_some_and(|tls| tls.readable) {
            return Ok(());
        }
        self.stream.readable().await
    }

    /// Until the socket takes something.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Whether something was taken by [`Transport::try_write`] that the socket has not taken yet.
    pub(super) fn has_unwritten(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.connection.wants_write())
    }

    /// Octets read; 0: the peer has closed. `WouldBlock`: there are none now.
    pub(super) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.tls {
            None => self.stream.try_read(buffer),
            Some(tls) => tls.read(&self.stream, buffer),
        }?;
        self.tap.received(&buffer[..count]);
        Ok(count)
    }

    /// Octets taken. `WouldBlock`: the socket takes nothing now.
    pub(super) fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let count = match &mut self.tls {
            None => self.stream.try_write(octets),
            Some(tls) => tls.write(&self.stream, octets),
        }?;
        self.tap.sent(&octets[..count]);
        Ok(count)
    }

    /// Writes what is left of [`Transport::has_unwritten`], as far as the socket takes it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            None => Ok(()),
            Some(tls) => tls.flush(&self.stream),
        }
    }

    /// Says goodbye as TLS wants it; TCP's goodbye comes when this is dropped.
    pub(super) fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.connection.send_close_notify();
            if let Err(error) = tls.flush(&self.stream) {
                tracing::debug!(%error, "close_notify");
            }
        }
    }

    /// Ends what goes to the peer, and not what comes from it.
    pub(super) async fn shut_down(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Throws away what comes, until the peer has closed.
    pub(super) async fn drain(&mut self) -> io::Result<()> {
        let mut octets = [0; 4 << 10];
        while self.stream.read(&mut octets).await? > 0 {}
        Ok(())
    }

    /// The connection will end with a reset.
    pub(super) fn set_zero_linger(&mut self) -> io::Result<()> {
        self.tap.reset();
        self.stream.set_zero_linger()
    }
}

impl Tls {
    fn read(&mut self, stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Ok(count) => {
                    // A full buffer may have left plaintext behind, which no socket will announce.
                    self.readable = count == buffer.len() && count > 0;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                // Without close_notify: a peer that just hangs up is ordinary here.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) => return Err(error),
            }
            if self.connection.read_tls(&mut Socket(stream))? == 0 {
                return Ok(0);
            }
            let processed = self.connection.process_new_packets();
            // Also when it failed: the peer is told why.
            self.flush(stream)?;
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    fn write(&mut self, stream: &TcpStream, octets: &[u8]) -> io::Result<usize> {
        self.flush(stream)?;
        let count = self.connection.writer().write(octets)?;
        self.flush(stream)?;
        if count == 0 && !octets.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(count)
    }

    fn flush(&mut self, stream: &TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Socket(stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A socket as rustls wants it: octets at once, or `WouldBlock`.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.try_write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
