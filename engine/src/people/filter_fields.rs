//! What filters ask of people, and in which words. Pure.

use super::day::Day;
use crate::compose::{fold, fold_value};

/// What an attribute's field begins with.
pub(super) const ATTRIBUTES: &str = "attributes.";

/// What has a text, compared without case and accents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextField {
    FirstName,
    LastName,
    /// Compared as it is.
    Reference,
    Practice,
    Tag,
    Attribute(String),
}

impl TextField {
    /// A text as the column has it.
    pub(super) fn compared(&self, text: &str) -> String {
        match self {
            Self::Reference => text.to_owned(),
            Self::FirstName | Self::LastName | Self::Practice | Self::Tag => fold(text),
            Self::Attribute(_) => fold_value(text),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    Is(String),
    Contains(String),
    StartsWith(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayField {
    BirthDate,
    /// Day and month of birth.
    Birthday,
    LastVisit,
    /// When an SMSC last took a message to their number.
    LastContacted,
    /// When they agreed to advertising, and have not withdrawn it since.
    Consented,
    /// When something was last delivered to their number.
    LastDelivered,
    /// When they last followed a short link.
    Clicked,
    /// When they last wrote something back that is no STOP.
    Replied,
    /// When they came.
    Created,
    /// When something else was last said of them.
    Updated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayTest {
    On(Day),
    Before(Day),
    After(Day),
    /// Then or later.
    From(Day),
    /// Then or earlier.
    To(Day),
}

impl DayTest {
    pub(super) const fn day(self) -> Day {
        let (Self::On(day) | Self::Before(day) | Self::After(day) | Self::From(day) | Self::To(day)) = self;
        day
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountField {
    /// Messages that were delivered to their number.
    Delivered,
    /// See `people::Engaged`.
    Score,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountTest {
    Is,
    /// That many, or more.
    From,
    /// That many, or fewer.
    To,
}

/// What may be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    Text(TextField),
    Day(DayField),
    Number,
    List,
}

pub(super) const FIELDS: [&str; 23] = [
    "first_name",
    "last_name",
    "reference",
    "practice",
    "tag",
    "attributes.…",
    "birth_date",
    "birthday",
    "last_visit",
    "last_contacted",
    "consented",
    LAST_DELIVERED,
    CLICKED,
    REPLIED,
    "created",
    "updated",
    DELIVERED,
    SCORE,
    "number",
    "kind",
    LIST,
    CONSENT,
    UNREACHABLE,
];
pub(super) const LAST_DELIVERED: &str = "last_delivered_at";
pub(super) const CLICKED: &str = "clicked_at";
pub(super) const REPLIED: &str = "replied_at";
pub(super) const DELIVERED: &str = "delivered_count";
pub(super) const SCORE: &str = "score";
pub(super) const LIST: &str = "list";
pub(super) const CONSENT: &str = "consent";
pub(super) const UNREACHABLE: &str = "unreachable";
pub(super) const TEXT_TESTS: [&str; 5] = ["is", "in", "contains", "starts_with", "empty"];
pub(super) const DAY_TESTS: [&str; 6] = ["is", "before", "after", "from", "to", "empty"];
pub(super) const COUNT_TESTS: [&str; 3] = ["is", "from", "to"];
pub(super) const SET_TESTS: [&str; 3] = ["is", "in", "empty"];
pub(super) const IS: [&str; 1] = ["is"];
/// Where a range begins, and where it ends.
pub(super) const LOWER: [&str; 2] = ["from", "after"];
pub(super) const UPPER: [&str; 2] = ["to", "before"];
pub(super) const NODES: [&str; 5] = ["all", "any", "not", "visited", "field"];

/// What a field may be asked; `None`: there is no such field.
pub(super) fn tests_of(name: &str) -> Option<&'static [&'static str]> {
    if day_field(name).is_some() {
        return Some(if name == "birthday" { &IS } else { &DAY_TESTS });
    }
    Some(match name {
        "first_name" | "last_name" | "reference" | "practice" | "tag" => &TEXT_TESTS,
        DELIVERED | SCORE => &COUNT_TESTS,
        "number" | LIST => &SET_TESTS,
        "kind" | CONSENT | UNREACHABLE => &IS,
        name if name.starts_with(ATTRIBUTES) => &TEXT_TESTS,
        _ => return None,
    })
}

pub(super) fn count_field(name: &str) -> Option<CountField> {
    match name {
        DELIVERED => Some(CountField::Delivered),
        SCORE => Some(CountField::Score),
        _ => None,
    }
}

pub(super) fn day_field(name: &str) -> Option<DayField> {
    match name {
        "birth_date" => Some(DayField::BirthDate),
        "birthday" => Some(DayField::Birthday),
        "last_visit" => Some(DayField::LastVisit),
        "last_contacted" => Some(DayField::LastContacted),
        "consented" => Some(DayField::Consented),
        LAST_DELIVERED => Some(DayField::LastDelivered),
        CLICKED => Some(DayField::Clicked),
        REPLIED => Some(DayField::Replied),
        "created" => Some(DayField::Created),
        "updated" => Some(DayField::Updated),
        _ => None,
    }
}
