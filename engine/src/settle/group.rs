//! What events mean for a group: answers become moves, receipts become questions to the store.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use smpp::command_status::CommandStatus;
use smpp::session::Ack;
use tokio::sync::mpsc;

use super::{Gatherer, SmscSide};
use crate::bind::{Answer, Content, Delivery, Events, Flight, InboundNews, ReceiptNews, Reply};
use crate::dispatch::Redo;
use crate::domain::{Event, Recipient, SmscId};
use crate::outcome::{Decision, Meaning, Policy, Whole, decide, to_resubmit};
use crate::receipt::result;
use crate::store::{Move, ReceiptMatch};

/// A message that was taken in part is completed for so long; then what is missing counts as refused.
const COMPLETE_WITHIN_US: u64 = 600_000_000;

/// The way back to a session.
pub(super) type Session = mpsc::Sender<Vec<(Ack, CommandStatus)>>;

/// A decided answer.
pub(super) struct Decided {
    pub(super) smsc: SmscId,
    pub(super) flight: Arc<Flight>,
    pub(super) event: Event,
    /// The message is in doubt by now.
    pub(super) late: bool,
}

/// A receipt whose message is looked for.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) smsc: SmscId,
    pub(super) recipient: Recipient,
    pub(super) news: ReceiptNews,
    /// It was parked before, in this form.
    pub(super) parked: Option<Vec<u8>>,
}

/// What is committed together.
#[derive(Default)]
pub(super) struct Group {
    /// Moves and, at the same places, what they come from.
    pub(super) moves: Vec<Move>,
    pub(super) decided: Vec<Decided>,
    pub(super) receipts: Vec<Question>,
    pub(super) inbound: Vec<InboundNews>,
    pub(super) acks: Vec<(Session, Ack)>,
    taken: usize,
}

impl Group {
    pub(super) fn len(&self) -> usize {
        self.taken
    }
}

impl Question {
    /// The question as the store can answer it: the surest id, as it is.
    pub(super) fn to_match(&self, side: &SmscSide, now_us: u64) -> ReceiptMatch {
        let verdict = side.meanings.receipt(self.news.stat, self.news.err.as_deref());
        ReceiptMatch {
            recipient: self.recipient,
            smsc_message_id: self.news.ids().next().unwrap_or_default().to_vec(),
            result: result(verdict, now_us),
        }
    }
}

impl SmscSide {
    pub(super) fn orphan(&self, reason: &str) {
        let metrics = &self.metrics;
        metrics
            .all
            .receipt_orphans_total
            .with_label_values(&[&metrics.name, reason])
            .inc();
    }
}

impl Gatherer {
    pub(super) fn add(&mut self, events: Events, group: &mut Group) {
        group.taken += events.answers.len() + events.deliveries.len();
        let mut durations = Vec::with_capacity(events.answers.len());
        for answer in events.answers {
            durations.push(answer.after);
            self.add_answer(events.smsc, answer, group);
        }
        if let Some(side) = self.smscs.get(&events.smsc) {
            durations
                .iter()
                .filter(|after| !after.is_zero())
                .for_each(|after| side.metrics.duration.observe(after.as_secs_f64()));
        }
        for delivery in events.deliveries {
            self.add_delivery(events.smsc, delivery, group);
        }
    }

    fn add_answer(&mut self, smsc: SmscId, answer: Answer, group: &mut Group) {
        let Some(side) = self.smscs.get(&smsc) else { return };
        note_reply(side, &answer.reply, answer.late);
        brake(side, &answer.reply, self.clock);
        let Some(whole) = self.collector.take(answer) else {
            return;
        };
        let now_us = self.clock.unix_us();
        if let Some(parts) = to_resubmit(&whole.replies, &side.meanings)
            && now_us.saturating_sub(whole.flight.leased_at) < COMPLETE_WITHIN_US
            && resubmit(side, &whole, &parts, self.clock)
        {
            self.collector.reopen(&whole, &parts);
            return;
        }
        let pause_us = pause(side, self.clock).as_micros() as u64;
        let policy = Policy {
            meanings: &side.meanings,
            in_doubt: self.in_doubt,
            pause_us,
        };
        let Some(Decision { action, event, retry }) = decide(&whole.flight, &whole.replies, &policy, now_us) else {
            return;
        };
        if let Some(reason) = retry {
            side.metrics
                .all
                .submit_retries_total
                .with_label_values(&[&side.metrics.name, reason])
                .inc();
        }
        group.moves.push(action);
        group.decided.push(Decided {
            smsc,
            flight: whole.flight,
            event,
            late: whole.late,
        });
    }

    fn add_delivery(&self, smsc: SmscId, delivery: Delivery, group: &mut Group) {
        group.acks.push((delivery.session, delivery.ack));
        let Some(side) = self.smscs.get(&smsc) else { return };
        let metrics = &side.metrics;
        match delivery.content {
            Content::Inbound(news) => {
                metrics.all.inbound_total.with_label_values(&[&metrics.name]).inc();
                group.inbound.push(news);
            }
            Content::Receipt(news) => {
                metrics
                    .all
                    .receipts_total
                    .with_label_values(&[&metrics.name, news.stat.name()])
                    .inc();
                // ENROUTE, ACCEPTD: nothing changes by them.
                if !news.final_ {
                    return;
                }
                match news.recipient {
                    Some(recipient) => {
                        let recipient = Recipient(recipient);
                        group.receipts.push(Question {
                            smsc,
                            recipient,
                            news,
                            parked: None,
                        });
                    }
                    None => side.orphan("unparsable"),
                }
            }
        }
    }
}

fn note_reply(side: &SmscSide, reply: &Reply, late: bool) {
    let metrics = &side.metrics;
    if late {
        metrics
            .all
            .submit_late_responses_total
            .with_label_values(&[&metrics.name])
            .inc();
    }
    match reply {
        Reply::Accepted(_) => metrics.submitted_ok.inc(),
        Reply::Refused(status) => metrics.refused(status.name()),
        Reply::Lost => metrics.submitted_timeout.inc(),
        Reply::Unsent => metrics.submitted_unsent.inc(),
    }
}

fn brake(side: &SmscSide, reply: &Reply, clock: crate::clock::Clock) {
    let mut brake = side.brake.lock().unwrap_or_else(PoisonError::into_inner);
    match reply {
        Reply::Accepted(_) => brake.accepted(clock.now()),
        Reply::Refused(status) => {
            if matches!(side.meanings.answer(*status), Meaning::Throttled | Meaning::QueueFull) {
                side.metrics.throttled_by_smsc.inc();
                brake.throttled(clock.now());
            }
        }
        Reply::Lost | Reply::Unsent => {}
    }
}

fn pause(side: &SmscSide, clock: crate::clock::Clock) -> Duration {
    side.brake
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remaining(clock.now())
}

/// `false` when there is no room for it: the message is then decided as it is.
fn resubmit(side: &SmscSide, whole: &Whole, parts: &[u8], clock: crate::clock::Clock) -> bool {
    let due = clock.now() + pause(side, clock);
    side.redo
        .try_send(Redo {
            flight: whole.flight.clone(),
            parts: parts.to_vec(),
            due,
        })
        .is_ok()
}
