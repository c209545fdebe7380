//! Which trace, and which span of it: as callers write it (W3C Trace Context), or made out of the ids of a message.

use std::collections::HashMap;
use std::fmt;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::domain::{MessageId, UnixMicros};

/// The header.
const TRACEPARENT: &str = "traceparent";

/// A span by its trace and its id, and whether it is told. Shown, it is a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    trace: TraceId,
    span: SpanId,
    sampled: bool,
}

impl Context {
    /// Reads a `traceparent`; `None` for what is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), text.to_owned())]);
        let context = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &carrier);
        Self::known(context.span().span_context())
    }

    /// What a span of the log is in traces, from when on it has begun; `None`: nothing is traced.
    pub(crate) fn of(span: &Span) -> Option<Self> {
        Self::known(span.context().span().span_context())
    }

    /// What the work that goes on belongs to.
    pub(crate) fn current() -> Option<Self> {
        Self::of(&Span::current())
    }

    fn known(span: &SpanContext) -> Option<Self> {
        span.is_valid().then(|| Self {
            trace: span.trace_id(),
            span: span.span_id(),
            sampled: span.is_sampled(),
        })
    }

    /// From here on that span of the log, which has not begun, is a part of this one.
    pub(crate) fn is_parent_of(self, span: &Span) {
        let parent = opentelemetry::Context::new().with_remote_span_context(self.into());
        // Without traces there is nobody who would take it.
        let _untraced = span.set_parent(parent);
    }

    /// A trace of its own, which is told.
    pub(crate) fn fresh() -> Self {
        let ids = RandomIdGenerator::default();
        Self {
            trace: ids.new_trace_id(),
            span: ids.new_span_id(),
            sampled: true,
        }
    }

    /// A span of its own in the same trace.
    pub(crate) fn beside(self) -> Self {
        Self {
            span: RandomIdGenerator::default().new_span_id(),
            ..self
        }
    }

    /// The submission of a message of which an SMSC has taken that part. `launch`: the span of the campaign's launch; without it, as of
    /// single messages, the trace is the message's own, made out of its id and of when its campaign was.
    pub(crate) fn of_taken(message: MessageId, part: u8, launch: Result<Self, UnixMicros>) -> Self {
        let span = SpanId::from(mix(message.0 ^ mix(u64::from(part) + 1)).max(1));
        match launch {
            Ok(launch) => Self { span, ..launch },
            Err(made) => {
                let high = mix(made.0 ^ mix(message.0));
                Self {
                    trace: TraceId::from(u128::from(high.max(1)) << 64 | u128::from(mix(high ^ made.0))),
                    span,
                    sampled: true,
                }
            }
        }
    }

    pub(crate) const fn is_sampled(&self) -> bool {
        self.sampled
    }

    pub(super) const fn span_id(&self) -> SpanId {
        self.span
    }

    /// The trace's id, as people look for it.
    pub(crate) fn trace_id(&self) -> String {
        self.trace.to_string()
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

impl From<Context> for SpanContext {
    fn from(context: Context) -> Self {
        let flags = TraceFlags::default().with_sampled(context.sampled);
        Self::new(context.trace, context.span, flags, false, TraceState::NONE)
    }
}

/// Neighbouring numbers become unrelated ones, each another (splitmix64's last step).
pub(super) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let context = Context::parse(GIVEN).unwrap();
        assert_eq!((context.to_string().as_str(), context.is_sampled()), (GIVEN, true));
        assert!(!Context::parse(&GIVEN.replace("-01", "-00")).unwrap().is_sampled());
        for wrong in [
            "",
            "00-0-0-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "x",
        ] {
            assert_eq!(Context::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_messages_spans_are_found_again_and_are_nobody_elses() {
        let (launch, made) = (Context::parse(GIVEN).unwrap(), UnixMicros(1_800_000_000_000_000));
        let taken = |message, part, launch| Context::of_taken(MessageId(message), part, launch);
        assert_eq!(taken(5, 0, Ok(launch)), taken(5, 0, Ok(launch)));
        assert_eq!(taken(5, 0, Ok(launch)).trace_id(), launch.trace_id());
        let all = [
            taken(5, 0, Ok(launch)),
            taken(5, 1, Ok(launch)),
            taken(6, 0, Ok(launch)),
        ];
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2], "{all:?}");
        let other = UnixMicros(made.0 + 1);
        assert_ne!(taken(5, 0, Err(made)).trace_id(), taken(6, 0, Err(made)).trace_id());
        assert_ne!(taken(5, 0, Err(made)).trace_id(), taken(5, 0, Err(other)).trace_id());
    }
}
