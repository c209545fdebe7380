//! `smsc.answers`: what an SMSC's answer that is not OK means for its message, and for those behind it.

use std::ops::RangeInclusive;
use std::time::Duration;

use kit::settings::{Given, Table};
use smpp::command_status::CommandStatus;

use super::value::{ENTRIES_MAX, statuses};
use super::{HOUR, SECOND};
use crate::domain::Status;

/// The pause before the second submission of what was refused for now, where nothing else is said.
const RETRY_PAUSE: Duration = Duration::from_secs(3);

/// How often such a message may be refused: with the pauses, which double, some thirteen minutes.
const RETRY_TIMES: u8 = 8;

/// A queue that is full at the SMSC takes longer to empty than a second of its rate to pass.
const FULL_PAUSE: Duration = SECOND;

/// A pause that is shorter hammers the SMSC, and a longer one is no pause.
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(50)..=HOUR;

/// More refusals of one message say nothing new.
const TIMES: RangeInclusive<u64> = 1..=100;

/// What an answer that is not OK means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerMeaning {
    /// Refused for good, with this status.
    Final(Status),
    /// Refused for now.
    Retry(Again),
    /// Too fast: the account is slowed.
    Throttled(Again),
    /// Too much: the account is slowed, and the message waits for longer.
    QueueFull(Again),
    /// This SMSC does not take it, another one may; the status is for when there is none.
    OtherRoute(Status),
    /// This SMSC takes nothing from the account.
    Stop,
}

/// How a message is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// The shortest pause before it.
    pub(crate) pause: Duration,
    /// How many such refusals end it. `None`: they do not count.
    pub(crate) times: Option<u8>,
}

/// What a table may say besides the word.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) pause: Option<Duration>,
    pub(crate) times: Option<u8>,
    pub(crate) otherwise: Option<Status>,
}

impl AnswerMeaning {
    /// The meaning that a word stands for under these terms; `None` when there is no such word, or it takes no such terms.
    pub(crate) fn new(word: &str, terms: Terms) -> Option<Self> {
        let again = |pause, times| Again {
            pause: terms.pause.unwrap_or(pause),
            times: terms.times.or(times),
        };
        let meaning = match word {
            "retry" => Self::Retry(again(RETRY_PAUSE, Some(RETRY_TIMES))),
            "throttled" => Self::Throttled(again(Duration::ZERO, None)),
            "queue_full" => Self::QueueFull(again(FULL_PAUSE, None)),
            "other_route" => Self::OtherRoute(terms.otherwise.unwrap_or(Status::NotRouted)),
            "stop" => Self::Stop,
            status => Self::Final(status.parse().ok()?),
        };
        let is_again = matches!(meaning, Self::Retry(_) | Self::Throttled(_) | Self::QueueFull(_));
        let fits = (is_again || terms.pause.is_none() && terms.times.is_none())
            && (matches!(meaning, Self::OtherRoute(_)) || terms.otherwise.is_none());
        fits.then_some(meaning)
    }

    /// The word that stands for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Final(status) => status.code(),
            Self::Retry(_) => "retry",
            Self::Throttled(_) => "throttled",
            Self::QueueFull(_) => "queue_full",
            Self::OtherRoute(_) => "other_route",
            Self::Stop => "stop",
        }
    }

    /// It with its terms, as in a configuration: by its word alone when it has the usual ones.
    pub(super) fn written(self) -> String {
        let word = self.word();
        if Self::new(word, Terms::default()) == Some(self) {
            return format!("{word:?}");
        }
        let terms = match self {
            Self::Retry(again) | Self::Throttled(again) | Self::QueueFull(again) => {
                let times = again
                    .times
                    .map_or_else(String::new, |times| format!(", times = {times}"));
                format!("pause = \"{}\"{times}", humantime::format_duration(again.pause))
            }
            Self::OtherRoute(status) => format!("otherwise = {:?}", status.code()),
            Self::Final(_) | Self::Stop => String::new(),
        };
        format!("{{ means = {word:?}, {terms} }}")
    }

    /// Whether it says that less should be sent.
    pub(crate) const fn is_too_fast(self) -> bool {
        matches!(self, Self::Throttled(_) | Self::QueueFull(_))
    }
}

/// Reads `answers` of an SMSC.
pub(super) fn read(smsc: &Table<'_>) -> Vec<(CommandStatus, AnswerMeaning)> {
    let own = smsc.table("answers");
    let entries: Vec<_> = own.entries().collect();
    if entries.len() > ENTRIES_MAX {
        let count = entries.len();
        smsc.fault("answers", format!("{count} are too many: at most {ENTRIES_MAX}"));
    }
    let mut answers: Vec<(CommandStatus, AnswerMeaning)> = Vec::new();
    for (name, given) in entries {
        let status = CommandStatus::parse(name).filter(|status| *status != CommandStatus::ESME_ROK);
        let Some(status) = status else {
            let allowed = "a command_status, such as \"0x0000040B\" or \"ESME_RINVDSTADR\", other than ESME_ROK";
            own.fault(name, format!("not allowed: the key must be {allowed}"));
            continue;
        };
        if answers.iter().any(|(known, _)| *known == status) {
            own.fault(name, format!("{status} stands twice"));
            continue;
        }
        match meaning(given) {
            Ok(meaning) => answers.push((status, meaning)),
            Err(what) => own.refuse(name, given, format!("{what}{}", allowed())),
        }
    }
    answers
}

/// The meaning, or what is wrong in it, before what is allowed.
fn meaning(given: Given<'_>) -> Result<AnswerMeaning, String> {
    if let Some(word) = given.text() {
        return AnswerMeaning::new(word, Terms::default()).ok_or_else(String::new);
    }
    let entries = given.entries().ok_or_else(String::new)?;
    let (mut word, mut terms) = (None, Terms::default());
    for (key, given) in entries {
        let is_read = match key {
            "means" => {
                word = given.text();
                word.is_some()
            }
            "pause" => {
                terms.pause = given.duration().filter(|pause| PAUSES.contains(pause));
                terms.pause.is_some()
            }
            "times" => {
                let times = given.whole().filter(|times| TIMES.contains(times));
                terms.times = times.map(|times| times as u8);
                times.is_some()
            }
            "otherwise" => {
                terms.otherwise = given.text().and_then(|status| status.parse().ok());
                terms.otherwise.is_some()
            }
            _ => false,
        };
        if !is_read {
            return Err(format!("its {key}; "));
        }
    }
    let word = word.ok_or("it has no means; ")?;
    AnswerMeaning::new(word, terms).ok_or(format!("{word:?} does not go with these keys; "))
}

fn allowed() -> String {
    format!(
        "\"retry\", \"throttled\", \"queue_full\", \"other_route\", \"stop\", {}; or a table with means (one of these words), and for the \
         first three pause (\"50ms\" to \"1h\") and times ({} to {}), for other_route otherwise (a status)",
        statuses(),
        TIMES.start(),
        TIMES.end()
    )
}
