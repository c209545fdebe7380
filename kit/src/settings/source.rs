//! The text that is being read, with the environment over it, and the faults that were found so far.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Display;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults, Place};
use super::given::Given;
use super::notes::Notes;
use crate::words::nearest;

/// Between the tables of a key in an environment variable's name.
const ENVIRONMENT_SEPARATOR: &str = "__";

/// A text of settings that is being read.
pub struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a str,
    pub(super) overrides: Option<Overrides>,
    faults: RefCell<Vec<(At, String, String)>>,
    /// Which keys were asked for, when that is what is wanted.
    pub(super) notes: Option<RefCell<Notes>>,
}

/// Variables of the environment, each of which goes before a key of the file.
pub(super) struct Overrides {
    prefix: String,
    variables: BTreeMap<String, String>,
    asked: RefCell<BTreeSet<String>>,
}

/// Where something was found, in the order in which faults are listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    /// The file as a whole.
    File,
    /// An octet of the text, from 0.
    Octet(usize),
    /// Another file, as a whole or a line of it, from 1.
    Elsewhere(String, Option<usize>),
    /// A variable of the environment.
    Environment(String),
}

impl<'a> Source<'a> {
    /// The text of `file`, as faults call it.
    pub fn new(text: &'a str, file: &'a str) -> Self {
        Self {
            text,
            file,
            overrides: None,
            faults: RefCell::default(),
            notes: None,
        }
    }

    /// The same with the environment over it: `PREFIX__REDIS__URL` goes before `redis.url`, and `PREFIX__SMSC__0__NAME`
    /// before the name of the first `[[smsc]]`. What begins with `PREFIX__` and names no key is a fault.
    pub fn overridden(self, prefix: &str, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let prefix = format!("{prefix}{ENVIRONMENT_SEPARATOR}");
        let ours = environment.into_iter().filter(|(name, _)| name.starts_with(&prefix));
        Self {
            overrides: Some(Overrides {
                variables: ours.collect(),
                asked: RefCell::default(),
                prefix,
            }),
            ..self
        }
    }

    /// An empty file that notes which keys are asked for.
    pub(super) fn probe() -> Self {
        Self {
            notes: Some(RefCell::default()),
            ..Self::new("", "")
        }
    }

    /// The document, to be handed to [`Source::read`](Self::read).
    ///
    /// # Errors
    /// Everything in the text that is not TOML. What follows a broken line is guesswork: it is not read.
    pub fn parse(&self) -> Result<Spanned<DeTable<'a>>, Faults> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if errors.is_empty() {
            return Ok(document);
        }
        for error in errors {
            let span = error.span();
            // The parser does not say which key stands twice.
            let what = span.clone().and_then(|span| self.text.get(span));
            let what = what.filter(|_| error.message().contains("duplicate key"));
            let what = what.map(|key| format!(" {key:?}")).unwrap_or_default();
            let at = span.map_or(At::File, |span| At::Octet(span.start));
            let problem = format!("not TOML: {}{what}", error.message().replace('\n', ", "));
            self.note_fault(at, String::new(), problem);
        }
        Err(self.found())
    }

    /// Notes that something is wrong at `octet` of the text.
    pub fn fault(&self, octet: usize, key: &str, problem: impl Into<String>) {
        self.note_fault(At::Octet(octet), key.to_owned(), problem.into());
    }

    /// Notes that a value of the text is not what is allowed, and shows it.
    pub fn refuse(&self, value: &Spanned<DeValue<'_>>, key: &str, allowed: impl Display) {
        let shown = Given::Value(value).shown(self.text);
        self.fault(value.span().start, key, format!("{shown} is not allowed: {allowed}"));
    }

    pub(super) fn into_notes(self) -> Notes {
        self.notes.map(RefCell::into_inner).unwrap_or_default()
    }

    pub(super) fn note_fault(&self, at: At, key: String, problem: String) {
        self.faults.borrow_mut().push((at, key, problem));
    }

    /// Notes the overrides that no key was asked for.
    pub(super) fn name_strangers(&self) {
        let Some(overrides) = &self.overrides else { return };
        let asked = overrides.asked.borrow();
        for name in overrides.variables.keys().filter(|name| !asked.contains(*name)) {
            let problem = match nearest(name, asked.iter().map(String::as_str)) {
                Some(nearest) => format!("overrides no key; did you mean {nearest}?"),
                None => "overrides no key".to_owned(),
            };
            self.note_fault(At::Environment(name.clone()), String::new(), problem);
        }
    }

    /// The faults so far, in the order of the file.
    pub(super) fn found(&self) -> Faults {
        let mut found = self.faults.take();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        let line_ends = self.text.bytes().enumerate().filter(|(_, octet)| *octet == b'\n');
        let line_ends: Vec<usize> = line_ends.map(|(place, _)| place).collect();
        let place = |at| match at {
            At::File => Place::File(self.file.to_owned()),
            At::Octet(octet) => Place::Line(self.file.to_owned(), line_ends.partition_point(|end| *end < octet) + 1),
            At::Elsewhere(file, Some(line)) => Place::Line(file, line),
            At::Elsewhere(file, None) => Place::File(file),
            At::Environment(name) => Place::Environment(name),
        };
        let faults = found.into_iter().map(|(at, key, problem)| Fault {
            place: place(at),
            key,
            problem,
        });
        // What several tables inherit is read several times.
        let mut seen = HashSet::new();
        Faults(faults.filter(|fault| seen.insert(fault.clone())).collect())
    }
}

impl Overrides {
    /// What overrides a key, if anything does.
    pub(super) fn of(&self, key: &str) -> Option<&str> {
        let name = self.variable(key);
        let text = self.variables.get(&name);
        self.asked.borrow_mut().insert(name);
        text.map(String::as_str)
    }

    /// The name of the variable that overrides a key: `smsc[0].password` is `PREFIX__SMSC__0__PASSWORD`.
    pub(super) fn variable(&self, key: &str) -> String {
        let path = key
            .replace('[', ".")
            .replace(']', "")
            .replace('.', ENVIRONMENT_SEPARATOR);
        format!("{}{}", self.prefix, path.to_uppercase())
    }
}
