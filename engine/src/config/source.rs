//! The text of a configuration as spanned values, read key by key. A value that cannot be taken leaves a fault and the
//! reading goes on, so that all faults come out at once.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::fault::closest;

use super::fault::{Fault, Faults, Place};

/// What an environment variable that overrides a key begins with: `CAMPANILE__REDIS__URL` is `redis.url`.
const ENVIRONMENT_PREFIX: &str = "CAMPANILE__";

/// Between the tables of a key in an environment variable's name.
const ENVIRONMENT_SEPARATOR: &str = "__";

/// A value longer than this is shown cut: a fault is one line.
const SHOWN_MAX: usize = 60;

/// A value as it was given.
#[derive(Clone, Debug)]
pub(super) enum Given<'t> {
    /// A TOML string.
    Text(&'t str),
    /// A TOML integer; one that does not fit is its text.
    Integer(Result<i64, String>),
    /// `true` or `false`.
    Boolean(bool),
    /// A TOML array.
    Array(Vec<Given<'t>>),
    /// What no key of ours takes bare: its TOML type.
    Other(&'static str),
    /// An environment variable: text that may mean any of the above.
    Environment(String),
}

impl<'t> Given<'t> {
    fn of(value: &'t DeValue<'t>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Integer(integer) => Self::Integer(integer_of(integer)),
            DeValue::Boolean(boolean) => Self::Boolean(*boolean),
            DeValue::Array(items) => Self::Array(items.iter().map(|item| Self::of(item.get_ref())).collect()),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => Self::Other(value.type_str()),
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Environment(text) => Some(text),
            Self::Integer(_) | Self::Boolean(_) | Self::Array(_) | Self::Other(_) => None,
        }
    }

    /// The whole number, if it is one that fits.
    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => integer.as_ref().ok().copied(),
            Self::Environment(text) => text.parse().ok(),
            Self::Text(_) | Self::Boolean(_) | Self::Array(_) | Self::Other(_) => None,
        }
    }

    /// The truth value, if it is one.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(boolean) => Some(*boolean),
            Self::Environment(text) => text.parse().ok(),
            Self::Text(_) | Self::Integer(_) | Self::Array(_) | Self::Other(_) => None,
        }
    }

    /// The texts of an array of texts; in the environment they stand with commas between them.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        match self {
            Self::Array(items) => items.iter().map(Given::text).collect(),
            Self::Environment(text) => Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()),
            Self::Text(_) | Self::Integer(_) | Self::Boolean(_) | Self::Other(_) => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("{:?}", cut(text)),
            Self::Environment(text) => format!("{:?}", cut(text)),
            Self::Integer(Ok(integer)) => integer.to_string(),
            Self::Integer(Err(text)) => cut(text),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Array(items) => cut(&format!(
                "[{}]",
                items.iter().map(Given::shown).collect::<Vec<_>>().join(", ")
            )),
            Self::Other(kind) => format!("a TOML {kind}"),
        }
    }
}

fn integer_of(integer: &DeInteger<'_>) -> Result<i64, String> {
    i64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| integer.to_string())
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    text.chars().take(SHOWN_MAX).chain(['…']).collect()
}

/// A configuration being read: its place names, its overrides, and the faults found so far.
pub(super) struct Source {
    file: String,
    line_starts: Vec<usize>,
    overrides: BTreeMap<String, String>,
    asked: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Source {
    /// A source of the name `file`, with those variables of the environment that are meant for it.
    pub(super) fn new(file: &str, text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let line_starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            file: file.to_owned(),
            line_starts: std::iter::once(0).chain(line_starts).collect(),
            overrides: environment
                .into_iter()
                .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
                .collect(),
            asked: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// The root table; each place that is not TOML is a fault.
    pub(super) fn parse<'t>(&mut self, text: &'t str) -> Spanned<DeTable<'t>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = match error.span() {
                Some(span) => self.line(span.start),
                None => Place::File(self.file.clone()),
            };
            let problem = format!("not TOML: {}", error.message().replace('\n', ", "));
            self.fault(place, "", problem);
        }
        root
    }

    /// Whether the text was TOML so far.
    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, place: Place, key: &str, problem: impl Into<String>) {
        self.faults.push(Fault {
            place,
            key: key.to_owned(),
            problem: problem.into(),
        });
    }

    /// The place of an octet of the text.
    pub(super) fn line(&self, offset: usize) -> Place {
        Place::Line(
            self.file.clone(),
            self.line_starts.partition_point(|start| *start <= offset),
        )
    }

    /// Ends the reading: overrides that no key asked for are faults too.
    pub(super) fn finish(mut self) -> Result<(), Faults> {
        let strangers: Vec<String> = self
            .overrides
            .keys()
            .filter(|name| !self.asked.contains(*name))
            .cloned()
            .collect();
        for name in strangers {
            let problem = match closest(&name, self.asked.iter().map(String::as_str)) {
                Some(nearest) => format!("overrides no key; did you mean {nearest}?"),
                None => "overrides no key".to_owned(),
            };
            self.fault(Place::Environment(name), "", problem);
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.into_faults())
        }
    }

    /// The faults so far, in the order of the file.
    pub(super) fn into_faults(mut self) -> Faults {
        self.faults.sort_by(|one, other| one.place.cmp(&other.place));
        Faults(self.faults)
    }
}

/// One table of the configuration. Keys are asked for by name; [`Section::finish`] then says which were not.
pub(super) struct Section<'s, 't> {
    source: &'s mut Source,
    table: Option<&'t DeTable<'t>>,
    /// The table's own key with a dot, `smsc[0].`, or nothing for the root.
    path: String,
    place: Place,
    known: Vec<&'static str>,
}

impl<'s, 't> Section<'s, 't> {
    /// The root of the document.
    pub(super) fn root(source: &'s mut Source, root: &'t Spanned<DeTable<'t>>) -> Self {
        let place = Place::File(source.file.clone());
        Self {
            source,
            table: Some(root.get_ref()),
            path: String::new(),
            place,
            known: Vec::new(),
        }
    }

    /// The table `key`, which need not be there: its keys may all have defaults, or come from the environment.
    pub(super) fn table(&mut self, key: &'static str) -> Section<'_, 't> {
        let (table, place) = match self.find(key) {
            None => (None, self.place.clone()),
            Some((place, value)) => {
                if value.as_table().is_none() {
                    let wanted = format!("a {} is not allowed: a table, [{}{key}]", value.type_str(), self.path);
                    self.source.fault(place.clone(), &format!("{}{key}", self.path), wanted);
                }
                (value.as_table(), place)
            }
        };
        let path = format!("{}{key}.", self.path);
        Section {
            source: self.source,
            table,
            path,
            place,
            known: Vec::new(),
        }
    }

    /// The tables of the array `key` (`[[key]]`), in their order.
    pub(super) fn tables(&mut self, key: &'static str, max: usize) -> Vec<Element<'t>> {
        let Some((place, value)) = self.find(key) else {
            return Vec::new();
        };
        let name = format!("{}{key}", self.path);
        let Some(items) = value.as_array() else {
            let problem = format!(
                "a {} is not allowed: write [[{name}]], with two brackets",
                value.type_str()
            );
            self.source.fault(place, &name, problem);
            return Vec::new();
        };
        if items.len() > max {
            self.source
                .fault(place, &name, format!("{} are not allowed: at most {max}", items.len()));
        }
        let mut elements = Vec::new();
        for (index, item) in items.iter().enumerate().take(max) {
            let place = self.source.line(item.span().start);
            match item.get_ref().as_table() {
                Some(table) => elements.push(Element {
                    table,
                    path: format!("{name}[{index}]."),
                    place,
                }),
                None => self.source.fault(place, &format!("{name}[{index}]"), "must be a table"),
            }
        }
        elements
    }

    /// One of the tables that [`Section::tables`] found.
    pub(super) fn element(&mut self, element: Element<'t>) -> Section<'_, 't> {
        let Element { table, path, place } = element;
        Section {
            source: self.source,
            table: Some(table),
            path,
            place,
            known: Vec::new(),
        }
    }

    /// The entries of a table whose keys are the user's: each with its place and full key.
    pub(super) fn entries(&mut self, key: &'static str) -> Vec<(Place, String, &'t str, Given<'t>)> {
        let section = self.table(key);
        let Some(table) = section.table else { return Vec::new() };
        let entry = |(name, value): (&'t Spanned<std::borrow::Cow<'t, str>>, &'t Spanned<DeValue<'t>>)| {
            let name_text: &'t str = name.get_ref();
            let place = section.source.line(value.span().start);
            (
                place,
                format!("{}{name_text}", section.path),
                name_text,
                Given::of(value.get_ref()),
            )
        };
        table.iter().map(entry).collect()
    }

    /// The value of `key` as `parse` takes it; `parse` answers with what is allowed when it does not.
    /// `None` when it is absent or was refused.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Given<'_>) -> Result<T, String>,
    ) -> Option<T> {
        self.read_shown(key, parse, |given| given.shown())
    }

    /// As [`Section::read`], for what must not be shown.
    pub(super) fn read_secret<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Given<'_>) -> Result<T, String>,
    ) -> Option<T> {
        self.read_shown(key, parse, |_| "what was given (not shown here)".to_owned())
    }

    /// As [`Section::read`], and a fault when it is absent.
    pub(super) fn require<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&Given<'_>) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.missing(key, allowed);
        }
        self.read(key, parse)
    }

    /// Whether `key` was given at all.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        let name = self.variable(key);
        self.source.overrides.contains_key(&name) || self.find(key).is_some()
    }

    /// Notes that `key` is wrong in itself or beside another.
    pub(super) fn fault(&mut self, key: &'static str, problem: impl Into<String>) {
        let place = self.find(key).map_or_else(|| self.place.clone(), |(place, _)| place);
        let key = format!("{}{key}", self.path);
        self.source.fault(place, &key, problem);
    }

    /// Notes a fault of the user's own key, as [`Section::entries`] gave it.
    pub(super) fn fault_at(&mut self, place: Place, key: &str, problem: impl Into<String>) {
        self.source.fault(place, key, problem);
    }

    /// Notes that `key` is missing.
    pub(super) fn missing(&mut self, key: &'static str, allowed: &str) {
        self.fault(key, format!("missing: {allowed}"));
    }

    /// Keys that nobody asked for are faults, each with the key that was probably meant.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        for (name, _) in table.iter() {
            let text: &str = name.get_ref();
            if self.known.contains(&text) {
                continue;
            }
            let place = self.source.line(name.span().start);
            let problem = match closest(text, self.known.iter().copied()) {
                Some(nearest) => format!("unknown key; did you mean \"{nearest}\"?"),
                None => format!("unknown key; allowed are {}", self.known.join(", ")),
            };
            self.source.fault(place, &format!("{}{text}", self.path), problem);
        }
    }

    fn read_shown<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Given<'_>) -> Result<T, String>,
        show: impl FnOnce(&Given<'_>) -> String,
    ) -> Option<T> {
        let (place, given) = self.given(key)?;
        match parse(&given) {
            Ok(value) => Some(value),
            Err(allowed) => {
                let problem = format!("{} is not allowed: {allowed}", show(&given));
                self.source.fault(place, &format!("{}{key}", self.path), problem);
                None
            }
        }
    }

    fn given(&mut self, key: &'static str) -> Option<(Place, Given<'t>)> {
        let in_file = self.find(key);
        let name = self.variable(key);
        if let Some(text) = self.source.overrides.get(&name) {
            return Some((Place::Environment(name.clone()), Given::Environment(text.clone())));
        }
        in_file.map(|(place, value)| (place, Given::of(value)))
    }

    fn find(&mut self, key: &'static str) -> Option<(Place, &'t DeValue<'t>)> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let value = self.table?.get(key)?;
        Some((self.source.line(value.span().start), value.get_ref()))
    }

    /// The name of the variable that overrides `key`: `smsc[0].password` is `CAMPANILE__SMSC__0__PASSWORD`.
    fn variable(&mut self, key: &str) -> String {
        let path = self
            .path
            .replace('[', ".")
            .replace(']', "")
            .replace('.', ENVIRONMENT_SEPARATOR);
        let name = format!("{ENVIRONMENT_PREFIX}{path}{key}").to_uppercase();
        self.source.asked.insert(name.clone());
        name
    }
}

/// One table of an array of tables, not yet read.
pub(super) struct Element<'t> {
    table: &'t DeTable<'t>,
    path: String,
    place: Place,
}
