//! Which of all that happens is told.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

use super::context::mix;
use crate::domain::{MessageId, UnixMicros};

/// The attribute of a span that is told whatever chance says, unless its caller wants none.
const PRIORITY: &str = "sampling.priority";

/// What makes the choice of messages another than anything else that goes by their ids.
const MESSAGES: u64 = 0x7472_6163_6573;

/// Errors of messages that were not chosen, a second: what fails does so by the thousand.
const ERRORS_A_SECOND: u64 = 10;

const SECOND: u64 = 1_000_000;

/// The caller decides; without one what has priority, then chance.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    by_chance: Sampler,
    /// Messages are chosen whose mixed number is below.
    below: u64,
}

impl Choice {
    /// `ratio`: of all requests and messages, from 0 to 1.
    pub(super) fn new(ratio: f64) -> Self {
        Self {
            by_chance: Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))),
            below: if ratio >= 1.0 {
                u64::MAX
            } else {
                (ratio * u64::MAX as f64) as u64
            },
        }
    }

    pub(super) fn takes_message(&self, message: MessageId) -> bool {
        let number = mix(message.0 ^ MESSAGES);
        number < self.below || self.below == u64::MAX
    }
}

impl ShouldSample for Choice {
    fn should_sample(
        &self,
        parent: Option<&opentelemetry::Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let first = parent.is_none_or(|parent| !parent.has_active_span());
        let sampler = if first && attributes.iter().any(|attribute| attribute.key.as_str() == PRIORITY) {
            &Sampler::AlwaysOn
        } else {
            &self.by_chance
        };
        sampler.should_sample(parent, trace, name, kind, attributes, links)
    }
}

/// How many errors this second has had: the second above, their number below.
#[derive(Debug, Default)]
pub(super) struct Errors(AtomicU64);

impl Errors {
    /// Whether there is room for one more.
    pub(super) fn take(&self, now: UnixMicros) -> bool {
        let second = now.0 / SECOND;
        let next = |had: u64| {
            let (of, count) = (had >> 8, had & 0xff);
            let count = if of == second { count } else { 0 };
            (count < ERRORS_A_SECOND).then_some(second << 8 | (count + 1))
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_messages_is_the_ratio() {
        let taken = |ratio| {
            let choice = Choice::new(ratio);
            (0..100_000).filter(|id| choice.takes_message(MessageId(*id))).count()
        };
        assert_eq!((taken(0.0), taken(1.0)), (0, 100_000));
        assert!((900..1_100).contains(&taken(0.01)), "{}", taken(0.01));
    }

    #[test]
    fn errors_have_a_bound_each_second() {
        let errors = Errors::default();
        let in_second = |second: u64| {
            let at = |part: u64| UnixMicros(second * SECOND + part);
            (0..50).filter(|part| errors.take(at(*part))).count()
        };
        assert_eq!((in_second(1_800_000_000), in_second(1_800_000_001)), (10, 10));
    }
}
