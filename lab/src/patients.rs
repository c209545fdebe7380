//! Who gets a message: made-up patients, each with a number of their own and a name.
//!
//! Number `n` always is the same patient, so a run can be repeated, and two campaigns never share a recipient unless
//! they share an index.

use std::borrow::Cow;

use serde::Serialize;

/// What every patient is told, 100 to 140 characters when filled in, in GSM 03.38 (é and à are in its basic table):
/// one segment, thus one credit.
pub(crate) const TEXT: &str = "Bonjour [Prenom] [Nom], votre rendez-vous au Centre du Parc est confirmé demain à 14h30. \
                               Pour le déplacer : 01 23 45 67 89.";

/// The sender shown on the telephone.
pub(crate) const SENDER: &str = "CLINIQUE";

/// French mobile numbers +33 61x and +33 62x xxx xxx: twice as many as the largest run needs.
const NUMBERS: u64 = 20_000_000;

/// Coprime with [`NUMBERS`]: neighbours in a campaign get numbers far apart, and no number comes twice.
const STRIDE: u64 = 7_919_993;

const FIRST_NAMES: [&str; 16] = [
    "Camille", "Louis", "Manon", "Hugo", "Chloe", "Lucas", "Ines", "Nathan", "Jeanne", "Arthur", "Louise", "Gabriel",
    "Emma", "Raphael", "Alice", "Jules",
];

const LAST_NAMES: [&str; 16] = [
    "Martin", "Bernard", "Dubois", "Thomas", "Robert", "Richard", "Petit", "Durand", "Leroy", "Moreau", "Simon",
    "Laurent", "Lefebvre", "Michel", "Garcia", "Fontaine",
];

/// A campaign as the API takes it: POST /v1/campaigns.
#[derive(Serialize)]
pub struct CampaignBody {
    name: String,
    text: Cow<'static, str>,
    sender: Cow<'static, str>,
    purpose: &'static str,
    audience: Audience,
}

#[derive(Serialize)]
struct Audience {
    recipients: Vec<Patient>,
}

/// One recipient: the number, and a value for each merge field of [`TEXT`].
#[derive(Serialize)]
struct Patient {
    to: String,
    #[serde(rename = "Nom")]
    last_name: &'static str,
    #[serde(rename = "Prenom")]
    first_name: &'static str,
}

impl CampaignBody {
    /// A campaign for the patients `first` to `first + recipients`.
    pub fn new(name: String, first: u64, recipients: u32) -> Self {
        let patients = (first..first + u64::from(recipients)).map(Patient::numbered);
        let purpose = Lane::Transactional.purpose();
        Self {
            name,
            text: Cow::Borrowed(TEXT),
            sender: Cow::Borrowed(SENDER),
            purpose,
            audience: Audience {
                recipients: patients.collect(),
            },
        }
    }

    /// The same from another sender.
    pub fn with_sender(self, sender: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sender: sender.into(),
            ..self
        }
    }

    /// The same with another text; its merge fields are `[Nom]` and `[Prenom]`.
    pub fn with_text(self, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            ..self
        }
    }

    /// The same in another lane.
    pub fn in_lane(self, lane: Lane) -> Self {
        Self {
            purpose: lane.purpose(),
            ..self
        }
    }
}

/// Which of a tenant's lanes a campaign goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Before all others.
    Transactional,
    /// After them.
    Marketing,
}

impl Lane {
    const fn purpose(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Marketing => "marketing",
        }
    }
}

/// The octets of the merge fields' values of the first `count` patients, without the fields' names.
pub fn variable_octets(count: u64) -> u64 {
    let of = |patient: Patient| patient.last_name.len() + patient.first_name.len();
    (0..count).map(|n| of(Patient::numbered(n)) as u64).sum()
}

/// The number of patient `n`, as E.164 digits.
pub fn number_of(n: u64) -> u64 {
    33_610_000_000 + n * STRIDE % NUMBERS
}

impl Patient {
    fn numbered(n: u64) -> Self {
        let number = number_of(n);
        let names = FIRST_NAMES.len() as u64;
        Self {
            to: format!("+{number}"),
            last_name: LAST_NAMES[(n / names) as usize % LAST_NAMES.len()],
            first_name: FIRST_NAMES[n as usize % FIRST_NAMES.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_comes_twice() {
        let mut numbers: Vec<String> = (0..100_000).map(|n| Patient::numbered(n).to).collect();
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 100_000);
        assert!(
            numbers
                .iter()
                .all(|number| number.len() == 12 && number.starts_with("+336"))
        );
    }

    #[test]
    fn the_stride_reaches_every_number() {
        let gcd = |mut a: u64, mut b: u64| {
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        assert_eq!(gcd(STRIDE, NUMBERS), 1);
    }

    #[test]
    fn every_text_is_one_segment_of_the_promised_length() {
        for n in 0..256 {
            let patient = Patient::numbered(n);
            let text = TEXT
                .replace("[Prenom]", patient.first_name)
                .replace("[Nom]", patient.last_name);
            let length = text.chars().count();
            assert!((100..=140).contains(&length), "{length}: {text}");
        }
    }

    #[test]
    fn variables_are_counted_by_their_values() {
        assert_eq!(variable_octets(1), "Camille".len() as u64 + "Martin".len() as u64);
    }

    #[test]
    fn the_body_is_what_the_api_reads() {
        let body = serde_json::to_value(CampaignBody::new("c".to_owned(), 0, 2)).unwrap();
        assert_eq!(body["audience"]["recipients"][0]["to"], "+33610000000");
        assert_eq!(body["audience"]["recipients"][1]["Prenom"], "Louis");
        assert_eq!(body["purpose"], "transactional");
    }
}
