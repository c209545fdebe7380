//! What a row of a file says of one person.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::Recipient;

/// A person as a file has them. What a file does not say is `None`, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contact {
    /// What the clinic's own program calls them.
    pub(crate) reference: Option<String>,
    pub(crate) number: Option<Phone>,
    pub(crate) other_numbers: Vec<Phone>,
    /// What a number is for, where that is said: `travail`.
    pub(crate) labels: BTreeMap<Recipient, String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) kind: Option<Kind>,
    pub(crate) birth_date: Option<Date>,
    pub(crate) practices: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) last_visit: Option<Date>,
    pub(crate) last_visit_practice: Option<String>,
    /// A day that a file says somebody was last there on, and that is to come: it is no visit.
    pub(crate) visit_to_come: Option<Date>,
    pub(crate) consent: Option<Consent>,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// A number that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phone {
    pub(crate) number: Recipient,
    /// It takes texts.
    pub(crate) mobile: bool,
}

/// Who somebody is to a clinic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Kind {
    Patient,
    Staff,
}

impl Kind {
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// What somebody has said of being written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consent {
    pub(crate) given: bool,
    pub(crate) at: Option<Timestamp>,
    /// Where it was said: a form, the front desk.
    pub(crate) source: Option<String>,
    /// What it was that they agreed to, to the letter.
    pub(crate) wording: Option<String>,
}
