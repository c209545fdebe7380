//! A value as somebody gave it.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeInteger, DeValue};

/// A value that is longer is shown cut: a fault is one line.
const SHOWN_MAX: usize = 60;

/// A value that was given: in the file with a type, or in an environment variable as a text that may mean any of them.
/// What it is asked for and is not is `None`.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// In the file.
    Value(&'a Spanned<DeValue<'a>>),
    /// In the environment.
    Environment(&'a str),
}

impl<'a> Given<'a> {
    /// A string.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Value(value) => value.get_ref().as_str(),
            Self::Environment(text) => Some(text),
        }
    }

    /// A whole number that is not negative.
    pub fn whole(self) -> Option<u64> {
        match self {
            Self::Value(value) => value.get_ref().as_integer().and_then(whole),
            Self::Environment(text) => text.parse().ok(),
        }
    }

    /// A number, whole or not; a whole one is not negative.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Value(value) => match value.get_ref().as_float() {
                Some(float) => float.as_str().parse().ok(),
                None => self.whole().map(|whole| whole as f64),
            },
            Self::Environment(text) => text.parse().ok(),
        }
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        match self {
            Self::Value(value) => value.get_ref().as_bool(),
            Self::Environment(text) => text.parse().ok(),
        }
    }

    /// A string such as `1m 30s`.
    pub fn duration(self) -> Option<Duration> {
        humantime::parse_duration(self.text()?).ok()
    }

    /// The elements of an array; in the environment they have commas between them.
    pub fn items(self) -> Option<Vec<Given<'a>>> {
        match self {
            Self::Value(value) => Some(value.get_ref().as_array()?.iter().map(Given::Value).collect()),
            Self::Environment(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(Given::Environment).collect())
            }
        }
    }

    /// The elements of an array of strings.
    pub fn texts(self) -> Option<Vec<&'a str>> {
        self.items()?.into_iter().map(Given::text).collect()
    }

    /// The keys and values of a table; none can be given in the environment as a whole.
    pub fn entries(self) -> Option<Vec<(&'a str, Given<'a>)>> {
        match self {
            Self::Value(value) => {
                let entries = value.get_ref().as_table()?.iter();
                Some(
                    entries
                        .map(|(key, value)| (&**key.get_ref(), Given::Value(value)))
                        .collect(),
                )
            }
            Self::Environment(_) => None,
        }
    }

    /// The value as it stands in `text`, which it is from: in one line, cut when it is long.
    pub(super) fn shown(self, text: &str) -> String {
        match self {
            Self::Value(value) => cut(text.get(value.span()).unwrap_or_default()),
            Self::Environment(text) => format!("{:?}", cut(text)),
        }
    }
}

fn whole(integer: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = line.chars().take(SHOWN_MAX).collect();
    if shown.len() < line.len() { shown + "…" } else { shown }
}
