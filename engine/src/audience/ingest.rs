//! Rows → recipients: numbers normalised, each kept once, and an account of those that were not kept.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::domain::{Countries, Country, Recipient};
use crate::fault::{FieldFault, FieldProblem};

use super::number::{NumberFault, normalise};
use super::row::{Fit, Place, Row, RowSink, SinkFull, Values};

/// The most rejected rows that are listed one by one; all are counted.
pub(crate) const REJECTED_MAX: usize = 1_000;

/// The most of them that a refusal tells of where none was kept.
const TOLD_MAX: usize = 20;

/// The most characters that are kept of a rejected row's number.
const SHOWN_MAX: usize = 64;

/// Takes the recipients of a campaign.
pub(crate) trait RecipientSink {
    /// Takes one recipient, each number once.
    ///
    /// # Errors
    /// [`SinkFull`]: no more are wanted, and the reading stops.
    fn recipient(&mut self, recipient: Recipient, values: Values<'_>) -> Result<(), SinkFull>;
}

/// Why a row is no recipient of the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rejection {
    /// Its number cannot be sent to.
    Number(NumberFault),
    /// Its number is of a country that is not sent to.
    Country,
    /// Its number is on no guest list, and only guests are reached.
    NotAGuest,
    /// Its number came before.
    Duplicate,
    /// It is advertising, and nobody knows that they agreed to it.
    Consent,
    /// Their number is known to be unreachable.
    Unreachable,
    /// They have had as much advertising as the tenant allows for a while.
    FrequencyCap,
    /// The campaign leaves them out itself.
    ByRequest,
    /// What would stand in the text is longer than the campaign has it.
    ValueTooLong,
    /// With their values the text is none that may be sent.
    ValuesRefused,
}

impl Rejection {
    /// The stable code of the API.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Number(fault) => fault.problem().code(),
            Self::Country => FieldProblem::CountryNotAllowed.code(),
            Self::NotAGuest => FieldProblem::NotAGuest.code(),
            Self::Duplicate => "duplicate",
            Self::Consent => "no_consent",
            Self::Unreachable => "unreachable",
            Self::FrequencyCap => "frequency_cap",
            Self::ByRequest => "by_request",
            Self::ValueTooLong => "value_too_long",
            Self::ValuesRefused => "values_refused",
        }
    }
}

impl Rejected {
    /// Every code that a row may have.
    pub(crate) fn codes() -> Vec<&'static str> {
        let numbers = NumberFault::ALL.iter().map(|fault| Rejection::Number(*fault));
        let all = numbers.chain([
            Rejection::Country,
            Rejection::NotAGuest,
            Rejection::Duplicate,
            Rejection::Consent,
            Rejection::Unreachable,
            Rejection::FrequencyCap,
            Rejection::ByRequest,
            Rejection::ValueTooLong,
            Rejection::ValuesRefused,
        ]);
        all.map(Rejection::code).collect()
    }
}

/// What is wrong with the first numbers of an audience of which none was kept.
pub(crate) fn faults_of(rejected: &[Rejected]) -> Vec<FieldFault> {
    let fault = |row: &Rejected| {
        let problem = match row.reason {
            Rejection::Number(fault) => fault.problem(),
            Rejection::Country => FieldProblem::CountryNotAllowed,
            Rejection::NotAGuest => FieldProblem::NotAGuest,
            // Of numbers that may be written to.
            Rejection::Duplicate
            | Rejection::Consent
            | Rejection::Unreachable
            | Rejection::FrequencyCap
            | Rejection::ByRequest
            | Rejection::ValueTooLong
            | Rejection::ValuesRefused => return None,
        };
        let pointer = match row.place {
            Place::Number(_) => Place::Pasted.to_string(),
            Place::Recipient(_) | Place::Contact(_) | Place::Pasted | Place::Audience => row.place.to_string(),
        };
        Some(FieldFault::of_value(pointer, row.value.clone(), problem))
    };
    rejected.iter().filter_map(fault).take(TOLD_MAX).collect()
}

/// A row that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// Where it stands in the request.
    pub(crate) place: Place,
    /// The number as it was given, cut after 64 characters.
    pub(crate) value: String,
    pub(crate) reason: Rejection,
}

/// How many rows came, by what became of them: each is in exactly one count, and in `shortened` beside that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    /// Recipients of the campaign.
    pub(crate) accepted: u32,
    /// No numbers, or none that exist.
    pub(crate) invalid: u32,
    /// Numbers that take no texts.
    pub(crate) not_mobile: u32,
    /// Numbers of countries that are not sent to.
    pub(crate) not_allowed: u32,
    /// Numbers that are on no guest list, where only guests are reached.
    pub(crate) not_guests: u32,
    /// Numbers that came before.
    pub(crate) duplicates: u32,
    /// People who have not agreed to advertising.
    pub(crate) no_consent: u32,
    /// People whose number is known to be unreachable.
    pub(crate) unreachable: u32,
    /// People who have had enough advertising for a while.
    pub(crate) frequency_cap: u32,
    /// People whom the campaign leaves out itself.
    pub(crate) by_request: u32,
    /// People who have a value that is longer than the campaign has it.
    pub(crate) value_too_long: u32,
    /// People with whose values the text is none that may be sent.
    pub(crate) values_refused: u32,
    /// Recipients of whom a value was cut.
    pub(crate) shortened: u32,
}

impl Counts {
    /// These and others, of other rows.
    pub(crate) fn and(self, other: Self) -> Self {
        let sum = u32::saturating_add;
        Self {
            accepted: sum(self.accepted, other.accepted),
            invalid: sum(self.invalid, other.invalid),
            not_mobile: sum(self.not_mobile, other.not_mobile),
            not_allowed: sum(self.not_allowed, other.not_allowed),
            not_guests: sum(self.not_guests, other.not_guests),
            duplicates: sum(self.duplicates, other.duplicates),
            no_consent: sum(self.no_consent, other.no_consent),
            unreachable: sum(self.unreachable, other.unreachable),
            frequency_cap: sum(self.frequency_cap, other.frequency_cap),
            by_request: sum(self.by_request, other.by_request),
            value_too_long: sum(self.value_too_long, other.value_too_long),
            values_refused: sum(self.values_refused, other.values_refused),
            shortened: sum(self.shortened, other.shortened),
        }
    }
}

/// Turns rows into recipients. Takes about 20 octets of memory for each recipient while it lives, and as many again where their texts differ.
pub(crate) struct Ingest<'s, S> {
    sink: &'s mut S,
    country: Country,
    countries: Vec<Countries>,
    /// `None`: anybody.
    guests: Option<FxHashSet<u64>>,
    recipients_max: u32,
    seen: FxHashSet<u64>,
    /// Digests of numbers with their texts, where these differ.
    told: FxHashSet<u64>,
    counts: Counts,
    rejected: Vec<Rejected>,
}

impl<'s, S: RecipientSink> Ingest<'s, S> {
    /// Recipients go to `sink`, at most `recipients_max`; numbers without `+` are those of `country`.
    pub(crate) fn new(sink: &'s mut S, country: Country, recipients_max: u32) -> Self {
        let (counts, rejected) = (Counts::default(), Vec::new());
        Self {
            sink,
            country,
            countries: Vec::new(),
            guests: None,
            recipients_max,
            seen: FxHashSet::default(),
            told: FxHashSet::default(),
            counts,
            rejected,
        }
    }

    /// Only numbers that each of these lists allows are taken.
    pub(crate) fn only(self, countries: impl IntoIterator<Item = Countries>) -> Self {
        Self {
            countries: countries.into_iter().collect(),
            ..self
        }
    }

    /// Only these are taken, if there are such.
    pub(crate) fn among(self, guests: Option<FxHashSet<u64>>) -> Self {
        Self { guests, ..self }
    }

    /// The account: how many rows became what, and the first [`REJECTED_MAX`] that were not kept.
    pub(crate) fn finish(self) -> (Counts, Vec<Rejected>) {
        (self.counts, self.rejected)
    }

    /// How many were taken so far.
    pub(crate) fn accepted(&self) -> u32 {
        self.counts.accepted
    }

    /// Counts somebody who has not agreed to it.
    pub(crate) fn without_consent(&mut self, row: Row<'_>) {
        self.reject(row, Rejection::Consent);
    }

    /// Counts somebody whose number is known to be unreachable.
    pub(crate) fn unreachable(&mut self, row: Row<'_>) {
        self.reject(row, Rejection::Unreachable);
    }

    /// Counts somebody who has had enough advertising for a while.
    pub(crate) fn capped(&mut self, row: Row<'_>) {
        self.reject(row, Rejection::FrequencyCap);
    }

    /// Counts somebody whom the campaign leaves out itself.
    pub(crate) fn left_out(&mut self, row: Row<'_>) {
        self.reject(row, Rejection::ByRequest);
    }

    /// Takes a row whose values came to that, of somebody to whom that is said, by a digest; 0: what is said to all. People who share a
    /// number get the same once there, and what is said to each of them otherwise.
    ///
    /// # Errors
    /// As [`RowSink::row`].
    pub(crate) fn fitted(&mut self, row: Row<'_>, fit: Fit, says: u64) -> Result<(), SinkFull> {
        if fit == Fit::TooLong {
            self.reject(row, Rejection::ValueTooLong);
            return Ok(());
        }
        let before = self.counts.accepted;
        self.take(row, says)?;
        if fit == Fit::Shortened {
            self.counts.shortened += self.counts.accepted - before;
        }
        Ok(())
    }

    /// Counts somebody with whose values the text is none that may be sent.
    pub(crate) fn refused(&mut self, row: Row<'_>) {
        self.reject(row, Rejection::ValuesRefused);
    }

    /// Counts somebody who has no number.
    pub(crate) fn numberless(&mut self, place: Place) {
        let row = Row {
            place,
            to: "",
            values: Values::NONE,
        };
        self.reject(row, Rejection::Number(NumberFault::NotMobile));
    }

    fn take(&mut self, row: Row<'_>, says: u64) -> Result<(), SinkFull> {
        let recipient = match normalise(row.to, self.country) {
            Ok(recipient) => recipient,
            Err(fault) => {
                self.reject(row, Rejection::Number(fault));
                return Ok(());
            }
        };
        let told = (says != 0).then(|| FxBuildHasher.hash_one((recipient.0, says)));
        if self.seen.contains(&recipient.0) && told.is_none_or(|told| self.told.contains(&told)) {
            self.reject(row, Rejection::Duplicate);
            return Ok(());
        }
        if !self.countries.iter().all(|countries| countries.allow(recipient)) {
            self.reject(row, Rejection::Country);
            return Ok(());
        }
        if self
            .guests
            .as_ref()
            .is_some_and(|guests| !guests.contains(&recipient.0))
        {
            self.reject(row, Rejection::NotAGuest);
            return Ok(());
        }
        if self.counts.accepted == self.recipients_max {
            return Err(SinkFull::TooMany {
                max: self.recipients_max,
            });
        }
        self.sink.recipient(recipient, row.values)?;
        self.seen.insert(recipient.0);
        self.told.extend(told);
        self.counts.accepted += 1;
        Ok(())
    }

    fn reject(&mut self, row: Row<'_>, reason: Rejection) {
        match reason {
            Rejection::Duplicate => self.counts.duplicates += 1,
            Rejection::Consent => self.counts.no_consent += 1,
            Rejection::Unreachable => self.counts.unreachable += 1,
            Rejection::FrequencyCap => self.counts.frequency_cap += 1,
            Rejection::ByRequest => self.counts.by_request += 1,
            Rejection::ValueTooLong => self.counts.value_too_long += 1,
            Rejection::ValuesRefused => self.counts.values_refused += 1,
            Rejection::Country => self.counts.not_allowed += 1,
            Rejection::NotAGuest => self.counts.not_guests += 1,
            Rejection::Number(NumberFault::NotMobile) => self.counts.not_mobile += 1,
            Rejection::Number(NumberFault::NotANumber | NumberFault::Invalid | NumberFault::LostDigits) => {
                self.counts.invalid += 1;
            }
        }
        if self.rejected.len() < REJECTED_MAX {
            let value = row.to.chars().take(SHOWN_MAX).collect();
            self.rejected.push(Rejected {
                place: row.place,
                value,
                reason,
            });
        }
    }
}

impl<S: RecipientSink> RowSink for Ingest<'_, S> {
    fn row(&mut self, row: Row<'_>) -> Result<(), SinkFull> {
        self.take(row, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Vec<u64>);

    impl RecipientSink for Kept {
        fn recipient(&mut self, recipient: Recipient, _: Values<'_>) -> Result<(), SinkFull> {
            self.0.push(recipient.0);
            Ok(())
        }
    }

    fn row(index: u64, to: &str) -> Row<'_> {
        Row {
            place: Place::Recipient(index),
            to,
            values: Values::NONE,
        }
    }

    #[test]
    fn every_row_is_counted_once() {
        let mut kept = Kept::default();
        let mut ingest = Ingest::new(&mut kept, Country::FRANCE, 10);
        let rows = ["0612345678", "+33612345678", "0123456789", "x", "06123", "0687654321"];
        for (index, to) in rows.iter().enumerate() {
            ingest.row(row(index as u64, to)).unwrap();
        }
        let (counts, rejected) = ingest.finish();
        assert_eq!(
            counts,
            Counts {
                accepted: 2,
                invalid: 2,
                not_mobile: 1,
                not_allowed: 0,
                not_guests: 0,
                duplicates: 1,
                no_consent: 0,
                unreachable: 0,
                frequency_cap: 0,
                by_request: 0,
                value_too_long: 0,
                values_refused: 0,
                shortened: 0
            }
        );
        assert_eq!(kept.0, [33_612_345_678, 33_687_654_321]);
        let codes: Vec<_> = rejected
            .iter()
            .map(|row| (row.place.to_string(), row.reason.code()))
            .collect();
        assert_eq!(codes[0], ("/audience/recipients/1/to".to_owned(), "duplicate"));
        assert_eq!(
            codes.iter().map(|(_, code)| *code).collect::<Vec<_>>()[1..],
            ["not_mobile", "not_a_number", "invalid_number"]
        );
    }

    #[test]
    fn people_who_share_a_number_get_the_same_once_and_else_what_is_said_to_each() {
        let mut sink = Kept::default();
        let mut ingest = Ingest::new(&mut sink, Country::FRANCE, 10);
        for (index, says) in (0..).zip([7, 7, 8, 0]) {
            ingest.fitted(row(index, "0612345678"), Fit::Whole, says).unwrap();
        }
        let (counts, _) = ingest.finish();
        assert_eq!(
            (counts.accepted, counts.duplicates),
            (2, 2),
            "a number by itself came before"
        );
    }

    #[test]
    fn only_numbers_of_countries_that_all_lists_allow_are_taken() {
        let mut kept = Kept::default();
        let lists = ["FR,RE,BE", "FR,BE,US", ""].map(|list| list.parse().unwrap());
        let mut ingest = Ingest::new(&mut kept, Country::FRANCE, 10).only(lists);
        for (index, to) in ["0612345678", "0692123456", "+32470123456", "+12015550123", "0123456789"]
            .iter()
            .enumerate()
        {
            ingest.row(row(index as u64, to)).unwrap();
        }
        let (counts, rejected) = ingest.finish();
        assert_eq!((counts.accepted, counts.not_allowed, counts.not_mobile), (2, 2, 1));
        assert_eq!(rejected[0].reason.code(), "country_not_allowed");
        assert_eq!(kept.0, [33_612_345_678, 32_470_123_456]);
    }

    #[test]
    fn as_many_recipients_as_allowed_pass_and_one_more_stops() {
        let mut kept = Kept::default();
        let mut ingest = Ingest::new(&mut kept, Country::FRANCE, 2);
        for to in ["0612345671", "0612345672", "0612345671", "x"] {
            ingest.row(row(0, to)).unwrap();
        }
        assert_eq!(ingest.row(row(4, "0612345673")), Err(SinkFull::TooMany { max: 2 }));
        assert_eq!(ingest.finish().0.accepted, 2);
    }

    #[test]
    fn a_refusal_says_of_each_number_what_is_wrong_with_it() {
        let row = |place, value: &str, reason| Rejected {
            place,
            value: value.to_owned(),
            reason,
        };
        let mut rejected = vec![
            row(Place::Number(0), "+41791234567", Rejection::Country),
            row(
                Place::Number(13),
                "0123456789",
                Rejection::Number(NumberFault::NotMobile),
            ),
            row(
                Place::Recipient(2),
                "bonjour",
                Rejection::Number(NumberFault::NotANumber),
            ),
            row(Place::Audience, "+33612345678", Rejection::ValueTooLong),
        ];
        let told: Vec<_> = faults_of(&rejected)
            .into_iter()
            .map(|fault| {
                (
                    fault.pointer.clone(),
                    String::from(fault.value.clone().unwrap_or_default()),
                    fault.problem.code(),
                )
            })
            .collect();
        let expected = [
            ("/audience/numbers", "+41791234567", "country_not_allowed"),
            ("/audience/numbers", "0123456789", "not_mobile"),
            ("/audience/recipients/2/to", "bonjour", "not_a_number"),
        ];
        assert_eq!(
            told,
            expected.map(|(at, value, code)| (at.to_owned(), value.to_owned(), code))
        );
        rejected.resize(100, rejected[0].clone());
        assert_eq!(faults_of(&rejected).len(), TOLD_MAX);
    }

    #[test]
    fn only_the_first_rejected_rows_are_listed_and_cut() {
        let mut kept = Kept::default();
        let mut ingest = Ingest::new(&mut kept, Country::FRANCE, 2);
        for index in 0..2_000 {
            ingest.row(row(index, &"x".repeat(100))).unwrap();
        }
        let (counts, rejected) = ingest.finish();
        assert_eq!(
            (counts.invalid, rejected.len(), rejected[0].value.len()),
            (2_000, REJECTED_MAX, 64)
        );
    }
}
