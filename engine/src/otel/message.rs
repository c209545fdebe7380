//! Spans of messages: made when what they tell is over.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Link, SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::context::Context;
use crate::domain::UnixMicros;
pub(crate) use opentelemetry::Value;

/// What a span is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// We asked somebody.
    Client,
    /// Somebody brought us something.
    Consumer,
}

/// Something that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) context: Context,
    pub(crate) parent: Option<Context>,
    pub(crate) began: UnixMicros,
    pub(crate) ended: UnixMicros,
    pub(crate) name: Cow<'static, str>,
    pub(crate) role: Role,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    /// Of another trace, without which it would not be.
    pub(crate) follows: Option<Context>,
    /// What went wrong.
    pub(crate) error: Option<Cow<'static, str>>,
}

impl Finished {
    pub(super) fn data(self, scope: InstrumentationScope) -> SpanData {
        let mut links = SpanLinks::default();
        links
            .links
            .extend(self.follows.map(|follows| Link::with_context(follows.into())));
        SpanData {
            span_context: self.context.into(),
            parent_span_id: self.parent.map_or(SpanId::INVALID, |parent| parent.span_id()),
            parent_span_is_remote: false,
            span_kind: match self.role {
                Role::Client => SpanKind::Client,
                Role::Consumer => SpanKind::Consumer,
            },
            name: self.name,
            start_time: wall(self.began),
            end_time: wall(self.ended.max(self.began)),
            attributes: self
                .attributes
                .into_iter()
                .map(|(key, value)| KeyValue::new(key, value))
                .collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: self.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: scope,
        }
    }
}

fn wall(at: UnixMicros) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(at.0)
}
