use std::time::Duration;

use smpp::command_status::CommandStatus;
use toml::de::DeValue;

use super::read::WINDOW_MAX;
use super::sections::{STATUS, status};
use super::table::Table;
use crate::clock::micros;
use crate::random::{Draw, Subject, mix, unit};
use crate::smsc::{Injected, MALFORMED};

/// The longest pause between two writes: what is slower than this is not told from silence.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Octets of one write at most: beyond, it is no fragment any more.
const FRAGMENT_MAX: u64 = 65_536;

/// Ways in which an SMSC misbehaves, apart from outcomes. README.md has every key.
#[derive(Clone, Debug, PartialEq)]
pub struct Misbehaviour {
    /// Bursts of refusals.
    pub throttle: Option<Throttle>,
    /// Submits that are accepted and never answered.
    pub no_answer: Turn,
    /// Submits that are neither accepted nor answered.
    pub lost: Turn,
    /// Messages whose receipt comes before the answer.
    pub receipt_first: Turn,
    /// Messages whose receipt comes twice.
    pub receipt_twice: Turn,
    /// Hanging up.
    pub close: Option<Hangup>,
    /// Not reading.
    pub stop_reading: Option<StopReading>,
    /// Silence about everything from so many submits on.
    pub mute: Option<u64>,
    /// What happens to connections. Only that of the whole scenario counts: who connects has no account yet.
    pub connect: Option<ConnectFault>,
    /// What happens to binds.
    pub bind: Option<BindFault>,
    /// Submits that are refused with a status.
    pub refuse: Option<(CommandStatus, Turn)>,
    /// Submits that are answered so much later than their outcome says.
    pub late: Option<(Duration, Turn)>,
    /// What is wrong with answers, in this order of precedence: one fault an answer.
    pub answers: Vec<(Injected, Turn)>,
    /// Answers that a malformed PDU comes before, and of which kinds.
    pub malformed: Option<(Turn, Vec<Injected>)>,
    /// Whether an enquire_link of the client is answered.
    pub link_unanswered: bool,
    /// Whether the client's answers to our enquire_link are overheard.
    pub link_deaf: bool,
    /// We unbind every session so long after its bind.
    pub unbind_every: Option<Duration>,
    /// Whether an unbind of the client is left without answer.
    pub unbind_unanswered: bool,
    /// How octets are written.
    pub write: Option<Writing>,
    /// What our clock is wrong by in the dates of receipts, µs.
    pub clock_skew_us: i64,
}

impl Default for Misbehaviour {
    fn default() -> Self {
        Self {
            throttle: None,
            no_answer: Turn::NEVER,
            lost: Turn::NEVER,
            receipt_first: Turn::NEVER,
            receipt_twice: Turn::NEVER,
            close: None,
            stop_reading: None,
            mute: None,
            connect: None,
            bind: None,
            refuse: None,
            late: None,
            answers: Vec::new(),
            malformed: None,
            link_unanswered: false,
            link_deaf: false,
            unbind_every: None,
            unbind_unanswered: false,
            write: None,
            clock_skew_us: 0,
        }
    }
}

/// Whose turn it is to be met by a fault: by number (connections, binds or submits are counted from 1 since the start,
/// the reset, or the phase) and by share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// Share of those that the numbers name, 0 to 1.
    pub share: f64,
    /// The first.
    pub from: u64,
    /// The last.
    pub until: u64,
    /// Only every n-th of them, beginning with the first.
    pub every: u64,
}

impl Turn {
    /// Nobody's.
    pub const NEVER: Self = Self {
        share: 0.0,
        from: 1,
        until: u64::MAX,
        every: 1,
    };

    fn counts(&self, number: u64) -> bool {
        (self.from..=self.until).contains(&number) && (number - self.from).is_multiple_of(self.every)
    }

    /// Whether a message is met: the share by (seed, recipient, attempt), the number by the account's submits.
    pub(crate) fn meets(&self, subject: &Subject, draw: Draw, number: u64) -> bool {
        self.share > 0.0 && self.counts(number) && subject.falls_into(self.share, draw)
    }

    /// Whether a connection or a bind is met.
    pub(crate) fn meets_event(&self, seed: u64, number: u64) -> bool {
        self.counts(number) && unit(mix(mix(seed ^ Draw::Event as u64) ^ number)) < self.share
    }
}

/// After every `every` submits, the next `burst` are refused with `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Submits that are taken between two bursts.
    pub every: u64,
    /// Submits that are refused in one.
    pub burst: u64,
    /// With what.
    pub status: CommandStatus,
}

/// A session stops answering, collects, and hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hangup {
    /// What begins it.
    pub begin: HangupBegin,
    /// How many unanswered submits it waits for.
    pub holding: u32,
    /// Whether what was collected is answered before.
    pub answered: bool,
    /// With a TCP reset rather than in order.
    pub reset: bool,
    /// Again after every further `after` submits.
    pub repeat: bool,
}

/// When a hang-up begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangupBegin {
    /// With the account's submit of that number, in the session that brings it.
    Submits(u64),
    /// With the PDU of that number of each session, its bind included; it hangs up at once.
    Pdus(u64),
    /// So long after the bind of each session, scaled.
    Time(Duration),
}

/// The session that brings the account's submit number `after` is not read for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopReading {
    /// Which submit begins it.
    pub after: u64,
    /// How long, scaled.
    pub duration: Duration,
    /// Again after every further `after` submits.
    pub repeat: bool,
}

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnectFault {
    /// What.
    pub what: ConnectTrouble,
    /// To which connection.
    pub turn: Turn,
}

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectTrouble {
    /// Nobody listens: the kernel refuses it.
    Refuse,
    /// It is accepted and closed at once.
    Close,
    /// It is accepted and reset at once.
    Reset,
    /// It is accepted and read, and nothing is ever answered.
    HalfOpen,
}

/// What happens to binds, whatever their password.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BindFault {
    /// What.
    pub what: BindTrouble,
    /// To which bind.
    pub turn: Turn,
}

/// What can happen to a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindTrouble {
    /// It is refused with that status, and the connection is closed.
    Refuse(CommandStatus),
    /// It is answered that much later, scaled.
    Delay(Duration),
    /// It is never answered; the connection stays.
    Silence,
}

/// How octets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writing {
    /// At most so many in one write; 1: octet by octet.
    pub octets: usize,
    /// Between two writes, µs.
    pub pause_us: u64,
    /// How long octets are gathered before the first write of a batch, µs.
    pub gather_us: u64,
}

pub(super) fn misbehaviour(table: Table<'_>) -> Misbehaviour {
    let share = |key| turn_of(&table, key);
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
            let status = refuse.parsed("status", STATUS, status);
            (status.unwrap_or(CommandStatus::ESME_RSYSERR), turn(refuse))
        }),
        late: part(&table, "late", |late| {
            (late.duration("by", Duration::from_secs(60)), turn(late))
        }),
        answers: ANSWERS
            .iter()
            .map(|&(key, injected)| (injected, share(key)))
            .filter(|(_, turn)| turn.share > 0.0)
            .collect(),
        malformed: malformed(&table),
        link_unanswered: link.is_some_and(|(unanswered, _)| unanswered),
        link_deaf: link.is_some_and(|(_, deaf)| deaf),
        unbind_every: table.has("unbind_every").then(|| table.duration("unbind_every", DAY)),
        unbind_unanswered: table.boolean("unbind_unanswered", false),
        write: part(&table, "write", writing),
        clock_skew_us: table.parsed("clock_skew", SKEW, skew).unwrap_or(0),
    };
    table.unknown_keys();
    misbehaviour
}

const DAY: Duration = Duration::from_secs(86_400);

/// Whether enquire_link is unanswered, and whether answers to ours are overheard.
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
    own.unknown_keys();
    Some(read)
}

/// A share alone, or a table with share, from, until and every.
fn turn_of(table: &Table<'_>, key: &'static str) -> Turn {
    if table.is_table(key) {
        return part(table, key, turn).unwrap_or(Turn::NEVER);
    }
    Turn {
        share: table.number(key, 0.0..=1.0, 0.0),
        ..Turn::NEVER
    }
}

fn turn(table: &Table<'_>) -> Turn {
    let turn = Turn {
        share: table.number("share", 0.0..=1.0, 1.0),
        from: table.integer("from", 1..=u64::MAX, 1),
        until: table.integer("until", 1..=u64::MAX, u64::MAX),
        every: table.integer("every", 1..=u64::MAX, 1),
    };
    if turn.until < turn.from {
        table.fault("until", format!("{} is before from, {}", turn.until, turn.from));
    }
    turn
}

fn throttle(table: &Table<'_>) -> Throttle {
    Throttle {
        every: table.integer("every", 1..=u64::MAX, 200),
        burst: table.integer("burst", 1..=u64::MAX, 20),
        status: table
            .parsed("status", STATUS, status)
            .unwrap_or(CommandStatus::ESME_RTHROTTLED),
    }
}

fn hangup(table: &Table<'_>) -> Hangup {
    let keys = ["after", "pdus", "time"];
    let given: Vec<_> = keys.into_iter().filter(|key| table.has(key)).collect();
    if let [_, second, ..] = given[..] {
        table.fault(second, format!("only one of {} can begin it", keys.join(", ")));
    }
    let begin = if table.has("pdus") {
        HangupBegin::Pdus(table.integer("pdus", 1..=u64::MAX, 1))
    } else if table.has("time") {
        HangupBegin::Time(table.duration("time", Duration::ZERO))
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
            table.fault(
                "repeat",
                "goes with after: pdus and time hold for every session anyway".to_owned(),
            );
        }
        HangupBegin::Pdus(_) | HangupBegin::Time(_) => {}
    }
    hangup
}

fn stop_reading(table: &Table<'_>) -> StopReading {
    StopReading {
        after: table.integer("after", 1..=u64::MAX, 1),
        duration: table.duration("for", Duration::from_secs(5)),
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
    if !table.has("what") {
        table.fault("", "connect needs what: refuse, close, reset or half_open".to_owned());
    }
    if what == Some(ConnectTrouble::Refuse) {
        // The kernel refuses: nobody sees, and nobody counts.
        for key in ["share", "from", "until", "every"] {
            if table.has(key) {
                table.fault(key, "a port refuses every connection or none; use a phase".to_owned());
            }
        }
    }
    let turn = turn(table);
    what.map(|what| ConnectFault { what, turn })
}

fn bind(table: &Table<'_>) -> BindFault {
    let refuse = table.parsed("status", STATUS, status).map(BindTrouble::Refuse);
    let delay = table
        .has("delay")
        .then(|| BindTrouble::Delay(table.duration("delay", Duration::ZERO)));
    let silence = table.boolean("silence", false).then_some(BindTrouble::Silence);
    let given: Vec<_> = [refuse, delay, silence].into_iter().flatten().collect();
    if given.len() > 1 {
        table.fault("", "a bind is met by one of status, delay and silence".to_owned());
    }
    BindFault {
        what: given
            .first()
            .copied()
            .unwrap_or(BindTrouble::Refuse(CommandStatus::ESME_RBINDFAIL)),
        turn: turn(table),
    }
}

fn malformed(table: &Table<'_>) -> Option<(Turn, Vec<Injected>)> {
    let all = || MALFORMED.to_vec();
    if !table.is_table("malformed") {
        let turn = turn_of(table, "malformed");
        return (turn.share > 0.0).then(|| (turn, all()));
    }
    part(table, "malformed", |own| {
        let names = MALFORMED.map(|kind| (kind.name(), kind));
        (turn(own), own.choices("kinds", &names).unwrap_or_else(all))
    })
}

fn writing(table: &Table<'_>) -> Writing {
    let bounded = |key| {
        let duration = table.duration(key, Duration::ZERO);
        if duration > PAUSE_MAX {
            table.fault(key, format!("{duration:?} is too long: at most {PAUSE_MAX:?}"));
        }
        micros(duration.min(PAUSE_MAX))
    };
    Writing {
        octets: table.integer("octets", 1..=FRAGMENT_MAX, FRAGMENT_MAX) as usize,
        pause_us: bounded("pause"),
        gather_us: bounded("gather"),
    }
}

const SKEW: &str = "a duration up to a hundred years, or one with a minus sign, like \"2h\" or \"-30m\"";

fn skew(value: &DeValue<'_>) -> Option<i64> {
    let text = value.as_str()?;
    let (sign, duration) = match text.strip_prefix('-') {
        Some(duration) => (-1, duration),
        None => (1, text),
    };
    let duration = humantime::parse_duration(duration).ok()?;
    let within = duration <= 36_525 * DAY;
    within.then(|| sign * duration.as_micros() as i64)
}
