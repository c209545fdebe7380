//! What an answer, or its absence, means for the message. Decides; carries nothing out.

mod collect;
mod meanings;

pub(crate) use collect::{Collector, Whole};
pub(crate) use meanings::{BrokenTable, Meanings, Verdict};

use std::time::Duration;

use smpp::command_status::CommandStatus;

use crate::bind::Reply;
use crate::config::{Again, AnswerMeaning, InDoubt};
use crate::domain::{Back, Event, Mark, Message, Reason, SmscId, Status, Trace, Traces, UnixMicros};

/// Submissions of one message that may be lost and sent again: then it stays in doubt after all.
const RESENDS_MAX: u8 = 8;

/// The longest pause before a message is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// What was refused as too fast for a while waits for this part of that while: what is refused whatever the pace is asked
/// more and more rarely, and does not take the place of others.
const PATIENCE: u32 = 8;

/// Why a message is submitted again: the labels of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Retry {
    /// The SMSC said that we are too fast.
    Throttled,
    /// Its queue is full.
    QueueFull,
    /// It refused for now.
    Temporary,
    /// It surely was not sent.
    Unsent,
    /// It was not sent: its sender or its number has had enough for now.
    Spaced,
    /// It may have been sent, and the policy is to send it again.
    InDoubt,
    /// The SMSC does not take it: another one is asked.
    OtherRoute,
    /// The SMSC takes nothing from the account.
    Stopped,
}

impl Retry {
    pub(crate) const fn label(self) -> &'static str {
        self.into_str()
    }
}

/// What an answered message is to do.
#[derive(Debug)]
pub(crate) struct Decision {
    /// What happened to it.
    pub(crate) event: Event,
    /// Why it is sent again, if it is.
    pub(crate) retry: Option<Retry>,
}

/// How answers are decided at one SMSC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy<'a> {
    /// What its answers mean.
    pub(crate) meanings: &'a Meanings,
    /// What becomes of messages that may have been sent.
    pub(crate) in_doubt: InDoubt,
    /// How long a message waits that came too fast for the SMSC, µs.
    pub(crate) pause: Duration,
    /// How long after its first refusal a message may be refused for now.
    pub(crate) retry_for: Duration,
    /// Who is asked next, where the SMSC does not take the message; `None`: nobody is left.
    pub(crate) next: Option<SmscId>,
}

impl<'a> Policy<'a> {
    /// Nobody is asked next, and retries have no end but their number.
    pub(crate) fn new(meanings: &'a Meanings, in_doubt: InDoubt, pause: Duration) -> Self {
        Self {
            meanings,
            in_doubt,
            pause,
            retry_for: Duration::MAX,
            next: None,
        }
    }
}

/// What the replies of a message add up to, segment by segment.
struct Sum {
    traces: Traces,
    attempts: u8,
    /// Since when the message is refused.
    since: UnixMicros,
    now: UnixMicros,
    pause: Duration,
    retry: Option<Retry>,
    /// A refusal counts against the message's attempts.
    counts: bool,
    /// The SMSC refused a segment for now.
    for_now: bool,
    /// It does not take a segment that another SMSC may take.
    elsewhere: bool,
    /// A segment was refused for good, wherever it goes.
    for_good: bool,
    why: (Reason, u16),
}

/// Decides on a leased message, composed as `segments`, whose submitted segments have these replies.
pub(crate) fn decide(
    message: &Message<'_>,
    (segments, replies): (u8, &[(u8, Reply)]),
    policy: &Policy<'_>,
    now: UnixMicros,
) -> Decision {
    let mut sum = Sum {
        traces: message.traces_or(Mark::Open, segments),
        attempts: message.attempts,
        since: message.tries.since().unwrap_or(now),
        now,
        pause: Duration::ZERO,
        retry: None,
        counts: false,
        for_now: false,
        elsewhere: false,
        for_good: false,
        why: (Reason::Answer, 0),
    };
    sum.for_good = sum.traces.any(|mark| matches!(mark, Mark::Refused(_)));
    for (part, reply) in replies {
        let trace = sum.add(reply, policy);
        if let Some(place) = sum.traces.segments.get_mut(usize::from(*part)) {
            *place = trace;
        }
    }
    sum.decide(policy)
}

impl Sum {
    /// What a reply says of its segment.
    fn add(&mut self, reply: &Reply, policy: &Policy<'_>) -> Trace {
        let mark = match reply {
            Reply::Accepted(id) => {
                if self.traces.at == UnixMicros::default() {
                    self.traces.at = self.now;
                }
                return Trace {
                    mark: Mark::Taken,
                    smsc_id: id.clone(),
                };
            }
            Reply::Unsent => self.again(Retry::Unsent, Duration::ZERO),
            Reply::Early(wait) => self.again(Retry::Spaced, *wait),
            Reply::Expired => self.end(Status::TransmissionFailed, (Reason::Expired, 0)),
            Reply::Lost => match policy.in_doubt {
                InDoubt::Hold => Mark::Lost,
                InDoubt::Resend if self.attempts >= RESENDS_MAX => Mark::Lost,
                InDoubt::Resend => {
                    self.counts = true;
                    self.again(Retry::InDoubt, Duration::ZERO)
                }
                InDoubt::Fail => self.end(Status::TransmissionFailed, (Reason::InDoubt, 0)),
            },
            Reply::Refused(status) => self.refuse(*status, policy),
        };
        Trace::new(mark)
    }

    fn refuse(&mut self, status: CommandStatus, policy: &Policy<'_>) -> Mark {
        let code = status.0 as u16;
        let too_fast = |pause: Duration, age: Duration| pause.max(policy.pause).max(age / PATIENCE);
        match policy.meanings.answer(status) {
            AnswerMeaning::Final(status) => self.end(status, (Reason::Answer, code)),
            AnswerMeaning::Throttled(again) => self.refused(Retry::Throttled, (again, code), policy, too_fast),
            AnswerMeaning::QueueFull(again) => self.refused(Retry::QueueFull, (again, code), policy, too_fast),
            AnswerMeaning::Retry(again) => {
                let doubled = 1_u32.checked_shl(self.attempts.into()).unwrap_or(u32::MAX);
                let pause = |pause: Duration, _| pause.saturating_mul(doubled);
                self.refused(Retry::Temporary, (again, code), policy, pause)
            }
            AnswerMeaning::OtherRoute(status) => {
                self.elsewhere = true;
                self.why = (Reason::Answer, code);
                Mark::Refused(status)
            }
            AnswerMeaning::Stop => {
                // It waits for nothing: others of its route may take it now, and this one is given nothing for a while.
                let again = Again {
                    pause: Duration::ZERO,
                    times: None,
                };
                self.refused(Retry::Stopped, (again, code), policy, |pause, _| pause)
            }
        }
    }

    /// Refused for now: tried again after a pause, which follows from the shortest one and from how long it is refused; or
    /// never, when its attempts or its time are used up.
    fn refused(
        &mut self,
        retry: Retry,
        (again, code): (Again, u16),
        policy: &Policy<'_>,
        pause: impl FnOnce(Duration, Duration) -> Duration,
    ) -> Mark {
        let age = self.now.since(self.since);
        let used_up = again.times.is_some_and(|times| self.attempts >= times);
        if used_up || age >= policy.retry_for {
            return self.end(Status::TransmissionFailed, (Reason::AttemptsExhausted, code));
        }
        self.counts |= again.times.is_some();
        self.for_now = true;
        self.again(retry, pause(again.pause, age).min(PAUSE_MAX))
    }

    fn again(&mut self, retry: Retry, pause: Duration) -> Mark {
        self.retry = self.retry.or(Some(retry));
        self.pause = self.pause.max(pause);
        Mark::Open
    }

    fn end(&mut self, status: Status, why: (Reason, u16)) -> Mark {
        self.for_good = true;
        self.why = why;
        Mark::Refused(status)
    }

    fn decide(mut self, policy: &Policy<'_>) -> Decision {
        let refused = self.traces.segments.iter().filter_map(|trace| match trace.mark {
            Mark::Refused(status) => Some(status),
            Mark::Open | Mark::Taken | Mark::Lost | Mark::Settled(_) => None,
        });
        let refused = refused.min_by_key(|status| status.rank());
        let taken = self.traces.taken() > 0;
        // One segment that may have been sent forbids to send the message again.
        if self.traces.any(|mark| mark == Mark::Lost) {
            self.traces.at = self.now;
            return Decision::of(Event::Doubted(self.traces));
        }
        // What an SMSC has a part of stays with it.
        let next = policy.next.filter(|_| self.elsewhere && !taken && !self.for_good);
        match (refused, next) {
            (Some(_), Some(next)) => {
                self.retry = Some(Retry::OtherRoute);
                self.defer(None, Back::Elsewhere(next))
            }
            (Some(status), None) if !taken => Decision::of(Event::Rejected {
                status,
                reason: self.why.0,
                code: self.why.1,
            }),
            (None, _) if self.traces.any(|mark| mark == Mark::Open) => {
                let back = if self.for_now { Back::Refused } else { Back::Unsent };
                let traces = taken.then(|| std::mem::take(&mut self.traces));
                self.defer(traces, back)
            }
            // What is whole no more is not sent on: the handset would show a part.
            _ => {
                let open = self.traces.segments.iter_mut();
                let open = open.filter(|trace| trace.mark == Mark::Open);
                open.for_each(|trace| trace.mark = Mark::Refused(Status::TransmissionFailed));
                Decision::of(Event::Accepted(self.traces))
            }
        }
    }

    fn defer(self, traces: Option<Traces>, back: Back) -> Decision {
        let event = Event::Deferred {
            traces,
            attempts: self.attempts.saturating_add(u8::from(self.counts)),
            due: self.now.plus(self.pause),
            back,
        };
        let retry = self.retry;
        Decision { event, retry }
    }
}

impl Decision {
    fn of(event: Event) -> Self {
        Self { event, retry: None }
    }
}

/// What a late answer adds to a message that is in doubt; `None` when its segment is not.
pub(crate) fn late(
    message: &Message<'_>,
    (part, reply): (u8, &Reply),
    policy: &Policy<'_>,
    now: UnixMicros,
) -> Option<Event> {
    let traces = message.traces_or(Mark::Lost, message.segments);
    if traces.segments.get(usize::from(part))?.mark != Mark::Lost || *reply == Reply::Lost {
        return None;
    }
    let lost = traces.segments.iter().filter(|trace| trace.mark == Mark::Lost).count();
    let decided = decide(message, (message.segments, &[(part, reply.clone())]), policy, now);
    if lost == 1 {
        return Some(decided.event);
    }
    // Others are still in doubt, and with them the message.
    let Event::Doubted(traces) = decided.event else {
        return None;
    };
    Some(Event::Learned(traces))
}

#[cfg(test)]
mod tests;
