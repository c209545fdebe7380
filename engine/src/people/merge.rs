//! What a text may name of a contact: `[Prenom]`, `{{last_name}}`, `[Ville]`. Pure.

use super::contact::Contact;
use crate::compose::fold;

/// How French clinics write a day.
const DAY: &str = "%d/%m/%Y";

/// What stands for a name in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MergeField {
    FirstName,
    LastName,
    Reference,
    BirthDate,
    LastVisit,
    /// The first of them.
    Practice,
    /// Of a campaign's pool; each recipient has another.
    Code,
    /// By its folded name; whoever has none of that name, what everybody has that is called so.
    Attribute(String, Option<Box<MergeField>>),
}

/// Names that everybody has, folded.
const NAMES: [(&str, MergeField); 18] = [
    ("prenom", MergeField::FirstName),
    ("firstname", MergeField::FirstName),
    ("givenname", MergeField::FirstName),
    ("nom", MergeField::LastName),
    ("lastname", MergeField::LastName),
    ("surname", MergeField::LastName),
    ("nomdefamille", MergeField::LastName),
    ("reference", MergeField::Reference),
    ("dossier", MergeField::Reference),
    ("datedenaissance", MergeField::BirthDate),
    ("naissance", MergeField::BirthDate),
    ("birthdate", MergeField::BirthDate),
    ("dernierevisite", MergeField::LastVisit),
    ("derniervisite", MergeField::LastVisit),
    ("lastvisit", MergeField::LastVisit),
    ("cabinet", MergeField::Practice),
    ("centre", MergeField::Practice),
    ("practice", MergeField::Practice),
];

/// What a text calls the code of its recipient.
const CODE: &str = "code";

/// Those that are shown when a text names something else.
const SHOWN: [&str; 6] = [
    "first_name",
    "last_name",
    "practice",
    "birth_date",
    "last_visit",
    "reference",
];

/// The same as French clinics call them.
const SHOWN_IN_FRENCH: [&str; 6] = [
    "prenom",
    "nom",
    "cabinet",
    "date de naissance",
    "derniere visite",
    "reference",
];

impl MergeField {
    /// What that name means, where people have these attributes; whoever has an attribute of the name, for them it goes before what everybody has.
    pub(crate) fn named(name: &str, attributes: &[String]) -> Option<Self> {
        let name = fold(name);
        let known = NAMES.iter().find(|(known, _)| *known == name);
        let known = known.map(|(_, field)| field.clone());
        match attributes.iter().any(|attribute| fold(attribute) == name) {
            true => Some(Self::Attribute(name, known.map(Box::new))),
            false => known,
        }
    }

    /// Whether that names the code of a campaign that has a pool of codes.
    pub(crate) fn is_code(name: &str) -> bool {
        fold(name) == CODE
    }

    /// Whether a text means something of its recipient by that name, whoever that is.
    pub(crate) fn is_of_everybody(name: &str) -> bool {
        Self::is_code(name) || Self::named(name, &[]).is_some()
    }

    /// What may be named.
    pub(crate) fn all(attributes: &[String]) -> Vec<String> {
        SHOWN
            .into_iter()
            .map(str::to_owned)
            .chain(attributes.iter().cloned())
            .collect()
    }

    /// The same as it is called in French.
    pub(crate) fn all_in_french(attributes: &[String]) -> Vec<String> {
        let own = SHOWN_IN_FRENCH.into_iter().map(str::to_owned);
        own.chain(attributes.iter().cloned()).collect()
    }

    /// What it is of a contact; empty when nothing is known.
    pub(crate) fn of(&self, contact: &Contact) -> String {
        let details = &contact.details;
        let day = |date: Option<jiff::civil::Date>| date.map(|date| date.strftime(DAY).to_string());
        let known = match self {
            Self::FirstName => Some(details.first_name.clone()),
            Self::LastName => Some(details.last_name.clone()),
            Self::Reference => details.reference.clone(),
            Self::BirthDate => day(details.birth_date),
            Self::LastVisit => day(details.last_visit),
            Self::Practice => details.practices.first().cloned(),
            // Known when the rows are there.
            Self::Code => None,
            Self::Attribute(name, otherwise) => {
                let mut attributes = details.attributes.iter();
                let found = attributes.find(|(known, _)| fold(known) == *name);
                let own = found.map(|(_, value)| value.clone());
                own.or_else(|| otherwise.as_ref().map(|field| field.of(contact)))
            }
        };
        known.unwrap_or_default()
    }
}
