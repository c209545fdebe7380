use std::time::Duration;

use kit::clock::micros;
use kit::settings::{Given, Table};
use smpp::command_status::CommandStatus;

use super::values::{DURATIONS_OVER_0, ERROR, WINDOW_MAX, error};
use crate::model::{
    Aim, BindFault, BindTrouble, ConnectFault, ConnectTrouble, Hangup, HangupBegin, Injected, MALFORMED, Misbehaviour,
    StopReading, Throttle, Writing,
};

/// The longest pause between two writes: what is slower than this is not told from silence.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Octets of one write at most: beyond, it is no fragment any more.
const FRAGMENT_MAX: u64 = 65_536;

/// The most segments of a message: their number is one octet (3GPP TS 23.040, 9.2.3.24.1).
const SEGMENTS_MAX: u64 = 255;

/// Reads `[faults]`, of the scenario, an account or a phase.
pub(super) fn misbehaviour(table: Table<'_>) -> Misbehaviour {
    let share = |key| aim_of(&table, key);
    let link = table.choice("enquire_link", LINK);
    let misbehaviour = Misbehaviour {
        throttle: part(&table, "throttle", throttle),
        no_answer: share("no_answer"),
        lost: share("lost"),
        receipt_first: share("receipt_first"),
        receipt_twice: share("receipt_twice"),
        close: part(&table, "close", hangup),
        stop_reading: part(&table, "stop_reading", stop_reading),
        mute: part(&table, "mute", |mute| mute.integer("after", 1..=u64::MAX, 1)),
        connect: part(&table, "connect", connect).flatten(),
        bind: part(&table, "bind", bind),
        refuse: part(&table, "refuse", |refuse| {
            let status = refuse.parsed("status", ERROR, error);
            (status.unwrap_or(CommandStatus::ESME_RSYSERR), aim_at_submits(refuse))
        }),
        late: part(&table, "late", |late| {
            (
                late.duration("by", DURATIONS_OVER_0, Duration::from_secs(60)),
                aim_at_submits(late),
            )
        }),
        answers: ANSWERS
            .iter()
            .map(|&(key, injected)| (injected, share(key)))
            .filter(|(_, aim)| aim.share > 0.0)
            .collect(),
        malformed: malformed(&table),
        link_unanswered: link.is_some_and(|(unanswered, _)| unanswered),
        link_deaf: link.is_some_and(|(_, deaf)| deaf),
        unbind_every: table
            .has("unbind_every")
            .then(|| table.duration("unbind_every", DURATIONS_OVER_0, DAY)),
        unbind_unanswered: table.boolean("unbind_unanswered", false),
        write: writing(&table),
        clock_skew_us: table.parsed("clock_skew", SKEW, skew).unwrap_or(0),
    };
    table.finish();
    misbehaviour
}

const DAY: Duration = Duration::from_secs(86_400);

/// Whether enquire_link is unanswered, and whether answers to ours are ignored.
const LINK: &[(&str, (bool, bool))] = &[
    ("answered", (false, false)),
    ("unanswered", (true, false)),
    ("deaf", (false, true)),
    ("unanswered_and_deaf", (true, true)),
];

/// Keys of what is wrong with single answers.
const ANSWERS: [(&str, Injected); 5] = [
    ("wrong_sequence", Injected::WrongSequence),
    ("wrong_command", Injected::WrongCommand),
    ("generic_nack", Injected::GenericNack),
    ("answer_twice", Injected::AnswerTwice),
    ("unasked_answer", Injected::UnaskedAnswer),
];

/// A table of its own, if it is there; its keys are checked.
fn part<'a, T>(table: &Table<'a>, key: &'static str, read: impl FnOnce(&Table<'a>) -> T) -> Option<T> {
    if !table.has(key) {
        return None;
    }
    let own = table.table(key);
    let read = read(&own);
    own.finish();
    Some(read)
}

/// A share alone, or a table with share, from, until, every and segment.
fn aim_of(table: &Table<'_>, key: &'static str) -> Aim {
    if table.is_table(key) {
        return part(table, key, aim_at_submits).unwrap_or(Aim::NEVER);
    }
    Aim {
        share: table.number(key, 0.0..=1.0, 0.0),
        ..Aim::NEVER
    }
}

/// Submits alone have segments.
fn aim_at_submits(table: &Table<'_>) -> Aim {
    let segment = table
        .has("segment")
        .then(|| table.integer("segment", 1..=SEGMENTS_MAX, 1) as u8);
    Aim { segment, ..aim(table) }
}

fn aim(table: &Table<'_>) -> Aim {
    let aim = Aim {
        share: table.number("share", 0.0..=1.0, 1.0),
        from: table.integer("from", 1..=u64::MAX, 1),
        until: table.integer("until", 1..=u64::MAX, u64::MAX),
        every: table.integer("every", 1..=u64::MAX, 1),
        segment: None,
    };
    if aim.until < aim.from {
        table.fault_of_value("until", format!("is not allowed: from, which is {}, or more", aim.from));
    }
    aim
}

fn throttle(table: &Table<'_>) -> Throttle {
    Throttle {
        every: table.integer("every", 1..=u64::MAX, 200),
        burst: table.integer("burst", 1..=u64::MAX, 20),
        status: table
            .parsed("status", ERROR, error)
            .unwrap_or(CommandStatus::ESME_RTHROTTLED),
    }
}

fn hangup(table: &Table<'_>) -> Hangup {
    let keys = ["after", "pdus", "time"];
    let given: Vec<_> = keys.into_iter().filter(|key| table.has(key)).collect();
    if let [_, second, ..] = given[..] {
        table.fault_of_value(
            second,
            format!("is not allowed: only one of {} can begin it", keys.join(", ")),
        );
    }
    let begin = if table.has("pdus") {
        HangupBegin::Pdus(table.integer("pdus", 1..=u64::MAX, 1))
    } else if table.has("time") {
        HangupBegin::Time(table.duration("time", DURATIONS_OVER_0, Duration::ZERO))
    } else {
        HangupBegin::Submits(table.integer("after", 1..=u64::MAX, 1000))
    };
    let hangup = Hangup {
        begin,
        holding: table.integer("holding", 1..=WINDOW_MAX, 1) as u32,
        answered: table
            .choice("when", &[("before_answer", false), ("after_answer", true)])
            .unwrap_or(false),
        reset: table.boolean("reset", false),
        repeat: table.boolean("repeat", false),
    };
    match begin {
        HangupBegin::Submits(_) => {}
        HangupBegin::Pdus(_) | HangupBegin::Time(_) if hangup.repeat => {
            let problem = "is not allowed: it goes with after; pdus and time hold for every session anyway";
            table.fault_of_value("repeat", problem);
        }
        HangupBegin::Pdus(_) | HangupBegin::Time(_) => {}
    }
    hangup
}

fn stop_reading(table: &Table<'_>) -> StopReading {
    StopReading {
        after: table.integer("after", 1..=u64::MAX, 1),
        duration: table.duration("for", DURATIONS_OVER_0, Duration::from_secs(5)),
        repeat: table.boolean("repeat", false),
    }
}

fn connect(table: &Table<'_>) -> Option<ConnectFault> {
    let names = [
        ("refuse", ConnectTrouble::Refuse),
        ("close", ConnectTrouble::Close),
        ("reset", ConnectTrouble::Reset),
        ("half_open", ConnectTrouble::HalfOpen),
    ];
    let what = table.choice("what", &names);
    table.required("what", "one of refuse, close, reset, half_open");
    if what == Some(ConnectTrouble::Refuse) {
        // The kernel refuses: nobody sees, and nobody counts.
        for key in ["share", "from", "until", "every"] {
            if table.has(key) {
                table.fault_of_value(
                    key,
                    "is not allowed: a port refuses every connection or none; use a phase",
                );
            }
        }
    }
    let aim = aim(table);
    what.map(|what| ConnectFault { what, aim })
}

fn bind(table: &Table<'_>) -> BindFault {
    let refuse = table.parsed("status", ERROR, error).map(BindTrouble::Refuse);
    let delay = table
        .has("delay")
        .then(|| BindTrouble::Delay(table.duration("delay", DURATIONS_OVER_0, Duration::ZERO)));
    let silence = table.boolean("silence", false).then_some(BindTrouble::Silence);
    let given: Vec<_> = [refuse, delay, silence].into_iter().flatten().collect();
    let mut keys = ["status", "delay", "silence"].into_iter().filter(|key| table.has(key));
    if let (true, Some(second)) = (given.len() > 1, keys.nth(1)) {
        let problem = "is not allowed: a bind can have only one of status, delay and silence";
        table.fault_of_value(second, problem);
    }
    BindFault {
        what: given
            .first()
            .copied()
            .unwrap_or(BindTrouble::Refuse(CommandStatus::ESME_RBINDFAIL)),
        aim: aim(table),
    }
}

fn malformed(table: &Table<'_>) -> Option<(Aim, Vec<Injected>)> {
    let all = || MALFORMED.to_vec();
    if !table.is_table("malformed") {
        let aim = aim_of(table, "malformed");
        return (aim.share > 0.0).then(|| (aim, all()));
    }
    part(table, "malformed", |own| {
        let names = MALFORMED.map(|kind| (kind.name(), kind));
        (aim_at_submits(own), own.choices("kinds", &names).unwrap_or_else(all))
    })
}

fn writing(faults: &Table<'_>) -> Option<Writing> {
    let writing = part(faults, "write", |table| {
        let is_anything = ["octets", "pause", "gather"].into_iter().any(|key| table.has(key));
        (pieces(table), is_anything)
    });
    let (writing, is_anything) = writing?;
    if !is_anything && faults.is_table("write") {
        faults.fault_of_value("write", "is not allowed: at least one of octets, pause and gather");
    }
    Some(writing)
}

fn pieces(table: &Table<'_>) -> Writing {
    let pause = |key| micros(table.duration(key, Duration::ZERO..=PAUSE_MAX, Duration::ZERO));
    Writing {
        octets: table.integer("octets", 1..=FRAGMENT_MAX, FRAGMENT_MAX) as usize,
        pause_us: pause("pause"),
        gather_us: pause("gather"),
    }
}

const SKEW: &str = "a duration up to a hundred years, or one with a minus sign, like \"2h\" or \"-30m\"";

fn skew(value: Given<'_>) -> Option<i64> {
    let text = value.text()?;
    let (sign, duration) = match text.strip_prefix('-') {
        Some(duration) => (-1, duration),
        None => (1, text),
    };
    let duration = humantime::parse_duration(duration).ok()?;
    let within = duration <= 36_525 * DAY;
    within.then(|| sign * duration.as_micros() as i64)
}
