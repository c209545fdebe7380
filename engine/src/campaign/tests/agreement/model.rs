//! What happens to a message, as a model that knows neither the table of states nor the scripts.

use super::*;
use crate::domain::{Back, GivesBack, UnixMicros};

/// What is done to a message.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// All due messages are claimed.
    Lease,
    /// The SMSC takes all of it; refuses the last segment of several if not `whole`.
    Accept {
        whole: bool,
    },
    /// It refuses it for now.
    Defer {
        part_taken: bool,
    },
    /// It refuses it for good.
    Reject,
    /// The answer never came.
    Doubt,
    /// A receipt for the first segment that waits for one.
    Receipt {
        status: Status,
    },
    /// Its campaign was stopped.
    Stop,
    /// Its campaign's time is over.
    Outdate,
    Recall,
    /// Its route is gone.
    Reroute,
    /// Its time is over.
    Expire,
    /// What was last asked of it is asked again.
    Again,
    /// What was asked of it before that is asked again.
    Late,
    /// A move that its state does not have.
    Forged {
        step: usize,
    },
}

/// What the model knows of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Open,
    Taken,
    Lost,
    Refused,
    Settled(Status),
}

/// What the model knows of a message. `letter`: Waiting, Deferred, Leased, In doubt, Enroute, or `.` at its end.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) recipient: Recipient,
    pub(super) id: MessageId,
    pub(super) letter: char,
    pub(super) parts: Vec<Part>,
    /// Whether anything is stored of its parts.
    pub(super) traced: bool,
    pub(super) credits: u64,
    pub(super) spent: u64,
    pub(super) ended: Option<Status>,
    pub(super) canceled: bool,
    pub(super) asked: Vec<Swap>,
}

impl Model {
    pub(super) fn new(message: &Message<'_>) -> Self {
        Self {
            recipient: message.recipient,
            id: message.id,
            letter: letter(message),
            parts: vec![Part::Open; usize::from(message.segments)],
            traced: false,
            credits: message.credits.into(),
            spent: 0,
            ended: None,
            canceled: false,
            asked: Vec::new(),
        }
    }

    fn taken(&self) -> u64 {
        let taken = |part: &&Part| matches!(part, Part::Taken | Part::Settled(_));
        self.parts.iter().filter(taken).count() as u64
    }

    /// Credits are settled with the first of enroute and a billed end: the share of what was taken.
    fn bill(&mut self) {
        self.credits = (self.credits * self.taken()).div_ceil(self.parts.len() as u64);
        self.spent = self.credits;
    }

    fn end(&mut self, status: Status) {
        (self.letter, self.ended) = ('.', Some(status));
    }

    /// The event that `act` is for this message, and whether it may happen; the model moves if it may.
    pub(super) fn play(&mut self, act: &Act) -> Option<(Event, bool)> {
        let before = self.letter;
        let may = |letters: &str| letters.contains(before);
        Some(match act {
            Act::Accept { whole } => self.play_accept(*whole, may("LI")),
            Act::Defer { part_taken } => self.play_defer(*part_taken, may("LI")),
            Act::Reject => {
                let event = Event::Rejected {
                    status: Status::NotRouted,
                    reason: Reason::Answer,
                    code: 9,
                };
                if may("LI") {
                    self.end(Status::NotRouted);
                }
                (event, may("LI"))
            }
            Act::Doubt => {
                let parts = vec![Part::Lost; self.parts.len()];
                let event = Event::Doubted(traces(&parts, UnixMicros(8)));
                if may("WDL") {
                    (self.parts, self.traced, self.letter) = (parts, true, 'I');
                }
                (event, may("WDL"))
            }
            Act::Receipt { status } => return self.play_receipt(*status, may("IE")),
            Act::Stop => {
                let ends = |model: &mut Self| (model.letter, model.canceled) = ('.', true);
                (Event::Stopped, self.abandon(before, ends))
            }
            Act::Recall => {
                let ends = |model: &mut Self| (model.letter, model.canceled) = ('.', true);
                (Event::Recalled, self.abandon(before, ends))
            }
            Act::Outdate => {
                let ends = |model: &mut Self| model.end(Status::TransmissionFailed);
                (Event::Outdated, self.abandon(before, ends))
            }
            Act::Reroute => (Event::Rerouted(RouteId(1)), may("WD")),
            Act::Expire => {
                if may("IE") {
                    self.expire();
                }
                (Event::Expired, may("IE"))
            }
            Act::Lease | Act::Again | Act::Late | Act::Forged { .. } => return None,
        })
    }

    /// What was taken of it is all that is sent; where nothing was, it ends. Whether that may happen.
    fn abandon(&mut self, letter: char, end: impl FnOnce(&mut Self)) -> bool {
        let part_taken = self.traced && self.taken() > 0;
        let ok = if part_taken { "D" } else { "WD" }.contains(letter);
        if ok && part_taken {
            let open = self.parts.iter_mut().filter(|part| **part == Part::Open);
            open.for_each(|part| *part = Part::Refused);
            self.letter = 'E';
            self.bill();
        } else if ok {
            end(self);
        }
        ok
    }

    fn play_accept(&mut self, whole: bool, ok: bool) -> (Event, bool) {
        let mut parts = vec![Part::Taken; self.parts.len()];
        if let [_, .., last] = &mut parts[..]
            && !whole
        {
            *last = Part::Refused;
        }
        let event = Event::Accepted(traces(&parts, UnixMicros(7)));
        if ok {
            (self.parts, self.traced, self.letter) = (parts, true, 'E');
            self.bill();
        }
        (event, ok)
    }

    fn play_defer(&mut self, part_taken: bool, ok: bool) -> (Event, bool) {
        let mut parts = vec![Part::Open; self.parts.len()];
        let traced = part_taken && parts.len() > 1;
        if traced {
            parts[0] = Part::Taken;
        }
        let event = Event::Deferred {
            traces: traced.then(|| traces(&parts, UnixMicros(7))),
            attempts: 1,
            due: UnixMicros(1),
            back: if traced { Back::Refused } else { Back::Elsewhere(SMSC) },
        };
        if ok {
            (self.parts, self.traced, self.letter) = (parts, traced, 'D');
        }
        (event, ok)
    }

    fn play_receipt(&mut self, status: Status, ok: bool) -> Option<(Event, bool)> {
        let waits = |part: &Part| matches!(part, Part::Taken | Part::Lost);
        let segment = self.parts.iter().position(waits)?;
        let event = if self.parts[segment] == Part::Lost {
            Event::Found {
                segment,
                smsc_id: smsc_id(segment),
                status,
                code: 3,
                gives_back: GivesBack::NONE,
            }
        } else {
            Event::Receipt {
                segment,
                status,
                code: 3,
                gives_back: GivesBack::NONE,
            }
        };
        if ok {
            self.parts[segment] = Part::Settled(status);
            if !self.parts.iter().any(waits) {
                if self.letter == 'I' {
                    self.bill();
                }
                self.end(self.worst(None));
            }
        }
        Some((event, ok))
    }

    fn expire(&mut self) {
        let in_doubt = self.letter == 'I';
        if in_doubt && self.taken() > 0 {
            self.bill();
        }
        let open = if in_doubt {
            Status::TransmissionFailed
        } else {
            Status::Transmitted
        };
        self.end(self.worst(Some(open)));
    }

    fn worst(&self, open: Option<Status>) -> Status {
        let ends = self.parts.iter().filter_map(|part| match part {
            Part::Settled(status) => Some(*status),
            Part::Refused => Some(Status::TransmissionFailed),
            Part::Open | Part::Taken | Part::Lost => None,
        });
        ends.chain(open).min_by_key(|status| status.rank()).unwrap()
    }
}

pub(super) fn letter(message: &Message<'_>) -> char {
    message.state.letter().unwrap().into()
}

pub(super) fn smsc_id(segment: usize) -> Vec<u8> {
    format!("id-{segment}").into_bytes()
}

pub(super) fn traces(parts: &[Part], at: UnixMicros) -> Traces {
    let trace = |(segment, part): (usize, &Part)| {
        let (mark, smsc_id) = match part {
            Part::Open => (Mark::Open, Vec::new()),
            Part::Taken => (Mark::Taken, smsc_id(segment)),
            Part::Lost => (Mark::Lost, Vec::new()),
            Part::Refused => (Mark::Refused(Status::TransmissionFailed), Vec::new()),
            Part::Settled(status) => (Mark::Settled(*status), smsc_id(segment)),
        };
        Trace { mark, smsc_id }
    };
    let segments = parts.iter().enumerate().map(trace).collect();
    Traces { at, segments }
}
