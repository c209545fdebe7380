//! Why a message waits: one reason each, by one precedence. Pure.

use std::cmp::Reverse;

use strum::VariantArray;

use crate::store::{InLine, Unqueued};
use crate::traffic::Facts;

/// Why a message is not sent. The order is the precedence, the gravest first: of several that hold, a message has the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Reason {
    /// The reseller has not looked at its campaign yet: nothing of that is queued.
    InReview,
    /// The balance did not cover the launch of its campaign: nothing of that is queued.
    Credit,
    /// The state of Redis or of the clocks stops leases.
    Guard,
    /// Its tenant is suspended.
    TenantSuspended,
    /// Its campaign is paused.
    Paused,
    /// Nobody serves its route, or the SMSC that has a part of it is configured no longer.
    NoRoute,
    /// It is outside the hours of its gate.
    ClosedHours,
    /// An operator has suspended the SMSC.
    Suspended,
    /// The SMSC takes nothing from its account.
    Stopped,
    /// The SMSC has no session.
    NotBound,
    /// An earlier message to the same person has no answer, or waits for its retry.
    Behind,
    /// The SMSC is given less, since it throttles or is busy.
    Brake,
    /// An SMSC did not take it, and it is tried again.
    Retry,
    /// A rate: that of the SMSC, of its campaign or of its tenant.
    Rate,
    /// A place in a window: messages go as answers come, or stand still where none come.
    Window,
}

impl Reason {
    pub(crate) const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the API and in metrics.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    /// Whether it stops everything of a line, whatever else its messages wait for.
    const fn stops_all(self) -> bool {
        match self {
            Self::InReview
            | Self::Credit
            | Self::Guard
            | Self::TenantSuspended
            | Self::Paused
            | Self::NoRoute
            | Self::ClosedHours
            | Self::Suspended
            | Self::Stopped
            | Self::NotBound => true,
            Self::Behind | Self::Brake | Self::Retry | Self::Rate | Self::Window => false,
        }
    }
}

/// Messages by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts([u64; Reason::ALL.len()]);

impl Counts {
    pub(crate) const fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    /// Of all reasons.
    #[cfg(test)]
    fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    fn add(&mut self, reason: Reason, messages: u64) {
        self.0[reason as usize] += messages;
    }

    /// Counts what is in no line.
    pub(crate) fn add_unqueued(&mut self, unqueued: Unqueued) {
        self.add(Reason::InReview, unqueued.in_review);
        self.add(Reason::Credit, unqueued.short);
    }

    /// Counts what waits in a line that waits for `cause`.
    pub(crate) fn add_line(&mut self, line: &InLine, cause: Reason) {
        let above = |own: Reason| if cause.stops_all() { own.min(cause) } else { own };
        self.add(above(Reason::Paused), line.paused_rows + line.halted_again);
        let suspended = line.suspended_rows + line.suspended_again;
        self.add(above(Reason::TenantSuspended), suspended);
        self.add(cause.min(Reason::Rate), line.rated_rows);
        let others = line.paused_rows + line.suspended_rows + line.rated_rows;
        self.add(cause, line.rows.saturating_sub(others));
        self.add(above(Reason::Behind), line.behind);
        let others = line.halted_again + line.suspended_again + line.behind;
        let again = line.again.saturating_sub(others);
        self.add(cause.min(Reason::Retry), again);
    }

    /// The reasons that messages have, the gravest first, with their number.
    pub(crate) fn present(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        let with_count = |reason: &Reason| (*reason, self.of(*reason));
        Reason::ALL.iter().map(with_count).filter(|(_, messages)| *messages > 0)
    }
}

/// What an SMSC keeps messages waiting with.
pub(crate) fn cause_of(facts: &Facts) -> Reason {
    if facts.suspended.is_some() {
        Reason::Suspended
    } else if facts.stopped.is_some() {
        Reason::Stopped
    } else if facts.absent.is_some() {
        Reason::NotBound
    } else if facts.full.is_some() || facts.silent.is_some() {
        Reason::Window
    } else {
        match facts.hold {
            Some((hold, _)) if hold.brakes => Reason::Brake,
            Some(_) => Reason::Rate,
            None => Reason::Window,
        }
    }
}

/// What the messages of a way wait for, and with which SMSC: of those whose turn it is, or of all where it is nobody's, the one
/// that is hindered least. `None`: nobody serves it.
pub(crate) fn hindrance(smscs: &[Facts]) -> Option<(Reason, &Facts)> {
    smscs
        .iter()
        .map(|facts| (cause_of(facts), facts))
        .max_by_key(|(cause, facts)| (facts.turn && !cause.stops_all(), *cause, Reverse(&facts.name)))
}

#[cfg(test)]
mod tests {
    use smpp::command_status::CommandStatus;

    use super::*;
    use crate::bind::Hold;
    use crate::domain::{GateId, Line, RouteId, UnixMicros, Way};

    const SINCE: UnixMicros = UnixMicros(7);

    fn facts(name: &str) -> Facts {
        Facts {
            name: name.to_owned(),
            turn: true,
            suspended: None,
            stopped: None,
            absent: None,
            refused: None,
            full: None,
            silent: None,
            hold: None,
            free: None,
        }
    }

    fn held(brakes: bool) -> Option<(Hold, UnixMicros)> {
        Some((Hold { rate: 1.0, brakes }, SINCE))
    }

    #[test]
    fn the_gravest_of_an_smscs_hindrances_is_its_cause() {
        let mut smsc = facts("north");
        assert_eq!(cause_of(&smsc), Reason::Window, "it goes as answers come");
        smsc.hold = held(false);
        assert_eq!(cause_of(&smsc), Reason::Rate);
        smsc.hold = held(true);
        assert_eq!(cause_of(&smsc), Reason::Brake);
        smsc.full = Some(SINCE);
        assert_eq!(cause_of(&smsc), Reason::Window, "the rate is not reached");
        smsc.absent = Some(SINCE);
        assert_eq!(cause_of(&smsc), Reason::NotBound);
        smsc.stopped = Some((CommandStatus::ESME_RINVSYSID, SINCE));
        assert_eq!(cause_of(&smsc), Reason::Stopped);
        smsc.suspended = Some(SINCE);
        assert_eq!(cause_of(&smsc), Reason::Suspended);
    }

    #[test]
    fn a_way_waits_for_the_one_that_is_hindered_least() {
        let of = |smscs: &[Facts]| hindrance(smscs).map(|(cause, facts)| (cause, facts.name.clone()));
        assert_eq!(of(&[]), None);
        let away = Facts {
            absent: Some(SINCE),
            ..facts("north")
        };
        let suspended = Facts {
            suspended: Some(SINCE),
            ..facts("south")
        };
        let paced = Facts {
            hold: held(false),
            ..facts("west")
        };
        let behind = Facts {
            turn: false,
            ..facts("east")
        };
        assert_eq!(
            of(&[suspended.clone(), away.clone()]),
            Some((Reason::NotBound, "north".into()))
        );
        assert_eq!(
            of(&[suspended.clone(), paced.clone()]),
            Some((Reason::Rate, "west".into()))
        );
        assert_eq!(
            of(&[behind.clone(), paced]),
            Some((Reason::Rate, "west".into())),
            "whose turn it is not does not count"
        );
        assert_eq!(of(&[behind, suspended, away]), Some((Reason::Window, "east".into())));
    }

    #[test]
    fn every_message_has_one_reason_and_all_add_up() {
        let line = InLine {
            line: Line {
                way: Way::Route(RouteId(1)),
                lane: 0,
                gate: GateId::OPEN,
            },
            rows: 1_000,
            paused_rows: 300,
            again: 100,
            halted_again: 30,
            suspended_rows: 200,
            rated_rows: 50,
            suspended_again: 10,
            behind: 20,
            first_due: None,
        };
        for cause in Reason::ALL.iter().copied() {
            let mut counts = Counts::default();
            counts.add_line(&line, cause);
            assert_eq!(counts.sum(), 1_100, "{cause:?}");
        }
        let of = |cause| {
            let mut counts = Counts::default();
            counts.add_line(&line, cause);
            counts.present().collect::<Vec<_>>()
        };
        assert_eq!(of(Reason::Guard), [(Reason::Guard, 1_100)]);
        assert_eq!(
            of(Reason::NotBound),
            [
                (Reason::TenantSuspended, 210),
                (Reason::Paused, 330),
                (Reason::NotBound, 560)
            ]
        );
        assert_eq!(
            of(Reason::Rate),
            [
                (Reason::TenantSuspended, 210),
                (Reason::Paused, 330),
                (Reason::Behind, 20),
                (Reason::Retry, 40),
                (Reason::Rate, 500)
            ]
        );
        assert_eq!(
            of(Reason::Brake),
            [
                (Reason::TenantSuspended, 210),
                (Reason::Paused, 330),
                (Reason::Behind, 20),
                (Reason::Brake, 540)
            ],
            "what was refused as too fast waits for the rate"
        );
        assert_eq!(
            of(Reason::Window)[3..],
            [(Reason::Retry, 40), (Reason::Rate, 50), (Reason::Window, 450)],
            "what has a rate of its own waits for that"
        );
    }
}
