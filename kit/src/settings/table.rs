//! One table of the settings: which keys it has, what is wrong with them, and which of them nobody knows.

use std::cell::RefCell;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults, Place};
use super::given::Given;
use super::kind::Kind;
use super::notes::join;
use super::source::{At, Source};
use crate::words::nearest;

/// One table. Its getters (`integer`, `choice`, `parsed`, …) take a key; they note what is wrong with its value, and answer
/// with the default then, or with `None`, as when it is absent. [`Table::finish`] refuses the keys that were not asked for.
pub struct Table<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) path: String,
    pub(super) at: At,
    pub(super) entries: Option<&'a DeTable<'a>>,
    /// What counts where this table says nothing: path, and entries.
    pub(super) under: Option<(String, &'a DeTable<'a>)>,
    /// Keys that this reader does not see.
    pub(super) hidden: &'static [&'static str],
    pub(super) asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(source: &'a Source<'a>, path: String, at: At, entries: Option<&'a DeTable<'a>>) -> Self {
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

    pub(super) fn root(source: &'a Source<'a>, entries: Option<&'a DeTable<'a>>) -> Self {
        Self::new(source, String::new(), At::File, entries)
    }

    /// Whether the key is there. For [`schema`](super::schema) every key is there, so that what depends on it is asked
    /// for, too.
    pub fn has(&self, key: &'static str) -> bool {
        self.given(key).is_some() || (self.is_probe() && !self.hidden.contains(&key))
    }

    /// Whether nothing is read, and only the keys are wanted, for [`schema`](super::schema).
    pub fn is_probe(&self) -> bool {
        self.source.notes.is_some()
    }

    /// Notes a fault unless the key is there; `allowed` says what it should be.
    pub fn required(&self, key: &'static str, allowed: &str) {
        if let Some(notes) = &self.source.notes {
            notes.borrow_mut().require(&self.path, key);
        }
        if !self.has(key) {
            self.fault(key, format!("missing: {allowed}"));
        }
    }

    /// Notes that something is wrong with what a key means; with the table as a whole, if `key` is empty.
    pub fn fault(&self, key: &str, problem: impl Into<String>) {
        let (_, entries) = self.layer(key);
        let entry = entries.and_then(|entries| entries.get_key_value(key));
        let at = entry.map_or_else(|| self.at.clone(), |(key, _)| At::Octet(key.span().start));
        let path = if key.is_empty() {
            self.path.clone()
        } else {
            self.path_of(key)
        };
        self.source.note_fault(at, path, problem.into());
    }

    /// Notes that what was given for a key is not allowed beside what else was given, and shows it before `problem`, which says
    /// why and what is allowed. Never for a secret.
    pub fn fault_of_value(&self, key: &'static str, problem: impl Display) {
        match self.given(key) {
            Some(given) => {
                let shown = given.shown(self.source.text);
                self.refuse_shown(key, given, format!("{shown} {problem}"));
            }
            None => self.fault(key, problem.to_string()),
        }
    }

    /// Notes that something is wrong in a line of another file, which this table names.
    pub fn fault_in(&self, file: &str, line: usize, key: &str, problem: impl Into<String>) {
        let at = At::Elsewhere(file.to_owned(), Some(line));
        self.source.note_fault(at, key.to_owned(), problem.into());
    }

    /// Notes what is wrong with another file, which this table names.
    pub fn adopt(&self, faults: Faults) {
        for Fault { place, key, problem } in faults.0 {
            let at = match place {
                Place::File(file) => At::Elsewhere(file, None),
                Place::Line(file, line) => At::Elsewhere(file, Some(line)),
                Place::Environment(name) => At::Environment(name),
            };
            self.source.note_fault(at, key, problem);
        }
    }

    /// The path of a file that is named in this one: beside it, unless it is absolute.
    pub fn file_beside(&self, name: &str) -> PathBuf {
        let folder = Path::new(self.source.file).parent();
        folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
    }

    /// Notes a fault for every key that nobody asked for, with the one that was probably meant.
    pub fn finish(&self) {
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
                let problem = match nearest(text, asked.iter().copied()) {
                    Some(nearest) => format!("unknown key; did you mean {nearest:?}?"),
                    None => format!("unknown key; allowed are {}", asked.join(", ")),
                };
                self.source
                    .note_fault(At::Octet(key.span().start), join(path, text), problem);
            }
        }
    }

    /// The value of a key as `read` takes it; a fault if it does not.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        kind: &Kind,
        read: impl FnOnce(Given<'a>) -> Option<T>,
    ) -> Option<T> {
        self.note(key, kind);
        let given = self.given(key)?;
        let value = read(given);
        if value.is_none() {
            self.refuse(key, given, kind);
        }
        value
    }

    /// Notes that a value is not what is allowed, and shows it. Never for a secret.
    pub fn refuse(&self, key: &str, given: Given<'_>, allowed: impl Display) {
        let shown = given.shown(self.source.text);
        self.refuse_shown(key, given, format!("{shown} is not allowed: {allowed}"));
    }

    pub(super) fn refuse_shown(&self, key: &str, given: Given<'_>, problem: String) {
        let path = self.path_of(key);
        let at = match (given, &self.source.overrides) {
            (Given::Environment(_), Some(overrides)) => At::Environment(overrides.variable(&path)),
            (Given::Environment(_), None) => self.at.clone(),
            (Given::Value(value), _) => At::Octet(value.span().start),
        };
        self.source.note_fault(at, path, problem);
    }

    /// The value of a key: what the environment says, or else the file.
    pub(super) fn given(&self, key: &'static str) -> Option<Given<'a>> {
        let in_file = self.value(key).map(Given::Value);
        let Some(overrides) = &self.source.overrides else {
            return in_file;
        };
        overrides.of(&self.path_of(key)).map(Given::Environment).or(in_file)
    }

    /// The value of a key in the file.
    pub(super) fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if self.hidden.contains(&key) {
            return None;
        }
        self.note_asked(key);
        self.layer(key).1?.get(key)
    }

    pub(super) fn note(&self, key: &'static str, kind: &Kind) {
        if let Some(notes) = self.source.notes.as_ref().filter(|_| !self.hidden.contains(&key)) {
            notes.borrow_mut().note(&self.path, key, Some(kind));
        }
    }

    fn note_asked(&self, key: &'static str) {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        if let Some(notes) = &self.source.notes {
            notes.borrow_mut().note(&self.path, key, None);
        }
    }

    /// The path and the entries that speak about a key.
    fn layer(&self, key: &str) -> (&str, Option<&'a DeTable<'a>>) {
        match &self.under {
            Some((path, entries)) if !self.entries.is_some_and(|own| own.contains_key(key)) => (path, Some(entries)),
            Some(_) | None => (&self.path, self.entries),
        }
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        join(self.layer(key).0, key)
    }
}
