//! What an attempt makes of its delivery and of its endpoint: a rule without I/O.

use std::time::Duration;

use super::backlog::{Delivery, DeliveryState};
use super::endpoint::{Disabled, Endpoint};
use super::post::{Answer, NoAnswer};
use super::schedule::wait;
use crate::domain::UnixMicros;

/// 410: the receiver is there no more (Standard Webhooks 1.0.0, "Deliverability and reliability").
const GONE: u16 = 410;

/// An attempt that is over.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) began_at: UnixMicros,
    pub(super) took: Duration,
    pub(super) result: Result<Answer, NoAnswer>,
}

/// What came of it, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum PostResult {
    /// The receiver has it.
    Delivered,
    /// It answered otherwise.
    Refused,
    /// It did not answer in time.
    Timeout,
    /// It could not be reached, or the connection broke.
    Unreachable,
    /// Its address must not be asked.
    Forbidden,
}

/// What attempts go by.
pub(super) struct Rules<'a> {
    /// The wait before each attempt.
    pub(super) retries: &'a [Duration],
    pub(super) now: UnixMicros,
    /// 0 to 1.
    pub(super) chance: f64,
}

impl Attempt {
    pub(super) fn post_result(&self) -> PostResult {
        match &self.result {
            Ok(answer) if answer.is_success() => PostResult::Delivered,
            Ok(_) => PostResult::Refused,
            Err(NoAnswer::Timeout) => PostResult::Timeout,
            Err(NoAnswer::ForbiddenAddress) => PostResult::Forbidden,
            Err(
                NoAnswer::NoAddress(_)
                | NoAnswer::Unreachable(_)
                | NoAnswer::TlsFailed(_)
                | NoAnswer::Broken(_)
                | NoAnswer::BadRequest(_),
            ) => PostResult::Unreachable,
        }
    }
}

impl Answer {
    const fn is_success(self) -> bool {
        self.code >= 200 && self.code < 300
    }
}

/// Notes an attempt at both. Returns whether the endpoint is another then.
///
/// A delivery that fails waits by its own number of attempts, and its endpoint rests by its failures in a row: then one delivery is
/// tried, of those that were tried least, so that neither a receiver that is away nor one bad delivery has all others tried in vain.
pub(super) fn judge(endpoint: &mut Endpoint, delivery: &mut Delivery, attempt: &Attempt, rules: &Rules<'_>) -> bool {
    note(delivery, attempt);
    if attempt.post_result() == PostResult::Delivered {
        let failed = endpoint.failures > 0;
        (endpoint.failures, endpoint.failing_since, endpoint.resting_until) = (0, None, UnixMicros(0));
        return failed;
    }
    let asked = attempt.result.as_ref().ok().and_then(|answer| answer.retry_after);
    let again = |tried: u32| wait(rules.retries, tried as usize, asked, rules.chance);
    match again(delivery.attempts) {
        Some(wait) => delivery.next_at = rules.now.plus(wait),
        None => delivery.state = DeliveryState::Failed,
    }
    if delivery.code == Some(GONE) {
        endpoint.disabled = Some((rules.now, Disabled::Gone));
        return true;
    }
    // Of several at once that failed together one counts.
    if attempt.began_at < endpoint.resting_until {
        return false;
    }
    endpoint.failures += 1;
    endpoint.failing_since.get_or_insert(attempt.began_at);
    match again(endpoint.failures) {
        Some(wait) => endpoint.resting_until = rules.now.plus(wait),
        None => endpoint.disabled = Some((rules.now, Disabled::Failing)),
    }
    true
}

/// Notes an attempt at its delivery alone.
pub(super) fn note(delivery: &mut Delivery, attempt: &Attempt) {
    delivery.attempts += 1;
    delivery.attempted_at = Some(attempt.began_at);
    delivery.milliseconds = Some(attempt.took.as_millis() as u64);
    delivery.code = attempt.result.as_ref().ok().map(|answer| answer.code);
    delivery.fault = attempt
        .result
        .as_ref()
        .err()
        .map(|fault| <&str>::from(fault).to_owned());
    if attempt.post_result() == PostResult::Delivered {
        delivery.state = DeliveryState::Delivered;
    }
}
