//! What events mean for a group: answers become moves, receipts become questions to the store.

use std::time::{Duration, Instant};

use smpp::command_status::CommandStatus;
use smpp::session::Ack;
use tokio::sync::mpsc;

use super::case::{Answered, Case, Question};
use super::{Gatherer, SETTLERS};
use crate::bind::{Answer, Content, Delivery, Events, Flight, InboundNews, ReceiptNews, Reply};
use crate::config::{AnswerMeaning, InDoubt};
use crate::dispatch::{Outlet, Settings};
use crate::domain::{Event, Message, Note, PartitionSet, REFUSED_MAX, Recipient, SmscId, Transition, UnixMicros};
use crate::encryption::TextKey;
use crate::outcome::{Policy, Whole, decide};
use crate::receipt::Parked;
use crate::store::ParkedOf;

/// The way back to a session.
pub(super) type Session = mpsc::Sender<Vec<(Ack, CommandStatus)>>;

/// A delivery that is acknowledged when it is stored.
pub(super) struct Due {
    /// Whom its delivery names: nobody is 0.
    recipient: Recipient,
    pub(super) session: Session,
    pub(super) ack: Ack,
    pub(super) at: Instant,
}

/// What is committed together.
pub(super) struct Group {
    pub(super) answers: Vec<Answered>,
    pub(super) receipts: Vec<Question>,
    pub(super) inbound: Vec<(SmscId, InboundNews)>,
    pub(super) due: Vec<Due>,
    /// Under these keys receipts are parked whose ids an answer has named.
    pub(super) named: Vec<Recipient>,
    /// Parked receipts that have found their place.
    pub(super) unpark: Vec<ParkedOf>,
    /// Ids of answers that are to be indexed: they lie anywhere.
    pub(super) ids: Vec<Indexed>,
    gathered_at: Instant,
}

/// An id that an SMSC gave, as it is indexed, and whose it is.
pub(super) type Indexed = (SmscId, (Vec<u8>, Recipient));

/// A group each settler.
pub(super) struct Gathered {
    pub(super) groups: Vec<Group>,
    /// Answers and deliveries in them.
    pub(super) count: usize,
    partitions: u16,
}

impl Group {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            answers: Vec::new(),
            receipts: Vec::new(),
            inbound: Vec::new(),
            due: Vec::new(),
            named: Vec::new(),
            unpark: Vec::new(),
            ids: Vec::new(),
            gathered_at: now,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let is_idle = self.answers.is_empty() && self.receipts.is_empty() && self.due.is_empty();
        is_idle && self.inbound.is_empty() && self.named.is_empty() && self.unpark.is_empty() && self.ids.is_empty()
    }

    /// Answers and deliveries in it.
    pub(super) fn count(&self) -> usize {
        self.answers.len() + self.receipts.len() + self.inbound.len()
    }

    pub(super) fn add(&mut self, case: Case) {
        match case {
            Case::Answer(answered) => self.answers.push(answered),
            Case::Receipt(question) => self.receipts.push(question),
        }
    }

    /// The partitions that are asked for it.
    pub(super) fn partitions(&self, partitions: u16) -> PartitionSet {
        let answers = self.answers.iter().map(|answered| answered.flight.recipient);
        let receipts = self.receipts.iter().map(|question| question.at);
        let inbound = self.inbound.iter().map(|(_, news)| sender(news));
        let parked = self
            .named
            .iter()
            .copied()
            .chain(self.unpark.iter().map(|(key, _)| *key));
        let all = answers.chain(receipts).chain(inbound).chain(parked);
        let mut set = PartitionSet::default();
        all.for_each(|recipient| set.insert(recipient.partition(partitions)));
        set
    }

    /// Takes out what is about those.
    pub(super) fn split_off(&mut self, of: PartitionSet, partitions: u16) -> Self {
        let is_of = |recipient: Recipient| of.contains(recipient.partition(partitions));
        Self {
            answers: taken(&mut self.answers, |answered| is_of(answered.flight.recipient)),
            receipts: taken(&mut self.receipts, |question| is_of(question.at)),
            inbound: taken(&mut self.inbound, |(_, news)| is_of(sender(news))),
            due: taken(&mut self.due, |due| is_of(due.recipient)),
            named: taken(&mut self.named, |key| is_of(*key)),
            unpark: taken(&mut self.unpark, |(key, _)| is_of(*key)),
            ids: Vec::new(),
            gathered_at: self.gathered_at,
        }
    }

    /// Takes over the deliveries that may not be acknowledged before all of it is stored.
    pub(super) fn hold(&mut self, due: &mut Vec<Due>, partitions: u16) {
        let named = self.receipts.iter().map(|question| named_by(&question.news));
        let senders = self.inbound.iter().map(|(_, news)| sender(news));
        let mut open = PartitionSet::default();
        named
            .chain(senders)
            .for_each(|recipient| open.insert(recipient.partition(partitions)));
        self.due = taken(due, |due| open.contains(due.recipient.partition(partitions)));
    }

    /// When the oldest of what it has came.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let deliveries = self.due.iter().map(|due| due.at);
        deliveries.chain([self.gathered_at]).min()
    }
}

impl Gathered {
    pub(super) fn new(now: Instant, partitions: u16) -> Self {
        Self {
            groups: (0..SETTLERS).map(|_| Group::new(now)).collect(),
            count: 0,
            partitions,
        }
    }

    /// The group of the settler that a recipient belongs to.
    fn group_of(&mut self, recipient: Recipient) -> &mut Group {
        let partition = recipient.partition(self.partitions);
        &mut self.groups[usize::from(partition.0) % SETTLERS]
    }

    /// Parked receipts that are to be tried again.
    pub(super) fn add_parked(&mut self, parked: &[ParkedOf], key: &TextKey) {
        for question in questions(parked, key) {
            self.group_of(question.at).receipts.push(question);
        }
    }
}

fn taken<T>(list: &mut Vec<T>, which: impl Fn(&T) -> bool) -> Vec<T> {
    list.extract_if(.., |one| which(one)).collect()
}

pub(super) fn sender(news: &InboundNews) -> Recipient {
    Recipient(news.from.unwrap_or(0))
}

fn named_by(news: &ReceiptNews) -> Recipient {
    Recipient(news.recipient.unwrap_or(0))
}

/// Parked receipts as questions.
pub(super) fn questions(parked: &[ParkedOf], text_key: &TextKey) -> Vec<Question> {
    let mut questions = Vec::new();
    for (key, packed) in parked {
        for (parked, one) in Parked::split(packed) {
            questions.push(Question::parked(*key, (&parked, one), text_key));
        }
    }
    questions
}

/// How replies about a message are decided.
pub(super) fn policy<'a>(
    (side, settings): (&Outlet, &'a Settings),
    in_doubt: InDoubt,
    (message, replies): (&Message<'_>, &[(u8, Reply)]),
) -> Policy<'a> {
    let elsewhere = |(_, reply): &(u8, Reply)| match reply {
        Reply::Refused(status) => matches!(settings.meanings.answer(*status), AnswerMeaning::OtherRoute(_)),
        Reply::Accepted(_) | Reply::Lost | Reply::Unsent | Reply::Expired | Reply::Early(_) => false,
    };
    let asks = replies.iter().any(elsewhere) && message.tries.refused_by().count() < REFUSED_MAX;
    Policy {
        retry_for: settings.config.retry_for,
        next: asks.then(|| side.service.next(message)).flatten(),
        ..Policy::new(&settings.meanings, in_doubt, side.meter.pause())
    }
}

impl Gatherer {
    pub(super) fn add(&mut self, events: Events, gathered: &mut Gathered) {
        gathered.count += events.answers.len() + events.deliveries.len();
        let Some(side) = &self.smscs.of(events.smsc) else {
            return;
        };
        let (is_stopped, now) = (side.service.is_stopped(), self.clock.unix());
        for answer in events.answers {
            note_reply((side, is_stopped), &answer, now);
            self.traced.submitted(&side.metrics.name, &answer, now);
            let group = gathered.group_of(answer.flight.recipient);
            self.add_answer(events.smsc, side, answer, group);
        }
        for delivery in events.deliveries {
            let recipient = match &delivery.content {
                Content::Receipt(news) => named_by(news),
                Content::Inbound(news) => sender(news),
            };
            let group = gathered.group_of(recipient);
            add_delivery((events.smsc, side), (delivery, recipient), group);
        }
    }

    fn add_answer(&mut self, smsc: SmscId, side: &Outlet, answer: Answer, group: &mut Group) {
        let Some(Whole { flight, replies, late }) = self.collector.take(answer) else {
            return;
        };
        let made = if late {
            None
        } else {
            let Some(made) = self.decide(side, &flight, &replies) else {
                return;
            };
            Some(made)
        };
        group.answers.push(Answered {
            smsc,
            flight,
            replies,
            made,
            read: false,
        });
    }

    /// What the replies make of the message as it was leased.
    fn decide(&self, side: &Outlet, flight: &Flight, replies: &[(u8, Reply)]) -> Option<Box<(Transition, Note)>> {
        let now = self.clock.unix();
        let (message, _) = Message::unpack(flight.recipient, &flight.message)
            .inspect_err(|error| tracing::error!(%error, id = %flight.id, "a leased message cannot be read"))
            .ok()?;
        let settings = side.settings();
        let policy = policy((side, &settings), self.in_doubt, (&message, replies));
        let decision = decide(&message, (flight.segments, replies), &policy, now);
        if let Some(retry) = decision.retry {
            let labels = [side.metrics.name.as_str(), retry.label()];
            side.metrics.all.submit_retries_total.with_label_values(&labels).inc();
        }
        let note = note_of(&decision.event, flight.sender);
        let mut transition = message
            .apply(decision.event, now)
            .inspect_err(|error| tracing::error!(%error, id = %flight.id, "an answer moves nothing"))
            .ok()?;
        transition.leased_under(flight.lease.edition);
        Some(Box::new((transition, note)))
    }
}

/// What a move by an answer adds to the record's trail.
pub(super) fn note_of(event: &Event, sender: u64) -> Note {
    match event {
        Event::Accepted(_) => Note::Taken(sender),
        Event::Deferred { .. }
        | Event::Rejected { .. }
        | Event::Doubted(_)
        | Event::Learned(_)
        | Event::Receipt { .. }
        | Event::Found { .. }
        | Event::Whole { .. }
        | Event::Stopped
        | Event::Recalled
        | Event::Rerouted(_)
        | Event::Turned(_)
        | Event::Outdated
        | Event::Expired => Note::None,
    }
}

fn add_delivery((smsc, side): (SmscId, &Outlet), (delivery, recipient): (Delivery, Recipient), group: &mut Group) {
    group.due.push(Due {
        recipient,
        session: delivery.session,
        ack: delivery.ack,
        at: delivery.at,
    });
    let metrics = &side.metrics;
    match delivery.content {
        Content::Inbound(news) => {
            metrics.all.inbound_total.with_label_values(&[&metrics.name]).inc();
            group.inbound.push((smsc, news));
        }
        Content::Receipt(news) => {
            metrics.receipt(news.stat);
            // ENROUTE, ACCEPTD: nothing changes by them, unless a rule of the SMSC says so.
            if side.settings().meanings.is_final(&news) {
                group.receipts.push(Question::new(smsc, news));
            }
        }
    }
}

/// `is_stopped`: as of the first of them that came together.
fn note_reply((side, is_stopped): (&Outlet, bool), answer: &Answer, now: UnixMicros) {
    let metrics = &side.metrics;
    if !answer.after.is_zero() {
        metrics.duration.observe(answer.after.as_secs_f64());
    }
    if answer.late {
        metrics
            .all
            .submit_late_responses_total
            .with_label_values(&[&metrics.name])
            .inc();
    }
    match &answer.reply {
        Reply::Accepted(_) => {
            side.accepted(&answer.flight, now.minus(answer.after));
            if is_stopped {
                side.service.took(answer.after);
            }
        }
        Reply::Refused(status) => {
            metrics.refused(status.name());
            let settings = side.settings();
            let meaning = settings.meanings.answer(*status);
            if meaning.is_too_fast() {
                metrics.throttled_by_smsc.inc();
            }
            // Whoever leases next has heard it already; others may not lease at all.
            if meaning == AnswerMeaning::Stop {
                side.service.stop(*status, settings.config.stopped_for);
            }
        }
        Reply::Lost => metrics.submitted_timeout.inc(),
        Reply::Unsent => {
            metrics.submitted_unsent.inc();
            if is_stopped {
                side.service.untried();
            }
        }
        Reply::Early(_) if is_stopped => side.service.untried(),
        Reply::Expired | Reply::Early(_) => {}
    }
}

/// Everything is stored: the SMSC may forget it. Returns whether each session was there to be told.
pub(super) async fn acknowledge(due: Vec<Due>, waited: impl Fn(Duration), now: impl Fn() -> Instant) -> bool {
    let mut by_session: Vec<(Session, Vec<(Ack, CommandStatus)>)> = Vec::new();
    for Due { session, ack, at, .. } in due {
        waited(now().saturating_duration_since(at));
        let entry = (ack, CommandStatus::ESME_ROK);
        match by_session.iter_mut().find(|(known, _)| known.same_channel(&session)) {
            Some((_, list)) => list.push(entry),
            None => by_session.push((session, vec![entry])),
        }
    }
    let mut are_told = true;
    for (session, list) in by_session {
        // A session that is over needs no acknowledgement: the SMSC sends these again, and they are known by then.
        are_told &= session.send(list).await.is_ok();
    }
    are_told
}
