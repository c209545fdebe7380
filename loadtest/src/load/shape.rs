//! The rate over time of an open model: a row of stretches, in each of which it goes in a straight line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Messages a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate(pub(crate) f64);

/// More than any SMSC takes, and far more than one thread generates.
const RATE_MAX: f64 = 10_000_000.0;

/// A shape of more stretches than this is a mistake.
const STRETCHES_MAX: usize = 1_000;

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no rate: 1000/s, 90/m or 5000/h, from 0 to {RATE_MAX}/s");
        let (number, seconds) = match text.split_once('/') {
            None => (text, 1.0),
            Some((number, "s")) => (number, 1.0),
            Some((number, "m")) => (number, 60.0),
            Some((number, "h")) => (number, 3_600.0),
            Some(_) => return Err(wrong()),
        };
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let rate = number / seconds;
        if !(0.0..=RATE_MAX).contains(&rate) {
            return Err(wrong());
        }
        Ok(Self(rate))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    start_s: f64,
    length_s: f64,
    from: f64,
    to: f64,
    /// Messages due before it begins.
    before: f64,
}

/// A rate over time. After its last stretch it stays at the last rate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    stretches: Vec<Stretch>,
}

impl Shape {
    /// The same rate for ever.
    pub(crate) fn constant(rate: Rate) -> Self {
        Self::of(&[(rate, rate, 0.0)])
    }

    /// `FROM..TO:TIME`: from one rate to another in a straight line.
    ///
    /// # Errors
    /// Says what is allowed.
    pub(crate) fn ramp(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no ramp: FROM..TO:TIME, as in 100/s..5000/s:30s");
        let (rates, time) = text.rsplit_once(':').ok_or_else(wrong)?;
        let (from, to) = rates.split_once("..").ok_or_else(wrong)?;
        Ok(Self::of(&[(from.parse()?, to.parse()?, seconds(time)?)]))
    }

    /// `RATE,RATE,…:TIME`: each rate for that long.
    ///
    /// # Errors
    /// Says what is allowed.
    pub(crate) fn steps(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} are no steps: RATE,RATE,...:TIME, as in 1000/s,2000/s,5000/s:10s");
        let (rates, time) = text.rsplit_once(':').ok_or_else(wrong)?;
        let time = seconds(time)?;
        let rates: Vec<Rate> = rates.split(',').map(str::parse).collect::<Result<_, _>>()?;
        if rates.len() > STRETCHES_MAX {
            return Err(format!("{} steps: at most {STRETCHES_MAX}", rates.len()));
        }
        let steps: Vec<_> = rates.iter().map(|&rate| (rate, rate, time)).collect();
        Ok(Self::of(&steps))
    }

    /// `BASE,PEAK:AFTER+FOR`: the base rate, the peak rate after `AFTER` and for `FOR`, the base rate again.
    ///
    /// # Errors
    /// Says what is allowed.
    pub(crate) fn spike(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no spike: BASE,PEAK:AFTER+FOR, as in 500/s,5000/s:20s+5s");
        let (rates, times) = text.rsplit_once(':').ok_or_else(wrong)?;
        let (base, peak) = rates.split_once(',').ok_or_else(wrong)?;
        let (after, length) = times.split_once('+').ok_or_else(wrong)?;
        let (base, peak): (Rate, Rate) = (base.parse()?, peak.parse()?);
        let (after, length) = (seconds(after)?, seconds(length)?);
        // The base rate again for as long as before, so that the recovery is seen.
        Ok(Self::of(&[
            (base, base, after),
            (peak, peak, length),
            (base, base, after),
        ]))
    }

    fn of(rows: &[(Rate, Rate, f64)]) -> Self {
        let (mut start_s, mut before) = (0.0, 0.0);
        let mut stretches = Vec::with_capacity(rows.len());
        for &(from, to, length_s) in rows {
            let stretch = Stretch {
                start_s,
                length_s,
                from: from.0,
                to: to.0,
                before,
            };
            before += (stretch.from + stretch.to) / 2.0 * length_s;
            start_s += length_s;
            stretches.push(stretch);
        }
        Self { stretches }
    }

    /// How long the shape takes until it stays as it is; `None` when it is constant from the beginning.
    pub(crate) fn length(&self) -> Option<Duration> {
        let last = self.stretches.last()?;
        let end = last.start_s + last.length_s;
        (end > 0.0).then(|| Duration::from_secs_f64(end))
    }

    /// The second at which that many messages are due; `None`: never.
    pub(super) fn when(&self, messages: f64) -> Option<f64> {
        let place = self.stretches.partition_point(|stretch| stretch.before <= messages);
        let stretch = self.stretches.get(place.saturating_sub(1))?;
        let missing = messages - stretch.before;
        let slope = if stretch.length_s > 0.0 {
            (stretch.to - stretch.from) / stretch.length_s
        } else {
            0.0
        };
        // from·t + slope/2·t² = missing, in the form that does not cancel when the slope is small.
        let root = (stretch.from * stretch.from + 2.0 * slope * missing).max(0.0).sqrt();
        let silent = stretch.from == 0.0 && stretch.to == 0.0;
        let within = if missing == 0.0 && !silent {
            0.0
        } else {
            2.0 * missing / (stretch.from + root)
        };
        // What is due at the very end of a stretch belongs to the next one: to nothing, if that is silent.
        if within < stretch.length_s {
            return Some(stretch.start_s + within);
        }
        // After the last stretch: on at its last rate.
        let beyond = missing - (stretch.from + stretch.to) / 2.0 * stretch.length_s;
        let after = beyond / stretch.to;
        after.is_finite().then_some(stretch.start_s + stretch.length_s + after)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let time = humantime::parse_duration(text).map_err(|error| format!("{text:?} is no duration: {error}"))?;
    Ok(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_with_their_unit() {
        assert_eq!("1000/s".parse(), Ok(Rate(1000.0)));
        assert_eq!("90/m".parse(), Ok(Rate(1.5)));
        assert_eq!("7".parse(), Ok(Rate(7.0)));
        for wrong in ["", "fast", "10/d", "-1/s", "1e99", "NaN"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ramp_has_half_of_its_messages_after_seven_tenths() {
        let ramp = Shape::ramp("0/s..1000/s:10s").unwrap();
        assert!((ramp.when(2_500.0).unwrap() - 7.0711).abs() < 0.001);
        assert!((ramp.when(5_000.0).unwrap() - 10.0).abs() < 1e-9);
        assert!((ramp.when(6_000.0).unwrap() - 11.0).abs() < 1e-9, "on at the last rate");
        let down = Shape::ramp("1000/s..0/s:10s").unwrap();
        assert!(down.when(4_999.0).is_some());
        assert_eq!(down.when(5_000.0), None, "nothing is due after it");
        assert_eq!(down.when(5_001.0), None);
    }

    #[test]
    fn steps_and_spikes_change_where_they_say() {
        let steps = Shape::steps("10/s,20/s:5s").unwrap();
        assert_eq!(steps.when(50.0), Some(5.0));
        assert_eq!(steps.when(150.0), Some(10.0));
        assert_eq!(steps.length(), Some(Duration::from_secs(10)));
        let spike = Shape::spike("10/s,100/s:2s+1s").unwrap();
        assert_eq!(spike.when(20.0), Some(2.0));
        assert_eq!(spike.when(120.0), Some(3.0));
        assert_eq!(spike.when(130.0), Some(4.0));
    }

    #[test]
    fn a_silent_stretch_is_skipped() {
        let steps = Shape::steps("10/s,0/s,10/s:1s").unwrap();
        assert_eq!(steps.when(9.0), Some(0.9));
        assert_eq!(steps.when(11.0), Some(2.1));
        let ending = Shape::steps("5/s,0/s:1s").unwrap();
        assert_eq!((ending.when(4.0), ending.when(5.0)), (Some(0.8), None));
        assert_eq!(Shape::constant(Rate(0.0)).when(0.0), None);
    }

    #[test]
    fn what_is_no_shape_says_what_is() {
        for (wrong, part) in [
            ("5", "FROM..TO:TIME"),
            ("1/s..2/s:soon", "no duration"),
            ("1/x..2/s:1s", "no rate"),
        ] {
            let fault = Shape::ramp(wrong).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
        assert!(Shape::steps("1,2").is_err() && Shape::spike("1,2:3s").is_err());
    }
}
