//! The only maker of moves: what happened to a message → its next stored form, its due time, its line in the journal.

use super::journal::note_edition;
use super::stored::HEAD;
use super::time::UnixMicros;
use super::{
    Ending, GivesBack, IllegalMove, Line, Mark, Message, Reason, Recipient, ResultSlot, RouteId, SmscId, State, Status,
    Step, ToHandset, Trace, Traces, Tries,
};

/// Why a message is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    /// It surely was not sent, or may be sent again: that says nothing of the SMSC.
    Unsent,
    /// Its SMSC refused it for now.
    Refused,
    /// Its SMSC does not take it: it waits for that one now.
    Elsewhere(SmscId),
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// All segments have an answer, and at least one was taken: the rest was refused for good.
    Accepted(Traces),
    /// Some segments are to be submitted (again), not before `due`. Traces: where some were taken.
    Deferred {
        /// What is known of its segments, if anything was taken.
        traces: Option<Traces>,
        /// Submissions that were refused for now, this one included if it counts.
        attempts: u8,
        due: UnixMicros,
        back: Back,
    },
    /// None of it was taken, and none will be.
    Rejected {
        /// In which status it ends.
        status: Status,
        reason: Reason,
        /// The answer's command_status.
        code: u16,
    },
    /// A segment may have been sent. Traces: all segments.
    Doubted(Traces),
    /// A late answer: one segment is no longer in doubt, and others are.
    Learned(Traces),
    /// The receipt of one segment.
    Receipt {
        segment: usize,
        status: Status,
        /// The vendor's error code.
        code: u16,
        /// What the tenant is given back.
        gives_back: GivesBack,
    },
    /// A receipt of that id shows that a lost segment was taken after all.
    Found {
        segment: usize,
        smsc_id: Vec<u8>,
        status: Status,
        /// The vendor's error code.
        code: u16,
        /// What the tenant is given back.
        gives_back: GivesBack,
    },
    /// A receipt that speaks for every segment that was taken or may have been.
    Whole {
        status: Status,
        /// The vendor's error code.
        code: u16,
        /// What the tenant is given back.
        gives_back: GivesBack,
    },
    /// Its campaign was stopped.
    Stopped,
    /// It is called back by itself.
    Recalled,
    /// Its time is over, or its campaign's.
    Outdated,
    /// Its route is gone: it waits for that one, and is due now.
    Rerouted(RouteId),
    /// The SMSC that it waits for since others do not take it cannot take it either: it waits for that one, and is due now.
    Turned(SmscId),
    /// The receipts did not come in time.
    Expired,
}

/// A move that may be made: the version of the message that it expects, and what that becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    /// The step through the table of states.
    pub(crate) step: Step,
    pub(crate) recipient: Recipient,
    /// The head that is expected.
    pub(crate) expected: [u8; HEAD],
    /// The message then; empty at its end.
    pub(crate) replacement: Vec<u8>,
    /// Where it waits then, and until when, if it does.
    pub(crate) due: Option<(Line, UnixMicros)>,
    /// How it ended, if it did.
    pub(crate) result: Option<ResultSlot>,
    /// Its credits from now on: what is billed.
    pub(crate) credits: u8,
    /// Its line in the journal, packed.
    pub(crate) journal: Option<Vec<u8>>,
    /// Its segments then, if their ids were not told before.
    pub(crate) untold: Option<Traces>,
}

/// A transition before it is packed.
struct Next {
    step: Step,
    traces: Option<Traces>,
    attempts: u8,
    due: Option<UnixMicros>,
    back: Back,
    route: Option<RouteId>,
    ending: Option<(Ending, Reason, u16)>,
}

impl Next {
    fn to(step: Step, traces: Option<Traces>) -> Self {
        Self {
            step,
            traces,
            attempts: 0,
            due: None,
            back: Back::Unsent,
            route: None,
            ending: None,
        }
    }

    fn end(step: Step, ending: Ending, reason: Reason, code: u16) -> Self {
        Self {
            ending: Some((ending, reason, code)),
            ..Self::to(step, None)
        }
    }
}

impl Transition {
    /// The message was leased under that one of the rules that its process has obeyed.
    pub(crate) fn leased_under(&mut self, edition: u16) {
        if let Some(event) = &mut self.journal {
            note_edition(event, edition);
        }
    }
}

impl Message<'_> {
    /// What is known of its segments where nothing was noted: `count` of them, each with that mark.
    pub(crate) fn traces_or(&self, mark: Mark, count: u8) -> Traces {
        self.traces().unwrap_or_else(|| Traces {
            at: UnixMicros::default(),
            segments: vec![Trace::new(mark); usize::from(count.max(1))],
        })
    }

    /// Makes the move that `event` is, through the table of states.
    ///
    /// # Errors
    /// When the table has no such move.
    pub(crate) fn apply(&self, event: Event, now: UnixMicros) -> Result<Transition, IllegalMove> {
        let next = match event {
            Event::Accepted(traces) => Next::to(Step::Accept, Some(traces)),
            Event::Deferred {
                traces,
                attempts,
                due,
                back,
            } => Next {
                attempts,
                due: Some(due),
                back,
                ..Next::to(Step::Defer, traces)
            },
            Event::Rejected { status, reason, code } => {
                let accepted = false;
                Next::end(Step::Reject(status), Ending::Status { status, accepted }, reason, code)
            }
            Event::Doubted(traces) => Next::to(Step::Doubt, Some(traces)),
            Event::Learned(traces) => Next::to(Step::Learn, Some(traces)),
            Event::Receipt {
                segment,
                status,
                code,
                gives_back,
            } => self.receipt(segment, Trace::new(Mark::Settled(status)), (code, gives_back)),
            Event::Found {
                segment,
                smsc_id,
                status,
                code,
                gives_back,
            } => {
                let mark = Mark::Settled(status);
                self.receipt(segment, Trace { mark, smsc_id }, (code, gives_back))
            }
            Event::Whole {
                status,
                code,
                gives_back,
            } => self.whole(status, (code, gives_back)),
            Event::Stopped => self.abandon(Next::end(Step::Cancel, Ending::Canceled, Reason::Stopped, 0)),
            Event::Recalled => self.abandon(Next::end(Step::Cancel, Ending::Canceled, Reason::Recalled, 0)),
            Event::Outdated => self.outdate(),
            Event::Rerouted(route) => Next {
                route: Some(route),
                due: Some(now),
                attempts: self.attempts,
                ..Next::to(Step::Reroute, self.traces())
            },
            Event::Turned(smsc) => Next {
                due: Some(now),
                attempts: self.attempts,
                back: Back::Elsewhere(smsc),
                ..Next::to(Step::Reroute, self.traces())
            },
            Event::Expired => self.expire(),
        };
        self.make(next, now)
    }

    /// One segment is settled.
    fn receipt(&self, segment: usize, settled: Trace, terms: (u16, GivesBack)) -> Next {
        let mut traces = self.traces_or(Mark::Lost, self.segments);
        if let Some(trace) = traces.segments.get_mut(segment) {
            trace.mark = settled.mark;
            if !settled.smsc_id.is_empty() {
                trace.smsc_id = settled.smsc_id;
            }
        }
        Self::settled(traces, terms)
    }

    /// Every segment that was taken, or may have been, is settled at once.
    fn whole(&self, status: Status, terms: (u16, GivesBack)) -> Next {
        let mut traces = self.traces_or(Mark::Lost, self.segments);
        let waiting = traces.segments.iter_mut();
        let waiting = waiting.filter(|trace| matches!(trace.mark, Mark::Taken | Mark::Lost));
        waiting.for_each(|trace| trace.mark = Mark::Settled(status));
        Self::settled(traces, terms)
    }

    /// With the last segment the message ends, in the worst one's status; in that of what is given back where the tenant's terms say so.
    fn settled(traces: Traces, (code, gives_back): (u16, GivesBack)) -> Next {
        if traces.any(|mark| matches!(mark, Mark::Open | Mark::Taken | Mark::Lost)) {
            return Next::to(Step::Learn, Some(traces));
        }
        let (worst, accepted) = (worst(&traces), true);
        let (status, reason) = match (worst, gives_back.reason(worst)) {
            (_, Some(reason)) => (Status::Recredited, reason),
            (Status::Delivered, None) => (worst, Reason::None),
            (_, None) => (worst, Reason::Receipt),
        };
        Next {
            traces: Some(traces),
            ..Next::end(Step::Settle(status), Ending::Status { status, accepted }, reason, code)
        }
    }

    /// As if it had been leased when it is not worth sending any more.
    fn outdate(&self) -> Next {
        let status = Status::TransmissionFailed;
        let ending = Ending::Status {
            status,
            accepted: false,
        };
        self.abandon(Next::end(Step::Outdate(status), ending, Reason::Expired, 0))
    }

    /// Nothing more of it is sent; what was taken of it is still followed, and otherwise it ends so.
    fn abandon(&self, end: Next) -> Next {
        match self.traces().filter(|traces| traces.taken() > 0) {
            Some(mut traces) => {
                let open = traces.segments.iter_mut().filter(|trace| trace.mark == Mark::Open);
                open.for_each(|trace| trace.mark = Mark::Refused(Status::TransmissionFailed));
                Next::to(Step::Abandon, Some(traces))
            }
            None => end,
        }
    }

    /// Enroute for too long, it stays transmitted; in doubt for too long, it failed. What is known to be worse is kept.
    fn expire(&self) -> Next {
        let traces = self.traces_or(Mark::Lost, self.segments);
        let accepted = self.state == State::Enroute || traces.taken() > 0;
        let (open, reason) = if self.state == State::Enroute {
            (Status::Transmitted, Reason::NoReceipt)
        } else {
            (Status::TransmissionFailed, Reason::InDoubt)
        };
        let known = traces.segments.iter().filter_map(|trace| ended(trace.mark));
        let status = known.chain([open]).min_by_key(|status| status.rank()).unwrap_or(open);
        Next {
            traces: Some(traces),
            ..Next::end(Step::Expire(status), Ending::Status { status, accepted }, reason, 0)
        }
    }

    fn make(&self, next: Next, now: UnixMicros) -> Result<Transition, IllegalMove> {
        let state = self.state.after(next.step)?;
        let credits = self.billed(state, &next);
        let (smsc, tries) = self.tried(state, &next, now);
        let moved = Message {
            state,
            moves: self.moves.wrapping_add(1),
            attempts: if next.due.is_some() {
                next.attempts
            } else {
                self.attempts
            },
            credits,
            route: next.route.unwrap_or(self.route),
            smsc,
            tries: Tries::of(&tries),
            ..*self
        };
        let is_delivered = state == State::Final(Status::Delivered);
        let delivered = next.traces.as_ref().filter(|_| is_delivered);
        let result = next.ending.map(|(ending, reason, code)| ResultSlot {
            ending,
            reason,
            code,
            at: now.seconds() as u32,
            to_handset: ToHandset::of(delivered.map(|traces| traces.at), now),
        });
        Ok(Transition {
            step: next.step,
            recipient: self.recipient,
            expected: self.head(),
            replacement: state
                .letter()
                .map_or_else(Vec::new, |_| moved.pack(next.traces.as_ref())),
            due: next.due.map(|due| (moved.line(next.traces.as_ref()), due)),
            journal: self.event(state, (credits, self.taken(state, &next)), result.as_ref()),
            result,
            credits,
            // When it became enroute, they were told.
            untold: next.traces.filter(|_| self.state != State::Enroute),
        })
    }

    /// Whom it waits for then, if for somebody by name, and its refusals, packed. What an SMSC took needs none of these any more.
    fn tried(&self, state: State, next: &Next, now: UnixMicros) -> (SmscId, Vec<u8>) {
        match next.back {
            Back::Elsewhere(smsc) if next.step == Step::Defer => (smsc, self.tries.with(now, Some(self.smsc))),
            Back::Elsewhere(smsc) => (smsc, self.tries.octets().to_vec()),
            Back::Refused => (self.smsc, self.tries.with(now, None)),
            Back::Unsent if state == State::Enroute => (self.smsc, Vec::new()),
            Back::Unsent => (self.smsc, self.tries.octets().to_vec()),
        }
    }

    /// Credits are billed for what was taken: all of them, or the share of the segments that were. Once it is enroute its
    /// credits are settled.
    fn billed(&self, state: State, next: &Next) -> u8 {
        let settles = self.state != State::Enroute && matches!(state, State::Enroute | State::Final(_));
        let Some(traces) = next.traces.as_ref().filter(|_| settles) else {
            return self.credits;
        };
        let (taken, all) = (traces.taken() as u32, traces.segments.len().max(1) as u32);
        (u32::from(self.credits) * taken).div_ceil(all) as u8
    }

    /// Segments that the SMSC took of it, when that is settled. What went in one piece is paid for as its text is long.
    fn taken(&self, state: State, next: &Next) -> u8 {
        let settles = self.state != State::Enroute && matches!(state, State::Enroute | State::Final(_));
        let pieces = next.traces.as_ref().filter(|traces| traces.segments.len() > 1);
        match pieces.filter(|_| settles) {
            Some(traces) => traces.taken() as u8,
            None => self.segments,
        }
    }
}

fn ended(mark: Mark) -> Option<Status> {
    match mark {
        Mark::Settled(status) | Mark::Refused(status) => Some(status),
        Mark::Open | Mark::Taken | Mark::Lost => None,
    }
}

fn worst(traces: &Traces) -> Status {
    let ends = traces.segments.iter().filter_map(|trace| ended(trace.mark));
    ends.min_by_key(|status| status.rank()).unwrap_or(Status::Transmitted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Record, Way};

    fn taken(id: &str) -> Trace {
        Trace {
            mark: Mark::Taken,
            smsc_id: id.into(),
        }
    }

    fn stored(transition: &Transition) -> Message<'_> {
        Record::unpack(transition.recipient, &transition.replacement)
            .unwrap()
            .messages[0]
    }

    fn receipt(segment: usize, status: Status) -> Event {
        Event::Receipt {
            segment,
            status,
            code: 1,
            gives_back: GivesBack::NONE,
        }
    }

    #[test]
    fn segments_settle_one_by_one_and_the_worst_names_the_message() {
        let traces = Traces {
            at: UnixMicros(5),
            segments: vec![taken("a"), taken("b")],
        };
        let accepted = leased(1, 2).apply(Event::Accepted(traces), UnixMicros(9)).unwrap();
        assert_eq!(accepted.expected, leased(1, 2).head());
        let enroute = stored(&accepted);
        assert_eq!((enroute.state, enroute.moves, enroute.credits), (State::Enroute, 1, 2));
        let first = enroute
            .apply(receipt(1, Status::ReceptionError), UnixMicros(9))
            .unwrap();
        assert_eq!((first.step, first.result), (Step::Learn, None));
        let second = stored(&first);
        let last = second.apply(receipt(0, Status::Delivered), UnixMicros(9)).unwrap();
        assert!(last.replacement.is_empty());
        let ending = Ending::Status {
            status: Status::ReceptionError,
            accepted: true,
        };
        assert_eq!(last.result.unwrap().ending, ending);
    }

    #[test]
    fn what_the_terms_give_back_ends_so_with_how_it_failed_as_the_reason() {
        let gives_back: GivesBack = "unknown_number".parse().unwrap();
        for (second, status, reason) in [
            (Status::UnknownNumber, Status::Recredited, Reason::UnknownNumber),
            (Status::Delivered, Status::Recredited, Reason::UnknownNumber),
            // What is worse is not given back.
            (Status::TransmissionFailed, Status::TransmissionFailed, Reason::Receipt),
        ] {
            let traces = Traces {
                at: UnixMicros(5),
                segments: vec![taken("a"), taken("b")],
            };
            let accepted = leased(1, 2).apply(Event::Accepted(traces), UnixMicros(9)).unwrap();
            let told = |segment, status| Event::Receipt {
                segment,
                status,
                code: 1,
                gives_back,
            };
            let half = stored(&accepted)
                .apply(told(0, Status::UnknownNumber), UnixMicros(9))
                .unwrap();
            let last = stored(&half).apply(told(1, second), UnixMicros(9)).unwrap();
            let result = last.result.unwrap();
            assert_eq!(
                (result.ending, result.reason),
                (Ending::Status { status, accepted: true }, reason)
            );
        }
    }

    #[test]
    fn one_receipt_may_speak_for_all_segments() {
        let refused = Trace::new(Mark::Refused(Status::TransmissionFailed));
        for (third, status) in [(taken("c"), Status::Delivered), (refused, Status::TransmissionFailed)] {
            let traces = Traces {
                at: UnixMicros(5),
                segments: vec![taken("a"), taken("b"), third],
            };
            let accepted = leased(1, 3).apply(Event::Accepted(traces), UnixMicros(9)).unwrap();
            let whole = Event::Whole {
                status: Status::Delivered,
                code: 0,
                gives_back: GivesBack::NONE,
            };
            let last = stored(&accepted).apply(whole, UnixMicros(9)).unwrap();
            let ending = Ending::Status { status, accepted: true };
            assert_eq!(last.result.unwrap().ending, ending);
        }
    }

    #[test]
    fn a_message_taken_in_part_is_billed_for_that_part_and_waits_for_its_receipts() {
        let traces = Traces {
            at: UnixMicros(5),
            segments: vec![taken("a"), Trace::new(Mark::Refused(Status::UnknownNumber)), taken("c")],
        };
        let accepted = leased(1, 3).apply(Event::Accepted(traces), UnixMicros(9)).unwrap();
        assert_eq!(accepted.credits, 2);
        let enroute = stored(&accepted);
        let one = enroute.apply(receipt(0, Status::Delivered), UnixMicros(9)).unwrap();
        let last = stored(&one)
            .apply(receipt(2, Status::Delivered), UnixMicros(9))
            .unwrap();
        let ending = Ending::Status {
            status: Status::UnknownNumber,
            accepted: true,
        };
        assert_eq!((last.result.unwrap().ending, last.credits), (ending, 2));
    }

    #[test]
    fn what_was_taken_in_part_waits_for_its_smsc_and_what_was_not_for_its_route() {
        let deferred = |traces| Event::Deferred {
            traces,
            attempts: 1,
            due: UnixMicros(77),
            back: Back::Refused,
        };
        let whole = leased(1, 2).apply(deferred(None), UnixMicros(9)).unwrap();
        assert_eq!(whole.due.unwrap().0.way, Way::Route(leased(1, 2).route));
        let traces = Traces {
            at: UnixMicros(5),
            segments: vec![taken("a"), Trace::new(Mark::Open)],
        };
        let part = leased(1, 2).apply(deferred(Some(traces)), UnixMicros(9)).unwrap();
        assert_eq!(part.due.unwrap().0.way, Way::Pinned(leased(1, 2).smsc));
        let stopped = stored(&part).apply(Event::Stopped, UnixMicros(9)).unwrap();
        assert_eq!((stopped.step, stopped.credits), (Step::Abandon, 1));
        let canceled = stored(&whole).apply(Event::Stopped, UnixMicros(9)).unwrap();
        assert_eq!(canceled.result.unwrap().ending, Ending::Canceled);
    }

    #[test]
    fn what_its_smsc_does_not_take_waits_for_the_next_by_name_and_forgets_it_when_taken() {
        let deferred = |back| Event::Deferred {
            traces: None,
            attempts: 0,
            due: UnixMicros(77),
            back,
        };
        let first = leased(1, 2);
        let turned = first
            .apply(deferred(Back::Elsewhere(SmscId(2))), UnixMicros(9_000_000))
            .unwrap();
        assert_eq!(turned.due.unwrap().0.way, Way::Pinned(SmscId(2)));
        let waits = stored(&turned);
        assert_eq!(waits.tries.refused_by().collect::<Vec<_>>(), [first.smsc]);
        let moved_on = waits.apply(Event::Turned(SmscId(3)), UnixMicros(10_000_000)).unwrap();
        assert_eq!(moved_on.due.unwrap().0.way, Way::Pinned(SmscId(3)));
        let waits = stored(&moved_on);
        assert_eq!(waits.tries.refused_by().count(), 1, "the second one was not asked");
        assert!(waits.traces().is_none());
        let again = Message {
            state: State::Leased,
            ..waits
        };
        let refused = again.apply(deferred(Back::Refused), UnixMicros(11_000_000)).unwrap();
        assert_eq!(refused.due.unwrap().0.way, Way::Pinned(SmscId(3)));
        assert_eq!(stored(&refused).tries.since(), Some(UnixMicros(9_000_000)));
        let traces = Traces {
            at: UnixMicros(5),
            segments: vec![taken("a"), taken("b")],
        };
        let accepted = again.apply(Event::Accepted(traces), UnixMicros(12_000_000)).unwrap();
        assert_eq!(stored(&accepted).tries, Tries::NONE);
    }

    #[test]
    fn a_message_in_doubt_is_settled_by_the_receipt_that_names_its_segment() {
        let traces = Traces {
            at: UnixMicros(5),
            segments: vec![Trace::new(Mark::Lost)],
        };
        let doubted = leased(1, 1).apply(Event::Doubted(traces), UnixMicros(9)).unwrap();
        let found = Event::Found {
            segment: 0,
            smsc_id: b"7".to_vec(),
            status: Status::Delivered,
            code: 0,
            gives_back: GivesBack::NONE,
        };
        let settled = stored(&doubted).apply(found, UnixMicros(9)).unwrap();
        let ending = Ending::Status {
            status: Status::Delivered,
            accepted: true,
        };
        assert_eq!((settled.result.unwrap().ending, settled.credits), (ending, 1));
        let expired = stored(&doubted).apply(Event::Expired, UnixMicros(9)).unwrap();
        let ending = Ending::Status {
            status: Status::TransmissionFailed,
            accepted: false,
        };
        assert_eq!(expired.result.unwrap().ending, ending);
    }

    #[test]
    fn an_illegal_move_is_an_error() {
        let error = leased(1, 1).apply(Event::Expired, UnixMicros(9)).unwrap_err();
        assert_eq!(error.state, State::Leased);
    }
}
