//! One POST to a receiver: over a connection of its own, to an address that was looked at, without a redirect followed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use strum::IntoStaticStr;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::reach::{Reach, literal};
use crate::config::Tls;
use crate::fault::UrlProblem;

/// The longest URL.
const URL_MAX: usize = 500;

const INVALID: UrlProblem = UrlProblem::InvalidUrl { max: URL_MAX };

/// The most addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;

/// What is read of an answer before its connection is closed.
const ANSWER_OCTETS_MAX: usize = 16 << 10;

/// What is posted: a body under an id, with its signatures.
pub(super) struct Letter<'a> {
    pub(super) url: &'a str,
    pub(super) id: &'a str,
    /// Unix time of the attempt, in seconds.
    pub(super) second: u64,
    pub(super) signatures: &'a str,
    pub(super) body: Bytes,
}

/// What a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    /// How long it asks us to wait.
    pub(super) retry_after: Option<Duration>,
}

/// Why there is no answer. The words are those of the delivery log.
#[derive(Debug, Error, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum NoAnswer {
    #[error("it took longer than allowed")]
    Timeout,
    #[error("the address must not be asked")]
    ForbiddenAddress,
    #[error("its name has no address: {0}")]
    NoAddress(io::Error),
    #[error("it cannot be connected to: {0}")]
    Unreachable(io::Error),
    #[error("no TLS with it: {0}")]
    TlsFailed(io::Error),
    #[error("the connection broke: {0}")]
    Broken(hyper::Error),
    #[error("it cannot be asked: {0}")]
    BadRequest(hyper::http::Error),
}

/// Posts. Cheap to clone.
#[derive(Clone)]
pub(super) struct Postman {
    reach: Arc<Reach>,
    tls: TlsConnector,
    within: Duration,
}

impl Postman {
    /// `within`: how long a POST may take, from the look-up of the name to the end of the answer.
    ///
    /// # Errors
    /// When the cryptography has no version of TLS, which the tests rule out.
    pub(super) fn new(reach: Reach, within: Duration) -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder_with_provider(Tls::provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            reach: Arc::new(reach),
            tls: TlsConnector::from(Arc::new(tls)),
            within,
        })
    }

    /// A URL that may be asked, as far as can be told without asking: names are looked up at each attempt.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check(&self, text: &str) -> Result<(), UrlProblem> {
        let url = parse(text)?;
        let host = url.host_str().ok_or(INVALID)?;
        let address = literal(host);
        if address.is_some_and(|address| !self.reach.reaches(address)) {
            return Err(UrlProblem::ForbiddenAddress);
        }
        let secure = url.scheme() == "https" || address.is_some_and(|address| self.reach.allows(address));
        if secure { Ok(()) } else { Err(UrlProblem::InsecureUrl) }
    }

    /// Posts a letter. A redirect is an answer like any other.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) async fn post(&self, letter: &Letter<'_>) -> Result<Answer, NoAnswer> {
        let (answer, _) = self.post_within(letter, self.within).await?;
        Ok(answer)
    }

    /// The same, with what was answered, as far as it is read; all of it within that time.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) async fn post_within(&self, letter: &Letter<'_>, within: Duration) -> Result<(Answer, Bytes), NoAnswer> {
        timeout(within, self.ask(letter)).await.map_err(|_| NoAnswer::Timeout)?
    }

    async fn ask(&self, letter: &Letter<'_>) -> Result<(Answer, Bytes), NoAnswer> {
        let url = parse(letter.url).map_err(|_| NoAnswer::ForbiddenAddress)?;
        let host = url.host_str().ok_or(NoAnswer::ForbiddenAddress)?;
        let port = url.port_or_known_default().ok_or(NoAnswer::ForbiddenAddress)?;
        let stream = self.connect(host, port, url.scheme() == "https").await?;
        let request = request(&url, letter).map_err(NoAnswer::BadRequest)?;
        if url.scheme() != "https" {
            return exchange(stream, request).await;
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|error| NoAnswer::TlsFailed(io::Error::other(error)))?;
        let secured = self.tls.connect(name, stream).await.map_err(NoAnswer::TlsFailed)?;
        exchange(secured, request).await
    }

    /// To the first address that answers, of those that may be asked: what was looked at is what is connected to, so that a name
    /// cannot have another address a moment later.
    async fn connect(&self, host: &str, port: u16, secure: bool) -> Result<TcpStream, NoAnswer> {
        let found = lookup_host(format!("{host}:{port}"))
            .await
            .map_err(NoAnswer::NoAddress)?;
        let may = |address: &SocketAddr| match secure {
            true => self.reach.reaches(address.ip()),
            false => self.reach.allows(address.ip()),
        };
        let mut failed = NoAnswer::ForbiddenAddress;
        let addresses: Vec<SocketAddr> = found.take(ADDRESSES_MAX).filter(may).collect();
        // One that swallows what is sent there leaves time for the others.
        let within = self.within / addresses.len().max(1) as u32;
        for address in addresses {
            match timeout(within, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = NoAnswer::Unreachable(error),
                Err(late) => failed = NoAnswer::Unreachable(late.into()),
            }
        }
        Err(failed)
    }
}

fn parse(text: &str) -> Result<Url, UrlProblem> {
    let url = Url::parse(text).map_err(|_| INVALID)?;
    let known = ["http", "https"].contains(&url.scheme());
    let nobody = url.username().is_empty() && url.password().is_none();
    let sound = known && nobody && text.len() <= URL_MAX && url.host_str().is_some();
    if sound { Ok(url) } else { Err(INVALID) }
}

fn request(url: &Url, letter: &Letter<'_>) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let authority = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    Request::post(target)
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("Campanile/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", letter.id)
        .header("webhook-timestamp", letter.second)
        .header("webhook-signature", letter.signatures)
        .body(Full::new(letter.body.clone()))
}

/// Sends the request and reads the answer, as far as it is of use. The connection ends with it.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(Answer, Bytes), NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(NoAnswer::Broken)?;
    let asked = async {
        let response = sender.send_request(request).await.map_err(NoAnswer::Broken)?;
        let answer = answer_of(&response);
        // That it was read lets the receiver end in order, whoever wants what it says.
        let read = Limited::new(response.into_body(), ANSWER_OCTETS_MAX).collect().await;
        Ok((answer, read.map(Collected::to_bytes).unwrap_or_default()))
    };
    tokio::pin!(connection, asked);
    tokio::select! {
        answered = &mut asked => answered,
        // It may have ended with the answer in it.
        ended = &mut connection => match ended {
            Ok(()) => asked.await,
            Err(error) => Err(NoAnswer::Broken(error)),
        },
    }
}

fn answer_of<B>(response: &Response<B>) -> Answer {
    let throttled = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    let asked = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let seconds = asked.and_then(|text| text.trim().parse().ok());
    Answer {
        code: response.status().as_u16(),
        // As a date it is not read: the usual wait holds then.
        retry_after: seconds
            .filter(|_| throttled.contains(&response.status()))
            .map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(5);

    fn postman(allowed: &[&str]) -> Postman {
        let allowed: Vec<_> = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Postman::new(Reach::new(&allowed), WITHIN).unwrap()
    }

    fn letter(url: &str) -> Letter<'_> {
        Letter {
            url,
            id: "dlv_1",
            second: 5,
            signatures: "v1,a v1,b",
            body: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn urls_are_public_and_secure_unless_their_address_is_allowed() {
        let postman = postman(&["127.0.0.1/32"]);
        for (url, fault) in [
            ("https://example.net/hook?a=b", None),
            ("http://127.0.0.1:9000/hook", None),
            ("https://8.8.8.8/", None),
            ("http://example.net/hook", Some(UrlProblem::InsecureUrl)),
            ("https://10.0.0.1/", Some(UrlProblem::ForbiddenAddress)),
            ("https://2130706434/", Some(UrlProblem::ForbiddenAddress)),
            ("https://[::1]/", Some(UrlProblem::ForbiddenAddress)),
            ("https://user:word@example.net/", Some(INVALID)),
            ("ftp://example.net/", Some(INVALID)),
            ("example.net", Some(INVALID)),
        ] {
            assert_eq!(postman.check(url).err(), fault, "{url}");
        }
        let long = format!("https://example.net/{}", "a".repeat(URL_MAX));
        assert_eq!(postman.check(&long), Err(INVALID));
    }

    /// Answers one request with these octets, and returns what it was asked.
    async fn receiver(answer: &'static str) -> (String, JoinSet<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answering = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4_096];
            let mut length = 0;
            while !asked[..length].ends_with(b"{}") {
                length += stream.read(&mut asked[length..]).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..length]).to_lowercase()
        };
        let mut asked = JoinSet::new();
        asked.spawn(answering);
        (format!("http://{address}/hook?of=us"), asked)
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_a_throttling_one_says_for_how_long() {
        for (answer, code, wait) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, None),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
                302,
                None,
            ),
            (
                "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
                503,
                Some(Duration::from_secs(7)),
            ),
            (
                "HTTP/1.1 500 Oh\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nno",
                500,
                None,
            ),
        ] {
            let (url, mut asked) = receiver(answer).await;
            let answered = postman(&["127.0.0.0/8"]).post(&letter(&url)).await.unwrap();
            assert_eq!((answered.code, answered.retry_after), (code, wait));
            let asked = asked.join_next().await.unwrap().unwrap();
            assert!(asked.starts_with("post /hook?of=us http/1.1\r\n"), "{asked}");
            assert!(asked.contains("webhook-signature: v1,a v1,b\r\n"), "{asked}");
        }
    }

    #[tokio::test]
    async fn an_address_is_looked_at_when_it_is_asked_and_a_name_does_not_help() {
        let (url, _asked) = receiver("").await;
        for url in [
            url.replace("127.0.0.1", "localhost"),
            url.replace("http:", "https:"),
            url,
        ] {
            let refused = postman(&[]).post(&letter(&url)).await;
            assert!(matches!(refused, Err(NoAnswer::ForbiddenAddress)), "{url}: {refused:?}");
        }
    }
}
