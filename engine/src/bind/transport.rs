//! A connection as its session sees it: the same calls whether it is plain TCP or TLS.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use bytes::BytesMut;
use rustls::ClientConnection;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::tls::{Asked, TlsFault};

/// Octets read at once.
pub(super) const READ_CHUNK: usize = 64 * 1024;

/// A plain connection costs no more than a look at which of the two it is.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

/// A TLS connection. What it took and the socket did not is kept in it, at most rustls' 64 KiB.
#[derive(Debug)]
pub(super) struct TlsStream {
    stream: TcpStream,
    connection: ClientConnection,
    asked: Asked,
    /// Why TLS is over, found behind octets that are good.
    failed: Option<TlsFault>,
}

impl Transport {
    /// Until one of the two that are wanted can be tried.
    pub(super) async fn ready(&self, read: bool, write: bool) -> io::Result<()> {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) if read && tls.failed.is_some() => return Ok(()),
            Self::Tls(tls) => &tls.stream,
        };
        match (read, write) {
            (true, true) => stream.ready(Interest::READABLE | Interest::WRITABLE).await.map(drop),
            (true, false) => stream.readable().await,
            (false, true) => stream.writable().await,
            (false, false) => std::future::pending().await,
        }
    }

    /// Appends what is there, some [`READ_CHUNK`] at most. 0: the peer has closed. `WouldBlock`: there is nothing now.
    /// An error of TLS is a [`TlsFault`].
    pub(super) fn try_read(&mut self, input: &mut BytesMut) -> io::Result<usize> {
        input.reserve(READ_CHUNK);
        match self {
            Self::Plain(stream) => stream.try_read_buf(input),
            Self::Tls(tls) => tls.read(input),
        }
    }

    /// Octets taken. `WouldBlock`: it takes nothing now.
    pub(super) fn try_write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.try_write(octets),
            Self::Tls(tls) => tls.write(octets),
        }
    }

    /// Whether something was taken that the kernel does not have yet.
    pub(super) fn has_unwritten(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(tls) => tls.connection.wants_write(),
        }
    }

    /// Hands on what is left of [`Transport::has_unwritten`], as far as the kernel takes it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.flush(),
        }
    }

    /// What a peer probably meant that closed before it answered the bind and gave no reason: with TLS 1.3 it looks at our
    /// certificate after we have sent the bind, and many close then so fast that their reason is lost.
    pub(super) fn refused_quietly(&self) -> Option<TlsFault> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.asked.refused_quietly(),
        }
    }

    /// Says goodbye as TLS wants it; TCP's goodbye comes when this is dropped.
    pub(super) fn close(&mut self) {
        if let Self::Tls(tls) = self {
            tls.connection.send_close_notify();
            if let Err(error) = tls.flush() {
                tracing::debug!(%error, "close_notify");
            }
        }
    }
}

impl TlsStream {
    pub(super) fn new(stream: TcpStream, connection: ClientConnection, asked: Asked) -> Self {
        Self {
            stream,
            connection,
            asked,
            failed: None,
        }
    }

    /// What TLS agreed upon.
    pub(super) fn connection(&self) -> &ClientConnection {
        &self.connection
    }

    /// Until both sides agree.
    pub(super) async fn shake_hands(&mut self) -> io::Result<()> {
        loop {
            self.flush()?;
            if self.connection.wants_write() {
                self.stream.writable().await?;
                continue;
            }
            if !self.connection.is_handshaking() {
                return Ok(());
            }
            self.stream.readable().await?;
            match self.take_records() {
                Ok(0) => return Err(self.asked.fault(&rustls::Error::HandshakeNotComplete).into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn read(&mut self, input: &mut BytesMut) -> io::Result<usize> {
        if let Some(fault) = self.failed.take() {
            return Err(fault.into());
        }
        let before = input.len();
        let mut is_closed = self.take_plaintext(input)?;
        while !is_closed && input.len() - before < READ_CHUNK {
            match self.take_records() {
                Ok(octets) => is_closed = octets == 0,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if input.len() > before => {
                    // What came before it counts. A socket that failed fails again.
                    self.failed = error.downcast().ok();
                    break;
                }
                Err(error) => return Err(error),
            }
            is_closed |= self.take_plaintext(input)?;
        }
        match input.len() - before {
            0 if !is_closed => Err(ErrorKind::WouldBlock.into()),
            octets => Ok(octets),
        }
    }

    /// What the socket has, decrypted as far as it goes. 0: the peer has closed.
    fn take_records(&mut self) -> io::Result<usize> {
        let octets = self.connection.read_tls(&mut Socket(&self.stream))?;
        if let Err(error) = self.connection.process_new_packets() {
            // The peer is told why, if it still listens.
            let _last_words = self.flush();
            return Err(self.asked.fault(&error).into());
        }
        Ok(octets)
    }

    /// `true`: the peer has said goodbye.
    fn take_plaintext(&mut self, input: &mut BytesMut) -> io::Result<bool> {
        let mut reader = self.connection.reader();
        loop {
            match reader.fill_buf() {
                Ok([]) => return Ok(true),
                Ok(plaintext) => {
                    input.extend_from_slice(plaintext);
                    let taken = plaintext.len();
                    reader.consume(taken);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                // A peer that just hangs up is ordinary: SMPP says itself where a PDU ends.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let taken = match self.connection.wants_write() {
            true => 0,
            false => self.connection.writer().write(octets)?,
        };
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        // They are taken, whatever becomes of them: a socket that failed fails again at the next call.
        let _sent_or_kept = self.flush();
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Socket(&self.stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::{Arc, mpsc};
    use std::thread;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

    use super::*;

    /// More than both sides' sockets hold.
    const OCTETS: usize = 32 << 20;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
    }

    /// The two ends of a TLS connection; what is done at the far one is done in a thread.
    async fn ends(
        far: impl FnOnce(&mut StreamOwned<ServerConnection, std::net::TcpStream>) + Send + 'static,
    ) -> Transport {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap().der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let server = ServerConfig::builder().with_no_client_auth();
        let server = Arc::new(server.with_single_cert(vec![certificate], secret).unwrap());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut peer = StreamOwned::new(ServerConnection::new(server).unwrap(), stream);
            peer.conn.complete_io(&mut peer.sock).unwrap();
            far(&mut peer);
        });
        let asked = Asked::new(None);
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = Arc::new(config.with_client_cert_resolver(Arc::new(asked.clone())));
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(config, name).unwrap();
        let mut tls = TlsStream::new(TcpStream::connect(address).await.unwrap(), connection, asked);
        tls.shake_hands().await.unwrap();
        Transport::Tls(Box::new(tls))
    }

    #[tokio::test]
    async fn what_was_taken_arrives_once_and_in_order_however_slowly_the_peer_reads() {
        let (go, told) = mpsc::sync_channel::<()>(1);
        let (arrived, result) = mpsc::sync_channel(1);
        let mut transport = ends(move |peer| {
            told.recv().unwrap();
            let mut octets = vec![0; OCTETS];
            peer.read_exact(&mut octets).unwrap();
            arrived.send(octets == pattern(OCTETS)).unwrap();
        })
        .await;
        let octets = pattern(OCTETS);
        let (mut taken, mut blocked) = (0, 0);
        while taken < octets.len() || transport.has_unwritten() {
            match transport.try_write(&octets[taken..]) {
                Ok(count) => {
                    taken += count;
                    continue;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            blocked += 1;
            if blocked == 1 {
                assert!(transport.has_unwritten(), "what was taken last is still here");
                go.send(()).unwrap();
            }
            transport.ready(false, true).await.unwrap();
            transport.flush().unwrap();
        }
        assert!(blocked > 0);
        assert!(result.recv().unwrap());
    }

    #[tokio::test]
    async fn all_that_the_peer_sent_is_read_before_its_goodbye() {
        let mut transport = ends(|peer| {
            peer.write_all(&pattern(1 << 20)).unwrap();
            peer.conn.send_close_notify();
            peer.flush().unwrap();
        })
        .await;
        let mut input = BytesMut::new();
        loop {
            transport.ready(true, false).await.unwrap();
            match transport.try_read(&mut input) {
                Ok(0) => break,
                Ok(octets) => assert!(octets < 2 * READ_CHUNK, "{octets} at once"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(input, pattern(1 << 20));
    }
}
