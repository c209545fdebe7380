//! How many of something in what time, as people write it: `500/s`, `60/min`, `1000/h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The most that is said of any time: no aggregator takes more from one account.
pub(crate) const RATE_MAX: u32 = 1_000_000;

/// How many in what time, with or without spaces; `None` for what is written otherwise, for none, and for more than [`RATE_MAX`].
pub(crate) fn per_time(text: &str) -> Option<(u32, Duration)> {
    let (count, period) = text.split_once('/')?;
    let count = count.trim().parse().ok()?;
    let seconds = match period.trim() {
        "s" | "sec" | "second" => 1,
        "m" | "min" | "minute" => 60,
        "h" | "hour" => 3_600,
        _ => return None,
    };
    (1..=RATE_MAX)
        .contains(&count)
        .then_some((count, Duration::from_secs(seconds)))
}

/// The rate of a campaign: how many of its messages begin in what time, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tempo {
    messages: u32,
    period: Duration,
}

impl Tempo {
    pub(crate) const fn messages(self) -> u32 {
        self.messages
    }

    /// A second, a minute or an hour.
    pub(crate) const fn period(self) -> Duration {
        self.period
    }

    pub(crate) fn per_second(self) -> f64 {
        f64::from(self.messages) / self.period.as_secs_f64()
    }
}

impl FromStr for Tempo {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (messages, period) = per_time(text).ok_or(())?;
        Ok(Self { messages, period })
    }
}

impl fmt::Display for Tempo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.period.as_secs() {
            1 => "s",
            60 => "min",
            _ => "h",
        };
        write!(f, "{}/{unit}", self.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_as_people_write_it_and_shown_in_one_way() {
        for (text, shown, per_second) in [
            ("5/s", "5/s", 5.0),
            (" 30 / minute ", "30/min", 0.5),
            ("36/h", "36/h", 0.01),
        ] {
            let tempo: Tempo = text.parse().unwrap();
            assert_eq!((tempo.to_string().as_str(), tempo.per_second()), (shown, per_second));
            assert_eq!(shown.parse(), Ok(tempo));
        }
        for text in ["", "5", "0/s", "-1/s", "1.5/s", "5/day", "1000001/s", "5/s/s"] {
            assert_eq!(text.parse::<Tempo>(), Err(()), "{text}");
        }
    }
}
