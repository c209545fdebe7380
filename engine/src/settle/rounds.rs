//! Carrying a group out: what the store cannot settle by itself is matched here and comes again, a few rounds at most.

use std::collections::HashMap;

use rustc_hash::FxHashSet;

use super::case::{Answered, Case, Matched, News, Of, Place, Question};
use super::group::{Group, acknowledge, note_of, questions};
use super::insist::{away, insist, pauses};
use super::{Settler, SmscSide};
use crate::bind::{InboundNews, Reply as Answer};
use crate::domain::{Recipient, Record, SmscId, State, Status, Step, digest};
use crate::outcome;
use crate::receipt::{Parked, Unmatched, result};
use crate::store::{Ask, ParkedOf, ReceiptAsk, Reply};

/// A receipt needs one round, one that is matched here two; each other place to look costs one more, and the rest is for
/// records that change meanwhile.
const ROUNDS_MAX: usize = 10;

/// Inbound messages that are kept in each partition until somebody asks for them.
const INBOUND_KEPT: usize = 10_000;

/// What is done with receipts of a group.
#[derive(Default)]
pub(super) struct Tray {
    /// They wait for an answer: parked at once, and asked once more.
    early: Vec<Question>,
    /// They match nothing: parked at the end.
    park: Vec<Question>,
    /// They were parked, and have found their place.
    unpark: Vec<ParkedOf>,
    /// Parked receipts that are being handled, or were.
    handled: FxHashSet<ParkedOf>,
}

/// A receipt's next step.
pub(super) enum Next {
    /// The store is asked there.
    Ask(Question),
    /// The index is.
    Index(Question),
    /// It matches nothing.
    Park(Question),
}

impl Settler {
    pub(super) async fn settle(&mut self, group: Group) {
        let Group {
            answers,
            late,
            receipts,
            inbound,
            due,
            ..
        } = group;
        self.keep_index(&answers).await;
        let mut tray = Tray::default();
        let mut cases = answers;
        cases.extend(self.late(late).await);
        self.ask(receipts, &mut cases, &mut tray).await;
        for _ in 0..ROUNDS_MAX {
            if !tray.early.is_empty() {
                // Asked once more: whoever moved the message before they were parked has not seen them.
                let early = self.park(std::mem::take(&mut tray.early)).await;
                self.ask(early, &mut cases, &mut tray).await;
            }
            if cases.is_empty() {
                break;
            }
            cases = self.round(cases, &mut tray).await;
        }
        self.give_up(cases, &mut tray);
        self.clear(tray, inbound).await;
        let metrics = &self.metrics.receipt_ack_seconds;
        acknowledge(due, |waited| metrics.observe(waited.as_secs_f64()), || self.clock.now()).await;
    }

    /// One round trip to the store, and what comes of it.
    async fn round(&mut self, mut cases: Vec<Case>, tray: &mut Tray) -> Vec<Case> {
        let parked = self.commit(&mut cases).await;
        let (mut again, mut stale, mut next) = (Vec::new(), Vec::new(), Vec::new());
        let mut records: HashMap<Recipient, (Vec<u8>, Vec<Question>)> = HashMap::new();
        for Case { ask, reply, of } in cases {
            match (of, reply) {
                (Of::Answer(answered), Some(Reply::Moved)) => self.answered(&answered, &ask),
                (Of::Answer(answered), _) => stale.push(answered),
                (Of::Matched(matched), Some(Reply::Moved)) => self.matched(matched, &ask, tray),
                // The record changed meanwhile: its receipts are matched against what it is now.
                (Of::Matched(matched), _) => again.extend(matched.questions),
                (Of::Receipt(question), Some(Reply::Settled(taken_at))) => self.settled(question, taken_at, tray),
                (Of::Receipt(question), Some(Reply::Duplicate)) => self.duplicate(question, tray),
                (Of::Receipt(question), Some(Reply::Record(record))) => {
                    records
                        .entry(question.at)
                        .or_insert((record, Vec::new()))
                        .1
                        .push(question);
                }
                (Of::Receipt(question), _) => self.elsewhere(question, Unmatched::UnknownId, &mut again, tray).await,
            }
        }
        for (recipient, (record, of)) in records {
            let unmatched = self.match_here((recipient, record), of, &mut next, tray).await;
            for (question, reason) in unmatched {
                self.elsewhere(question, reason, &mut again, tray).await;
            }
        }
        let fresh = questions(&parked).into_iter().filter(|question| tray.begin(question));
        again.extend(fresh.collect::<Vec<_>>());
        next.extend(self.late(stale).await);
        for question in again {
            next.push(self.receipt_case(question));
        }
        next
    }

    async fn commit(&self, cases: &mut [Case]) -> Vec<ParkedOf> {
        let (since, mut pauses) = (self.clock.now(), pauses());
        loop {
            match self.store.commit(self.clock.unix_us(), cases).await {
                Ok(parked) => {
                    self.metrics.redis_op("commit", self.clock.now() - since, cases.len());
                    return parked;
                }
                Err(error) => away(&self.metrics, "commit", &error, pauses.next()).await,
            }
        }
    }

    /// Receipts as questions to the store, each at the first place that it names.
    async fn ask(&mut self, receipts: Vec<Question>, cases: &mut Vec<Case>, tray: &mut Tray) {
        for question in receipts {
            if !tray.begin(&question) {
                continue;
            }
            if question.news.recipient.is_some() {
                cases.push(self.receipt_case(question));
                continue;
            }
            let mut found = Vec::new();
            self.elsewhere(question, Unmatched::NoAddress, &mut found, tray).await;
            cases.extend(found.into_iter().map(|question| self.receipt_case(question)));
        }
    }

    fn receipt_case(&self, question: Question) -> Case {
        let id = question.news.ids().next().unwrap_or_default();
        let ask = ReceiptAsk {
            recipient: question.at,
            smsc: question.smsc,
            digest: digest(question.smsc, id),
            smsc_id: id.to_vec(),
            result: result(self.verdict(&question), self.clock.unix_us()),
        };
        Case::new(Ask::Receipt(ask), Of::Receipt(question))
    }

    /// Looks for a receipt's message at the next place; after the last, it is parked.
    async fn elsewhere(&self, question: Question, reason: Unmatched, again: &mut Vec<Question>, tray: &mut Tray) {
        let mut next = self.after(question, reason);
        if let Next::Index(question) = next {
            next = self.look_up(question).await;
        }
        match next {
            Next::Ask(question) => again.push(question),
            Next::Index(question) | Next::Park(question) => tray.unmatched(question),
        }
    }

    /// The next place of a receipt that was not matched for that reason.
    fn after(&self, mut question: Question, reason: Unmatched) -> Next {
        if question.place == Place::Source || question.unmatched == Unmatched::UnknownId {
            question.unmatched = reason;
        }
        let tried = question.at;
        let ids = || question.news.ids();
        if question.place == Place::Source
            && let Some(other) = question.news.other.map(Recipient).filter(|other| *other != tried)
        {
            (question.at, question.place) = (other, Place::Destination);
            return Next::Ask(question);
        }
        if matches!(question.place, Place::Source | Place::Destination) {
            let known = ids().find_map(|id| self.whereabouts.of(question.smsc, id));
            question.place = Place::Whereabouts;
            if let Some(recipient) =
                known.filter(|known| ![question.news.recipient, question.news.other].contains(&Some(known.0)))
            {
                question.at = recipient;
                return Next::Ask(question);
            }
        }
        let has_index = self.side(question.smsc).is_some_and(|side| side.index_for.is_some());
        if question.place == Place::Whereabouts && has_index {
            question.place = Place::Index;
            return Next::Index(question);
        }
        Next::Park(question)
    }

    async fn look_up(&self, mut question: Question) -> Next {
        let ids: Vec<Vec<u8>> = question.news.ids().map(<[u8]>::to_vec).collect();
        for id in ids {
            let found = insist(&self.metrics, "index", || self.store.indexed(question.smsc, &id)).await;
            if let Some(recipient) = found {
                question.at = recipient;
                return Next::Ask(question);
            }
        }
        Next::Park(question)
    }

    /// Answers whose message was not leased any more: it is in doubt, by the timer or by another process, and the answer
    /// resolves that; or it was settled by the same answer before, and nothing is to be done.
    async fn late(&self, answers: Vec<Answered>) -> Vec<Case> {
        if answers.is_empty() {
            return Vec::new();
        }
        let recipients: Vec<Recipient> = answers.iter().map(|answered| answered.flight.recipient).collect();
        let records = insist(&self.metrics, "commit", || self.store.records(&recipients)).await;
        let pairs = answers.into_iter().zip(records);
        pairs
            .filter_map(|(answered, record)| self.late_case(answered, &record))
            .collect()
    }

    fn late_case(&self, answered: Answered, record: &[u8]) -> Option<Case> {
        let now_us = self.clock.unix_us();
        let side = self.side(answered.smsc)?;
        let record = Record::unpack(answered.flight.recipient, record)
            .inspect_err(|error| tracing::error!(%error, "a record cannot be read"))
            .ok()?;
        let message = record
            .messages
            .iter()
            .find(|message| message.id == answered.flight.id)?;
        let policy = side.policy(self.in_doubt);
        // One segment at a time: of several, the others come again as stale.
        let (part, reply) = answered.replies.iter().find(|(_, reply)| *reply != Answer::Lost)?;
        if message.state != State::InDoubt {
            return None;
        }
        let event = outcome::late(message, (*part, reply), &policy, now_us)?;
        let note = note_of(&event, answered.flight.sender);
        let transition = message.apply(event, now_us).ok()?;
        let news = News::of(transition.step);
        Some(Case::new(
            Ask::Move(transition, note),
            Of::Answer(Answered { news, ..answered }),
        ))
    }

    /// A move of an answer was made.
    fn answered(&mut self, answered: &Answered, ask: &Ask) {
        let recipient = answered.flight.recipient;
        for (_, reply) in &answered.replies {
            if let Answer::Accepted(id) = reply {
                self.whereabouts.note(answered.smsc, id, recipient);
            }
        }
        let Some(side) = self.side(answered.smsc) else { return };
        match answered.news {
            News::Taken => side.metrics.status(Status::Transmitted),
            News::Ended(status) => side.metrics.status(status),
            News::Doubted => side.metrics.doubted.inc(),
            News::Nothing => {}
        }
        if let Ask::Move(transition, _) = ask
            && let Some((line, due)) = transition.due
        {
            let partition = recipient.partition(self.store.partitions());
            let wait = std::time::Duration::from_micros(due.saturating_sub(self.clock.unix_us()));
            self.bells.ring_at(line.way, partition, self.clock.now() + wait);
        }
    }

    /// The store settled a message by this receipt.
    fn settled(&self, question: Question, taken_at: u64, tray: &mut Tray) {
        self.ended(question.smsc, self.verdict(&question).status, taken_at);
        self.done(question, tray);
    }

    /// Receipts that were matched here have moved their message.
    fn matched(&self, matched: Matched, ask: &Ask, tray: &mut Tray) {
        if let (Ask::Move(transition, _), Some(first)) = (ask, matched.questions.first())
            && let Step::Settle(status) = transition.step
        {
            self.ended(first.smsc, status, matched.taken_at);
        }
        for question in matched.questions {
            self.done(question, tray);
        }
    }

    /// A message reached its end by a receipt.
    fn ended(&self, smsc: SmscId, status: Status, taken_at: u64) {
        if let Some(side) = self.side(smsc) {
            side.metrics.status(status);
            let seconds = self.clock.unix_us().saturating_sub(taken_at) as f64 / 1e6;
            side.metrics.receipt_latency.observe(seconds);
            self.metrics.submitted_to_settled_seconds.observe(seconds);
        }
    }

    /// A second copy of a receipt that was settled.
    pub(super) fn duplicate(&self, question: Question, tray: &mut Tray) {
        if let Some(side) = self.side(question.smsc) {
            side.metrics.duplicates.inc();
        }
        tray.done(question);
    }

    /// The receipt has found its place: a parked copy goes.
    fn done(&self, question: Question, tray: &mut Tray) {
        if let (Some(side), true) = (self.side(question.smsc), question.place != Place::Source) {
            side.metrics.found_elsewhere(question.place.word());
        }
        tray.done(question);
    }

    /// Parks receipts whose message may still be answered. Returns them as parked.
    async fn park(&self, early: Vec<Question>) -> Vec<Question> {
        let now_us = self.clock.unix_us();
        let mut packed = Vec::with_capacity(early.len());
        let mut kept = Vec::with_capacity(early.len());
        for mut question in early {
            let Some(one) = Parked::pack(&question.news, question.smsc, question.unmatched, now_us) else {
                self.refuse_room(question.smsc);
                continue;
            };
            let parked = (question.parking(), one);
            packed.push(parked.clone());
            question.parked = Some(parked);
            kept.push(question);
        }
        let room = insist(&self.metrics, "park", || self.store.park(&packed)).await;
        for (question, room) in kept.iter().zip(room) {
            let Some(side) = self.side(question.smsc) else { continue };
            if room {
                side.metrics.parked(question.unmatched.label());
            } else {
                self.refuse_room(question.smsc);
            }
        }
        kept
    }

    fn refuse_room(&self, smsc: SmscId) {
        if let Some(side) = self.side(smsc) {
            side.metrics.parked("no_room");
            tracing::error!(
                smsc = side.metrics.name,
                "a receipt found no room to be parked: it is lost"
            );
        }
    }

    /// What is still open after the last round.
    fn give_up(&self, cases: Vec<Case>, tray: &mut Tray) {
        for case in cases {
            match case.of {
                Of::Receipt(question) => tray.contended(question),
                Of::Matched(matched) => matched
                    .questions
                    .into_iter()
                    .for_each(|question| tray.contended(question)),
                Of::Answer(answered) => {
                    tracing::error!(id = %answered.flight.id, "an answer found its message changed again and again");
                }
            }
        }
    }

    async fn clear(&self, mut tray: Tray, inbound: Vec<InboundNews>) {
        tray.park.append(&mut tray.early);
        if !tray.park.is_empty() {
            self.park(tray.park).await;
        }
        if !tray.unpark.is_empty() {
            insist(&self.metrics, "park", || self.store.unpark(&tray.unpark)).await;
        }
        let mut by_partition: HashMap<_, Vec<Vec<u8>>> = HashMap::new();
        for news in inbound {
            let partition = Recipient(news.from.unwrap_or(0)).partition(self.store.partitions());
            let packed = pack_inbound(&news, self.clock.unix_us());
            by_partition.entry(partition).or_default().push(packed);
        }
        for (partition, packed) in by_partition {
            insist(&self.metrics, "inbound", || {
                self.store.keep_inbound(partition, &packed, INBOUND_KEPT)
            })
            .await;
        }
    }

    /// Keeps the ids of SMSCs whose receipts do not say whom they are about.
    async fn keep_index(&self, answers: &[Case]) {
        for (smsc, side) in self.smscs.iter() {
            let Some(kept_for) = side.index_for else { continue };
            let mut ids = Vec::new();
            for case in answers {
                let Of::Answer(answered) = &case.of else { continue };
                if answered.smsc != *smsc {
                    continue;
                }
                ids.extend(accepted(answered));
            }
            if !ids.is_empty() {
                insist(&self.metrics, "index", || {
                    self.store.index_ids(*smsc, &ids, kept_for.as_secs())
                })
                .await;
            }
        }
    }

    pub(super) fn side(&self, smsc: SmscId) -> Option<&SmscSide> {
        self.smscs.get(&smsc)
    }

    /// What a receipt means at its SMSC.
    pub(super) fn verdict(&self, question: &Question) -> outcome::Verdict {
        let meant = |side: &SmscSide| side.meanings.receipt(question.news.stat, question.news.err.as_deref());
        self.side(question.smsc).map_or(
            outcome::Verdict {
                status: Status::ReceptionError,
                code: 0,
            },
            meant,
        )
    }
}

impl Tray {
    /// Whether a receipt is to be handled: a parked one that is being handled, or was, is not.
    fn begin(&mut self, question: &Question) -> bool {
        match &question.parked {
            Some(parked) => self.handled.insert(parked.clone()),
            None => true,
        }
    }

    fn done(&mut self, question: Question) {
        self.unpark.extend(question.parked);
    }

    /// Its message may still be answered: a parked one stays parked, until its message moves.
    pub(super) fn early(&mut self, mut question: Question) {
        match &question.parked {
            Some(parked) => {
                self.handled.remove(parked);
            }
            None => {
                question.unmatched = Unmatched::Early;
                self.early.push(question);
            }
        }
    }

    /// It matches nothing: a parked one stays parked.
    fn unmatched(&mut self, question: Question) {
        if question.parked.is_none() {
            self.park.push(question);
        }
    }

    fn contended(&mut self, mut question: Question) {
        question.unmatched = Unmatched::Contended;
        self.unmatched(question);
    }
}

fn pack_inbound(news: &InboundNews, at: u64) -> Vec<u8> {
    let json = serde_json::json!({ "at": at, "from": news.source, "to": news.destination, "text": news.text });
    json.to_string().into_bytes()
}

/// The ids that an SMSC gave a message's segments.
fn accepted(answered: &Answered) -> impl Iterator<Item = (&[u8], Recipient)> {
    answered.replies.iter().filter_map(|(_, reply)| {
        let Answer::Accepted(id) = reply else { return None };
        (!id.is_empty()).then_some((&id[..], answered.flight.recipient))
    })
}
