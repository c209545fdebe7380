//! The fields of a small JSON body, with every fault noted at its pointer.

use std::str::FromStr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use kit::words::nearest;
use serde_json::{Map, Number, Value};
use smpp::text::EncodingPolicy;

use super::body::{Intake, SMALL_MAX};
use super::json;
use super::problem::{Problem, ProblemKind};
use crate::audience::{ENCODINGS, SCHEDULE_S, VALIDITY_S, check_service_type, instant_ahead, read_tlvs};
use crate::clock::Clock;
use crate::domain::{Countries, Country, Parameters, Purpose, TlvList, UnixMicros};
use crate::fault::{FAULTS_MAX, FieldFault, FieldProblem, JsonType};

/// What a message may be for.
const PURPOSES: [&str; Purpose::ALL.len()] = [Purpose::Transactional.code(), Purpose::Marketing.code()];

/// The longest name of a field that is shown in a pointer, in characters.
const NAME_SHOWN_MAX: usize = 64;

/// Values in one body, each of which takes memory of its own, however short it is: ten thousand contacts have fewer.
const VALUES_MAX: usize = 500_000;

/// How many values a JSON text has at most: one, and one behind each comma and each bracket that stands in no string.
fn values(octets: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for octet in octets {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// An object whose fields are taken one by one.
pub(super) struct Fields {
    object: Map<String, Value>,
    /// Where it stands in the body.
    within: String,
    faults: Vec<FieldFault>,
}

impl Fields {
    /// Reads a body whose fields are `known`; others are noted as faults.
    ///
    /// # Errors
    /// When the body cannot be read, or is not a JSON object.
    pub(super) async fn read(
        (headers, body): (&HeaderMap, Body),
        clock: Clock,
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        Self::read_long((headers, body), (clock, SMALL_MAX), known).await
    }

    /// The same for a body of up to `max` octets.
    ///
    /// # Errors
    /// As [`Fields::read`].
    pub(super) async fn read_long(
        (headers, body): (&HeaderMap, Body),
        (clock, max): (Clock, u64),
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        let octets = Intake::new(headers, body, max, clock)?.whole().await?;
        Self::parse_apart(octets, known).await
    }

    /// The same, of a body that may be empty: then it has no fields.
    ///
    /// # Errors
    /// As [`Fields::read`].
    pub(super) async fn read_if_any(
        (headers, body): (&HeaderMap, Body),
        (clock, max): (Clock, u64),
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        let octets = Intake::new(headers, body, max, clock)?.whole().await?;
        let octets = if octets.is_empty() {
            Bytes::from_static(b"{}")
        } else {
            octets
        };
        Self::parse_apart(octets, known).await
    }

    /// A long body is parsed where nobody else waits.
    async fn parse_apart(octets: Bytes, known: &[&'static str]) -> Result<Self, Problem> {
        if octets.len() as u64 <= SMALL_MAX {
            return Self::parse(&octets, known);
        }
        let known = known.to_vec();
        let parsed = tokio::task::spawn_blocking(move || Self::parse(&octets, &known)).await;
        parsed.unwrap_or_else(|_| Err(ProblemKind::Internal.into()))
    }

    /// Whatever a field says, if it is there.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name)
    }

    /// All of them as they are, for who knows what they mean.
    ///
    /// # Errors
    /// What was wrong so far.
    pub(super) fn all(self) -> Result<Map<String, Value>, Problem> {
        match self.is_sound() {
            true => Ok(self.object),
            false => Err(self.refusal()),
        }
    }

    /// A list that must be there, of 1 to `max`.
    fn list(&mut self, name: &str, max: usize) -> Option<Vec<Value>> {
        let problem = match self.object.remove(name) {
            Some(Value::Array(list)) if list.is_empty() => FieldProblem::Empty,
            Some(Value::Array(list)) if list.len() > max => FieldProblem::TooMany { max },
            Some(Value::Array(list)) => return Some(list),
            Some(other) => return self.note(wrong(&self.place(name), JsonType::Array, &other)),
            None => FieldProblem::Missing,
        };
        self.note(FieldFault::new(self.place(name), problem))
    }

    /// A list of phone numbers that must be there, of 1 to `max`; each with its pointer.
    pub(super) fn phone_numbers(&mut self, name: &str, max: usize) -> Option<Vec<(String, String)>> {
        let list = self.list(name, max)?;
        let mut numbers = Vec::with_capacity(list.len());
        for (at, value) in list.into_iter().enumerate() {
            let place = format!("{}/{at}", self.place(name));
            match number_text(&value) {
                Some(number) => numbers.push((place, number)),
                None => self.add(wrong(&place, JsonType::String, &value)),
            }
        }
        Some(numbers)
    }

    /// A field that is not there says that.
    pub(super) fn assume(&mut self, name: &str, text: &str) {
        if !self.object.contains_key(name) {
            self.object.insert(name.to_owned(), text.into());
        }
    }

    /// Whether the field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Countries by their two letters, that may be there; `null`: all of them, as when they are not.
    pub(super) fn countries(&mut self, name: &str) -> Option<Countries> {
        let country = |code: &str| code.parse::<Country>().map_err(|_| FieldProblem::UnknownCountry);
        let given = self.if_given(name, |fields, name| fields.checked_list(name, Countries::MAX, country))?;
        Some(given.unwrap_or_default().into_iter().collect())
    }

    /// Notes what is wrong with a value that was taken.
    pub(super) fn refuse(&mut self, pointer: String, problem: FieldProblem) {
        self.add(FieldFault::new(pointer, problem));
    }

    /// The same, of a field by its name; of the whole object, when it is empty.
    pub(super) fn refuse_field(&mut self, name: &str, problem: FieldProblem) {
        let place = match name {
            "" => self.within.clone(),
            name => self.place(name),
        };
        self.add(FieldFault::new(place, problem));
    }

    /// The value at that place is no text.
    pub(super) fn refuse_type(&mut self, place: String, found: &Value) {
        self.add(wrong(&place, JsonType::String, found));
    }

    /// Whether a list is given, with nothing in it.
    pub(super) fn is_empty_list(&self, name: &str) -> bool {
        self.object
            .get(name)
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
    }

    /// Whether a field is there and `null`; it is taken then.
    pub(super) fn is_null(&mut self, name: &str) -> bool {
        let null = self.object.get(name).is_some_and(Value::is_null);
        if null {
            self.object.remove(name);
        }
        null
    }

    /// Whether a field is there and says that there is nothing: `null`, or `[]`; it is taken then.
    pub(super) fn is_none(&mut self, name: &str) -> bool {
        let none = match self.object.get(name) {
            Some(Value::Array(list)) => list.is_empty(),
            Some(value) => value.is_null(),
            None => false,
        };
        if none {
            self.object.remove(name);
        }
        none
    }

    /// Of many faults, the first are enough.
    fn add(&mut self, fault: FieldFault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    fn parse(octets: &[u8], known: &[&'static str]) -> Result<Self, Problem> {
        if values(octets) > VALUES_MAX {
            let problem = FieldProblem::TooMany { max: VALUES_MAX };
            return Err(Problem::of_fields(vec![FieldFault::new("", problem)]));
        }
        let (value, twice) = json::parse(octets).map_err(|error| {
            Problem::of_fields(vec![FieldFault::new("", FieldProblem::unreadable_json(&error, octets))])
        })?;
        let Value::Object(object) = value else {
            return Err(Problem::of_fields(vec![wrong("", JsonType::Object, &value)]));
        };
        let mut fields = Self::of(object, String::new(), known);
        let twice = twice
            .into_iter()
            .map(|place| FieldFault::new(place, FieldProblem::DuplicateField));
        twice.for_each(|fault| fields.add(fault));
        Ok(fields)
    }

    /// An object that stands at `within`; without `known`, its fields may have any names.
    fn of(object: Map<String, Value>, within: String, known: &[&'static str]) -> Self {
        let unknown = object
            .keys()
            .filter(|_| !known.is_empty())
            .filter(|key| !known.contains(&key.as_str()))
            .take(FAULTS_MAX);
        let fault = |key: &String| {
            let nearest = nearest(key, known.iter().copied()).map(str::to_owned);
            FieldFault::new(within.clone() + &pointer(key), FieldProblem::UnknownField { nearest })
        };
        let faults = unknown.map(fault).collect();
        Self { object, within, faults }
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.object.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(other) => self.note(wrong(&self.place(name), JsonType::String, &other)),
            None => self.note(FieldFault::new(self.place(name), FieldProblem::Missing)),
        }
    }

    /// A text that must be there, and be what `check` makes something of.
    pub(super) fn checked<T>(
        &mut self,
        name: &str,
        check: impl FnOnce(String) -> Result<T, FieldProblem>,
    ) -> Option<T> {
        match check(self.text(name)?) {
            Ok(value) => Some(value),
            Err(problem) => self.note(FieldFault::new(self.place(name), problem)),
        }
    }

    /// A list that must be there, of 1 to `max` texts that `check` makes something of; `null`: an empty one.
    pub(super) fn checked_list<T>(
        &mut self,
        name: &str,
        max: usize,
        check: impl Fn(&str) -> Result<T, FieldProblem>,
    ) -> Option<Vec<T>> {
        if self.object.get(name).is_some_and(Value::is_null) {
            return Some(Vec::new());
        }
        let list = self.list(name, max)?;
        let mut one = |(at, value): (usize, Value)| {
            let place = format!("{}/{at}", self.place(name));
            match value.as_str().map(&check) {
                Some(Ok(checked)) => Some(checked),
                Some(Err(problem)) => self.note(FieldFault::new(place, problem)),
                None => self.note(wrong(&place, JsonType::String, &value)),
            }
        };
        // All of them are looked at, before one that is wrong ends it.
        let checked: Vec<_> = list.into_iter().enumerate().map(&mut one).collect();
        checked.into_iter().collect()
    }

    /// A phone number that must be there.
    pub(super) fn phone_number(&mut self, name: &str) -> Option<String> {
        match self.object.get(name).and_then(number_text) {
            Some(number) => {
                self.object.remove(name);
                Some(number)
            }
            None => self.text(name),
        }
    }

    /// A text that may be there.
    pub(super) fn text_or(&mut self, name: &str, default: &str) -> Option<String> {
        if self.object.contains_key(name) {
            self.text(name)
        } else {
            Some(default.to_owned())
        }
    }

    /// A text that must be there, or `null`.
    pub(super) fn text_or_null(&mut self, name: &str) -> Option<Option<String>> {
        if self.object.get(name).is_some_and(Value::is_null) {
            return Some(None);
        }
        self.text(name).map(Some)
    }

    /// A whole number that must be there and lie in that range.
    pub(super) fn whole(&mut self, name: &str, (min, max): (i64, i64)) -> Option<i64> {
        match self.object.remove(name) {
            Some(Value::Number(number)) => match whole_number(&number).filter(|number| (min..=max).contains(number)) {
                Some(number) => Some(number),
                None => self.note(FieldFault::new(self.place(name), FieldProblem::OutOfRange { min, max })),
            },
            Some(other) => self.note(wrong(&self.place(name), JsonType::Number, &other)),
            None => self.note(FieldFault::new(self.place(name), FieldProblem::Missing)),
        }
    }

    /// The same, or `null`.
    pub(super) fn whole_or_null(&mut self, name: &str, range: (i64, i64)) -> Option<Option<i64>> {
        if self.object.get(name).is_some_and(Value::is_null) {
            return Some(None);
        }
        self.whole(name, range).map(Some)
    }

    /// A whole number that may be there.
    pub(super) fn whole_or(&mut self, name: &str, range: (i64, i64), default: i64) -> Option<i64> {
        if self.object.contains_key(name) {
            self.whole(name, range)
        } else {
            Some(default)
        }
    }

    /// A list that must be there, of 1 to `max` whole numbers in that range.
    pub(super) fn wholes(&mut self, name: &str, max: usize, (min, max_each): (i64, i64)) -> Option<Vec<i64>> {
        let list = self.list(name, max)?;
        let mut one = |(at, value): (usize, Value)| {
            let place = format!("{}/{at}", self.place(name));
            let Value::Number(number) = &value else {
                return self.note(wrong(&place, JsonType::Number, &value));
            };
            let within = whole_number(number).filter(|number| (min..=max_each).contains(number));
            let problem = FieldProblem::OutOfRange { min, max: max_each };
            within.or_else(|| self.note(FieldFault::new(place, problem)))
        };
        // All of them are looked at, before one that is wrong ends it.
        let all: Vec<_> = list.into_iter().enumerate().map(&mut one).collect();
        all.into_iter().collect()
    }

    /// One of some words, that may be there.
    pub(super) fn word_or(&mut self, name: &str, allowed: &'static [&'static str], default: &str) -> Option<String> {
        let word = self.text_or(name, default)?;
        match allowed.contains(&word.as_str()) {
            true => Some(word),
            false => self.note(FieldFault::new(
                self.place(name),
                FieldProblem::UnknownValue { allowed },
            )),
        }
    }

    /// What a field says that may be there: `Some(None)` when it is not, `None` when it is wrong.
    pub(super) fn if_given<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.has(name) {
            read(self, name).map(Some)
        } else {
            Some(None)
        }
    }

    /// One of some words, for what it means.
    pub(super) fn word<T: FromStr>(&mut self, name: &str, allowed: &'static [&'static str]) -> Option<T> {
        self.word_or(name, allowed, "")?.parse().ok()
    }

    /// `purpose`, that may be there; without it: transactional.
    pub(super) fn purpose(&mut self) -> Option<Purpose> {
        let usual = Purpose::Transactional.code();
        self.word_or("purpose", &PURPOSES, usual)?.parse().ok()
    }

    /// `encoding`, that may be there: `None` twice when it is not, once when it is wrong.
    pub(super) fn encoding(&mut self) -> Option<Option<EncodingPolicy>> {
        self.if_given("encoding", |fields, name| fields.word(name, &ENCODINGS))
    }

    /// `true` or `false`, that may be there; as [`Fields::encoding`].
    pub(super) fn boolean(&mut self, name: &str) -> Option<Option<bool>> {
        match self.object.remove(name) {
            None => Some(None),
            Some(Value::Bool(given)) => Some(Some(given)),
            Some(other) => self.note(wrong(&self.place(name), JsonType::Boolean, &other)),
        }
    }

    /// An object of at most so many short texts by their names, that may be there.
    pub(super) fn texts(&mut self, name: &str, (max, characters): (usize, usize)) -> Option<Vec<(String, String)>> {
        let object = match self.object.remove(name) {
            None => return Some(Vec::new()),
            Some(Value::Object(object)) => object,
            Some(other) => return self.note(wrong(&self.place(name), JsonType::Object, &other)),
        };
        if object.len() > max {
            return self.note(FieldFault::new(self.place(name), FieldProblem::TooMany { max }));
        }
        let mut texts = Vec::with_capacity(object.len());
        for (key, value) in object {
            let place = self.place(name) + &pointer(&key);
            let Value::String(text) = value else {
                self.add(wrong(&place, JsonType::String, &value));
                continue;
            };
            let (given, max) = (text.chars().count(), characters);
            if given > max {
                self.refuse(place, FieldProblem::TooLong { max, given });
            } else {
                texts.push((key, text));
            }
        }
        Some(texts)
    }

    /// `validity`, that may be there; as [`Fields::encoding`].
    pub(super) fn validity(&mut self) -> Option<Option<Duration>> {
        self.seconds("validity", VALIDITY_S)
    }

    /// An instant to come, at most so many days ahead, that must be there, or `null`.
    pub(super) fn end_or_null(&mut self, name: &str, (now, days): (UnixMicros, u32)) -> Option<Option<UnixMicros>> {
        if self.is_null(name) {
            return Some(None);
        }
        self.checked(name, |text| instant_ahead(&text, (now, days))).map(Some)
    }

    /// `service_type`, `schedule_delivery` and `tlvs`, each of which may be there.
    pub(super) fn parameters(&mut self) -> Option<Parameters> {
        let service_type = self.if_given("service_type", |fields, name| fields.checked(name, check_service_type));
        let schedule_delivery = self.seconds("schedule_delivery", SCHEDULE_S);
        let tlvs = match self.object.remove("tlvs").map(read_tlvs) {
            None => Some(TlvList::default()),
            Some(Ok(tlvs)) => Some(tlvs),
            Some(Err(faults)) => {
                faults.into_iter().for_each(|fault| self.add(fault));
                None
            }
        };
        Some(Parameters {
            service_type: service_type?,
            schedule_delivery: schedule_delivery?,
            tlvs: tlvs?,
        })
    }

    /// Whole seconds, that may be there.
    fn seconds(&mut self, name: &str, range: (i64, i64)) -> Option<Option<Duration>> {
        self.if_given(name, |fields, name| {
            let seconds = fields.whole(name, range)?;
            Some(Duration::from_secs(seconds as u64))
        })
    }

    /// The refusal: all that was noted. Asked for when a field is not there, so that there is something.
    pub(super) fn refusal(self) -> Problem {
        Problem::of_fields(self.faults)
    }

    /// Whether all was well.
    pub(super) fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Where that field stands.
    fn place(&self, name: &str) -> String {
        self.within.clone() + &pointer(name)
    }

    /// The objects of a list that must be there, of 1 to `max`, whose fields are `known`, each as `read` makes it.
    pub(super) fn objects<T>(
        &mut self,
        (name, max): (&str, usize),
        known: &[&'static str],
        mut read: impl FnMut(&mut Fields) -> Option<T>,
    ) -> Option<Vec<T>> {
        let list = self.list(name, max)?;
        let mut objects = Vec::with_capacity(list.len());
        for (at, value) in list.into_iter().enumerate() {
            let within = format!("{}/{at}", self.place(name));
            let Value::Object(object) = value else {
                self.add(wrong(&within, JsonType::Object, &value));
                continue;
            };
            let mut fields = Self::of(object, within, known);
            objects.extend(read(&mut fields));
            fields.faults.into_iter().for_each(|fault| self.add(fault));
        }
        Some(objects)
    }

    /// An object that may be there, whose fields are `known`, as `read` makes it; as [`Fields::if_given`].
    pub(super) fn object<T>(
        &mut self,
        name: &str,
        known: &[&'static str],
        read: impl FnOnce(&mut Fields) -> Option<T>,
    ) -> Option<Option<T>> {
        let object = match self.object.remove(name) {
            None => return Some(None),
            Some(Value::Object(object)) => object,
            Some(other) => return self.note(wrong(&self.place(name), JsonType::Object, &other)),
        };
        let mut fields = Self::of(object, self.place(name), known);
        let read = read(&mut fields);
        fields.faults.into_iter().for_each(|fault| self.add(fault));
        read.map(Some)
    }

    /// Whatever a field says, with its pointer; `None` when it is not there.
    pub(super) fn value(&mut self, name: &str) -> Option<(String, Value)> {
        let value = self.object.remove(name)?;
        Some((self.place(name), value))
    }

    /// What is left of an object whose fields may have any names, each with its pointer.
    pub(super) fn rest(&mut self) -> Vec<(String, String, Value)> {
        let rest = std::mem::take(&mut self.object);
        rest.into_iter()
            .map(|(name, value)| (self.place(&name), name, value))
            .collect()
    }

    fn note<T>(&mut self, fault: FieldFault) -> Option<T> {
        self.faults.push(fault);
        None
    }
}

/// A number without a fraction, however it is written: of JSON, 3600.0 is the same as 3600.
fn whole_number(number: &Number) -> Option<i64> {
    // Those that a float has exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let written_whole = number
        .as_f64()
        .filter(|value| value.fract() == 0.0 && value.abs() <= EXACT);
    number.as_i64().or_else(|| written_whole.map(|value| value as i64))
}

/// A phone number as a text, or as a whole number, as programs send it that never saw a leading zero.
fn number_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => whole_number(number)
            .filter(|number| *number >= 0)
            .map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn wrong(pointer: &str, expected: JsonType, found: &Value) -> FieldFault {
    FieldFault::new(pointer, FieldProblem::wrong_type(expected, found))
}

/// RFC 6901, 3.
fn pointer(name: &str) -> String {
    let shown: String = name.chars().take(NAME_SHOWN_MAX).collect();
    format!("/{}", json::escaped(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Fields {
        Fields::parse(text.as_bytes(), &["name", "weight", "purpose"]).unwrap()
    }

    fn codes(fields: Fields) -> Vec<(String, &'static str)> {
        fields
            .refusal()
            .errors
            .into_iter()
            .map(|fault| (fault.pointer, fault.problem.code()))
            .collect()
    }

    #[test]
    fn a_body_of_very_many_values_is_refused_before_room_is_made_for_them() {
        assert_eq!(values(br#"{"a": ["x,y[", "\",{"], "b": {}}"#), 6);
        let many = format!("{{\"name\": [{}0]}}", "0,".repeat(VALUES_MAX));
        assert!(Fields::parse(many.as_bytes(), &["name"]).is_err());
    }

    #[test]
    fn a_whole_number_is_whole_however_it_is_written() {
        for (text, wanted) in [
            ("3.0", Some(3)),
            ("3e0", Some(3)),
            ("3.5", None),
            ("1e300", None),
            ("101", None),
        ] {
            let mut fields = parse(&format!(r#"{{"weight": {text}}}"#));
            assert_eq!(fields.whole("weight", (1, 100)), wanted, "{text}");
        }
    }

    #[test]
    fn fields_are_taken_by_their_type() {
        let mut fields = parse(r#"{"name": "Cabinet", "weight": 3}"#);
        assert_eq!(fields.text("name").as_deref(), Some("Cabinet"));
        assert_eq!(fields.whole_or("weight", (1, 100), 1), Some(3));
        assert_eq!(
            fields.word_or("purpose", &["marketing"], "marketing").as_deref(),
            Some("marketing")
        );
        assert!(fields.is_sound());
    }

    #[test]
    fn every_fault_is_noted() {
        let mut fields = parse(r#"{"nam": 1, "weight": 1e300, "purpose": "spam", "a/b": 0}"#);
        assert_eq!(fields.text("name"), None);
        assert_eq!(fields.whole_or("weight", (1, 100), 1), None);
        assert_eq!(fields.word_or("purpose", &["marketing"], "marketing"), None);
        let mut found = codes(fields);
        found.sort();
        let wanted = [
            ("/a~1b", "unknown_field"),
            ("/nam", "unknown_field"),
            ("/name", "missing"),
            ("/purpose", "unknown_value"),
            ("/weight", "out_of_range"),
        ];
        assert_eq!(found, wanted.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for text in ["", "{", "[]", "null", "\"x\"", "{\"name\": }"] {
            assert!(Fields::parse(text.as_bytes(), &[]).is_err(), "{text}");
        }
        let Err(problem) = Fields::parse(b"{\n  \"name\" 1}", &[]) else {
            panic!("it is not JSON")
        };
        assert!(matches!(
            problem.errors[0].problem,
            FieldProblem::InvalidJson {
                line: 2,
                column: 10,
                ..
            }
        ));
    }
}
