//! The cells of a row → a contact, or what is wrong with it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::cell::{LABEL_END, bare, forbidden, split};
use super::columns::{Column, Field};
use super::contact::{Consent, Contact, Kind, Phone};
use super::dates::{Century, day, moment};
use super::rows::Cells;
use crate::audience::{NUMBER_OCTETS_MAX, NumberFault, VALUE_MAX, look_up, normalise};
use crate::domain::{Country, Recipient};
use crate::fault::{DateProblem, FieldProblem, Forbidden, SheetProblem};

/// The most characters of a name, a reference, a tag, a practice.
const NAME_MAX: usize = 100;

/// The most characters of where a consent was given, and of what it says.
const SOURCE_MAX: usize = 500;
const WORDING_MAX: usize = 1_000;

/// The most tags, practices and further numbers of one contact.
const SEVERAL_MAX: usize = 32;

/// The most characters that are kept of a value at fault.
const SHOWN_MAX: usize = 64;

/// What a formula has come to that came to nothing, in French and English spreadsheets: no value.
const NOTHING: [&str; 12] = [
    "#N/A", "#NOM?", "#NAME?", "#VALEUR!", "#VALUE!", "#REF!", "#DIV/0!", "#NOMBRE!", "#NUM!", "#NUL!", "#NULL!",
    "#####",
];

/// Words for the kinds of people, in the order in which they are offered.
const KINDS: &[&str] = &["patient", "staff", "personnel"];

/// What a text of a file depends on.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// Whose national numbers they are.
    pub(crate) country: Country,
    /// Whose clocks show the times.
    pub(crate) zone: TimeZone,
    /// On which day a file is read, by the latest clocks there are: nobody of it was born later. `None`: it is written, and years have
    /// four digits.
    pub(crate) read_on: Option<Date>,
}

impl Manners {
    /// Of days that are past.
    fn past(&self) -> Century {
        self.read_on.map_or(Century::Unknown, Century::Until)
    }

    /// Whether nobody has that day yet.
    fn is_to_come(&self, day: Date) -> bool {
        self.read_on.is_some_and(|last| day > last)
    }

    /// Of days that are not far away, before or behind.
    fn near(&self) -> Century {
        self.read_on.map_or(Century::Unknown, Century::Near)
    }
}

/// Why a row is no contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFault {
    /// The position of the column, from 0.
    pub(crate) column: usize,
    /// What it says, cut after 64 characters.
    pub(crate) value: String,
    pub(crate) problem: FieldProblem,
}

impl RowFault {
    /// A quote in that column is not closed.
    pub(super) fn unclosed(cells: Cells<'_>, column: usize) -> Self {
        let value = cells.iter().nth(column).unwrap_or_default();
        Self {
            column,
            value: value.chars().take(SHOWN_MAX).collect(),
            problem: SheetProblem::UnclosedQuote.into(),
        }
    }
}

/// Reads the row whose cells are of `columns`, one each; cells beyond these are left out.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn read<'c>(
    cells: impl Iterator<Item = &'c str>,
    columns: &[Column],
    manners: &Manners,
) -> Result<Contact, RowFault> {
    let mut row = Row::default();
    for (at, (cell, column)) in cells.zip(columns).enumerate() {
        let text = bare(cell);
        if text.is_empty() || *column == Column::Ignored || NOTHING.contains(&&*text) {
            continue;
        }
        row.take(column, &text, manners).map_err(|problem| RowFault {
            column: at,
            value: text.chars().take(SHOWN_MAX).collect(),
            problem,
        })?;
    }
    row.settle_visit(columns);
    // Of what is missing, that is the column where the number is looked for first.
    let at = |field: Field| columns.iter().position(|column| *column == Column::Field(field));
    let of_number = || {
        at(Field::Number)
            .or_else(|| at(Field::E164))
            .or_else(|| at(Field::OtherNumbers))
    };
    row.finish().map_err(|problem| RowFault {
        column: of_number().unwrap_or_default(),
        value: String::new(),
        problem,
    })
}

/// Whether a column may hold the number that is written to.
pub(super) fn is_number(column: &Column) -> bool {
    matches!(column, Column::Field(Field::Number | Field::E164 | Field::OtherNumbers))
}

/// Whether a text is a day that nobody has yet.
pub(super) fn is_day_to_come(text: &str, manners: &Manners) -> bool {
    day(&bare(text), manners.near()).is_some_and(|day| manners.is_to_come(day))
}

/// Whether a text writes a number that exists.
pub(super) fn looks_like_number(text: &str, manners: &Manners) -> bool {
    phone(&bare(text), manners.country).is_ok()
}

#[derive(Default)]
struct Row {
    contact: Contact,
    /// Of the column that wins over others.
    e164: Option<Phone>,
    /// Of columns for mobiles.
    numbers: Vec<Phone>,
    given: Option<bool>,
    consent: Option<Consent>,
}

impl Row {
    fn take(&mut self, column: &Column, text: &str, manners: &Manners) -> Result<(), FieldProblem> {
        let field = match column {
            Column::Field(field) => *field,
            Column::Attribute(name) => {
                let text = short(text, VALUE_MAX)?;
                self.contact.attributes.insert(name.clone(), text);
                return Ok(());
            }
            Column::Ignored => return Ok(()),
        };
        let contact = &mut self.contact;
        match field {
            Field::Reference => contact.reference = Some(short(text, NAME_MAX)?),
            Field::Number => self.numbers.push(phone(text, manners.country)?),
            Field::E164 => self.e164 = Some(phone(text, manners.country)?),
            Field::OtherNumbers => {
                let found = (&mut contact.other_numbers, &mut contact.labels);
                other_numbers(found, text, manners)?;
            }
            Field::FirstName => contact.first_name = Some(short(text, NAME_MAX)?),
            Field::LastName => contact.last_name = Some(short(text, NAME_MAX)?),
            Field::Kind => contact.kind = Some(kind(text)?),
            Field::BirthDate => contact.birth_date = Some(born_on(text, manners)?),
            Field::Practices => several(&mut contact.practices, text)?,
            Field::Tags => several(&mut contact.tags, text)?,
            Field::LastVisit => {
                let visit = day(text, manners.near()).ok_or(SheetProblem::InvalidDay)?;
                match manners.is_to_come(visit) {
                    true => contact.visit_to_come = Some(visit),
                    false => contact.last_visit = Some(visit),
                }
            }
            Field::LastVisitPractice => contact.last_visit_practice = Some(short(text, NAME_MAX)?),
            Field::Consent => self.given = Some(yes_or_no(text)?),
            Field::ConsentDate => {
                let at = moment(text, &manners.zone, manners.past());
                self.consent().at = Some(at.ok_or(SheetProblem::InvalidDay)?);
            }
            Field::ConsentSource => self.consent().source = Some(short(text, SOURCE_MAX)?),
            Field::ConsentWording => self.consent().wording = Some(short(text, WORDING_MAX)?),
        }
        Ok(())
    }

    fn consent(&mut self) -> &mut Consent {
        self.consent.get_or_insert(Consent {
            // Who keeps when and where somebody agreed, says that they did.
            given: true,
            at: None,
            source: None,
            wording: None,
        })
    }

    /// A file that does not tell where people were last means their practice, if they have one only.
    fn settle_visit(&mut self, columns: &[Column]) {
        let contact = &mut self.contact;
        if let (Some(_), [practice]) = (contact.last_visit, contact.practices.as_slice())
            && !columns.contains(&Column::Field(Field::LastVisitPractice))
        {
            contact.last_visit_practice = Some(practice.clone());
        }
    }

    fn finish(mut self) -> Result<Contact, FieldProblem> {
        if let Some(given) = self.given {
            self.consent().given = given;
        }
        self.contact.consent = self.consent;
        let Self {
            mut contact,
            e164,
            numbers,
            ..
        } = self;
        // A file of ours has each number twice; who changes one of them has to say which is meant.
        if e164.is_some_and(|e164| numbers.iter().any(|number| *number != e164)) {
            return Err(SheetProblem::TwoNumbers.into());
        }
        let mut all: Vec<Phone> = Vec::new();
        for phone in e164.into_iter().chain(numbers).chain(contact.other_numbers) {
            if !all.iter().any(|known| known.number == phone.number) {
                all.push(phone);
            }
        }
        let first = all.iter().position(|phone| phone.mobile).unwrap_or_default();
        if all.is_empty() && contact.reference.is_none() {
            return Err(FieldProblem::Missing);
        }
        if all.is_empty() {
            // Who has a reference is known without a number.
            contact.other_numbers = all;
            return Ok(contact);
        }
        contact.number = Some(all.remove(first));
        contact
            .labels
            .retain(|number, _| all.iter().any(|phone| phone.number == *number));
        contact.other_numbers = all;
        Ok(contact)
    }
}

/// A text without what no text has, of at most `max` characters.
fn short(text: &str, max: usize) -> Result<String, FieldProblem> {
    let given = text.chars().count();
    if given > max {
        return Err(FieldProblem::TooLong { max, given });
    }
    Forbidden::check(text, &super::cell::BLANKS)?;
    Ok(text.to_owned())
}

/// A day on which somebody was born.
fn born_on(text: &str, manners: &Manners) -> Result<Date, FieldProblem> {
    let day = day(text, manners.past()).ok_or(SheetProblem::InvalidDay)?;
    match manners.is_to_come(day) {
        true => Err(DateProblem::InFuture.into()),
        false => Ok(day),
    }
}

fn phone(text: &str, country: Country) -> Result<Phone, FieldProblem> {
    match normalise(text, country) {
        Ok(number) => Ok(Phone { number, mobile: true }),
        Err(NumberFault::NotMobile) => {
            let known = look_up(text, country).map_err(NumberFault::problem)?;
            let digits = known.e164.trim_start_matches('+').parse();
            let number = digits.map(Recipient).map_err(|_| FieldProblem::InvalidNumber)?;
            Ok(Phone { number, mobile: false })
        }
        Err(fault @ (NumberFault::NotANumber | NumberFault::Invalid | NumberFault::LostDigits)) => Err(fault.problem()),
    }
}

/// What is no number among further ones is left out: nobody is kept from the file by what is written of his landline.
fn other_numbers(
    (numbers, labels): (&mut Vec<Phone>, &mut BTreeMap<Recipient, String>),
    text: &str,
    manners: &Manners,
) -> Result<(), FieldProblem> {
    if text.len() > NUMBER_OCTETS_MAX * SEVERAL_MAX {
        return Err(FieldProblem::TooMany { max: SEVERAL_MAX });
    }
    // Many write 06…/05…, and a number may have a slash between any two digits.
    let whole = phone(text, manners.country).ok();
    let whole = whole.filter(|_| labelled(text, manners).is_none());
    let parts = split(text).into_iter();
    let mut part = |part: String| match labelled(&part, manners) {
        Some((label, phone)) => {
            labels.insert(phone.number, label);
            vec![phone]
        }
        None => match phone(&part, manners.country) {
            Ok(phone) => vec![phone],
            Err(_) => part
                .split('/')
                .filter_map(|part| phone(part.trim(), manners.country).ok())
                .collect(),
        },
    };
    match whole {
        Some(phone) => numbers.push(phone),
        None => parts.for_each(|text| numbers.extend(part(text))),
    }
    if numbers.len() > SEVERAL_MAX {
        return Err(FieldProblem::TooMany { max: SEVERAL_MAX });
    }
    Ok(())
}

/// `travail: 06 12 34 56 78`, as an export has it.
fn labelled(part: &str, manners: &Manners) -> Option<(String, Phone)> {
    let (label, number) = part.rsplit_once(LABEL_END)?;
    let phone = phone(number, manners.country).ok()?;
    let label = label.trim();
    // A URI of a number, and no label.
    let is_uri = label.eq_ignore_ascii_case("tel") && !number.starts_with(' ');
    (!label.is_empty() && !is_uri && !label.contains(forbidden)).then(|| (label.to_owned(), phone))
}

fn several(texts: &mut Vec<String>, cell: &str) -> Result<(), FieldProblem> {
    for text in split(cell) {
        let text = short(&text, NAME_MAX)?;
        if !texts.contains(&text) {
            texts.push(text);
        }
        if texts.len() > SEVERAL_MAX {
            return Err(FieldProblem::TooMany { max: SEVERAL_MAX });
        }
    }
    Ok(())
}

fn kind(text: &str) -> Result<Kind, FieldProblem> {
    match text.to_lowercase().as_str() {
        "patient" | "patiente" => Ok(Kind::Patient),
        "staff" | "personnel" | "salarié" | "salariée" | "équipe" | "collaborateur" | "praticien" => Ok(Kind::Staff),
        _ => Err(FieldProblem::UnknownValue { allowed: KINDS }),
    }
}

fn yes_or_no(text: &str) -> Result<bool, FieldProblem> {
    match text.to_lowercase().as_str() {
        "oui" | "o" | "yes" | "y" | "vrai" | "true" | "1" | "x" | "✓" | "ok" | "accord" | "accepte" | "accepté" => {
            Ok(true)
        }
        "non" | "n" | "no" | "faux" | "false" | "0" | "refus" | "refuse" | "refusé" => Ok(false),
        _ => Err(SheetProblem::NotYesOrNo.into()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn manners() -> Manners {
        Manners {
            country: Country::FRANCE,
            zone: TimeZone::get("Europe/Paris").unwrap(),
            read_on: Some(date(2026, 12, 25)),
        }
    }

    fn row(columns: &str, cells: &[&str]) -> Result<Contact, (usize, String, &'static str)> {
        let columns: Vec<Column> = columns.split(',').map(|told| told.parse().unwrap()).collect();
        read(cells.iter().copied(), &columns, &manners())
            .map_err(|fault| (fault.column, fault.value, fault.problem.code()))
    }

    fn numbers(columns: &str, cells: &[&str]) -> Result<Vec<u64>, &'static str> {
        let contact = row(columns, cells).map_err(|(_, _, code)| code)?;
        let all = contact.number.into_iter().chain(contact.other_numbers);
        Ok(all.map(|phone| phone.number.0).collect())
    }

    #[test]
    fn every_field_is_read() {
        let columns = "reference,number,first_name,last_name,kind,birth_date,practices,tags,last_visit,\
                       last_visit_practice,consent,consent_date,consent_source,consent_wording,attributes.Ville,-";
        let cells = [
            "D-17",
            "06 12 34 56 78",
            " Zoé ",
            "O'Neil",
            "Patiente",
            "03/04/1981",
            "Pau | Tarbes",
            "vip, sport, vip",
            "2026-01-02",
            "Pau",
            "Oui",
            "01/02/2025 10:30",
            "formulaire",
            "J'accepte…",
            "Pau",
            "rien",
        ];
        let contact = row(columns, &cells).unwrap();
        let phone = Phone {
            number: Recipient(33_612_345_678),
            mobile: true,
        };
        assert_eq!(
            contact,
            Contact {
                reference: Some("D-17".into()),
                number: Some(phone),
                first_name: Some("Zoé".into()),
                last_name: Some("O'Neil".into()),
                kind: Some(Kind::Patient),
                birth_date: Some(date(1981, 4, 3)),
                practices: vec!["Pau".into(), "Tarbes".into()],
                tags: vec!["vip".into(), "sport".into()],
                last_visit: Some(date(2026, 1, 2)),
                last_visit_practice: Some("Pau".into()),
                consent: Some(Consent {
                    given: true,
                    at: Some("2025-02-01T09:30:00Z".parse().unwrap()),
                    source: Some("formulaire".into()),
                    wording: Some("J'accepte…".into()),
                }),
                attributes: [("Ville".to_owned(), "Pau".to_owned())].into(),
                ..Contact::default()
            }
        );
    }

    #[test]
    fn the_first_mobile_is_the_number_whatever_its_column() {
        let (mobile, other, landline) = (33_612_345_678, 33_687_654_321, 33_559_123_456);
        for (columns, cells, expected) in [
            ("number", vec!["=\"0612345678\""], vec![mobile]),
            (
                "number,number",
                vec!["0559123456", "0612345678"],
                vec![mobile, landline],
            ),
            (
                "other_numbers,number",
                vec!["0687654321", "0612345678"],
                vec![mobile, other],
            ),
            (
                "other_numbers",
                vec!["05 59 12 34 56 / 06 12 34 56 78"],
                vec![mobile, landline],
            ),
            ("other_numbers", vec!["05.59.12.34.56"], vec![landline]),
            ("number,other_numbers", vec!["0612345678", "idem"], vec![mobile]),
            ("number,e164", vec!["06 12 34 56 78", "+33612345678"], vec![mobile]),
            ("number", vec!["0692123456"], vec![262_692_123_456]),
        ] {
            assert_eq!(numbers(columns, &cells), Ok(expected), "{columns} {cells:?}");
        }
        assert!(!row("number", &["0559123456"]).unwrap().number.unwrap().mobile);
        assert_eq!(
            numbers("number,e164", &["0612345678", "+33687654321"]),
            Err("two_numbers")
        );
        assert_eq!(numbers("-,number", &["x", " "]), Err("missing"));
    }

    #[test]
    fn a_further_number_may_say_what_it_is_for() {
        let cells = [
            "0612345678",
            "travail: 06 87 65 43 21 | Mme : 0698765432, 05 59 12 34 56",
        ];
        let contact = row("number,other_numbers", &cells).unwrap();
        let numbers: Vec<_> = contact.other_numbers.iter().map(|phone| phone.number.0).collect();
        assert_eq!(numbers, [33_687_654_321, 33_698_765_432, 33_559_123_456]);
        let labels: Vec<_> = contact
            .labels
            .iter()
            .map(|(number, label)| (number.0, label.as_str()))
            .collect();
        assert_eq!(labels, [(33_687_654_321, "travail"), (33_698_765_432, "Mme")]);
        let label = |cell: &str| {
            row("number,other_numbers", &["0612345678", cell])
                .unwrap()
                .labels
                .into_values()
                .next()
        };
        assert_eq!(label("tel: 06 87 65 43 21").as_deref(), Some("tel"));
        assert_eq!(label("tel:+33687654321"), None, "that is how a link has it");
    }

    #[test]
    fn who_has_a_reference_needs_no_number() {
        let contact = row("reference,number,other_numbers", &["D-17", "", "idem"]).unwrap();
        assert_eq!((contact.reference.as_deref(), contact.number), (Some("D-17"), None));
    }

    #[test]
    fn a_visit_is_at_the_only_practice_or_where_the_file_says() {
        let practice = |columns: &str, practices: &str, said: &[&str]| {
            let mut cells = vec!["0612345678", "02/01/2026", practices];
            cells.extend(said);
            row(columns, &cells).unwrap().last_visit_practice
        };
        let columns = "number,last_visit,practices";
        assert_eq!(practice(columns, "Paris", &[]).as_deref(), Some("Paris"));
        assert_eq!(practice(columns, "Paris | Lyon", &[]), None, "nobody knows at which");
        let columns = "number,last_visit,practices,last_visit_practice";
        assert_eq!(practice(columns, "Paris | Lyon", &["Lyon"]).as_deref(), Some("Lyon"));
        assert_eq!(
            practice(columns, "Paris", &[""]),
            None,
            "an export knows where it was not"
        );
    }

    #[test]
    fn a_visit_that_is_to_come_is_none() {
        for (said, visit, to_come) in [
            ("25/12/2026", Some(date(2026, 12, 25)), None),
            ("26/12/2026 09:05", None, Some(date(2026, 12, 26))),
            ("26/12/26", None, Some(date(2026, 12, 26))),
        ] {
            let contact = row("number,practices,last_visit", &["0612345678", "Pau", said]).unwrap();
            assert_eq!((contact.last_visit, contact.visit_to_come), (visit, to_come), "{said}");
            assert_eq!(contact.last_visit_practice.is_some(), visit.is_some(), "{said}");
        }
    }

    #[test]
    fn a_formula_that_came_to_nothing_is_no_value() {
        let contact = row("number,last_name,attributes.Ville", &["0612345678", "#N/A", "#VALEUR!"]).unwrap();
        assert_eq!((contact.last_name, contact.attributes.len()), (None, 0));
    }

    #[test]
    fn what_is_wrong_names_its_column_and_value() {
        let long = "x".repeat(1_001);
        let fault = |column, value: &str, code| Err((column, value.to_owned(), code));
        for (columns, cells, expected) in [
            (
                "reference,last_name,number",
                vec!["", "Martin", ""],
                fault(2, "", "missing"),
            ),
            (
                "-,number",
                vec!["", "3,36123E+10"],
                fault(1, "3,36123E+10", "lost_digits"),
            ),
            ("number", vec!["Martin"], fault(0, "Martin", "not_a_number")),
            (
                "number,birth_date",
                vec!["0612345678", "31/02/1981"],
                fault(1, "31/02/1981", "invalid_day"),
            ),
            (
                "number,birth_date",
                vec!["0612345678", "26/12/2026"],
                fault(1, "26/12/2026", "in_future"),
            ),
            (
                "number,consent",
                vec!["0612345678", "peut-être"],
                fault(1, "peut-être", "not_yes_or_no"),
            ),
            (
                "number,kind",
                vec!["0612345678", "chat"],
                fault(1, "chat", "unknown_value"),
            ),
            (
                "number,last_name",
                vec!["0612345678", "a\0b"],
                fault(1, "a\0b", "forbidden_character"),
            ),
            (
                "number,last_name",
                vec!["0612345678", &long],
                fault(1, &long[..64], "too_long"),
            ),
            ("last_name,number", vec!["Martin"], fault(1, "", "missing")),
            ("other_numbers,number", vec!["", ""], fault(1, "", "missing")),
            ("other_numbers,e164", vec!["", ""], fault(1, "", "missing")),
        ] {
            assert_eq!(row(columns, &cells), expected);
        }
    }
}
