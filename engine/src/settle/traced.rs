//! Spans of submissions and receipts, of the messages that are chosen for it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::bind::{Answer, Reply};
use crate::campaign::{Order, Orders};
use crate::domain::{MessageId, Status, UnixMicros};
use crate::otel::{Context, Finished, Role, Tracer, Value};

/// What tells of messages that are chosen. Off, every call of it is a branch. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Traced {
    tracer: Tracer,
    orders: Orders,
}

/// A message that a receipt has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    pub(super) id: MessageId,
    /// The segment that the receipt is about.
    pub(super) part: u8,
    /// When the SMSC took it.
    pub(super) taken_at: UnixMicros,
}

impl Traced {
    pub(crate) fn new(tracer: &Tracer, orders: Orders) -> Self {
        Self {
            tracer: tracer.clone(),
            orders,
        }
    }

    /// A submit_sm was answered, or will not be.
    pub(super) fn submitted(&self, smsc: &str, answer: &Answer, now: UnixMicros) {
        let (id, part) = (answer.flight.id, answer.part);
        let is_error = !matches!(answer.reply, Reply::Accepted(_) | Reply::Expired | Reply::Early(_));
        let Some(order) = self.order(id, is_error.then_some(now)) else {
            return;
        };
        let error = match &answer.reply {
            Reply::Accepted(_) => None,
            Reply::Refused(status) => Some(Cow::Owned(status.to_string())),
            Reply::Lost => Some(Cow::Borrowed("response_timeout")),
            Reply::Unsent => Some(Cow::Borrowed("unsent")),
            // Nothing was submitted.
            Reply::Expired | Reply::Early(_) => return,
        };
        let (taken, parent) = contexts(id, part, &order);
        // Another try has its own span: the one that is found again by receipts is that of the segment that was taken.
        let context = error.as_ref().map_or(taken, |_| taken.beside());
        let mut attributes = common("submit_sm", "send", (smsc, id, &order));
        attributes.extend([
            ("sms.segments", Value::from(i64::from(answer.flight.segments))),
            ("smpp.segment", i64::from(part).into()),
            ("smpp.late", answer.late.into()),
        ]);
        if let Reply::Refused(status) = &answer.reply {
            attributes.push(("smpp.command_status", status.to_string().into()));
        }
        attributes.extend(error.clone().map(|error| ("error.type", error.into_owned().into())));
        self.tracer.tell(Finished {
            context,
            parent,
            began: now.minus(answer.after),
            ended: now,
            name: format!("submit_sm {smsc}").into(),
            role: Role::Client,
            attributes,
            follows: None,
            error,
        });
    }

    /// A receipt has settled a message: a trace of its own, hours later, that follows from the submission.
    pub(super) fn settled(&self, smsc: &str, settled: Settled, (status, now): (Status, UnixMicros)) {
        let Some(order) = self.order(settled.id, None) else {
            return;
        };
        let (submission, _) = contexts(settled.id, settled.part, &order);
        let mut attributes = common("deliver_sm", "process", (smsc, settled.id, &order));
        let after = now.since(settled.taken_at).as_secs_f64();
        attributes.extend([
            ("sms.status", Value::from(status.code())),
            ("sms.receipt_after_seconds", after.into()),
        ]);
        self.tracer.tell(Finished {
            context: Context::fresh(),
            parent: None,
            began: now,
            ended: now,
            name: format!("deliver_sm {smsc}").into(),
            role: Role::Consumer,
            attributes,
            follows: Some(submission),
            error: None,
        });
    }

    /// The order of a message that is chosen, or of which something went wrong at that time; of a campaign whose caller wants no traces,
    /// none is.
    fn order(&self, id: MessageId, wrong: Option<UnixMicros>) -> Option<Arc<Order>> {
        if !self.tracer.chooses(id) && !wrong.is_some_and(|at| self.tracer.chooses_error(at)) {
            return None;
        }
        let order = self.orders.cached(id.campaign())?;
        order.launch.is_none_or(|launch| launch.is_sampled()).then_some(order)
    }
}

/// The span of a segment that was taken, and of the launch behind it.
fn contexts(id: MessageId, part: u8, order: &Order) -> (Context, Option<Context>) {
    let launch = order.launch.ok_or(order.launched_at);
    (Context::of_taken(id, part, launch), order.launch)
}

/// What every span of a message says (OpenTelemetry's conventions for messaging, and ours). Neither number nor text.
fn common(
    operation: &'static str,
    kind: &'static str,
    (smsc, id, order): (&str, MessageId, &Order),
) -> Vec<(&'static str, Value)> {
    vec![
        ("messaging.system", "smpp".into()),
        ("messaging.operation.name", operation.into()),
        ("messaging.operation.type", kind.into()),
        ("messaging.destination.name", smsc.to_owned().into()),
        ("messaging.message.id", id.to_string().into()),
        ("sms.purpose", order.purpose.code().into()),
        ("app.tenant.id", order.tenant.to_string().into()),
        ("app.campaign.id", order.id.to_string().into()),
    ]
}
