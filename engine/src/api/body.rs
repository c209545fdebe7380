//! Bodies of requests: read with limits on length and slowness, whole or as they come.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bytes::{Buf, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::problem::{Problem, ProblemKind};
use crate::clock::Clock;
use crate::store::BodyDigest;

/// The longest body of every route but `POST /v1/campaigns`, in octets.
pub(super) const SMALL_MAX: u64 = 1 << 20;

/// The longest silence within a body.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How slow a body may be: after a start of half a minute, at least 1 KiB a second. Less is a broken line, or someone
/// who wants to occupy us.
const SLOW_START: Duration = Duration::from_secs(30);
const OCTETS_PER_SECOND_MIN: u64 = 1 << 10;

/// Chunks that may wait for the reader: a megabyte or so.
const CHUNKS_MAX: usize = 8;

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyFault {
    /// It is longer than allowed.
    #[error("the body is longer than {max} bytes")]
    TooLarge {
        /// The most bytes allowed.
        max: u64,
    },
    /// It came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
}

impl From<BodyFault> for Problem {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TooLarge { max } => ProblemKind::BodyTooLarge { max }.into(),
            // Nobody is there to read what a broken connection is answered with.
            BodyFault::TooSlow | BodyFault::Broken => ProblemKind::RequestTimeout.into(),
        }
    }
}

fn unsupported(media: Media, is_packed: bool) -> Problem {
    let allowed = media.types();
    ProblemKind::UnsupportedMediaType { allowed, is_packed }.into()
}

/// A body on its way in.
pub(super) struct Intake {
    body: Body,
    max: u64,
    read: u64,
    waited: Duration,
    clock: Clock,
}

impl Intake {
    /// A JSON body of at most `max` octets.
    ///
    /// # Errors
    /// 415 when it says to be something else, 413 when it says to be longer.
    pub(super) fn new(headers: &HeaderMap, body: Body, max: u64, clock: Clock) -> Result<Self, Problem> {
        Self::of((headers, Media::Json), body, max, clock)
    }

    /// The same of a body that may be something else.
    ///
    /// # Errors
    /// As [`Intake::new`].
    pub(super) fn of(
        (headers, media): (&HeaderMap, Media),
        body: Body,
        max: u64,
        clock: Clock,
    ) -> Result<Self, Problem> {
        if !media.is_of(headers) {
            return Err(unsupported(media, false));
        }
        let coding = headers.get(header::CONTENT_ENCODING);
        // RFC 9110, 8.4.1: one that says that nothing was done to it is none.
        if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(unsupported(media, true));
        }
        let length = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > max) {
            return Err(ProblemKind::BodyTooLarge { max }.into());
        }
        Ok(Self {
            body,
            max,
            read: 0,
            waited: Duration::ZERO,
            clock,
        })
    }

    /// The whole body.
    ///
    /// # Errors
    /// See [`BodyFault`].
    pub(super) async fn whole(mut self) -> Result<Bytes, BodyFault> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The SHA-256 of the whole body, which is not kept.
    ///
    /// # Errors
    /// See [`BodyFault`].
    pub(super) async fn digest(mut self) -> Result<BodyDigest, BodyFault> {
        let mut hash = Sha256::new();
        while let Some(chunk) = self.next().await? {
            hash.update(&chunk);
        }
        Ok(hash.finalize().into())
    }

    /// Hands the body on, chunk by chunk, until its end or its fault, or until nobody takes it any more.
    pub(super) async fn pump(mut self, chunks: mpsc::Sender<Chunk>) {
        loop {
            let chunk = match self.next().await {
                Ok(Some(data)) => Chunk::Data(data),
                Ok(None) => Chunk::End,
                Err(fault) => Chunk::Fault(fault),
            };
            let last = !matches!(chunk, Chunk::Data(_));
            if chunks.send(chunk).await.is_err() || last {
                return;
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BodyFault> {
        loop {
            let before = self.clock.now();
            let body = &mut self.body;
            let frame = tokio::time::timeout(SILENCE_MAX, poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await;
            self.waited += self.clock.now() - before;
            let Some(frame) = frame.map_err(|_| BodyFault::TooSlow)? else {
                return Ok(None);
            };
            // Trailers say nothing to us.
            let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else {
                continue;
            };
            self.read += data.len() as u64;
            if self.read > self.max {
                return Err(BodyFault::TooLarge { max: self.max });
            }
            if self.waited > SLOW_START && self.read < self.waited.as_secs() * OCTETS_PER_SECOND_MIN {
                return Err(BodyFault::TooSlow);
            }
            return Ok(Some(data));
        }
    }
}

/// What a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    /// A file of contacts: what it is, is seen by its octets.
    Sheet,
}

impl Media {
    pub(super) const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["application/json"],
            Self::Sheet => &[
                "text/csv",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ],
        }
    }

    /// Nothing said is right, too: people who type requests leave it out.
    fn is_of(self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(header::CONTENT_TYPE) else {
            return true;
        };
        let essence = given
            .to_str()
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        self.types().iter().any(|known| essence.eq_ignore_ascii_case(known))
    }
}

/// A piece of a body.
#[derive(Debug)]
pub(super) enum Chunk {
    /// Some octets.
    Data(Bytes),
    /// All of it was read.
    End,
    /// The rest cannot be read.
    Fault(BodyFault),
}

/// A body for a thread that blocks on it.
pub(super) struct ChunkReader {
    chunks: mpsc::Receiver<Chunk>,
    current: Bytes,
    ended: bool,
}

/// The two ends of a body that goes to a blocking thread.
pub(super) fn bridge() -> (mpsc::Sender<Chunk>, ChunkReader) {
    let (sender, chunks) = mpsc::channel(CHUNKS_MAX);
    (
        sender,
        ChunkReader {
            chunks,
            current: Bytes::new(),
            ended: false,
        },
    )
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.chunks.blocking_recv() {
                Some(Chunk::Data(data)) => self.current = data,
                Some(Chunk::End) => self.ended = true,
                Some(Chunk::Fault(fault)) => return Err(io::Error::other(fault)),
                // The request was given up: what came is not all.
                None => return Err(io::Error::other(BodyFault::Broken)),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, StatusCode};

    use super::*;

    #[tokio::test]
    async fn a_body_that_says_to_be_compressed_is_refused_as_it_comes() {
        let status = |coding: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let Some(coding) = coding {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
            let intake = Intake::new(&headers, Body::empty(), SMALL_MAX, Clock::new());
            intake.err().map(|problem| problem.kind.status())
        };
        assert_eq!(status(None), None);
        assert_eq!(status(Some("Identity")), None);
        for packed in ["gzip", "br", "gzip, identity"] {
            assert_eq!(
                status(Some(packed)),
                Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
                "{packed}"
            );
        }
    }
}
