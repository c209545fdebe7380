//! What all sessions of a run share: what is to be sent, what was sent, what came of it. No socket and no clock.

use std::collections::BTreeMap;

use smpp::command_status::CommandStatus;
use smpp::frame::Sm;
use smpp::receipt::{self, Stat};

use super::meters::{Latencies, Seconds};
use super::outstanding::{Noted, Outstanding, Owner, Waiting};
use crate::load::{Schedule, Taken};
use crate::results::{Counts, Second};

/// What goes with a submit_sm until it is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    /// When its message was due, in µs from the beginning.
    pub(crate) due_us: u64,
    /// When it was written.
    pub(crate) written_us: u64,
    /// Whether it counts: it was due after the warm-up.
    pub(crate) measured: bool,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Messages are sent.
    Sending,
    /// Everything is sent; answers and receipts come.
    Draining {
        /// Since when, in µs from the beginning.
        since_us: u64,
    },
    /// Nothing more is waited for.
    Over,
}

/// What the book must know of the run's plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Messages due before this do not count.
    pub(crate) warm_up_us: u64,
    /// How long answers and receipts are waited for after the last submit_sm.
    pub(crate) drain_us: u64,
    /// How many accepted messages without a receipt are kept; beyond, nothing more is sent.
    pub(crate) outstanding_max: usize,
    /// Whether each accepted submit_sm is to get a receipt.
    pub(crate) receipts: bool,
}

/// Histograms of a run.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// Due to written.
    pub(crate) queue: Latencies,
    /// Due to answered, and written to answered.
    pub(crate) submit: (Latencies, Latencies),
    /// Answered to receipted.
    pub(crate) receipt: Latencies,
    /// Due to receipted, and written to receipted.
    pub(crate) end_to_end: (Latencies, Latencies),
}

impl Times {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            queue: Latencies::new()?,
            submit: (Latencies::new()?, Latencies::new()?),
            receipt: Latencies::new()?,
            end_to_end: (Latencies::new()?, Latencies::new()?),
        })
    }
}

/// The moments between which rates are taken, in µs from the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spans {
    /// The last submit_sm written that counts...
    pub(crate) submitted_us: u64,
    /// ...answered...
    pub(crate) answered_us: u64,
    /// ...receipted.
    pub(crate) receipted_us: u64,
    /// Until when the load model said what was due; 0 in a closed one.
    pub(crate) model_us: u64,
}

/// One run's book.
#[derive(Debug)]
pub(crate) struct Book {
    rules: Rules,
    schedule: Schedule,
    stage: Stage,
    outstanding: Outstanding,
    pub(super) counts: Counts,
    pub(super) answers: BTreeMap<CommandStatus, u64>,
    pub(super) stats: BTreeMap<&'static str, u64>,
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) times: Times,
    pub(super) seconds: Seconds,
    pub(super) spans: Spans,
    in_flight: u64,
    /// Parts of messages that a session has begun and not yet written.
    begun: u64,
    /// Sessions that may submit.
    transmitting: u64,
}

impl Book {
    /// A run that begins at 0 µs.
    ///
    /// # Errors
    /// None but those of the histogram library, which takes these bounds.
    pub(crate) fn new(schedule: Schedule, rules: Rules) -> anyhow::Result<Self> {
        Ok(Self {
            rules,
            schedule,
            stage: Stage::Sending,
            outstanding: Outstanding::default(),
            counts: Counts::default(),
            answers: BTreeMap::new(),
            stats: BTreeMap::new(),
            errors: BTreeMap::new(),
            times: Times::new()?,
            seconds: Seconds::new(rules.warm_up_us)?,
            spans: Spans::default(),
            in_flight: 0,
            begun: 0,
            transmitting: 0,
        })
    }

    /// Lets time pass: what became due is offered, seconds close, stages end.
    pub(crate) fn pass(&mut self, now_us: u64) {
        let (seconds, counts, warm_up_us) = (&mut self.seconds, &mut self.counts, self.rules.warm_up_us);
        self.schedule.pass(now_us, |due_us| {
            seconds.at(due_us).offered += 1;
            counts.offered += u64::from(due_us >= warm_up_us);
        });
        self.seconds
            .close_until(now_us, (self.in_flight, self.schedule.backlog()));
        match self.stage {
            Stage::Sending if self.schedule.is_over(now_us) && self.begun == 0 => {
                // A rate is that of the whole time: the last message does not end it.
                self.spans.model_us = self.schedule.known_until_us().unwrap_or(0);
                self.stage = Stage::Draining { since_us: now_us };
            }
            Stage::Draining { since_us } => {
                let done = self.in_flight == 0 && (self.outstanding.len() == 0 || !self.rules.receipts);
                if done || now_us >= since_us + self.rules.drain_us {
                    self.stage = Stage::Over;
                }
            }
            Stage::Sending | Stage::Over => {}
        }
    }

    /// Where the run is.
    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// Sends nothing more; answers and receipts are still waited for.
    pub(crate) fn stop_sending(&mut self) {
        self.schedule.end();
    }

    /// Waits for nothing more.
    pub(crate) fn end(&mut self) {
        self.schedule.end();
        self.stage = Stage::Over;
    }

    /// How many messages a session may take in one turn, so that all get their share of what is due.
    pub(crate) fn share(&self) -> u64 {
        if self.schedule.is_open() {
            self.schedule.backlog() / self.transmitting.max(1) + 1
        } else {
            u64::MAX
        }
    }

    /// The next message to write, with as many parts as `parts` says; `None`: nothing is due, or too many wait for receipts.
    pub(crate) fn take(&mut self, now_us: u64, parts: impl Fn(u64) -> usize) -> Option<Taken> {
        if self.outstanding.len() >= self.rules.outstanding_max {
            return None;
        }
        let taken = self.schedule.take(now_us)?;
        self.begun += parts(taken.number) as u64;
        Some(taken)
    }

    /// A part of a taken message is written now.
    pub(crate) fn submitted(&mut self, due_us: u64, now_us: u64) -> Token {
        let measured = due_us >= self.rules.warm_up_us;
        self.begun -= 1;
        self.in_flight += 1;
        self.seconds.at(now_us).submitted += 1;
        if measured {
            self.counts.submitted += 1;
            self.spans.submitted_us = now_us;
            self.times.queue.record(now_us - due_us);
        } else {
            self.counts.warm_up += 1;
        }
        Token {
            due_us,
            written_us: now_us,
            measured,
        }
    }

    /// Parts of a begun message that will not be written: its session is gone.
    pub(crate) fn given_up(&mut self, parts: u64) {
        self.begun -= parts;
        self.counts.dropped += parts;
    }

    /// A submit_sm was answered. `late`: it had been counted as overdue.
    pub(crate) fn answered(&mut self, token: &Token, (status, id): (CommandStatus, &[u8]), now_us: u64, late: bool) {
        if late {
            self.error("late_answer");
        } else {
            self.in_flight -= 1;
        }
        let (corrected_us, raw_us) = (now_us - token.due_us, now_us - token.written_us);
        let accepted = status == CommandStatus::ESME_ROK;
        let row = self.seconds.at(now_us);
        row.answered += 1;
        row.refused += u64::from(!accepted);
        self.seconds.answered(corrected_us, raw_us);
        if token.measured {
            self.counts.answered += 1;
            self.counts.accepted += u64::from(accepted);
            self.counts.refused += u64::from(!accepted);
            self.spans.answered_us = now_us;
            *self.answers.entry(status).or_default() += 1;
            self.times.submit.0.record(corrected_us);
            self.times.submit.1.record(raw_us);
        }
        if accepted && self.rules.receipts {
            self.expect_receipt(token, id, raw_us);
        }
    }

    fn expect_receipt(&mut self, token: &Token, id: &[u8], raw_us: u64) {
        let waiting = Waiting {
            due_us: token.due_us,
            queued_us: narrow(token.written_us - token.due_us),
            answered_us: narrow(raw_us),
            measured: token.measured,
        };
        if smpp::receipt::trim(id).is_empty() {
            self.untraceable(token, "empty_message_id");
            return;
        }
        match self.outstanding.answered(id, waiting) {
            Noted::Waits => {}
            // A receipt before its answer took no time since the answer.
            Noted::Early(kept) => {
                let (received_us, stat) = unpacked(kept);
                let answer_us = token.written_us + raw_us;
                self.receipted(&waiting, stat, received_us.max(answer_us));
                self.error("receipt_before_answer");
            }
            Noted::Repeated => self.untraceable(token, "repeated_message_id"),
        }
    }

    /// No receipt can be told to be this message's.
    fn untraceable(&mut self, token: &Token, why: &'static str) {
        self.counts.untraceable += u64::from(token.measured);
        self.error(why);
    }

    /// A deliver_sm or data_sm came.
    pub(crate) fn delivered(&mut self, sm: &Sm<'_>, now_us: u64) {
        let Some(receipt) = receipt::parse(sm) else {
            self.counts.inbound += 1;
            return;
        };
        if !receipt.is_final() {
            self.counts.intermediate += 1;
            return;
        }
        let mut owner = Owner::Stranger;
        for id in receipt.ids() {
            owner = self.outstanding.receipted(id.as_bytes());
            if owner != Owner::Stranger {
                break;
            }
        }
        match owner {
            Owner::Message(waiting) => self.receipted(&waiting, receipt.stat, now_us),
            Owner::Second => self.counts.doubled += 1,
            Owner::Stranger => self.keep_stranger(&receipt, now_us),
        }
    }

    /// It may belong to a submit_sm that is not yet answered.
    fn keep_stranger(&mut self, receipt: &receipt::Receipt<'_>, now_us: u64) {
        let kept = receipt.ids().next().is_some_and(|id| {
            self.in_flight > 0 && self.outstanding.keep_early(id.as_bytes(), packed(now_us, receipt.stat))
        });
        if !kept {
            self.counts.unknown += 1;
        }
    }

    fn receipted(&mut self, waiting: &Waiting, stat: Stat, now_us: u64) {
        self.seconds.at(now_us).receipts += 1;
        if !waiting.measured {
            return;
        }
        self.counts.receipts += 1;
        self.spans.receipted_us = self.spans.receipted_us.max(now_us);
        *self.stats.entry(stat.name()).or_default() += 1;
        let corrected_us = now_us - waiting.due_us;
        let raw_us = corrected_us - u64::from(waiting.queued_us);
        self.times.end_to_end.0.record(corrected_us);
        self.times.end_to_end.1.record(raw_us);
        self.times.receipt.record(raw_us - u64::from(waiting.answered_us));
    }

    /// That many submits had no answer in time: their places in the window are free again.
    pub(crate) fn overdue(&mut self, tokens: &[Token]) {
        if tokens.is_empty() {
            return;
        }
        self.in_flight -= tokens.len() as u64;
        *self.errors.entry("response_timeout").or_default() += tokens.len() as u64;
    }

    /// A session ended with this submit unanswered. Not wholly `written`, the other side surely never had it.
    pub(crate) fn abandoned(&mut self, token: &Token, written: bool) {
        self.in_flight -= 1;
        if !written && token.measured {
            self.counts.submitted -= 1;
            self.counts.dropped += 1;
        }
    }

    /// A session is bound and may submit.
    pub(crate) fn bound(&mut self, transmits: bool) {
        self.transmitting += u64::from(transmits);
    }

    /// A session ended by itself.
    pub(crate) fn disconnected(&mut self, transmits: bool, why: &'static str) {
        self.transmitting -= u64::from(transmits);
        self.counts.disconnects += 1;
        self.error(why);
    }

    /// Something that should not happen, by a closed name.
    pub(crate) fn error(&mut self, kind: &'static str) {
        *self.errors.entry(kind).or_default() += 1;
    }

    /// When a session must look again for what becomes due; `None`: only an answer or a tick brings anything.
    pub(crate) fn wake_us(&self) -> Option<u64> {
        if self.schedule.backlog() > 0 {
            return Some(0);
        }
        self.schedule.next_due_us()
    }

    /// Whether too many accepted messages wait for receipts for anything more to be sent.
    pub(crate) fn is_held(&self) -> bool {
        self.outstanding.len() >= self.rules.outstanding_max
    }

    /// How much of the sending is done, from 0 to 1: in messages or in time, whatever is further.
    pub(crate) fn share_sent(&self, now_us: u64) -> f64 {
        match self.stage {
            Stage::Sending => self.schedule.share(self.counts.submitted + self.counts.warm_up, now_us),
            Stage::Draining { .. } | Stage::Over => 1.0,
        }
    }

    /// Unanswered submits, due messages that wait, accepted messages without a receipt.
    pub(crate) fn waiting(&self) -> (u64, u64, u64) {
        let receipts = if self.rules.receipts { self.outstanding.len() } else { 0 };
        (self.in_flight, self.schedule.backlog(), receipts as u64)
    }

    /// The counts as they are; those of the end (lost, unanswered, dropped) as if it were now.
    pub(crate) fn counts(&self) -> Counts {
        let lost = if self.rules.receipts {
            self.outstanding.rest().filter(|waiting| waiting.measured).count() as u64
        } else {
            0
        };
        Counts {
            lost,
            unanswered: self.counts.submitted.saturating_sub(self.counts.answered),
            dropped: self.counts.dropped + self.schedule.dropped(),
            unknown: self.counts.unknown + self.outstanding.early() as u64,
            ..self.counts.clone()
        }
    }

    /// The counts without those of the end: cheap enough for a look.
    pub(crate) fn counts_so_far(&self) -> &Counts {
        &self.counts
    }

    /// The last second that is complete.
    pub(crate) fn last_second(&self) -> Second {
        self.seconds.last().cloned().unwrap_or_default()
    }

    /// Lost ones of the warm-up, which are in no count.
    pub(crate) fn warm_up_lost(&self) -> u64 {
        self.outstanding.rest().filter(|waiting| !waiting.measured).count() as u64
    }
}

/// µs in 32 bits; what is longer than 71 minutes counts as that.
fn narrow(us: u64) -> u32 {
    u32::try_from(us).unwrap_or(u32::MAX)
}

/// The stats that end a message, which are all that an early receipt is kept for.
const FINAL: [Stat; 7] = [
    Stat::Delivrd,
    Stat::Expired,
    Stat::Deleted,
    Stat::Undeliv,
    Stat::Unknown,
    Stat::Rejectd,
    Stat::Skipped,
];

/// A moment and a final stat in one word.
fn packed(us: u64, stat: Stat) -> u64 {
    let place = FINAL.iter().position(|known| *known == stat).unwrap_or(0);
    us << 3 | place as u64
}

fn unpacked(kept: u64) -> (u64, Stat) {
    let stat = FINAL.get((kept & 0b111) as usize).copied().unwrap_or_default();
    (kept >> 3, stat)
}
