//! Which people are meant: one language for search, export, segments and campaigns. Pure.
//!
//! ```json
//! {"all": [{"field": "practice", "is": "Lyon"}, {"not": {"field": "tag", "in": ["vip", "presse"]}},
//!          {"any": [{"field": "last_visit", "before": "-6 months"}, {"visited": "Villeurbanne", "from": "2026-01-01"}]}]}
//! ```

use kit::words::nearest;
use serde_json::{Map, Value};

use super::contact::{ATTRIBUTE_NAME_MAX, Kind, TEXT_MAX, VALUE_MAX, check_name, check_text};
use super::day::Day;
use super::engagement::SCORE_MAX;
use super::filter_fields::{
    ATTRIBUTES, CONSENT, COUNT_TESTS, CountField, CountTest, DAY_TESTS, DayField, DayTest, FIELDS, IS, LIST, LOWER,
    NODES, Nothing, SET_TESTS, TEXT_TESTS, TextField, TextTest, UNREACHABLE, UPPER, count_field, day_field, tests_of,
};
use crate::audience::existing;
use crate::domain::{Country, ListId, Recipient};
use crate::fault::{FieldFault, FieldProblem, JsonType};

/// How deep filters stand in each other.
const DEPTH_MAX: usize = 8;

/// The most conditions of one filter.
const CONDITIONS_MAX: usize = 100;

/// The most values of one condition.
const VALUES_MAX: usize = 1_000;

/// The most that anybody has been sent.
const DELIVERED_MAX: u64 = 1_000_000;

/// Which people are meant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    /// Those whom each of these means; everybody, when there is none.
    All(Vec<Filter>),
    /// Those whom one of these means.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// Those of whom one of these texts is true.
    Text(TextField, Vec<TextTest>),
    /// Those for whom this date is so. Who has none is not meant.
    Day(DayField, DayTest),
    /// Those who were at a practice, or anywhere, within these days.
    Visited {
        practice: Option<String>,
        from: Option<Day>,
        to: Option<Day>,
    },
    /// Those who have such a number.
    Number(Vec<Recipient>),
    Kind(Kind),
    /// Those who are on one of these lists.
    List(Vec<ListId>),
    /// Those who have agreed to advertising, or have not.
    Consent(bool),
    /// Those whose number is known to be unreachable, or is not.
    Unreachable(bool),
    /// Those of whom that many are counted.
    Count(CountField, CountTest, u64),
    /// Those of whom nothing is known there, or something.
    Empty(Nothing, bool),
}

impl Filter {
    /// Everybody.
    pub(crate) const EVERYBODY: Self = Self::All(Vec::new());

    /// Reads a filter that stands at `pointer`. `{}` means everybody.
    ///
    /// # Errors
    /// What is wrong with it, each at its pointer.
    pub(crate) fn read(value: &Value, pointer: &str) -> Result<Self, Vec<FieldFault>> {
        Self::read_by((value, pointer), true)
    }

    /// The same of one that is kept: whom none can be was no fault always.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read_kept(value: &Value) -> Result<Self, Vec<FieldFault>> {
        Self::read_by((value, ""), false)
    }

    fn read_by((value, pointer): (&Value, &str), checks_ranges: bool) -> Result<Self, Vec<FieldFault>> {
        let mut reading = Reading {
            faults: Vec::new(),
            conditions: 0,
            checks_ranges,
        };
        match reading.filter(value, pointer, 0) {
            Some(filter) if reading.faults.is_empty() => Ok(filter),
            _ => Err(reading.faults),
        }
    }
}

/// The lists that a filter names which stands at `pointer`, each with its own.
pub(super) fn lists_named(value: &Value, pointer: &str) -> Vec<(String, ListId)> {
    let mut named = Vec::new();
    // As deep as a filter may be, and no deeper.
    gather_lists(value, (pointer, DEPTH_MAX), &mut named);
    named
}

fn gather_lists(value: &Value, (pointer, depth): (&str, usize), named: &mut Vec<(String, ListId)>) {
    let mut inner = |key: &str, value: &Value| {
        if let Some(depth) = depth.checked_sub(1) {
            gather_lists(value, (&format!("{pointer}/{key}"), depth), named);
        }
    };
    if let Some(filter) = value.get("not") {
        inner("not", filter);
    }
    for several in ["all", "any"] {
        let filters = value.get(several).and_then(Value::as_array).into_iter().flatten();
        for (at, filter) in filters.enumerate() {
            inner(&format!("{several}/{at}"), filter);
        }
    }
    if value.get("field").and_then(Value::as_str) != Some(LIST) {
        return;
    }
    let id = |value: &Value| value.as_str()?.parse().ok();
    if let Some(id) = value.get("is").and_then(id) {
        named.push((format!("{pointer}/is"), id));
    }
    let ids = value.get("in").and_then(Value::as_array).into_iter().flatten();
    for (at, id) in ids.enumerate().filter_map(|(at, value)| Some((at, id(value)?))) {
        named.push((format!("{pointer}/in/{at}"), id));
    }
}

struct Reading {
    faults: Vec<FieldFault>,
    conditions: usize,
    /// What ends before it begins is refused.
    checks_ranges: bool,
}

impl Reading {
    fn refuse<T>(&mut self, pointer: &str, problem: FieldProblem) -> Option<T> {
        self.faults.push(FieldFault::new(pointer, problem));
        None
    }

    fn filter(&mut self, value: &Value, pointer: &str, depth: usize) -> Option<Filter> {
        let Value::Object(object) = value else {
            return self.refuse(pointer, FieldProblem::wrong_type(JsonType::Object, value));
        };
        self.conditions += 1;
        if depth > DEPTH_MAX {
            return self.refuse(pointer, FieldProblem::TooDeep { max: DEPTH_MAX });
        }
        if self.conditions > CONDITIONS_MAX {
            return self.refuse(pointer, FieldProblem::TooMany { max: CONDITIONS_MAX });
        }
        let Some(node) = NODES.into_iter().find(|node| object.contains_key(*node)) else {
            return match object.keys().next() {
                None => Some(Filter::EVERYBODY),
                Some(key) => self.unknown(pointer, key, &NODES),
            };
        };
        let inner = format!("{pointer}/{node}");
        match node {
            "visited" => self.visited(object, pointer),
            "field" => self.condition(object, pointer),
            _ if object.len() > 1 => {
                let other = object.keys().find(|key| *key != node)?;
                self.unknown(pointer, other, &[])
            }
            "not" => {
                let filter = self.filter(&object[node], &inner, depth + 1)?;
                Some(Filter::Not(Box::new(filter)))
            }
            several => {
                let filters = self.filters(&object[node], &inner, depth + 1)?;
                Some(if several == "all" {
                    Filter::All(filters)
                } else {
                    Filter::Any(filters)
                })
            }
        }
    }

    fn filters(&mut self, value: &Value, pointer: &str, depth: usize) -> Option<Vec<Filter>> {
        let Value::Array(items) = value else {
            return self.refuse(pointer, FieldProblem::wrong_type(JsonType::Array, value));
        };
        if items.is_empty() {
            return self.refuse(pointer, FieldProblem::Empty);
        }
        let read = items.iter().enumerate().take(CONDITIONS_MAX + 1);
        let read: Vec<_> = read
            .map(|(at, item)| self.filter(item, &format!("{pointer}/{at}"), depth))
            .collect();
        read.into_iter().collect()
    }

    fn unknown<T>(&mut self, pointer: &str, key: &str, known: &[&'static str]) -> Option<T> {
        let nearest = nearest(key, known.iter().copied()).map(str::to_owned);
        let shown: String = key.chars().take(ATTRIBUTE_NAME_MAX).collect();
        self.refuse(&format!("{pointer}/{shown}"), FieldProblem::UnknownField { nearest })
    }

    /// A field that has no such test.
    fn untested<T>(&mut self, pointer: &str, test: &str, allowed: &'static [&'static str]) -> Option<T> {
        let shown: String = test.chars().take(ATTRIBUTE_NAME_MAX).collect();
        self.refuse(&format!("{pointer}/{shown}"), FieldProblem::UnknownValue { allowed })
    }

    /// `{"visited": "Lyon", "from": "2026-01-01", "to": "today"}`; `"visited": true`: anywhere.
    fn visited(&mut self, object: &Map<String, Value>, pointer: &str) -> Option<Filter> {
        let known = ["visited", "from", "to"];
        if let Some(other) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return self.unknown(pointer, other, &known);
        }
        let at = format!("{pointer}/visited");
        let visited = &object["visited"];
        let practice = match visited.as_bool() {
            Some(true) => None,
            Some(false) | None => {
                let practice = self.text(visited, &at)?;
                Some(self.taken(&at, check_name(practice, TEXT_MAX))?)
            }
        };
        let mut day = |key: &str| match object.get(key) {
            None => Some(None),
            Some(value) => self.day(value, &format!("{pointer}/{key}")).map(Some),
        };
        let (from, to) = (day("from"), day("to"));
        let (from, to) = (from?, to?);
        if self.checks_ranges && from.zip(to).is_some_and(|(from, to)| from.is_after(to)) {
            return self.refuse(&format!("{pointer}/to"), FieldProblem::NotLater { than: "from" });
        }
        Some(Filter::Visited { practice, from, to })
    }

    /// `{"field": "last_name", "is": "Martin"}`.
    fn condition(&mut self, object: &Map<String, Value>, pointer: &str) -> Option<Filter> {
        let at = format!("{pointer}/field");
        let name = self.text(&object["field"], &at)?;
        let Some(known) = tests_of(name) else {
            return self.refuse(&at, FieldProblem::UnknownValue { allowed: &FIELDS });
        };
        let tests = object.iter().filter(|(key, _)| *key != "field");
        let tests: Vec<Test<'_>> = tests.map(|(test, value)| (test.as_str(), value)).collect();
        match tests.as_slice() {
            [] => self.refuse(pointer, FieldProblem::UnknownValue { allowed: known }),
            [test] => self.tested(name, *test, pointer),
            several => self.range((name, known), several, pointer),
        }
    }

    /// `{"field": "last_visit", "from": "2026-11-01", "to": "2026-11-10"}`: from one day or number to another.
    fn range(
        &mut self,
        (name, known): (&str, &'static [&'static str]),
        tests: &[Test<'_>],
        pointer: &str,
    ) -> Option<Filter> {
        if let Some((other, _)) = tests.iter().find(|(test, _)| !known.contains(test)) {
            return self.untested(pointer, other, known);
        }
        let one_of = |words: [&'static str; 2]| {
            let of = |word: &'static str| tests.iter().find(|(test, _)| *test == word).map(|test| (word, *test));
            words.into_iter().find_map(of)
        };
        let (Some((than, low)), Some((_, high)), 2) = (one_of(LOWER), one_of(UPPER), tests.len()) else {
            // The first says what the others do not go with.
            let first = known.iter().position(|word| *word == tests[0].0).unwrap_or_default();
            let fields = &known[first..=first];
            return self.refuse(&format!("{pointer}/{}", tests[1].0), FieldProblem::NotBeside { fields });
        };
        let [from, to] = [low, high].map(|test| self.tested(name, test, pointer));
        let (from, to) = (from?, to?);
        if self.checks_ranges && is_reversed(&from, &to) {
            return self.refuse(&format!("{pointer}/{}", high.0), FieldProblem::NotLater { than });
        }
        Some(Filter::All(vec![from, to]))
    }

    /// A field that has one test.
    fn tested(&mut self, name: &str, (test, value): Test<'_>, pointer: &str) -> Option<Filter> {
        let at = format!("{pointer}/field");
        let value = (value, format!("{pointer}/{test}"));
        if let Some(field) = self.text_field(name, &at) {
            return self.text_condition(field?, test, (value.0, &value.1, pointer));
        }
        if let Some(field) = day_field(name) {
            return self.day_condition(field, test, (value.0, &value.1, pointer));
        }
        if let Some(field) = count_field(name) {
            return self.count_condition(field, test, (value.0, &value.1, pointer));
        }
        self.other_condition(name, test, (value.0, &value.1, pointer))
    }

    /// `None`: it has no text; `Some(None)`: it is an attribute without a name.
    fn text_field(&mut self, name: &str, pointer: &str) -> Option<Option<TextField>> {
        if let Some(attribute) = name.strip_prefix(ATTRIBUTES) {
            let attribute = self.taken(pointer, check_name(attribute, ATTRIBUTE_NAME_MAX));
            return Some(attribute.map(TextField::Attribute));
        }
        let field = match name {
            "first_name" => TextField::FirstName,
            "last_name" => TextField::LastName,
            "reference" => TextField::Reference,
            "practice" => TextField::Practice,
            "tag" => TextField::Tag,
            _ => return None,
        };
        Some(Some(field))
    }

    fn text_condition(&mut self, field: TextField, test: &str, (value, at, above): Given<'_>) -> Option<Filter> {
        let text = |reading: &mut Self, value: &Value, at: &str| {
            let text = reading.text(value, at)?;
            match reading.taken(at, check_text(text, VALUE_MAX))? {
                // Who looks for `-` does not mean those of whom nothing is known.
                text if !text.is_empty() && field.compared(&text).is_empty() => reading.refuse(at, FieldProblem::Empty),
                text => Some(text),
            }
        };
        // Everybody's texts have nothing in them, and begin with it.
        let part = |reading: &mut Self| match text(reading, value, at)? {
            text if field.compared(&text).is_empty() => reading.refuse(at, FieldProblem::Empty),
            text => Some(text),
        };
        let tests = match test {
            "is" => vec![TextTest::Is(text(self, value, at)?)],
            "in" => self.list(value, at, text)?.into_iter().map(TextTest::Is).collect(),
            "contains" => vec![TextTest::Contains(part(self)?)],
            "starts_with" => vec![TextTest::StartsWith(part(self)?)],
            "empty" => return self.empty(Nothing::Text(field), value, at),
            other => return self.untested(above, other, &TEXT_TESTS),
        };
        Some(Filter::Text(field, tests))
    }

    fn day_condition(&mut self, field: DayField, test: &str, (value, at, above): Given<'_>) -> Option<Filter> {
        let make = match test {
            "is" => DayTest::On,
            "before" => DayTest::Before,
            "after" => DayTest::After,
            "from" => DayTest::From,
            "to" => DayTest::To,
            "empty" => return self.empty(Nothing::Day(field), value, at),
            other => return self.untested(above, other, &DAY_TESTS),
        };
        // Between two days of the year lies, in a year, what is on one side as well as the other.
        if field == DayField::Birthday && test != "is" {
            return self.untested(above, test, &IS);
        }
        Some(Filter::Day(field, make(self.day(value, at)?)))
    }

    fn count_condition(&mut self, field: CountField, test: &str, (value, at, above): Given<'_>) -> Option<Filter> {
        let test = match test {
            "is" => CountTest::Is,
            "from" => CountTest::From,
            "to" => CountTest::To,
            other => return self.untested(above, other, &COUNT_TESTS),
        };
        let max = match field {
            CountField::Delivered => DELIVERED_MAX,
            CountField::Score => SCORE_MAX,
        };
        let count = match (value.as_u64(), value.as_number()) {
            (Some(count), _) if count <= max => Ok(count),
            (_, Some(_)) => Err(FieldProblem::OutOfRange {
                min: 0,
                max: max.cast_signed(),
            }),
            (_, None) => Err(FieldProblem::wrong_type(JsonType::Number, value)),
        };
        Some(Filter::Count(field, test, self.taken(at, count)?))
    }

    fn other_condition(&mut self, name: &str, test: &str, (value, at, above): Given<'_>) -> Option<Filter> {
        let several = test == "in";
        match (name, test) {
            ("number", "is" | "in") => self.one_or_list(value, (at, several), number).map(Filter::Number),
            (LIST, "is" | "in") => self.one_or_list(value, (at, several), list).map(Filter::List),
            ("number", "empty") => self.empty(Nothing::Number, value, at),
            (LIST, "empty") => self.empty(Nothing::List, value, at),
            ("kind", "is") => {
                let kind = value.as_str().and_then(|code| code.parse().ok());
                let allowed = &Kind::CODES;
                kind.map(Filter::Kind)
                    .or_else(|| self.refuse(at, FieldProblem::UnknownValue { allowed }))
            }
            (CONSENT, "is") => self.yes_or_no(value, at).map(Filter::Consent),
            (UNREACHABLE, "is") => self.yes_or_no(value, at).map(Filter::Unreachable),
            ("number" | LIST, other) => self.untested(above, other, &SET_TESTS),
            ("kind" | CONSENT | UNREACHABLE, other) => self.untested(above, other, &IS),
            (_, _) => self.refuse(
                &format!("{above}/field"),
                FieldProblem::UnknownValue { allowed: &FIELDS },
            ),
        }
    }

    fn one_or_list<T>(
        &mut self,
        value: &Value,
        (at, several): (&str, bool),
        read: fn(&Value) -> Result<T, FieldProblem>,
    ) -> Option<Vec<T>> {
        let one = |reading: &mut Self, value: &Value, at: &str| reading.taken(at, read(value));
        match several {
            true => self.list(value, at, one),
            false => one(self, value, at).map(|one| vec![one]),
        }
    }

    fn list<T>(
        &mut self,
        value: &Value,
        at: &str,
        read: impl Fn(&mut Self, &Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(items) = value else {
            return self.refuse(at, FieldProblem::wrong_type(JsonType::Array, value));
        };
        if items.is_empty() {
            return self.refuse(at, FieldProblem::Empty);
        }
        if items.len() > VALUES_MAX {
            return self.refuse(at, FieldProblem::TooMany { max: VALUES_MAX });
        }
        let items = items.iter().enumerate();
        items
            .map(|(index, item)| read(self, item, &format!("{at}/{index}")))
            .collect()
    }

    fn day(&mut self, value: &Value, at: &str) -> Option<Day> {
        let text = self.text(value, at)?;
        self.taken(at, text.parse())
    }

    fn empty(&mut self, of: Nothing, value: &Value, at: &str) -> Option<Filter> {
        let empty = self.yes_or_no(value, at)?;
        Some(Filter::Empty(of, empty))
    }

    fn text<'v>(&mut self, value: &'v Value, at: &str) -> Option<&'v str> {
        let text = value.as_str();
        text.or_else(|| self.refuse(at, FieldProblem::wrong_type(JsonType::String, value)))
    }

    fn yes_or_no(&mut self, value: &Value, at: &str) -> Option<bool> {
        let given = value.as_bool();
        given.or_else(|| self.refuse(at, FieldProblem::wrong_type(JsonType::Boolean, value)))
    }

    fn taken<T>(&mut self, at: &str, read: Result<T, FieldProblem>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(problem) => self.refuse(at, problem),
        }
    }
}

/// Whether nobody can be within both.
fn is_reversed(from: &Filter, to: &Filter) -> bool {
    if let (Filter::Count(_, _, from), Filter::Count(_, _, to)) = (from, to) {
        return from > to;
    }
    let (Filter::Day(_, from), Filter::Day(_, to)) = (from, to) else {
        return false;
    };
    let (first, last) = (from.day(), to.day());
    let is_open = matches!(from, DayTest::After(_)) || matches!(to, DayTest::Before(_));
    first.is_after(last) || (is_open && first == last)
}

/// What a field is asked, and the value for it.
type Test<'v> = (&'v str, &'v Value);

/// A value, its pointer, and that of the condition.
type Given<'v> = (&'v Value, &'v str, &'v str);

fn number(value: &Value) -> Result<Recipient, FieldProblem> {
    let text = value
        .as_str()
        .ok_or_else(|| FieldProblem::wrong_type(JsonType::String, value))?;
    match existing(text, Country::FRANCE) {
        Ok(recipient) => Ok(recipient),
        Err(fault) => Err(fault.problem()),
    }
}

fn list(value: &Value) -> Result<ListId, FieldProblem> {
    let id = value.as_str().and_then(|text| text.parse().ok());
    id.ok_or(FieldProblem::UnknownValue { allowed: &["lst_…"] })
}
