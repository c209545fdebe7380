//! Carrying a group out: cases make their moves in drafts of the records, the store swaps these in, and what found its record
//! changed comes again, a few rounds at most.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::Settler;
use super::case::{Answered, Case, Place, Question};
use super::group::{Group, acknowledge, note_of, policy, questions, sender};
use super::matching::Matched;
use super::sheet::{Made, Sheet};
use super::traced::Settled;
use super::tray::Tray;
use crate::bind::{InboundNews, Reply};
use crate::dispatch::Outlet;
use crate::domain::{Draft, Due, Partition, PartitionSet, Recipient, Record, SmscId, State, Status, Step, Transition};
use crate::outcome;
use crate::receipt::Parked;
use crate::store::{InboundMark, Swap};

/// An answer or a receipt needs one round, two where the record has changed since it was last seen; each other place to look
/// costs one more, and the rest is for records that change meanwhile. Answers are not given up.
const ROUNDS_MAX: usize = 10;

impl Settler {
    /// Returns what partitions did not do, where it is not waited for these.
    pub(super) async fn carry_out(&self, group: Group) -> Group {
        let Group {
            answers,
            receipts,
            inbound,
            mut due,
            named,
            unpark,
            ids,
            ..
        } = group;
        let mut tray = Tray::new(self.clock.now());
        tray.left.ids = self.keep_index(&answers, ids).await;
        tray.unpark = unpark;
        let mut cases: Vec<Case> = answers.into_iter().map(Case::Answer).collect();
        self.expected(named, &mut cases, &mut tray).await;
        self.ask(receipts, &mut cases, &mut tray).await;
        let mut rounds = 0;
        while !cases.is_empty() || tray.waits() {
            if rounds >= ROUNDS_MAX {
                cases = tray.give_up(cases);
                if cases.is_empty() {
                    break;
                }
            } else if !tray.early.is_empty() {
                // Asked once more: whoever moved the message before they were parked has not seen them.
                let early = std::mem::take(&mut tray.early);
                let early = self.park(early, &mut tray).await;
                self.ask(early, &mut cases, &mut tray).await;
            } else if cases.is_empty() {
                self.park_unmatched(&mut cases, &mut tray).await;
            }
            cases = self.round(cases, &mut tray).await;
            rounds += 1;
        }
        let (mut left, kept) = self.clear(tray, inbound).await;
        if !left.is_empty() {
            left.hold(&mut due, self.store.partitions());
        }
        let metrics = &self.metrics.receipt_ack_seconds;
        let are_told = acknowledge(due, |waited| metrics.observe(waited.as_secs_f64()), || self.clock.now()).await;
        if are_told && !kept.is_empty() {
            // What is not noted is taken for a second copy for a while.
            self.if_there("inbound", || self.inbox.acknowledged(&kept)).await;
        }
        left
    }

    /// One swap of the records that the cases are about, and what comes of it. Returns what is to be asked again.
    async fn round(&self, cases: Vec<Case>, tray: &mut Tray) -> Vec<Case> {
        let (mut sheets, cases) = self.sheets(cases, tray).await;
        let (mut made, mut again, mut next) = (Vec::with_capacity(cases.len()), Vec::new(), Vec::new());
        let mut expected = Vec::new();
        for (at, case) in cases {
            let sheet = &mut sheets[at];
            match case {
                Case::Answer(answered) => match self.answer(answered, sheet) {
                    Some(Ok(move_made)) => made.push((at, move_made)),
                    Some(Err(answered)) => next.push(Case::Answer(answered)),
                    None => {}
                },
                Case::Receipt(question) => match self.match_here(question, sheet).await {
                    Matched::Moves(move_made) => made.push((at, move_made)),
                    Matched::Duplicate(question) => self.duplicate(question, tray),
                    Matched::Early(question) => tray.early(question),
                    Matched::Read(question) => again.push(question),
                    Matched::Unmatched(question, reason) => self.elsewhere(question, reason, &mut again, tray).await,
                },
            }
        }
        let (done, away) = self.swap(&sheets, tray, &mut again).await;
        let is_away: Vec<bool> = sheets
            .iter()
            .map(|sheet| away.contains(self.partition(sheet)))
            .collect();
        let mut records: Vec<Vec<u8>> = sheets.into_iter().map(|sheet| sheet.swap.draft.into_octets()).collect();
        for (at, made) in made {
            match made {
                made if is_away[at] => tray.left.add(made.again()),
                made if !done[at] => next.push(made.again()),
                Made::Answer(answered, late) => {
                    self.answered(&answered, late.as_deref(), tray);
                    expected.extend(self.note_ids(&answered, &mut records[at]));
                }
                Made::Receipt(question, step, settled) => self.settled(question, step, settled, tray),
            }
        }
        next.extend(again.into_iter().map(Case::Receipt));
        self.expected(expected, &mut next, tray).await;
        next
    }

    /// The records that cases are about, and for each case which: what this process saw last, or what is stored.
    async fn sheets(&self, cases: Vec<Case>, tray: &mut Tray) -> (Vec<Sheet>, Vec<(usize, Case)>) {
        let mut places: FxHashMap<Recipient, usize> = FxHashMap::default();
        places.reserve(cases.len());
        let mut known: Vec<(Recipient, Option<Bytes>)> = Vec::with_capacity(cases.len());
        let mut placed = Vec::with_capacity(cases.len());
        for case in cases {
            let at = *places.entry(case.recipient()).or_insert_with(|| {
                known.push((case.recipient(), case.known()));
                known.len() - 1
            });
            if let Case::Answer(Answered { read: true, .. }) = case {
                known[at].1 = None;
            }
            placed.push((at, case));
        }
        let unknown: Vec<Recipient> = known
            .iter()
            .filter(|(_, record)| record.is_none())
            .map(|(recipient, _)| *recipient)
            .collect();
        let (read, away) = if unknown.is_empty() {
            Default::default()
        } else {
            let read = || self.store.records_within_reach(&unknown);
            self.within_reach("commit", read).await
        };
        let unread = |at: usize| known[at].1.is_none() && away.contains(known[at].0.partition(self.store.partitions()));
        for (_, case) in placed.extract_if(.., |(at, _)| !away.is_empty() && unread(*at)) {
            tray.left.add(case);
        }
        let mut read = read.into_iter();
        let sheet = |(recipient, known): (Recipient, Option<Bytes>)| Sheet {
            fresh: known.is_none(),
            swap: self
                .store
                .swap_of(recipient, known.or_else(|| read.next()).unwrap_or_default()),
            moved: false,
        };
        (known.into_iter().map(sheet).collect(), placed)
    }

    /// Swaps the records in which something has moved; returns for each sheet whether it was. Receipts that were parked for
    /// the messages are asked now.
    async fn swap(&self, sheets: &[Sheet], tray: &mut Tray, again: &mut Vec<Question>) -> (Vec<bool>, PartitionSet) {
        let moved: Vec<&Swap> = sheets
            .iter()
            .filter(|sheet| sheet.moved)
            .map(|sheet| &sheet.swap)
            .collect();
        if moved.is_empty() {
            return (vec![false; sheets.len()], PartitionSet::default());
        }
        let since = self.clock.now();
        let swap = || self.store.swap_within_reach(self.clock.unix(), &moved);
        let (swapped, away) = self.within_reach("commit", swap).await;
        self.metrics.redis_op("commit", self.clock.now() - since, moved.len());
        let done = moved.iter().zip(&swapped.done).filter(|(_, done)| **done);
        done.for_each(|(swap, _)| self.ring(&swap.draft));
        let fresh = questions(&swapped.parked, &self.text_key)
            .into_iter()
            .filter(|question| tray.begin(question));
        again.extend(fresh.collect::<Vec<_>>());
        debug_assert_eq!(swapped.done.len(), moved.len(), "each swap has its reply");
        let mut done = swapped.done.into_iter();
        let done = sheets
            .iter()
            .map(|sheet| sheet.moved && done.next().unwrap_or_default());
        (done.collect(), away)
    }

    fn partition(&self, sheet: &Sheet) -> Partition {
        sheet.swap.draft.recipient.partition(self.store.partitions())
    }

    /// Makes an answer's move in its message's record; an answer whose record must be read comes back. Nothing is
    /// left of one that says nothing new.
    fn answer(&self, mut answered: Answered, sheet: &mut Sheet) -> Option<Result<Made, Answered>> {
        let now = self.clock.unix();
        let draft = &mut sheet.swap.draft;
        if let Some((transition, note)) = answered.made.as_deref() {
            // Held: it was made when the reply of the store was lost, and the swap, which changes nothing, says what was parked.
            let made = draft
                .make(transition, note, now)
                .and_then(|made| Ok(made || draft.holds(&transition.replacement)?))
                .inspect_err(|error| tracing::error!(%error, id = %answered.flight.id, "a record cannot be read"))
                .ok()?;
            if made {
                sheet.moved = true;
                return Some(Ok(Made::Answer(answered, None)));
            }
        }
        if !sheet.fresh {
            answered.read = true;
            return Some(Err(answered));
        }
        let transition = self.late(&answered, draft)?;
        sheet.moved = true;
        Some(Ok(Made::Answer(answered, Some(Box::new(transition)))))
    }

    /// Answers of a message that is not leased any more: it is in doubt, by the timer or by another process, and they
    /// resolve that; or it was settled by the same answer before, and nothing is to be done. Returns the last move.
    fn late(&self, answered: &Answered, draft: &mut Draft) -> Option<Transition> {
        let now = self.clock.unix();
        let side = self.side(answered.smsc)?;
        let settings = side.settings();
        let mut last = None;
        for (part, reply) in &answered.replies {
            let record = Record::unpack(draft.recipient, draft.octets())
                .inspect_err(|error| tracing::error!(%error, "a record cannot be read"))
                .ok()?;
            let mut messages = record.messages.iter();
            let message = messages.find(|message| message.id == answered.flight.id && message.state == State::InDoubt);
            let event = message.and_then(|message| {
                let about = (message, &answered.replies[..]);
                let policy = policy((side, &settings), self.in_doubt, about);
                outcome::late(message, (*part, reply), &policy, now)
            });
            let (Some(message), Some(event)) = (message, event) else {
                continue;
            };
            let note = note_of(&event, answered.flight.sender);
            let lease = &answered.flight.lease;
            let is_its_lease = message.epoch == lease.epoch;
            let Ok(mut transition) = message.apply(event, now) else {
                continue;
            };
            if is_its_lease {
                transition.leased_under(lease.edition);
            }
            if draft.make(&transition, &note, now).unwrap_or_default() {
                last = Some(transition);
            }
        }
        last
    }

    /// Remembers whose the ids of an answer are. Returns under which keys receipts of these were parked.
    fn note_ids(&self, answered: &Answered, record: &mut Vec<u8>) -> Vec<Recipient> {
        let ids = answered.replies.iter().filter_map(|(_, reply)| match reply {
            Reply::Accepted(id) => Some(id),
            Reply::Refused(_) | Reply::Lost | Reply::Unsent | Reply::Expired | Reply::Early(_) => None,
        });
        let note = |id: &Vec<u8>| {
            let recipient = answered.flight.recipient;
            self.whereabouts
                .note(answered.smsc, id, recipient, std::mem::take(record))
        };
        ids.filter_map(note).collect()
    }

    /// A move of an answer was made.
    fn answered(&self, answered: &Answered, late: Option<&Transition>, tray: &mut Tray) {
        let Some(side) = self.side(answered.smsc) else { return };
        let Some(made) = late.or(answered.made.as_deref().map(|(made, _)| made)) else {
            return;
        };
        match made.step {
            Step::Accept => {
                side.metrics.status(Status::Transmitted);
                tray.heard.entry(answered.smsc).or_default().taken += 1;
            }
            Step::Reject(status) | Step::Settle(status) | Step::Expire(status) => side.metrics.status(status),
            Step::Doubt => side.metrics.doubted.inc(),
            Step::Lease
            | Step::Wait
            | Step::Skip
            | Step::Defer
            | Step::Learn
            | Step::Cancel
            | Step::Outdate(_)
            | Step::Abandon
            | Step::Reroute => {}
        }
    }

    /// Rings for what is due after a swap: what was deferred, and what waited behind a message that has moved.
    fn ring(&self, draft: &Draft) {
        for due in &draft.dues {
            if let Due::At(line, due, _) = due {
                let partition = draft.recipient.partition(self.store.partitions());
                let wait = due.since(self.clock.unix());
                self.bells.ring_at(line.way, partition, self.clock.now() + wait);
            }
        }
    }

    /// A receipt has moved its message.
    fn settled(&self, question: Question, step: Step, settled: Settled, tray: &mut Tray) {
        if let Step::Settle(status) = step {
            let taken_at = settled.taken_at;
            self.ended(question.smsc, (status, settled));
            let heard = tray.heard.entry(question.smsc).or_default();
            heard.ended.push((taken_at, status == Status::Delivered));
        }
        self.done(question, tray);
    }

    /// A message reached its end by a receipt.
    fn ended(&self, smsc: SmscId, (status, settled): (Status, Settled)) {
        if let Some(side) = self.side(smsc) {
            side.metrics.status(status);
            let now = self.clock.unix();
            self.traced.settled(&side.metrics.name, settled, (status, now));
            let seconds = now.since(settled.taken_at).as_secs_f64();
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
    pub(super) async fn park(&self, early: Vec<Question>, tray: &mut Tray) -> Vec<Question> {
        let (now, key) = (self.clock.unix(), self.text_key.own());
        let mut packed = Vec::with_capacity(early.len());
        let mut kept = Vec::with_capacity(early.len());
        for mut question in early {
            let Some(one) = Parked::pack((&question.news, key), question.smsc, question.unmatched, now) else {
                self.refuse_room(question.smsc);
                continue;
            };
            let parked = (question.parking(), one);
            packed.push(parked.clone());
            question.parked = Some(parked);
            kept.push(question);
        }
        let (room, away) = self
            .within_reach("park", || self.store.park_within_reach(&packed))
            .await;
        let mut parked = Vec::with_capacity(kept.len());
        for (mut question, room) in kept.into_iter().zip(room) {
            if away.contains(question.parking().partition(self.store.partitions())) {
                question.parked = None;
                tray.left.receipts.push(question);
                continue;
            }
            match self.side(question.smsc) {
                Some(side) if room => side.metrics.parked(question.unmatched.label()),
                Some(_) => self.refuse_room(question.smsc),
                None => {}
            }
            parked.push(question);
        }
        parked
    }

    fn refuse_room(&self, smsc: SmscId) {
        if let Some(side) = self.side(smsc) {
            side.metrics.parked("no_room");
            tracing::error!(
                smsc = side.metrics.name,
                "there is no room to park a receipt: it is lost"
            );
        }
    }

    async fn clear(&self, mut tray: Tray, inbound: Vec<(SmscId, InboundNews)>) -> (Group, Vec<InboundMark>) {
        for (smsc, heard) in &tray.heard {
            let side = self.side(*smsc);
            side.inspect(|side| side.service.hear(heard, self.clock.unix()));
        }
        tray.park.append(&mut tray.early);
        if !tray.park.is_empty() {
            let park = std::mem::take(&mut tray.park);
            self.park(park, &mut tray).await;
        }
        for some in self.by_partition(tray.unpark, |(key, _)| *key) {
            if self.if_there("park", || self.store.unpark(&some)).await.is_none() {
                tray.left.unpark.extend(some);
            }
        }
        for some in self.by_partition(inbound, |(_, news)| sender(news)) {
            match self.if_there("inbound", || self.inbox.take(&some)).await {
                Some(kept) => tray.inbound.extend(kept),
                None => tray.left.inbound.extend(some),
            }
        }
        (tray.left, tray.inbound)
    }

    /// What each partition has to do by itself, where some may be away; else all of it at once.
    fn by_partition<T>(&self, all: Vec<T>, whose: impl Fn(&T) -> Recipient) -> Vec<Vec<T>> {
        let mut lists: Vec<(Option<Partition>, Vec<T>)> = Vec::new();
        for one in all {
            let of = (!self.is_patient).then(|| whose(&one).partition(self.store.partitions()));
            match lists.iter_mut().find(|(known, _)| *known == of) {
                Some((_, list)) => list.push(one),
                None => lists.push((of, vec![one])),
            }
        }
        lists.into_iter().map(|(_, list)| list).collect()
    }

    pub(super) fn side(&self, smsc: SmscId) -> Option<&Outlet> {
        self.present.get(&smsc).map(Arc::as_ref)
    }

    /// What a receipt means at its SMSC.
    pub(super) fn verdict(&self, question: &Question) -> outcome::Verdict {
        let meant = |side: &Outlet| side.settings().meanings.receipt(&question.news);
        self.side(question.smsc).map_or(
            outcome::Verdict {
                status: Status::ReceptionError,
                code: 0,
            },
            meant,
        )
    }
}
