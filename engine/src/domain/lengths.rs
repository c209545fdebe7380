//! How long the values of merge fields are at most, and what becomes of longer ones. Pure.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

/// What becomes of a value that is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, Serialize, Deserialize)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Longer {
    /// It is cut to that length.
    Truncate,
    /// Who has it gets nothing.
    Skip,
    /// It is sent as it is, and counted.
    Send,
}

impl Longer {
    pub(crate) const CODES: [&str; 3] = [Self::Truncate.into_str(), Self::Skip.into_str(), Self::Send.into_str()];
}

/// How long the values of one column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Length {
    pub(crate) column: usize,
    /// In characters.
    pub(crate) max: usize,
    pub(crate) longer: Longer,
}

/// How long the values of a campaign's columns are; of those that are not here, nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Lengths(Vec<Length>);

/// What a value comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitted<'v> {
    AsItIs(&'v str),
    Cut(&'v str),
    TooLong,
}

impl Lengths {
    /// Of those columns, each once.
    pub(crate) fn of_columns(mut lengths: Vec<Length>) -> Self {
        lengths.sort_by_key(|length| length.column);
        Self(lengths)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether values may be cut, or people left out.
    pub(crate) fn changes_rows(&self) -> bool {
        self.0.iter().any(|length| length.longer != Longer::Send)
    }

    /// What is said of a column.
    pub(crate) fn of(&self, column: usize) -> Option<Length> {
        self.0.iter().copied().find(|length| length.column == column)
    }

    /// What a value of that column comes to.
    pub(crate) fn fit<'v>(&self, column: usize, value: &'v str) -> Fitted<'v> {
        let Some((length, end)) = self.of(column).and_then(|length| Some((length, length.end(value)?))) else {
            return Fitted::AsItIs(value);
        };
        match length.longer {
            Longer::Truncate => Fitted::Cut(value.trim_start()[..end].trim_end()),
            Longer::Skip => Fitted::TooLong,
            Longer::Send => Fitted::AsItIs(value),
        }
    }

    /// Whether one of the values, by their columns, is longer than it should be.
    pub(crate) fn has_longer(&self, values: &[&str]) -> bool {
        let is_longer = |length: &Length| {
            let value = values.get(length.column);
            value.is_some_and(|value| length.end(value).is_some())
        };
        self.0.iter().any(is_longer)
    }

    /// By the names of the columns.
    pub(crate) fn named<'c>(&self, columns: &'c [String]) -> Vec<(&'c str, Length)> {
        let named = |length: &Length| Some((columns.get(length.column)?.as_str(), *length));
        self.0.iter().filter_map(named).collect()
    }
}

impl Length {
    /// Where a value is to be cut, in octets, without the spaces around it, which are not sent; `None`: it is no longer.
    fn end(&self, value: &str) -> Option<usize> {
        let value = value.trim();
        value.char_indices().nth(self.max).map(|(end, _)| end)
    }
}
