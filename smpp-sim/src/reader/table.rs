use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::delays::{DELAY, delay};
use super::fault::Fault;
use super::notes::{Kind, Notes};
use super::values::{duration, number, whole};
use crate::delay::Delay;

/// The file under examination and what was found so far.
pub(super) struct Source<'a> {
    text: &'a str,
    file: &'a str,
    faults: RefCell<Vec<(usize, Fault)>>,
    /// Which keys were asked for, when that is what is wanted.
    notes: Option<RefCell<Notes>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            text,
            file,
            faults: RefCell::default(),
            notes: None,
        }
    }

    /// An empty file that writes down which keys are asked for.
    pub(super) fn probe() -> Self {
        Self {
            notes: Some(RefCell::default()),
            ..Self::new("", "")
        }
    }

    pub(super) fn into_notes(self) -> Notes {
        self.notes.map(RefCell::into_inner).unwrap_or_default()
    }

    pub(super) fn fault(&self, at: usize, key: String, detail: String) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.bytes().filter(|&octet| octet == b'\n').count() + 1;
        let fault = Fault {
            file: self.file.to_owned(),
            line,
            key,
            detail,
        };
        self.faults.borrow_mut().push((at, fault));
    }

    /// One in another file that this one names.
    fn fault_in(&self, file: &str, line: u64, key: &str, detail: String) {
        let fault = Fault {
            file: file.to_owned(),
            line: line as usize,
            key: key.to_owned(),
            detail,
        };
        self.faults.borrow_mut().push((usize::MAX, fault));
    }

    /// All faults in the order of the file, those of other files last.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        let order = |(at, fault): &(usize, Fault)| (*at, fault.line, fault.key.clone(), fault.detail.clone());
        faults.sort_by_cached_key(order);
        // What several tables inherit is read several times.
        faults.dedup();
        faults.into_iter().map(|(_, fault)| fault).collect()
    }
}

/// One table of the file. Every getter takes a key, says what is wrong with its value, and gives the default then, so
/// that reading goes on to the next fault.
pub(super) struct Table<'a> {
    source: &'a Source<'a>,
    path: String,
    at: usize,
    entries: Option<&'a DeTable<'a>>,
    /// What counts where this table says nothing: path, and entries.
    under: Option<(String, &'a DeTable<'a>)>,
    /// Keys that are not this reader's to see.
    hidden: &'static [&'static str],
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(source: &'a Source<'a>, path: String, at: usize, entries: Option<&'a DeTable<'a>>) -> Self {
        Self {
            source,
            path,
            at,
            entries,
            under: None,
            hidden: &[],
            asked: RefCell::default(),
        }
    }

    /// This table laid over another: what it does not say, the other says. `hidden` keys of both are passed over.
    pub(super) fn over(&self, base: &Table<'a>, hidden: &'static [&'static str]) -> Table<'a> {
        Table {
            under: base.entries.map(|entries| (base.path.clone(), entries)),
            hidden,
            ..Table::new(self.source, self.path.clone(), self.at, self.entries)
        }
    }

    /// Whether the key is there, with a table for its value.
    pub(super) fn is_table(&self, key: &'static str) -> bool {
        self.note(key, || Kind::Any("a value, or a table that says more".to_owned()));
        self.get(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Whether the key is there. A probe has every key, so that what depends on it is asked for, too.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some() || (self.is_probe() && !self.hidden.contains(&key))
    }

    /// Says what is needed unless all of the keys are there.
    pub(super) fn need(&self, keys: &[&'static str], detail: &str) {
        if let Some(notes) = &self.source.notes {
            notes.borrow_mut().require(&self.path, keys);
        }
        if !keys.iter().all(|key| self.has(key)) {
            self.fault("", detail.to_owned());
        }
    }

    /// Whether nothing is read, and only the keys are wanted.
    pub(super) fn is_probe(&self) -> bool {
        self.source.notes.is_some()
    }

    /// The path of a file that is named in this one: beside it, unless it is absolute.
    pub(super) fn file_beside(&self, name: &str) -> PathBuf {
        let directory = Path::new(self.source.file).parent();
        directory.map_or_else(|| PathBuf::from(name), |directory| directory.join(name))
    }

    fn note(&self, key: &str, kind: impl FnOnce() -> Kind) {
        if let Some(notes) = self.source.notes.as_ref().filter(|_| !self.hidden.contains(&key)) {
            notes.borrow_mut().note(&self.path, key, kind());
        }
    }

    pub(super) fn string(&self, key: &'static str) -> Option<String> {
        self.note(key, || Kind::Text);
        let value = self.get(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, value, "a string");
        }
        text
    }

    pub(super) fn boolean(&self, key: &'static str, default: bool) -> bool {
        self.note(key, || Kind::Boolean);
        let Some(value) = self.get(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong(key, value, "true or false");
            default
        })
    }

    pub(super) fn integer(&self, key: &'static str, allowed: RangeInclusive<u64>, default: u64) -> u64 {
        self.note(key, || Kind::Integer(allowed.clone()));
        let Some(value) = self.get(key) else { return default };
        let number = value.get_ref().as_integer().and_then(whole);
        number.filter(|number| allowed.contains(number)).unwrap_or_else(|| {
            self.wrong(
                key,
                value,
                format!("a whole number from {} to {}", allowed.start(), allowed.end()),
            );
            default
        })
    }

    pub(super) fn number(&self, key: &'static str, allowed: RangeInclusive<f64>, default: f64) -> f64 {
        self.note(key, || Kind::Number(allowed.clone()));
        let Some(value) = self.get(key) else { return default };
        number(value.get_ref())
            .filter(|number| allowed.contains(number))
            .unwrap_or_else(|| {
                self.wrong(
                    key,
                    value,
                    format!("a number from {} to {}", allowed.start(), allowed.end()),
                );
                default
            })
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&self, key: &'static str, names: &[(&str, T)]) -> Option<T> {
        self.note(key, || Kind::Choice(words(names)));
        let value = self.get(key)?;
        let found = value.get_ref().as_str().and_then(|text| find(names, text));
        if found.is_none() {
            self.wrong(key, value, format!("one of {}", list(names.iter().map(|name| name.0))));
        }
        found
    }

    /// Any of several words.
    pub(super) fn choices<T: Copy>(&self, key: &'static str, names: &[(&str, T)]) -> Option<Vec<T>> {
        self.note(key, || Kind::Choices(words(names)));
        let value = self.get(key)?;
        let found: Option<Vec<T>> = value.get_ref().as_array().and_then(|array| {
            array
                .iter()
                .map(|value| value.get_ref().as_str().and_then(|text| find(names, text)))
                .collect()
        });
        if found.as_ref().is_none_or(Vec::is_empty) {
            self.wrong(
                key,
                value,
                format!("an array of {}", list(names.iter().map(|name| name.0))),
            );
        }
        found
    }

    pub(super) fn duration(&self, key: &'static str, default: Duration) -> Duration {
        self.note(key, || Kind::Duration);
        let Some(value) = self.get(key) else { return default };
        value.get_ref().as_str().and_then(duration).unwrap_or_else(|| {
            self.wrong(key, value, "a duration up to a year like \"250ms\", \"2s\", \"1m 30s\"");
            default
        })
    }

    /// A duration or a distribution of durations.
    pub(super) fn delay(&self, key: &'static str) -> Option<Delay> {
        self.note(key, || Kind::Delay);
        let value = self.get(key)?;
        let delay = delay(value.get_ref());
        if delay.is_none() {
            self.wrong(key, value, DELAY);
        }
        delay
    }

    /// Several strings.
    pub(super) fn strings(&self, key: &'static str) -> Option<Vec<String>> {
        self.note(key, || Kind::Texts);
        let value = self.get(key)?;
        let found: Option<Vec<String>> = value.get_ref().as_array().and_then(|array| {
            let texts = array.iter().map(|value| value.get_ref().as_str().map(str::to_owned));
            texts.collect()
        });
        if found.is_none() {
            self.wrong(key, value, "an array of strings");
        }
        found
    }

    /// Any value that a function makes sense of.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        allowed: &str,
        read: impl Fn(&DeValue<'_>) -> Option<T>,
    ) -> Option<T> {
        self.note(key, || Kind::Any(allowed.to_owned()));
        let value = self.get(key)?;
        let parsed = read(value.get_ref());
        if parsed.is_none() {
            self.wrong(key, value, allowed);
        }
        parsed
    }

    /// A table within this one; an empty one when it is absent.
    pub(super) fn table(&self, key: &'static str) -> Table<'a> {
        self.note(key, || Kind::Table);
        let path = self.path_of(key);
        let Some(value) = self.get(key) else {
            return Table::new(self.source, path, self.at, None);
        };
        if value.get_ref().as_table().is_none() {
            self.wrong(key, value, "a table");
        }
        let table = Table::new(self.source, path, value.span().start, value.get_ref().as_table());
        let own = self.entries.is_some_and(|entries| entries.contains_key(key));
        let under = self.under.as_ref().filter(|_| own);
        let below = under.and_then(|(path, entries)| {
            let entries = entries.get(key)?.get_ref().as_table()?;
            Some((join(path, key), entries))
        });
        Table { under: below, ..table }
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Table<'a>> {
        self.note(key, || Kind::Tables);
        if self.is_probe() && !self.hidden.contains(&key) {
            return vec![Table::new(
                self.source,
                format!("{}[0]", self.path_of(key)),
                self.at,
                None,
            )];
        }
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value
            .get_ref()
            .as_array()
            .filter(|array| array.iter().all(|item| item.get_ref().is_table()))
        else {
            self.wrong(
                key,
                value,
                format!("an array of tables: write [[{key}]] with two brackets"),
            );
            return Vec::new();
        };
        let item = |(place, item): (usize, &'a Spanned<DeValue<'a>>)| {
            let path = format!("{}[{place}]", self.path_of(key));
            Table::new(self.source, path, item.span().start, item.get_ref().as_table())
        };
        array.iter().enumerate().map(item).collect()
    }

    /// Every entry, for tables whose keys are data.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Spanned<DeValue<'a>>)> {
        let entries = self.entries.or(self.under.as_ref().map(|under| under.1));
        let entries = entries.map(|entries| entries.iter()).into_iter().flatten();
        entries.map(|(key, value)| (&**key.get_ref(), value))
    }

    /// Says that something is wrong with the table as a whole, or with a key's meaning.
    pub(super) fn fault(&self, key: &str, detail: String) {
        let at = self
            .layer(key)
            .1
            .and_then(|entries| entries.get_key_value(key))
            .map_or(self.at, |entry| entry.0.span().start);
        let path = if key.is_empty() {
            self.path.clone()
        } else {
            self.path_of(key)
        };
        self.source.fault(at, path, detail);
    }

    /// Says that something is wrong in a line of another file.
    pub(super) fn fault_in(&self, file: &str, line: u64, key: &str, detail: String) {
        self.source.fault_in(file, line, key, detail);
    }

    /// Names every key that nobody asked for, with the nearest one that exists.
    pub(super) fn unknown_keys(&self) {
        if let Some(notes) = &self.source.notes {
            notes.borrow_mut().close(&self.path);
        }
        let asked = self.asked.borrow();
        let own = self.entries.map(|entries| (self.path.as_str(), entries));
        let under = self.under.as_ref().map(|(path, entries)| (path.as_str(), *entries));
        for (path, entries) in own.into_iter().chain(under) {
            let known = |key: &str| asked.contains(&key) || self.hidden.contains(&key);
            for key in entries.keys().filter(|key| !known(key.get_ref())) {
                let text = &**key.get_ref();
                let detail = format!("no such key; {}", hint(text, &asked));
                self.source.fault(key.span().start, join(path, text), detail);
            }
        }
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key);
        self.note(key, || Kind::Seen);
        if self.hidden.contains(&key) {
            return None;
        }
        self.layer(key).1?.get(key)
    }

    /// The path and the entries that speak about a key.
    fn layer(&self, key: &str) -> (&str, Option<&'a DeTable<'a>>) {
        match &self.under {
            Some((path, entries)) if !self.entries.is_some_and(|own| own.contains_key(key)) => (path, Some(entries)),
            Some(_) | None => (&self.path, self.entries),
        }
    }

    fn path_of(&self, key: &str) -> String {
        join(self.layer(key).0, key)
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, allowed: impl Display) {
        let span = value.span();
        let given = self.source.text.get(span.clone()).unwrap_or_default();
        let given: String = given.lines().next().unwrap_or_default().chars().take(60).collect();
        self.source.fault(
            span.start,
            self.path_of(key),
            format!("{given} is not allowed: {allowed}"),
        );
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The one that is meant, if it is no more than two characters off.
pub(super) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.map(|known| (distance(text, known), known));
    distances.min().filter(|near| near.0 <= 2).map(|near| near.1)
}

/// The known key that is nearest, or all of them.
fn hint(text: &str, asked: &[&'static str]) -> String {
    match nearest(text, asked.iter().copied()) {
        Some(known) => format!("did you mean {known:?}?"),
        None => format!("allowed are {}", list(asked.iter().copied())),
    }
}

fn find<T: Copy>(names: &[(&str, T)], text: &str) -> Option<T> {
    names.iter().find(|name| name.0 == text).map(|name| name.1)
}

fn words<T>(names: &[(&str, T)]) -> Vec<String> {
    names.iter().map(|name| name.0.to_owned()).collect()
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.collect();
    names.dedup();
    names.join(", ")
}

/// How many letters must change to make one word of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (column, other) in right.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[column + 1];
            row[column + 1] = changed.min(corner + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
