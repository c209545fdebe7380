//! Traces: what a request, a launch, a submission and a receipt took, as spans for an OTLP receiver.
//!
//! Requests and launches are spans of the log, too. Of a message a span is made when what it tells is over, so that nothing is carried on
//! its way: the ids of its spans follow from its own. Off, all this is a branch. A receiver that is away loses spans, never messages.

mod choice;
mod context;
mod export;
mod message;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanProcessor};
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::{Layer, Registry};

use crate::config;
use crate::domain::{MessageId, UnixMicros};
use crate::metrics::Metrics;
use choice::{Choice, Errors};
pub(crate) use context::Context;
pub(crate) use export::TracerFault;
use export::{Exporting, Tally};
pub(crate) use message::{Finished, Role, Value};

/// How long the last spans may take at the end.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// What the spans are written by.
const SCOPE: &str = "campanile";

/// Spans of that module path are ours; libraries have their own.
const OURS: &str = "campanile";

/// Where spans go. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Tracer(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    /// Of the spans that are spans of the log, too.
    provider: SdkTracerProvider,
    /// Where it sends them, and where those of messages go at once.
    exporting: Exporting,
    scope: InstrumentationScope,
    choice: Choice,
    errors: Errors,
    tally: Tally,
}

impl Tracer {
    /// Nothing is traced.
    pub(crate) const fn off() -> Self {
        Self(None)
    }

    /// To the receiver of `[traces]`, in a thread of its own; nowhere without one.
    ///
    /// # Errors
    /// When the endpoint is no URL after all.
    pub(crate) fn start(traces: &config::Traces) -> Result<Self, TracerFault> {
        let Some(endpoint) = &traces.endpoint else {
            return Ok(Self::off());
        };
        let tally = Tally::default();
        let exporting = Exporting::start(endpoint, &tally)?;
        let choice = Choice::new(traces.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(exporting.clone())
            .with_sampler(choice.clone())
            .with_resource(export::resource())
            .build();
        let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION"));
        Ok(Self(Some(Arc::new(Shared {
            provider,
            exporting,
            scope: scope.build(),
            choice,
            errors: Errors::default(),
            tally,
        }))))
    }

    /// What is lost from here on is counted there.
    pub(crate) fn count_in(&self, metrics: &Metrics) {
        if let Some(shared) = &self.0 {
            shared.tally.count_in(&metrics.trace_spans_lost_total);
        }
    }

    /// What makes spans of the log spans of traces. Lines of the log stay where they are.
    pub(crate) fn layer(&self) -> Option<Box<dyn Layer<Registry> + Send + Sync>> {
        let shared = self.0.as_ref()?;
        let tracer = shared.provider.tracer_with_scope(shared.scope.clone());
        let ours = FilterFn::new(|about| about.is_span() && about.target().starts_with(OURS));
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO));
        Some(layer.boxed())
    }

    /// Makes that span, which has not begun, one of the trace of whoever asks (`traceparent`, W3C), under that name. Returns what it is in
    /// its trace; `None`: nothing is traced, or not this.
    pub(crate) fn begin(
        &self,
        span: &Span,
        name: impl FnOnce() -> String,
        traceparent: Option<&str>,
    ) -> Option<Context> {
        self.0.as_ref()?;
        span.record("otel.name", name());
        if let Some(parent) = traceparent.and_then(Context::parse) {
            parent.is_parent_of(span);
        }
        Context::of(span).filter(Context::is_sampled)
    }

    /// Whether that message is one of those that are traced. The same in every process.
    pub(crate) fn chooses(&self, message: MessageId) -> bool {
        self.0
            .as_ref()
            .is_some_and(|shared| shared.choice.takes_message(message))
    }

    /// Whether something that went wrong is told though it was not chosen: the first of each second are.
    pub(crate) fn chooses_error(&self, now: UnixMicros) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.errors.take(now))
    }

    /// Tells of what is over, if it is one of those that are told.
    pub(crate) fn tell(&self, span: Finished) {
        if let Some(shared) = self.0.as_ref().filter(|_| span.context.is_sampled()) {
            shared.exporting.on_end(span.data(shared.scope.clone()));
        }
    }

    /// Tells the last, and no more from then on.
    pub(crate) async fn end(&self) {
        let Some(shared) = self.0.clone() else { return };
        let last = tokio::task::spawn_blocking(move || shared.exporting.shutdown_with_timeout(LAST_SPANS));
        // What did not go is counted where it was lost.
        let _ended = tokio::time::timeout(LAST_SPANS, last).await.is_ok();
    }
}
