//! The way to the receiver: protobuf over HTTP, from a thread of its own, a batch at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::KeyValue;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter as Otlp, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};
use prometheus::IntCounter;

/// Spans that wait: some megabytes.
const WAITING_MAX: usize = 4_096;

/// Spans in one request.
const TOGETHER_MAX: usize = 512;

/// How long spans wait for others.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a receiver may take, attempts included.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The longest answer that is read: which spans were refused, and why.
const ANSWER_OCTETS_MAX: u64 = 64 << 10;

/// Spans can go nowhere.
#[derive(Debug, thiserror::Error)]
#[error("traces.endpoint: {0}")]
pub(crate) struct TracerFault(String);

/// Spans that wait, and a counter of those that are lost, from when on somebody counts. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    waiting: AtomicUsize,
    lost: OnceLock<IntCounter>,
}

impl Tally {
    pub(super) fn count_in(&self, counter: &IntCounter) {
        // An engine is started once.
        let _kept = self.0.lost.set(counter.clone());
    }

    /// Whether one more may wait; otherwise it is lost.
    fn takes(&self) -> bool {
        let room = |waiting| (waiting < WAITING_MAX).then_some(waiting + 1);
        let waiting = &self.0.waiting;
        let takes = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if !takes {
            self.lose(1);
        }
        takes
    }

    fn have_left(&self, spans: usize) {
        self.0.waiting.fetch_sub(spans, Ordering::Relaxed);
    }

    fn lose(&self, spans: usize) {
        if let Some(counter) = self.0.lost.get() {
            counter.inc_by(spans as u64);
        }
    }
}

/// Gathers spans, and sends them to a receiver. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Exporting {
    batches: Arc<BatchSpanProcessor>,
    tally: Tally,
}

impl Exporting {
    pub(super) fn start(endpoint: &str, tally: &Tally) -> Result<Self, TracerFault> {
        let settings = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WITHIN))
            .proxy(None);
        let otlp = Otlp::builder()
            .with_http()
            .with_http_client(Poster(settings.build().new_agent()))
            .with_endpoint(endpoint)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(ANSWER_WITHIN)
            .build();
        let exporter = Said {
            otlp: otlp.map_err(|error| TracerFault(error.to_string()))?,
            endpoint: endpoint.to_owned(),
            away: AtomicBool::new(false),
            tally: tally.clone(),
        };
        let config = BatchConfigBuilder::default()
            // Nothing is lost there that is not counted here.
            .with_max_queue_size(2 * WAITING_MAX)
            .with_max_export_batch_size(TOGETHER_MAX)
            .with_scheduled_delay(PAUSE);
        let mut processor = BatchSpanProcessor::new(exporter, config.build());
        processor.set_resource(&resource());
        Ok(Self {
            batches: Arc::new(processor),
            tally: tally.clone(),
        })
    }
}

impl SpanProcessor for Exporting {
    fn on_start(&self, span: &mut Span, context: &opentelemetry::Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.tally.takes() {
            self.batches.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }
}

/// Whose spans they are.
pub(super) fn resource() -> Resource {
    Resource::builder_empty()
        .with_service_name("campanile")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Says once that a receiver is away, once that it is back, and counts what is lost meanwhile.
#[derive(Debug)]
struct Said {
    otlp: Otlp,
    endpoint: String,
    away: AtomicBool,
    tally: Tally,
}

impl SpanExporter for Said {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.otlp.export(batch).await;
        self.tally.have_left(spans);
        let was_away = self.away.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Ok(()) if was_away => tracing::info!(endpoint = self.endpoint, "traces are taken again"),
            Ok(()) => {}
            Err(error) => {
                self.tally.lose(spans);
                if !was_away {
                    tracing::warn!(endpoint = self.endpoint, %error, "traces are not taken: they are lost until they are");
                }
            }
        }
        sent
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}

/// Posts from the thread that gathers: it may wait.
#[derive(Debug)]
struct Poster(ureq::Agent);

#[async_trait]
impl HttpClient for Poster {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let response = self.0.run(Request::from_parts(parts, &body[..]))?;
        let (parts, mut body) = response.into_parts();
        let read = body.with_config().limit(ANSWER_OCTETS_MAX).read_to_vec()?;
        Ok(Response::from_parts(parts, read.into()))
    }
}
