//! What an answer, or its absence, means for the message. Decides; carries nothing out.

mod collect;
mod meanings;

pub(crate) use collect::{Collector, Whole};
pub(crate) use meanings::{BrokenTable, Meanings, Verdict};

use std::time::Duration;

use smpp::command_status::CommandStatus;

use crate::bind::Reply;
use crate::config::{AnswerMeaning, InDoubt};
use crate::domain::{Event, Mark, Message, Reason, Status, Trace, Traces, UnixMicros};

/// Submissions of one message that may be refused for now, throttling left aside: with the pauses below, some six
/// minutes.
const ATTEMPTS_MAX: u8 = 8;

/// The pause before the second submission, doubled for each further one.
const RETRY_FIRST: Duration = Duration::from_secs(3);

/// A queue that is full at the SMSC takes longer to empty than a second of its rate to pass.
const FULL_PAUSE: Duration = Duration::from_secs(1);

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
    /// It may have been sent, and the policy is to send it again.
    InDoubt,
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
}

impl<'a> Policy<'a> {
    pub(crate) fn new(meanings: &'a Meanings, in_doubt: InDoubt, pause: Duration) -> Self {
        Self {
            meanings,
            in_doubt,
            pause,
        }
    }
}

/// What the replies of a message add up to, segment by segment.
struct Sum {
    traces: Traces,
    attempts: u8,
    pause: Duration,
    retry: Option<Retry>,
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
        pause: Duration::ZERO,
        retry: None,
        why: (Reason::Answer, 0),
    };
    for (part, reply) in replies {
        let trace = sum.add(reply, policy, now);
        if let Some(place) = sum.traces.segments.get_mut(usize::from(*part)) {
            *place = trace;
        }
    }
    sum.decide(now)
}

impl Sum {
    /// What a reply says of its segment.
    fn add(&mut self, reply: &Reply, policy: &Policy<'_>, now: UnixMicros) -> Trace {
        let mark = match reply {
            Reply::Accepted(id) => {
                if self.traces.at == UnixMicros::default() {
                    self.traces.at = now;
                }
                return Trace {
                    mark: Mark::Taken,
                    smsc_id: id.clone(),
                };
            }
            Reply::Unsent => self.again(Retry::Unsent, Duration::ZERO),
            Reply::Lost => match policy.in_doubt {
                InDoubt::Hold => Mark::Lost,
                InDoubt::Resend => self.again(Retry::InDoubt, Duration::ZERO),
                InDoubt::Fail => self.refused(Status::TransmissionFailed, (Reason::InDoubt, 0)),
            },
            Reply::Refused(status) => self.refuse(*status, policy),
        };
        Trace::new(mark)
    }

    fn refuse(&mut self, status: CommandStatus, policy: &Policy<'_>) -> Mark {
        let code = status.0 as u16;
        match policy.meanings.answer(status) {
            AnswerMeaning::Final(status) => self.refused(status, (Reason::Answer, code)),
            // Being throttled says nothing against the message: it does not use up its attempts.
            AnswerMeaning::Throttled => self.again(Retry::Throttled, policy.pause),
            AnswerMeaning::QueueFull => self.again(Retry::QueueFull, policy.pause.max(FULL_PAUSE)),
            AnswerMeaning::Retry if self.attempts >= ATTEMPTS_MAX => {
                self.refused(Status::TransmissionFailed, (Reason::AttemptsExhausted, code))
            }
            AnswerMeaning::Retry => {
                let pause = RETRY_FIRST * (1 << self.attempts);
                self.again(Retry::Temporary, pause)
            }
        }
    }

    fn again(&mut self, retry: Retry, pause: Duration) -> Mark {
        self.retry = self.retry.or(Some(retry));
        self.pause = self.pause.max(pause);
        Mark::Open
    }

    fn refused(&mut self, status: Status, why: (Reason, u16)) -> Mark {
        self.why = why;
        Mark::Refused(status)
    }

    fn decide(self, now: UnixMicros) -> Decision {
        let Self {
            mut traces,
            attempts,
            pause,
            retry,
            why,
        } = self;
        let refused = traces.segments.iter().filter_map(|trace| match trace.mark {
            Mark::Refused(status) => Some(status),
            Mark::Open | Mark::Taken | Mark::Lost | Mark::Settled(_) => None,
        });
        let refused = refused.min_by_key(|status| status.rank());
        let taken = traces.taken() > 0;
        // One segment that may have been sent forbids to send the message again.
        if traces.any(|mark| mark == Mark::Lost) {
            traces.at = now;
            return Decision {
                event: Event::Doubted(traces),
                retry: None,
            };
        }
        match refused {
            Some(status) if !taken => Decision {
                event: Event::Rejected {
                    status,
                    reason: why.0,
                    code: why.1,
                },
                retry: None,
            },
            None if traces.any(|mark| mark == Mark::Open) => {
                let attempts = attempts + u8::from(retry == Some(Retry::Temporary));
                let event = Event::Deferred {
                    traces: taken.then_some(traces),
                    attempts,
                    due: now.plus(pause),
                };
                Decision { event, retry }
            }
            // What is whole no more is not sent on: the handset would show a part.
            _ => {
                let open = traces.segments.iter_mut().filter(|trace| trace.mark == Mark::Open);
                open.for_each(|trace| trace.mark = Mark::Refused(Status::TransmissionFailed));
                Decision {
                    event: Event::Accepted(traces),
                    retry: None,
                }
            }
        }
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
