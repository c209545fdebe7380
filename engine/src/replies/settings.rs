//! How a tenant wants to be answered for: its opening hours, and how often something is answered by itself.

use jiff::civil::{Time, Weekday};
use serde::{Deserialize, Serialize};

use crate::agenda::EventAnswer;
use crate::domain::UnixMicros;

/// The most hours of opening in a list.
pub(crate) const OPENINGS_MAX: usize = 50;

/// The zone of a tenant that does not say it.
const ZONE: &str = "fr";

/// What is said of several appointments, unless the tenant says something of its own.
const CONFIRMED_ALL: &str = "Merci, vos rendez-vous sont confirmés.";
const CANCELLED_ALL: &str = "Vos rendez-vous sont annulés.";

/// On some days, from one time to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// 1: Monday, to 7.
    pub(crate) days: Vec<i8>,
    pub(crate) from: Time,
    /// Not included.
    pub(crate) to: Time,
}

/// How a tenant wants to be answered for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReplySettings {
    /// None: always open.
    pub(crate) opening: Vec<Opening>,
    /// By whose clocks, and whose public holidays: a zone of the rules.
    pub(crate) zone: String,
    /// Public holidays are closed.
    pub(crate) holidays: bool,
    /// The most that is answered by itself to one person and number within an hour, and within a day.
    pub(crate) per_hour: u8,
    pub(crate) per_day: u8,
    /// How many hours lie between two answers to what no rule fits.
    pub(crate) any_every: u16,
    /// What is answered to a STOP, once; empty: nothing.
    pub(crate) stop_confirmation: String,
    /// What is answered to CONTACT; empty: the tenant's name.
    pub(crate) identity: String,
    /// What is answered to who comes to an appointment, does not, or wants another time; empty: nothing.
    pub(crate) confirmed: String,
    pub(crate) cancelled: String,
    pub(crate) moved: String,
}

impl Default for ReplySettings {
    fn default() -> Self {
        Self {
            opening: Vec::new(),
            zone: ZONE.to_owned(),
            holidays: true,
            per_hour: 5,
            per_day: 20,
            any_every: 12,
            stop_confirmation: "Votre STOP est pris en compte : vous ne recevrez plus nos messages publicitaires."
                .to_owned(),
            identity: String::new(),
            confirmed: "Merci, votre rendez-vous est confirmé.".to_owned(),
            cancelled: "Votre rendez-vous est annulé.".to_owned(),
            moved: "C'est noté : nous vous rappelons pour convenir d'une autre date.".to_owned(),
        }
    }
}

impl ReplySettings {
    /// The most hours between two answers to what no rule fits.
    pub(crate) const ANY_EVERY_MAX: u16 = 24 * 30;

    /// What is said to that answer to an appointment.
    /// `count`: how many appointments; of several only our own words speak.
    pub(crate) fn to_answer(&self, answer: EventAnswer, count: usize) -> &str {
        let own = Self::default();
        match answer {
            EventAnswer::Confirm if count > 1 && self.confirmed == own.confirmed => CONFIRMED_ALL,
            EventAnswer::Cancel if count > 1 && self.cancelled == own.cancelled => CANCELLED_ALL,
            EventAnswer::Confirm => &self.confirmed,
            EventAnswer::Cancel => &self.cancelled,
            EventAnswer::Move => &self.moved,
        }
    }

    /// Whether the tenant is open at that time.
    pub(crate) fn is_open(&self, at: UnixMicros) -> bool {
        if self.opening.is_empty() {
            return true;
        }
        let (Some(zone), Some(at)) = (rules::Zone::named(&self.zone), at.timestamp()) else {
            return true;
        };
        let now = at.to_zoned(zone.time_zone());
        if self.holidays && zone.is_holiday(now.date()) {
            return false;
        }
        let (day, time) = (now.weekday(), now.time());
        let holds = |opening: &Opening| {
            let on_day = opening
                .days
                .iter()
                .any(|number| Weekday::from_monday_one_offset(*number).ok() == Some(day));
            on_day && opening.from <= time && time < opening.to
        };
        self.opening.iter().any(holds)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::time;

    use super::*;

    #[test]
    fn a_clinic_is_open_by_its_own_clocks_and_closed_on_its_holidays() {
        let hours = |days: &[i8], from, to| Opening {
            days: days.to_vec(),
            from: time(from, 0, 0, 0),
            to: time(to, 30, 0, 0),
        };
        let settings = ReplySettings {
            opening: vec![hours(&[1, 2, 3, 4, 5], 8, 11), hours(&[1, 2, 3, 4, 5], 14, 18)],
            ..ReplySettings::default()
        };
        let open = |settings: &ReplySettings, at: &str| {
            let at: Timestamp = at.parse().unwrap();
            settings.is_open(UnixMicros(at.as_microsecond().cast_unsigned()))
        };
        for (at, expected) in [
            ("2026-11-30T08:00:00+01:00", true),
            ("2026-11-30T07:59:59+01:00", false),
            ("2026-11-30T11:30:00+01:00", false),
            ("2026-11-30T14:00:00+01:00", true),
            ("2026-11-29T09:00:00+01:00", false),
            ("2026-07-14T09:00:00+02:00", false),
            ("2026-07-15T09:00:00+02:00", true),
        ] {
            assert_eq!(open(&settings, at), expected, "{at}");
        }
        // 15 July, 9:00 in Réunion, where 20 December is a holiday.
        let overseas = ReplySettings {
            zone: "fr-reunion".to_owned(),
            ..settings
        };
        assert!(open(&overseas, "2026-07-15T07:00:00+02:00"));
        assert!(!open(&overseas, "2027-12-20T09:00:00+04:00"));
        assert!(ReplySettings::default().is_open(UnixMicros(0)));
    }
}
