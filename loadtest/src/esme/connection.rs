//! One connection to an SMSC, plain or in TLS: octets out, octets in, whichever comes first.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::tls::Tls;

/// From the first SYN to the end of the TLS handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Where the SMSC is.
#[derive(Clone)]
pub(crate) struct Target {
    /// `host:port`.
    pub(crate) address: String,
    /// In TLS, if there is one.
    pub(crate) tls: Option<Tls>,
}

/// A connection.
pub(super) enum Connection {
    Plain(TcpStream),
    /// Its state is some kilobytes large.
    Tls(Box<TlsStream<TcpStream>>),
}

/// What one exchange has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Octets that were taken from us.
    pub(super) wrote: usize,
    /// Octets that came; `Some(0)`: the other side has closed.
    pub(super) read: Option<usize>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens, the name is unknown, the handshake fails, or all that takes too long.
    pub(super) async fn open(target: &Target) -> Result<Self> {
        let address = &target.address;
        let opening = Self::handshake(target);
        match tokio::time::timeout(CONNECT_WITHIN, opening).await {
            Ok(opened) => opened.with_context(|| format!("cannot connect to {address}")),
            Err(_) => anyhow::bail!("cannot connect to {address}: nothing came of it in {CONNECT_WITHIN:?}"),
        }
    }

    async fn handshake(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&target.address).await?;
        // Batches are written whole: waiting for more octets would only add latency.
        stream.set_nodelay(true)?;
        let Some(tls) = &target.tls else {
            return Ok(Self::Plain(stream));
        };
        let name = ServerName::try_from(tls.name.clone())?;
        let stream = TlsConnector::from(Arc::clone(&tls.configuration))
            .connect(name, stream)
            .await?;
        Ok(Self::Tls(Box::new(stream)))
    }

    /// Writes of `out` what is taken, reads into `room` what there is, and returns as soon as either did something, or
    /// when `sleep` is over.
    ///
    /// # Errors
    /// The connection is lost.
    pub(super) async fn exchange(
        &mut self,
        out: &[u8],
        room: &mut [u8],
        mut sleep: Pin<&mut Sleep>,
    ) -> io::Result<Progress> {
        poll_fn(|context| {
            let progress = match self {
                Self::Plain(stream) => poll_both(pin!(stream), context, out, room),
                Self::Tls(stream) => poll_both(pin!(stream), context, out, room),
            }?;
            let slept = sleep.as_mut().poll(context).is_ready();
            if progress.wrote > 0 || progress.read.is_some() || slept {
                return Poll::Ready(Ok(progress));
            }
            Poll::Pending
        })
        .await
    }
}

fn poll_both<S: AsyncRead + AsyncWrite>(
    mut stream: Pin<&mut S>,
    context: &mut Context<'_>,
    out: &[u8],
    room: &mut [u8],
) -> io::Result<Progress> {
    let mut progress = Progress::default();
    if !out.is_empty()
        && let Poll::Ready(wrote) = stream.as_mut().poll_write(context, out)
    {
        progress.wrote = wrote?;
    }
    // TLS keeps records back until it is told to let them go; for a plain socket this does nothing.
    if let Poll::Ready(Err(error)) = stream.as_mut().poll_flush(context) {
        return Err(error);
    }
    let mut buffer = ReadBuf::new(room);
    if let Poll::Ready(read) = stream.poll_read(context, &mut buffer) {
        read?;
        progress.read = Some(buffer.filled().len());
    }
    Ok(progress)
}

/// A sleep that ends at `at`; one is kept for each connection and set anew.
pub(super) fn sleep_until(at: Instant) -> Sleep {
    tokio::time::sleep_until(at.into())
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server for `localhost` that sends back the first four octets, and its certificate as PEM.
    async fn echo() -> (std::net::SocketAddr, String, tokio::task::JoinSet<()>) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let configuration = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(configuration));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us ends the handshake: the next one may.
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut octets = [0; 4];
                    stream.read_exact(&mut octets).await.unwrap();
                    stream.write_all(&octets).await.unwrap();
                    stream.flush().await.unwrap();
                }
            }
        });
        (address, made.cert.pem(), tasks)
    }

    fn target(address: std::net::SocketAddr, certificate: &str, name: &str) -> Target {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        std::fs::write(&file, certificate).unwrap();
        Target {
            address: address.to_string(),
            tls: Some(Tls::trusting(&file, name.to_owned()).unwrap()),
        }
    }

    #[tokio::test]
    async fn octets_go_both_ways_in_tls() {
        let (address, certificate, _tasks) = echo().await;
        let mut connection = Connection::open(&target(address, &certificate, "localhost"))
            .await
            .unwrap();
        let mut sleep = pin!(sleep_until(crate::clock::now() + CONNECT_WITHIN));
        let (mut out, mut room, mut filled) = (&b"ping"[..], [0; 64], 0);
        while filled < 4 {
            let progress = connection
                .exchange(out, &mut room[filled..], sleep.as_mut())
                .await
                .unwrap();
            assert!(
                progress.wrote > 0 || progress.read.is_some_and(|read| read > 0),
                "nothing in {CONNECT_WITHIN:?}"
            );
            out = &out[progress.wrote..];
            filled += progress.read.unwrap_or(0);
        }
        assert_eq!(&room[..4], b"ping");
    }

    #[tokio::test]
    async fn another_name_or_issuer_is_not_trusted() {
        let (address, certificate, _tasks) = echo().await;
        assert!(
            Connection::open(&target(address, &certificate, "smsc.example"))
                .await
                .is_err()
        );
        let (_, foreign, _others) = echo().await;
        assert!(Connection::open(&target(address, &foreign, "localhost")).await.is_err());
    }
}
