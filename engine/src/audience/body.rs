//! The body of `POST /v1/campaigns`, read as it comes: recipients are handed on row by row and never gathered.
//!
//! ```json
//! {"name": "…", "text": "Bonjour [Prenom]", "sender": "OSTEO", "purpose": "marketing", "encoding": "auto", "validity": 3600,
//!  "expires_at": "2026-12-24T18:00:00+01:00", "rate": "5/s",
//!  "audience": {"recipients": [{"to": "+33612345678", "Prenom": "Zoé"}], "numbers": "+33687654321;…"}}
//! ```
//!
//! In place of `recipients`, an audience may say which contacts it means: `filter`, `lists`, `segments`, without those of
//! `exclude`. What these say is kept as it is.
//!
//! Fields come in any order. Unknown fields, wrong types and values out of bounds are noted with their JSON pointer, and
//! the reading goes on, so that all come out at once.

use std::io::{BufReader, Read};
use std::time::Duration;

use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess};

use crate::fault::{FieldProblem, JsonType};

use super::bounded::Bounded;
use super::draft::{CampaignDraft, ReadFault, Rules};
use super::guard::{STRING_OCTETS_MAX, StringGuard};
use super::list::{NumberList, Token};
use super::reading::{
    AUDIENCE_FIELDS, BODY_FIELDS, FIELD_LENGTHS, NUMBERS, RECIPIENTS, Reading, SCHEDULE_DELIVERY, SCHEDULE_S, TLVS,
    VALIDITY, VALIDITY_S, VARIANTS,
};
use super::row::{COLUMN_NAME_MAX, COLUMNS_MAX, Place, RowSink, VALUE_MAX};
use super::taker::{Key, Take, Taker, escape};
use super::tlvs::Tlvs;

/// How much of the body is read at a time, in octets.
const READ_OCTETS: usize = 64 << 10;

/// Reads a whole body under these rules; rows go to `sink` as they come. Blocks on `body`.
///
/// Memory: one row, one string of at most [`STRING_OCTETS_MAX`] (only a list of numbers is that long), and at most
/// [`FAULTS_MAX`](crate::fault::FAULTS_MAX) faults.
///
/// # Errors
/// See [`ReadFault`].
pub(crate) fn read_campaign(
    body: impl Read,
    rules: Rules<'_>,
    sink: &mut dyn RowSink,
) -> Result<CampaignDraft, ReadFault> {
    let guarded = StringGuard::new(body, STRING_OCTETS_MAX);
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(READ_OCTETS, guarded));
    let mut reading = Reading::new(sink, rules);
    let read = Take(Body(&mut reading))
        .deserialize(&mut json)
        .and_then(|()| json.end());
    if let Some(full) = reading.full {
        return Err(full.into());
    }
    if let Err(error) = read {
        reading.broke(error)?;
    }
    reading.finish()
}

fn wrong(reading: &mut Reading<'_>, pointer: impl Into<String>, expected: JsonType, found: JsonType) {
    reading.fault(pointer, FieldProblem::WrongType { expected, found });
}

struct Body<'r, 's>(&'r mut Reading<'s>);

impl<'de> Taker<'de> for Body<'_, '_> {
    fn wrong(self, found: JsonType) {
        wrong(self.0, "", JsonType::Object, found);
    }

    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let reading = self.0;
        while entries.next_key_seed(Key(&mut reading.key))?.is_some() {
            match reading.field("", &BODY_FIELDS, |reading| &mut reading.given) {
                None => drop(entries.next_value::<IgnoredAny>()?),
                Some(text) if text < reading.texts.len() => entries.next_value_seed(Take(Text(reading, text)))?,
                Some(at @ (VALIDITY | SCHEDULE_DELIVERY)) => entries.next_value_seed(Take(Seconds(reading, at)))?,
                Some(at @ (VARIANTS | FIELD_LENGTHS)) => {
                    let given = entries.next_value_seed(Bounded)?;
                    reading.part(at, given);
                }
                Some(TLVS) => entries.next_value_seed(Take(Tlvs(&mut reading.tlvs)))?,
                Some(_) => entries.next_value_seed(Take(Audience(reading)))?,
            }
            reading.go_on()?;
        }
        Ok(())
    }
}

/// One of the texts at the top of the body, by its position in [`BODY_FIELDS`].
struct Text<'r, 's>(&'r mut Reading<'s>, usize);

impl<'de> Taker<'de> for Text<'_, '_> {
    fn wrong(self, found: JsonType) {
        wrong(self.0, format!("/{}", BODY_FIELDS[self.1]), JsonType::String, found);
    }

    fn string<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.texts[self.1] = Some(text.to_owned());
        Ok(())
    }
}

/// `validity` or `schedule_delivery`, by its position in [`BODY_FIELDS`].
struct Seconds<'r, 's>(&'r mut Reading<'s>, usize);

impl Seconds<'_, '_> {
    fn refuse(self, problem: FieldProblem) {
        self.0.fault(format!("/{}", BODY_FIELDS[self.1]), problem);
    }
}

impl<'de> Taker<'de> for Seconds<'_, '_> {
    fn wrong(self, found: JsonType) {
        let expected = JsonType::Number;
        self.refuse(FieldProblem::WrongType { expected, found });
    }

    fn scalar<E: Error>(self, found: JsonType, text: &str) -> Result<(), E> {
        if found != JsonType::Number {
            self.wrong(found);
            return Ok(());
        }
        let ((min, max), place) = match self.1 {
            VALIDITY => (VALIDITY_S, &mut self.0.validity),
            _ => (SCHEDULE_S, &mut self.0.schedule_delivery),
        };
        let seconds = text.parse().ok().filter(|seconds| (min..=max).contains(seconds));
        match seconds {
            Some(seconds) => *place = Some(Duration::from_secs(seconds as u64)),
            None => self.refuse(FieldProblem::OutOfRange { min, max }),
        }
        Ok(())
    }
}

/// `audience`.
struct Audience<'r, 's>(&'r mut Reading<'s>);

impl<'de> Taker<'de> for Audience<'_, '_> {
    fn wrong(self, found: JsonType) {
        wrong(self.0, "/audience", JsonType::Object, found);
    }

    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let reading = self.0;
        while entries.next_key_seed(Key(&mut reading.key))?.is_some() {
            match reading.field("/audience", &AUDIENCE_FIELDS, |reading| &mut reading.audience_given) {
                None => drop(entries.next_value::<IgnoredAny>()?),
                Some(NUMBERS) => entries.next_value_seed(Take(Numbers(reading)))?,
                Some(RECIPIENTS) => entries.next_value_seed(Take(Recipients(reading)))?,
                Some(at) => {
                    let part = entries.next_value_seed(Bounded)?;
                    reading.query_part(AUDIENCE_FIELDS[at], part);
                }
            }
            reading.go_on()?;
        }
        reading.check_audience();
        Ok(())
    }
}

/// `audience.numbers`.
struct Numbers<'r, 's>(&'r mut Reading<'s>);

impl<'de> Taker<'de> for Numbers<'_, '_> {
    fn wrong(self, found: JsonType) {
        wrong(self.0, "/audience/numbers", JsonType::String, found);
    }

    fn string<E: Error>(self, text: &str) -> Result<(), E> {
        let reading = self.0;
        let mut take = |token: Token<'_>| {
            reading.hand_on(Place::Number(token.offset), Some(token.text));
            reading.go_on()
        };
        let mut list = NumberList::new();
        list.feed(text, &mut take)?;
        list.finish(&mut take)
    }
}

/// `audience.recipients`.
struct Recipients<'r, 's>(&'r mut Reading<'s>);

impl<'de> Taker<'de> for Recipients<'_, '_> {
    fn wrong(self, found: JsonType) {
        wrong(self.0, "/audience/recipients", JsonType::Array, found);
    }

    fn array<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let reading = self.0;
        let mut index = 0;
        while items.next_element_seed(Take(Recipient(reading, index)))?.is_some() {
            reading.go_on()?;
            index += 1;
        }
        Ok(())
    }
}

/// One element of `audience.recipients`, by its position.
struct Recipient<'r, 's>(&'r mut Reading<'s>, u64);

impl<'de> Taker<'de> for Recipient<'_, '_> {
    fn wrong(self, found: JsonType) {
        wrong(
            self.0,
            format!("/audience/recipients/{}", self.1),
            JsonType::Object,
            found,
        );
    }

    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self(reading, index) = self;
        reading.row.clear();
        let mut number_given = false;
        while entries.next_key_seed(Key(&mut reading.key))?.is_some() {
            if reading.key == "to" {
                if std::mem::replace(&mut number_given, true) {
                    reading.fault(format!("/audience/recipients/{index}/to"), FieldProblem::DuplicateField);
                }
                entries.next_value_seed(Take(Number(reading, index)))?;
            } else {
                entries.next_value_seed(Take(Variable(reading, index)))?;
            }
            reading.go_on()?;
        }
        if !number_given {
            reading.fault(format!("/audience/recipients/{index}/to"), FieldProblem::Missing);
        }
        reading.hand_on(Place::Recipient(index), None);
        Ok(())
    }
}

/// `to` of one recipient.
struct Number<'r, 's>(&'r mut Reading<'s>, u64);

impl<'de> Taker<'de> for Number<'_, '_> {
    fn wrong(self, found: JsonType) {
        wrong(
            self.0,
            format!("/audience/recipients/{}/to", self.1),
            JsonType::String,
            found,
        );
    }

    fn string<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.row.set_to(text);
        Ok(())
    }

    fn scalar<E: Error>(self, found: JsonType, text: &str) -> Result<(), E> {
        // 33612345678 without quotes is what programs send that never saw a leading zero.
        match found {
            JsonType::Number => self.string(text),
            JsonType::String | JsonType::Boolean | JsonType::Null | JsonType::Array | JsonType::Object => {
                self.wrong(found);
                Ok(())
            }
        }
    }

    /// Whether `3.36123E+10` has lost digits, nobody can tell once it is a number.
    fn fraction<E: Error>(self, _value: f64) -> Result<(), E> {
        self.wrong(JsonType::Number);
        Ok(())
    }
}

/// Any other field of one recipient: a variable, whose column is the key that was read last.
struct Variable<'r, 's>(&'r mut Reading<'s>, u64);

impl Variable<'_, '_> {
    fn pointer(&self) -> String {
        format!("/audience/recipients/{}/{}", self.1, escape(&self.0.key))
    }

    fn refuse(self, problem: FieldProblem) {
        let pointer = self.pointer();
        self.0.fault(pointer, problem);
    }
}

impl<'de> Taker<'de> for Variable<'_, '_> {
    fn wrong(self, found: JsonType) {
        self.refuse(FieldProblem::WrongType {
            expected: JsonType::String,
            found,
        });
    }

    fn string<E: Error>(self, text: &str) -> Result<(), E> {
        let length = characters(&self.0.key, COLUMN_NAME_MAX);
        if length > COLUMN_NAME_MAX {
            self.refuse(FieldProblem::TooLong {
                max: COLUMN_NAME_MAX,
                given: length,
            });
            return Ok(());
        }
        let length = characters(text, VALUE_MAX);
        if length > VALUE_MAX {
            self.refuse(FieldProblem::TooLong {
                max: VALUE_MAX,
                given: length,
            });
            return Ok(());
        }
        let reading = &mut *self.0;
        match reading.columns.place(&reading.key, reading.row.hint()) {
            None => self.refuse(FieldProblem::TooMany { max: COLUMNS_MAX }),
            Some(column) if reading.row.has(column) => self.refuse(FieldProblem::DuplicateField),
            Some(column) => reading.row.push(column, text),
        }
        Ok(())
    }

    fn scalar<E: Error>(self, _found: JsonType, text: &str) -> Result<(), E> {
        self.string(text)
    }
}

/// How many characters a text has; octets if they are few enough, since that is known at once.
fn characters(text: &str, enough: usize) -> usize {
    if text.len() <= enough {
        text.len()
    } else {
        text.chars().count()
    }
}
