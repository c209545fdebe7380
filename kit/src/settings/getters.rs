//! Values of the kinds that every program has.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::given::Given;
use super::kind::{Definition, Kind};
use super::table::Table;

impl<'a> Table<'a> {
    /// A string.
    pub fn text(&self, key: &'static str) -> Option<String> {
        self.read(key, &Kind::Text, |given| given.text().map(str::to_owned))
    }

    /// An array of strings.
    pub fn texts(&self, key: &'static str) -> Option<Vec<String>> {
        let texts = |given: Given<'_>| Some(given.texts()?.into_iter().map(str::to_owned).collect());
        self.read(key, &Kind::Texts, texts)
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &'static str, default: bool) -> bool {
        self.read(key, &Kind::Boolean, Given::boolean).unwrap_or(default)
    }

    /// A whole number.
    pub fn integer<N>(&self, key: &'static str, allowed: RangeInclusive<N>, default: N) -> N
    where
        N: Copy + PartialOrd + Into<u64> + TryFrom<u64>,
    {
        let kind = Kind::Integer((*allowed.start()).into()..=(*allowed.end()).into());
        let whole = |given: Given<'_>| {
            N::try_from(given.whole()?)
                .ok()
                .filter(|number| allowed.contains(number))
        };
        self.read(key, &kind, whole).unwrap_or(default)
    }

    /// A number, whole or not.
    pub fn number(&self, key: &'static str, allowed: RangeInclusive<f64>, default: f64) -> f64 {
        let number = |given: Given<'_>| given.number().filter(|number| allowed.contains(number));
        self.read(key, &Kind::Number(allowed.clone()), number)
            .unwrap_or(default)
    }

    /// A duration such as `1m 30s`.
    pub fn duration(&self, key: &'static str, allowed: RangeInclusive<Duration>, default: Duration) -> Duration {
        let duration = |given: Given<'_>| given.duration().filter(|duration| allowed.contains(duration));
        self.read(key, &Kind::Duration(allowed.clone()), duration)
            .unwrap_or(default)
    }

    /// One of these words, which stand for values.
    pub fn choice<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        self.read(key, &Kind::choice(words), |given| chosen(given, words))
    }

    /// An array of these words; at least one.
    pub fn choices<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<Vec<T>> {
        self.read(key, &Kind::choices(words), |given| {
            let items = given.items().filter(|items| !items.is_empty())?;
            items.into_iter().map(|item| chosen(item, words)).collect()
        })
    }

    /// Anything that `read` takes; `allowed` says what that is.
    pub fn parsed<T>(
        &self,
        key: &'static str,
        allowed: impl Display,
        read: impl FnOnce(Given<'a>) -> Option<T>,
    ) -> Option<T> {
        self.read(key, &Kind::Described(allowed.to_string()), read)
    }

    /// As [`Table::parsed`], for what is defined once and allowed for several keys.
    pub fn defined<T>(
        &self,
        key: &'static str,
        definition: Definition,
        read: impl FnOnce(Given<'a>) -> Option<T>,
    ) -> Option<T> {
        self.read(key, &Kind::Defined(definition), read)
    }

    /// As [`Table::parsed`], for a value that no fault may show.
    pub fn secret<T>(
        &self,
        key: &'static str,
        allowed: impl Display,
        read: impl FnOnce(Given<'a>) -> Option<T>,
    ) -> Option<T> {
        let kind = Kind::Described(allowed.to_string());
        self.note(key, &kind);
        let given = self.given(key)?;
        let value = read(given);
        if value.is_none() {
            let problem = format!("what was given (not shown here) is not allowed: {kind}");
            self.refuse_shown(key, given, problem);
        }
        value
    }
}

fn chosen<T: Copy>(given: Given<'_>, words: &[(&str, T)]) -> Option<T> {
    let text = given.text()?;
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
}
