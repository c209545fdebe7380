//! Carrying a group out: what the store cannot settle by itself is matched here and comes again, a few rounds at most.

use std::collections::HashMap;
use std::time::Duration;

use smpp::command_status::CommandStatus;
use smpp::session::Ack;

use super::Settler;
use super::group::{Decided, Group, Question, Session};
use crate::bind::InboundNews;
use crate::domain::{Event, MessageId, Recipient, SmscId, State, Status, TenantId, split_messages};
use crate::outcome::from_doubt;
use crate::receipt::{Found, Parked, adopt, find, settle};
use crate::store::{Committed, Move, ReceiptMatch, ReceiptReply, StoreError};

/// A receipt needs one round, one that is matched here two, one that is adopted three; the rest is for records that
/// change meanwhile.
const ROUNDS_MAX: usize = 8;

/// Inbound messages that are kept in each partition until somebody asks for them.
const INBOUND_KEPT: usize = 10_000;

/// The pause before the store is asked again, doubled up to a second.
const STORE_PAUSE: Duration = Duration::from_millis(50);

/// Asks the store until it is done: answers and receipts are not given up while the engine lives.
macro_rules! insist {
    ($self:ident, $op:literal, $ask:expr) => {{
        let mut pause = STORE_PAUSE;
        loop {
            match $ask.await {
                Ok(done) => break done,
                Err(error) => $self.store_is_away($op, &error, &mut pause).await,
            }
        }
    }};
}

/// One round: moves made of receipts, and receipts still to be matched.
#[derive(Default)]
struct Round {
    moves: Vec<Move>,
    /// For each move: the receipt, and the status that the message reaches.
    from: Vec<(Question, Option<Status>)>,
    questions: Vec<Question>,
}

/// What is done with receipts at the end of a group.
#[derive(Default)]
struct Leftovers {
    park: Vec<(Recipient, Vec<u8>)>,
    unpark: Vec<(Recipient, Vec<u8>)>,
}

impl Settler {
    pub(super) async fn settle(&mut self, group: Group) {
        let Group {
            moves,
            decided,
            receipts,
            inbound,
            acks,
            ..
        } = group;
        let (on_time, late): (Vec<_>, Vec<_>) = moves.into_iter().zip(decided).partition(|(_, decided)| !decided.late);
        let (moves, decided): (Vec<Move>, Vec<Decided>) = on_time.into_iter().unzip();

        let matches = self.matches(&receipts);
        let committed = self.commit(&moves, &matches).await;
        let mut stale: Vec<(Move, Decided)> = late;
        for ((action, decided), moved) in moves.into_iter().zip(decided).zip(&committed.moved) {
            if *moved {
                self.answered(&decided, &action)
            } else {
                stale.push((action, decided))
            }
        }
        let mut leftovers = Leftovers::default();
        let mut round = self.answer_receipts(receipts, &committed, &mut leftovers);
        round.questions.extend(questions(&committed.parked));
        round.questions.extend(self.settle_stale(stale).await);
        for _ in 0..ROUNDS_MAX {
            if !leftovers.park.is_empty() {
                // Asked once more: whoever moved the message before it was parked has not seen it.
                let early = std::mem::take(&mut leftovers.park);
                self.park(&early).await;
                round.questions.extend(questions(&early));
            }
            if round.moves.is_empty() && round.questions.is_empty() {
                break;
            }
            round = self.another(round, &mut leftovers).await;
        }
        self.finish(leftovers, inbound).await;
        acknowledge(acks).await;
    }

    fn orphan(&self, smsc: SmscId, reason: &str) {
        if let Some(side) = self.smscs.get(&smsc) {
            side.orphan(reason);
        }
    }

    fn matches(&self, questions: &[Question]) -> Vec<ReceiptMatch> {
        let now_us = self.clock.unix_us();
        questions
            .iter()
            .filter_map(|question| Some(question.to_match(self.smscs.get(&question.smsc)?, now_us)))
            .collect()
    }

    async fn commit(&self, moves: &[Move], matches: &[ReceiptMatch]) -> Committed {
        let since = self.clock.now();
        let committed = insist!(self, "commit", self.store.commit(self.clock.unix_us(), moves, matches));
        self.metrics
            .redis_op("commit", self.clock.now() - since, moves.len() + matches.len());
        committed
    }

    /// The store did not do it: says so, and waits before it is asked again.
    async fn store_is_away(&self, op: &str, error: &StoreError, pause: &mut Duration) {
        self.metrics.redis_errors_total.with_label_values(&[op]).inc();
        tracing::warn!(%error, op, "the store did not do it; it is asked again");
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).min(Duration::from_secs(1));
    }

    /// A move of an answer was made.
    fn answered(&self, decided: &Decided, action: &Move) {
        let Some(side) = self.smscs.get(&decided.smsc) else {
            return;
        };
        match decided.event {
            Event::Accept => side.metrics.status(Status::Transmitted),
            Event::Reject(status) => side.metrics.status(status),
            Event::Doubt => {
                side.metrics
                    .all
                    .submit_unknown_outcome_total
                    .with_label_values(&[&side.metrics.name])
                    .inc();
            }
            Event::Defer | Event::Release => {
                let partition = decided.flight.recipient.partition(self.store.partitions());
                let wait = Duration::from_micros(action.due.unwrap_or(0).saturating_sub(self.clock.unix_us()));
                side.doorbell.ring_at(partition, self.clock.now() + wait);
                return;
            }
            Event::Lease | Event::Wait | Event::Wake | Event::Receipt(_) | Event::Cancel | Event::Expire => {}
        }
        self.books.touch(decided.flight.tenant, decided.flight.campaign());
    }

    /// Answers whose message was not leased any more: it is in doubt, by the timer or by another process, and the answer
    /// resolves that; or it was settled by the same answer before, and nothing is to be done.
    async fn settle_stale(&mut self, stale: Vec<(Move, Decided)>) -> Vec<Question> {
        if stale.is_empty() {
            return Vec::new();
        }
        let recipients: Vec<Recipient> = stale.iter().map(|(action, _)| action.recipient).collect();
        let records = insist!(self, "commit", self.store.records(&recipients));
        let mut moves = Vec::new();
        let mut kept = Vec::new();
        for ((action, decided), record) in stale.into_iter().zip(&records) {
            let doubtful = split_messages(record)
                .find(|message| message.entry.id == decided.flight.id && message.state == State::InDoubt);
            if let (Some(message), false) = (doubtful, decided.event == Event::Doubt) {
                moves.push(from_doubt(action, &message));
                kept.push(decided);
            }
        }
        let committed = self.commit(&moves, &[]).await;
        for ((action, decided), moved) in moves.iter().zip(&kept).zip(&committed.moved) {
            if *moved {
                self.answered(decided, action);
            }
        }
        questions(&committed.parked)
    }

    /// What the store said to receipts: settled, or here is the record.
    fn answer_receipts(&mut self, questions: Vec<Question>, committed: &Committed, left: &mut Leftovers) -> Round {
        let mut round = Round::default();
        for (question, reply) in questions.into_iter().zip(&committed.receipts) {
            match reply {
                ReceiptReply::Settled(head) => self.settled_by_store(&question, head, left),
                ReceiptReply::Unmatched(record) => self.match_here(question, record, &mut round, left),
                ReceiptReply::NoRecord => self.unknown(question, left),
            }
        }
        round
    }

    fn settled_by_store(&mut self, question: &Question, head: &[u8], left: &mut Leftovers) {
        let number = |at: usize| {
            head.get(at..at + 8)
                .and_then(|octets| octets.try_into().ok())
                .map_or(0, u64::from_be_bytes)
        };
        let tenant = head
            .get(24..28)
            .and_then(|octets| octets.try_into().ok())
            .map_or(0, u32::from_be_bytes);
        let (id, accepted_at) = (MessageId(number(16)), number(33));
        let Some(side) = self.smscs.get(&question.smsc) else {
            return;
        };
        let status = side
            .meanings
            .receipt(question.news.stat, question.news.err.as_deref())
            .status;
        self.settled(question, status, (TenantId(tenant), id, accepted_at), left);
    }

    /// A message reached its end by this receipt.
    fn settled(&mut self, question: &Question, status: Status, of: (TenantId, MessageId, u64), left: &mut Leftovers) {
        let (tenant, id, accepted_at) = of;
        if let Some(side) = self.smscs.get(&question.smsc) {
            side.metrics.status(status);
            let seconds = self.clock.unix_us().saturating_sub(accepted_at) as f64 / 1e6;
            side.metrics.receipt_latency.observe(seconds);
            self.metrics.submitted_to_settled_seconds.observe(seconds);
        }
        self.books.touch(tenant, id.campaign());
        self.done(question, left);
    }

    /// The receipt has found its place: a second copy is one, and a parked copy goes.
    fn done(&mut self, question: &Question, left: &mut Leftovers) {
        for id in question.news.ids() {
            self.recent.add(question.recipient.0, id);
        }
        if let Some(parked) = &question.parked {
            left.unpark.push((question.recipient, parked.clone()));
        }
    }

    fn match_here(&mut self, question: Question, record: &[u8], round: &mut Round, left: &mut Leftovers) {
        let now_us = self.clock.unix_us();
        let Some(side) = self.smscs.get(&question.smsc) else {
            return;
        };
        match find(record, &question.news) {
            Found::Segment(message, segment) => {
                let verdict = side.meanings.receipt(question.news.stat, question.news.err.as_deref());
                if let Some((action, status)) = settle(&message, segment, verdict, now_us) {
                    round.moves.push(action);
                    round.from.push((question, status));
                }
            }
            Found::Doubtful(message) if !self.known(&question) => {
                round.moves.push(adopt(&message, &question.news, now_us));
                round.from.push((question.clone(), None));
                // Enroute by then, it is settled like any other.
                round.questions.push(question);
            }
            Found::Early if question.parked.is_none() && !self.known(&question) => {
                if let Some(packed) = Parked::pack(&question.news, question.smsc, now_us) {
                    left.park.push((question.recipient, packed));
                }
            }
            Found::Early if question.parked.is_some() => {}
            Found::Duplicate => {
                self.orphan(question.smsc, "duplicate");
                self.done(&question, left);
            }
            Found::Doubtful(_) | Found::Early | Found::Nothing => self.unknown(question, left),
        }
    }

    /// A second copy of a receipt that was settled must not be taken for another message's.
    fn known(&self, question: &Question) -> bool {
        question.news.ids().any(|id| self.recent.has(question.recipient.0, id))
    }

    fn unknown(&mut self, question: Question, left: &mut Leftovers) {
        self.orphan(
            question.smsc,
            if self.known(&question) {
                "duplicate"
            } else {
                "unknown_id"
            },
        );
        if let Some(parked) = question.parked {
            left.unpark.push((question.recipient, parked));
        }
    }

    async fn another(&mut self, round: Round, left: &mut Leftovers) -> Round {
        let Round { moves, from, questions } = round;
        let matches = self.matches(&questions);
        let committed = self.commit(&moves, &matches).await;
        let mut next = self.answer_receipts(questions, &committed, left);
        next.questions.extend(
            self::questions(&committed.parked)
                .into_iter()
                .filter(|question| !is_among(question, &left.unpark)),
        );
        for ((action, (question, status)), moved) in moves.iter().zip(from).zip(&committed.moved) {
            match (moved, action.kind) {
                (true, crate::store::MoveKind::Decide) => self.decided(&question, action, status, left),
                (true, _) => {}
                // The record changed meanwhile: the receipt is matched against what it is now.
                (false, _) => next.questions.push(question),
            }
        }
        next
    }

    fn decided(&mut self, question: &Question, action: &Move, status: Option<Status>, left: &mut Leftovers) {
        let message = crate::domain::Message::unpack(&action.expected);
        let Some(message) = message else { return };
        let accepted_at = crate::domain::Enroute::unpack(message.entry.body).map_or(0, |enroute| enroute.accepted_at);
        match status {
            Some(status) => self.settled(
                question,
                status,
                (message.entry.tenant, message.entry.id, accepted_at),
                left,
            ),
            None => self.done(question, left),
        }
    }

    async fn park(&self, receipts: &[(Recipient, Vec<u8>)]) {
        let kept = insist!(self, "park", self.store.park(receipts));
        for _ in kept..receipts.len() {
            if let Some(smsc) = self.smscs.keys().next() {
                self.orphan(*smsc, "no_room");
            }
        }
    }

    async fn finish(&self, left: Leftovers, inbound: Vec<InboundNews>) {
        if !left.unpark.is_empty() {
            insist!(self, "park", self.store.unpark(&left.unpark));
        }
        let mut by_partition: HashMap<_, Vec<Vec<u8>>> = HashMap::new();
        for news in inbound {
            let partition = Recipient(news.from.unwrap_or(0)).partition(self.store.partitions());
            by_partition
                .entry(partition)
                .or_default()
                .push(pack_inbound(&news, self.clock.unix_us()));
        }
        for (partition, packed) in by_partition {
            insist!(
                self,
                "inbound",
                self.store.keep_inbound(partition, &packed, INBOUND_KEPT)
            );
        }
    }
}

/// Receipts that waited for messages that have just moved.
pub(super) fn questions(parked: &[(Recipient, Vec<u8>)]) -> Vec<Question> {
    let mut questions = Vec::new();
    for (recipient, packed) in parked {
        for (parked, one) in Parked::split(packed) {
            let (smsc, news) = (parked.smsc(), parked.news(recipient.0));
            questions.push(Question {
                smsc,
                recipient: *recipient,
                news,
                parked: Some(one.to_vec()),
            });
        }
    }
    questions
}

fn is_among(question: &Question, unpark: &[(Recipient, Vec<u8>)]) -> bool {
    unpark
        .iter()
        .any(|(recipient, packed)| *recipient == question.recipient && Some(packed) == question.parked.as_ref())
}

fn pack_inbound(news: &InboundNews, at: u64) -> Vec<u8> {
    let json = serde_json::json!({ "at": at, "from": news.source, "to": news.destination, "text": news.text });
    json.to_string().into_bytes()
}

/// Everything is stored: the SMSC may forget it.
async fn acknowledge(acks: Vec<(Session, Ack)>) {
    let mut by_session: Vec<(Session, Vec<(Ack, CommandStatus)>)> = Vec::new();
    for (session, ack) in acks {
        let entry = (ack, CommandStatus::ESME_ROK);
        match by_session.iter_mut().find(|(known, _)| known.same_channel(&session)) {
            Some((_, list)) => list.push(entry),
            None => by_session.push((session, vec![entry])),
        }
    }
    for (session, list) in by_session {
        // A session that is over needs no acknowledgement: the SMSC sends these again, and they are known by then.
        let _gone = session.send(list).await;
    }
}
