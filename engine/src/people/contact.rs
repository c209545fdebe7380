//! A person as a clinic knows them, and what is given of one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::compose::fold;
use crate::domain::{CampaignId, Cleanse, ContactId, Recipient, UnixMicros};
use crate::fault::{FieldProblem, Forbidden};

/// The longest name, reference, tag or practice, in characters.
pub(crate) const TEXT_MAX: usize = 100;

/// The longest value of an attribute, in characters: as long as what a text can have in a field.
pub(crate) const VALUE_MAX: usize = 500;

/// The longest name of an attribute, in characters.
pub(crate) const ATTRIBUTE_NAME_MAX: usize = 64;

/// The most attributes, tags or practices of one person.
pub(crate) const EACH_MAX: usize = 32;

/// The most visits that are given at once.
pub(crate) const VISITS_MAX: usize = 100;

/// The attribute that keeps further numbers of a person: apart by commas, each with its label behind it.
pub(crate) const OTHER_NUMBERS: &str = "autres_telephones";

/// The most further numbers of one person, and the longest label of one, in characters.
pub(crate) const OTHERS_MAX: usize = 10;
pub(crate) const LABEL_MAX: usize = 30;

/// What stands between two of them.
const BETWEEN: &str = ", ";

/// `2026-11-27`.
const DAY_OCTETS: usize = 10;

/// What a person is to a clinic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Kind {
    #[default]
    Patient,
    /// Who works there.
    Staff,
}

impl Kind {
    pub(crate) const CODES: [&str; 2] = [Self::Patient.code(), Self::Staff.code()];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// A person was there on that day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) day: Date,
    pub(crate) practice: String,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) id: ContactId,
    pub(crate) details: Details,
    /// When they agreed to advertising, and have not withdrawn it since.
    pub(crate) consent_at: Option<UnixMicros>,
    /// When they last said that they agree no more: nothing of before holds.
    pub(crate) withdrawn_at: Option<UnixMicros>,
    /// Why campaigns leave them out.
    pub(crate) unreachable: Option<Unreachable>,
    pub(crate) created_at: UnixMicros,
    pub(crate) updated_at: UnixMicros,
}

impl Contact {
    /// Whether the last that they said of advertising is that they want none.
    pub(crate) const fn is_opposed(&self) -> bool {
        self.withdrawn_at.is_some() && self.consent_at.is_none()
    }
}

/// A number could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreachable {
    /// When that was seen.
    pub(crate) at: UnixMicros,
    pub(crate) how: Cleanse,
    /// Which campaign has shown it.
    pub(crate) campaign: CampaignId,
}

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Details {
    /// What the clinic's software calls them.
    pub(crate) reference: Option<String>,
    /// Any that exists: whether it takes texts is seen when it is to be sent to.
    pub(crate) number: Option<Recipient>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) kind: Kind,
    pub(crate) birth_date: Option<Date>,
    /// Of all visits.
    pub(crate) last_visit: Option<Date>,
    pub(crate) practices: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// A further number of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherNumber {
    pub(crate) number: Recipient,
    /// What it is for: `travail`. May be empty.
    pub(crate) label: String,
}

impl OtherNumber {
    /// As they are kept.
    pub(crate) fn stored(others: &[Self]) -> String {
        let one = |other: &Self| format!("{} {}", other.number, other.label).trim_end().to_owned();
        others.iter().map(one).collect::<Vec<_>>().join(BETWEEN)
    }

    /// Those of a person, in the order in which they are tried; what is no number is none.
    pub(crate) fn read(stored: &str) -> Vec<Self> {
        let one = |text: &str| {
            let (number, label) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
            Some(Self {
                number: Recipient(number.strip_prefix('+')?.parse().ok()?),
                label: label.trim().to_owned(),
            })
        };
        stored.split(BETWEEN.trim_end()).filter_map(one).collect()
    }
}

/// What a further number is for: no comma, which would end it.
///
/// # Errors
/// As [`check_text`].
pub(crate) fn check_label(text: &str) -> Result<String, FieldProblem> {
    match text.contains([',', '"', '\\', '+']) {
        true => Err(FieldProblem::ForbiddenCharacter(Forbidden::Signs(", \" \\ +"))),
        false => check_text(text, LABEL_MAX),
    }
}

/// What is given of a person: the rest stays as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) reference: Option<String>,
    pub(crate) number: Option<Option<Recipient>>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) kind: Option<Kind>,
    pub(crate) birth_date: Option<Option<Date>>,
    pub(crate) practices: Option<Vec<String>>,
    pub(crate) tags: Option<Vec<String>>,
    /// Those with an empty value are forgotten.
    pub(crate) attributes: BTreeMap<String, String>,
    /// Added to those that are known.
    pub(crate) visits: Vec<Visit>,
}

impl Given {
    /// By what this person is known again: their reference; without one, number and name, since a family shares a number.
    /// `None`: neither is given.
    pub(crate) fn identity(&self) -> Option<String> {
        if let Some(reference) = &self.reference {
            return Some(identity_of(reference));
        }
        self.number_and_names()
    }

    /// By what this person is known who has no reference, or is not called by it.
    pub(super) fn number_and_names(&self) -> Option<String> {
        let name = |name: &Option<String>| name.as_deref().map(fold).unwrap_or_default();
        let (last, first) = (name(&self.last_name), name(&self.first_name));
        Some(identity_without_reference(self.number.flatten()?, &last, &first))
    }

    /// All numbers that are given.
    pub(crate) fn numbers(&self) -> Vec<Recipient> {
        let others = self.attributes.get(OTHER_NUMBERS);
        let others = others.map(|stored| OtherNumber::read(stored)).unwrap_or_default();
        let own = self.number.flatten().into_iter();
        own.chain(others.into_iter().map(|other| other.number)).collect()
    }

    /// Whether a name is given, which tells one of a family from the others.
    pub(super) fn is_named(&self) -> bool {
        let is_name = |name: &Option<String>| name.as_deref().is_some_and(|name| !fold(name).is_empty());
        is_name(&self.last_name) || is_name(&self.first_name)
    }

    /// Puts it in place of what is known.
    pub(crate) fn onto(&self, known: &Details) -> Details {
        let mut details = known.clone();
        let set = |to: &mut String, from: &Option<String>| {
            if let Some(given) = from {
                to.clone_from(given);
            }
        };
        set(&mut details.first_name, &self.first_name);
        set(&mut details.last_name, &self.last_name);
        if self.reference.is_some() {
            details.reference.clone_from(&self.reference);
        }
        details.number = self.number.unwrap_or(details.number);
        details.kind = self.kind.unwrap_or(details.kind);
        details.birth_date = self.birth_date.unwrap_or(details.birth_date);
        let latest = self.visits.iter().map(|visit| visit.day).max();
        details.last_visit = details.last_visit.max(latest);
        if let Some(practices) = &self.practices {
            details.practices = once_each(practices);
        }
        if let Some(tags) = &self.tags {
            details.tags = once_each(tags);
        }
        for (name, value) in &self.attributes {
            let before = match name == OTHER_NUMBERS {
                true => known.others(),
                false => Vec::new(),
            };
            // Under whatever spelling it is known.
            details.attributes.retain(|known, _| fold(known) != fold(name));
            if !value.is_empty() {
                let value = with_labels(value, &before);
                details.attributes.insert(name.clone(), value);
            }
        }
        details
    }
}

/// Further numbers that come without labels, such as those of a file, keep those that they had.
fn with_labels(value: &str, before: &[OtherNumber]) -> String {
    if before.is_empty() {
        return value.to_owned();
    }
    let mut others = OtherNumber::read(value);
    for other in others.iter_mut().filter(|other| other.label.is_empty()) {
        if let Some(known) = before.iter().find(|known| known.number == other.number) {
            other.label.clone_from(&known.label);
        }
    }
    OtherNumber::stored(&others)
}

impl Details {
    /// Their further numbers.
    pub(crate) fn others(&self) -> Vec<OtherNumber> {
        let stored = self.attributes.get(OTHER_NUMBERS);
        stored.map(|stored| OtherNumber::read(stored)).unwrap_or_default()
    }

    /// All their numbers, in the order in which they are tried, each once.
    pub(crate) fn numbers(&self) -> Vec<Recipient> {
        let mut numbers: Vec<Recipient> = self.number.into_iter().collect();
        for other in self.others() {
            if !numbers.contains(&other.number) {
                numbers.push(other.number);
            }
        }
        numbers
    }

    /// As [`Given::number_and_names`].
    pub(super) fn number_and_names(&self) -> Option<String> {
        let (last, first) = (fold(&self.last_name), fold(&self.first_name));
        Some(identity_without_reference(self.number?, &last, &first))
    }
}

/// Names as [`fold`] has them.
fn identity_without_reference(number: Recipient, last: &str, first: &str) -> String {
    format!("number {} {last} {first}", number.0)
}

/// By what a person is known again who has a reference.
pub(super) fn identity_of(reference: &str) -> String {
    format!("reference {reference}")
}

/// Without those that differ in case and accents only; the first of them stays.
fn once_each(texts: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.iter().filter(|text| seen.insert(fold(text))).cloned().collect()
}

/// A text of a person, without spaces around it.
///
/// # Errors
/// When it is longer than `max`, or has characters that no line of text has.
pub(crate) fn check_text(text: &str, max: usize) -> Result<String, FieldProblem> {
    let given = text.chars().count();
    if given > max {
        return Err(FieldProblem::TooLong { max, given });
    }
    let text = text.trim();
    Forbidden::check(text, &[])?;
    Ok(text.to_owned())
}

/// The name of an attribute, a tag, a practice: not empty.
///
/// # Errors
/// As [`check_text`].
pub(crate) fn check_name(text: &str, max: usize) -> Result<String, FieldProblem> {
    let text = check_text(text, max)?;
    // What is compared has nothing of these, and a name of nothing else would be anybody's.
    if fold(&text).is_empty() {
        return Err(FieldProblem::Empty);
    }
    if text.contains(['"', '\\', '|']) {
        return Err(FieldProblem::ForbiddenCharacter(Forbidden::Signs("\" \\ |")));
    }
    Ok(text)
}

/// A day: `2026-11-27`.
///
/// # Errors
/// When it is none.
pub(crate) fn check_day(text: &str) -> Result<Date, FieldProblem> {
    // The library takes other spellings as well, and times.
    let plain = text.len() == DAY_OCTETS && text.as_bytes()[4] == b'-';
    let day = text.parse().ok().filter(|_| plain);
    day.ok_or(FieldProblem::InvalidDay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(number: u64, last: &str, first: &str) -> Given {
        Given {
            number: Some(Some(Recipient(number))),
            last_name: Some(last.to_owned()),
            first_name: Some(first.to_owned()),
            ..Given::default()
        }
    }

    #[test]
    fn a_family_shares_a_number_and_a_person_is_known_again() {
        let zoe = given(33_612_345_678, "Lefèvre", "Zoé").identity();
        assert_eq!(zoe, given(33_612_345_678, "LEFEVRE", "zoe").identity());
        assert_ne!(zoe, given(33_612_345_678, "Lefèvre", "Hugo").identity());
        let mut with_reference = given(33_612_345_678, "Lefèvre", "Zoé");
        with_reference.reference = Some("P-17".to_owned());
        let mut moved = given(33_698_765_432, "Lefèvre-Martin", "Zoé");
        moved.reference = Some("P-17".to_owned());
        assert_eq!(with_reference.identity(), moved.identity());
        assert_eq!(Given::default().identity(), None);
    }

    #[test]
    fn further_numbers_keep_their_labels_and_their_order() {
        let stored = "+33698765432 travail, +33123456789, demain";
        let details = Details {
            number: Some(Recipient(33_612_345_678)),
            attributes: [(OTHER_NUMBERS.to_owned(), stored.to_owned())].into(),
            ..Details::default()
        };
        let others = details.others();
        assert_eq!(
            (others.len(), others[0].label.as_str(), others[1].label.as_str()),
            (2, "travail", "")
        );
        assert_eq!(OtherNumber::stored(&others), "+33698765432 travail, +33123456789");
        let numbers = [33_612_345_678, 33_698_765_432, 33_123_456_789].map(Recipient);
        assert_eq!(details.numbers(), numbers);
        // A file has no labels, and another order.
        let given = Given {
            attributes: [(OTHER_NUMBERS.to_owned(), "+33123456789, +33698765432".to_owned())].into(),
            ..Given::default()
        };
        assert_eq!(
            given.onto(&details).attributes[OTHER_NUMBERS],
            "+33123456789, +33698765432 travail"
        );
        for wrong in ["a, b", "\"", "+33"] {
            let code = check_label(wrong).map_err(|problem| problem.code());
            assert_eq!(code, Err("forbidden_character"), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_given_stays() {
        let known = Details {
            first_name: "Zoé".to_owned(),
            tags: vec!["vip".to_owned()],
            attributes: [("Ville".to_owned(), "Lyon".to_owned())].into(),
            ..Details::default()
        };
        let day = |text: &str| text.parse::<Date>().unwrap();
        let visit = |text: &str| Visit {
            day: day(text),
            practice: "Lyon".to_owned(),
        };
        let given = Given {
            attributes: [
                ("VILLE".to_owned(), "Paris".to_owned()),
                ("dos".to_owned(), "oui".to_owned()),
            ]
            .into(),
            visits: vec![visit("2026-03-01"), visit("2026-01-01")],
            practices: Some(vec!["Lyon".to_owned(), "LYON".to_owned()]),
            ..Given::default()
        };
        let details = given.onto(&known);
        assert_eq!((details.first_name.as_str(), &details.tags), ("Zoé", &known.tags));
        assert_eq!(details.attributes.values().collect::<Vec<_>>(), ["Paris", "oui"]);
        assert_eq!(
            (details.last_visit, details.practices.len()),
            (Some(day("2026-03-01")), 1)
        );
        assert_eq!(Given::default().onto(&details), details);
        let forgotten = Given {
            attributes: [("ville".to_owned(), String::new())].into(),
            ..Given::default()
        };
        assert_eq!(forgotten.onto(&details).attributes.len(), 1);
    }
}
