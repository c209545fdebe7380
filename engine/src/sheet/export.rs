//! Contacts → a file that spreadsheets and programs read, and that comes back as the same contacts.

use jiff::Timestamp;
use jiff::civil::Date;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::cell::{LABEL_END, guarded, joined};
use super::columns::{Field, attribute_column};
use super::contact::{Contact, Phone};
use super::dates::{french_day, french_moment};
use super::row::Manners;
use super::rows::Cells;
use crate::domain::{Country, Language, Recipient};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub(crate) enum Dialect {
    /// What Excel opens with a double click in France: `;`, UTF-8 with its mark, CRLF, `JJ/MM/AAAA`.
    ExcelFr,
    /// What programs read: `,`, UTF-8 without a mark, LF, ISO 8601.
    Rfc4180,
    /// A JSON object a line.
    Jsonl,
}

impl Dialect {
    pub(crate) const CODES: [&str; 3] = [Self::ExcelFr.code(), Self::Rfc4180.code(), Self::Jsonl.code()];

    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::ExcelFr | Self::Rfc4180 => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson",
        }
    }

    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::ExcelFr | Self::Rfc4180 => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    const fn signs(self) -> Signs {
        match self {
            Self::ExcelFr => Signs {
                mark: "\u{FEFF}",
                delimiter: ';',
                end: "\r\n",
            },
            Self::Rfc4180 | Self::Jsonl => Signs {
                mark: "",
                delimiter: ',',
                end: "\n",
            },
        }
    }
}

/// What stands around cells.
#[derive(Clone, Copy)]
struct Signs {
    mark: &'static str,
    delimiter: char,
    end: &'static str,
}

/// The fields of an export, in the order of their columns.
const FIELDS: [Field; 16] = [
    Field::Reference,
    Field::LastName,
    Field::FirstName,
    Field::Number,
    Field::E164,
    Field::OtherNumbers,
    Field::Kind,
    Field::BirthDate,
    Field::Practices,
    Field::LastVisit,
    Field::LastVisitPractice,
    Field::Tags,
    Field::Consent,
    Field::ConsentDate,
    Field::ConsentSource,
    Field::ConsentWording,
];

/// Writes contacts down, one after the other.
pub(crate) struct Export {
    dialect: Dialect,
    manners: Manners,
    /// Those that get a column.
    attributes: Vec<String>,
}

impl Export {
    /// Of contacts that have no other attributes than these.
    pub(crate) fn new(dialect: Dialect, manners: Manners, attributes: Vec<String>) -> Self {
        Self {
            dialect,
            manners,
            attributes,
        }
    }

    /// What stands before all contacts.
    pub(crate) fn head(&self) -> String {
        let name = match self.dialect {
            Dialect::ExcelFr => Field::french,
            // The number is called the same in both, since it stands in a form that people read.
            Dialect::Rfc4180 => |field: Field| {
                if field == Field::Number {
                    field.french()
                } else {
                    field.code()
                }
            },
            Dialect::Jsonl => return String::new(),
        };
        let mut line = Line::new(self.dialect.signs());
        line.text.push_str(line.signs.mark);
        FIELDS.into_iter().for_each(|field| line.cell(name(field)));
        self.attributes
            .iter()
            .for_each(|name| line.cell(&attribute_column(name)));
        line.end()
    }

    /// One contact, with the end of its line.
    pub(crate) fn line(&self, contact: &Contact) -> String {
        if self.dialect == Dialect::Jsonl {
            return format!("{}\n", self.object(contact));
        }
        let mut line = Line::new(self.dialect.signs());
        for field in FIELDS {
            match (field, contact.number) {
                // A formula to a spreadsheet, and to everybody else a number: quoted, so that it is told from one.
                (Field::E164, Some(phone)) => line.quoted(&phone.number.to_string()),
                _ => line.cell(&self.written(field, contact)),
            }
        }
        for name in &self.attributes {
            line.cell(contact.attributes.get(name).map_or("", String::as_str));
        }
        line.end()
    }

    fn written(&self, field: Field, contact: &Contact) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let consent = contact.consent.as_ref();
        match field {
            Field::Reference => text(&contact.reference),
            Field::Number => contact.number.map(|phone| self.shown(phone)).unwrap_or_default(),
            Field::E164 => String::new(),
            Field::OtherNumbers => joined(
                &contact
                    .other_numbers
                    .iter()
                    .map(|phone| match contact.labels.get(&phone.number) {
                        Some(label) => format!("{label}{LABEL_END} {}", self.shown(*phone)),
                        None => self.shown(*phone),
                    })
                    .collect::<Vec<_>>(),
            ),
            Field::FirstName => text(&contact.first_name),
            Field::LastName => text(&contact.last_name),
            Field::Kind => contact.kind.map(|kind| kind.code().to_owned()).unwrap_or_default(),
            Field::BirthDate => contact.birth_date.map(|day| self.day(day)).unwrap_or_default(),
            Field::Practices => joined(&contact.practices),
            Field::Tags => joined(&contact.tags),
            Field::LastVisit => contact.last_visit.map(|day| self.day(day)).unwrap_or_default(),
            Field::LastVisitPractice => text(&contact.last_visit_practice),
            Field::Consent => consent
                .map(|consent| self.yes_or_no(consent.given).to_owned())
                .unwrap_or_default(),
            Field::ConsentDate => consent
                .and_then(|consent| consent.at)
                .map(|at| self.moment(at))
                .unwrap_or_default(),
            Field::ConsentSource => consent.map(|consent| text(&consent.source)).unwrap_or_default(),
            Field::ConsentWording => consent.map(|consent| text(&consent.wording)).unwrap_or_default(),
        }
    }

    fn day(&self, day: Date) -> String {
        match self.dialect {
            Dialect::ExcelFr => french_day(day),
            Dialect::Rfc4180 | Dialect::Jsonl => day.to_string(),
        }
    }

    fn moment(&self, at: Timestamp) -> String {
        match self.dialect {
            Dialect::ExcelFr => french_moment(at, &self.manners.zone),
            Dialect::Rfc4180 | Dialect::Jsonl => at.to_string(),
        }
    }

    const fn yes_or_no(&self, given: bool) -> &'static str {
        match (self.dialect, given) {
            (Dialect::ExcelFr, true) => "oui",
            (Dialect::ExcelFr, false) => "non",
            (Dialect::Rfc4180 | Dialect::Jsonl, true) => "true",
            (Dialect::Rfc4180 | Dialect::Jsonl, false) => "false",
        }
    }

    /// `06 12 34 56 78` at home, `+32 470 12 34 56` elsewhere: with spaces, a spreadsheet takes it for a text.
    fn shown(&self, phone: Phone) -> String {
        shown_number(phone.number, self.manners.country)
    }

    /// The same as JSON, without what is not known.
    pub(crate) fn object(&self, contact: &Contact) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                object.insert(name.to_owned(), value);
            }
        };
        put("reference", json!(contact.reference));
        put("last_name", json!(contact.last_name));
        put("first_name", json!(contact.first_name));
        put("telephone", json!(contact.number.map(|phone| self.shown(phone))));
        put("e164", json!(contact.number.map(|phone| phone.number.to_string())));
        let others = contact.other_numbers.iter().map(|phone| {
            let number = phone.number.to_string();
            match contact.labels.get(&phone.number) {
                Some(label) => json!({ "number": number, "label": label }),
                None => json!({ "number": number }),
            }
        });
        let others: Vec<Value> = others.collect();
        put(
            "other_numbers",
            if others.is_empty() { Value::Null } else { json!(others) },
        );
        put("kind", json!(contact.kind.map(super::contact::Kind::code)));
        put("birth_date", json!(contact.birth_date));
        put("practices", listed(&contact.practices));
        put("last_visit", json!(contact.last_visit));
        put("last_visit_practice", json!(contact.last_visit_practice));
        put("visit_to_come", json!(contact.visit_to_come));
        put("tags", listed(&contact.tags));
        if let Some(consent) = &contact.consent {
            put("consent", json!(consent.given));
            put("consent_date", json!(consent.at));
            put("consent_source", json!(consent.source));
            put("consent_wording", json!(consent.wording));
        }
        if !contact.attributes.is_empty() {
            put("attributes", json!(contact.attributes));
        }
        Value::Object(object)
    }
}

fn listed(texts: &[String]) -> Value {
    if texts.is_empty() { Value::Null } else { json!(texts) }
}

/// A number as people of `country` write it.
fn shown_number(number: Recipient, country: Country) -> String {
    let national = number
        .0
        .checked_sub(33_000_000_000)
        .filter(|national| *national < 1_000_000_000);
    if let (Some(national), true) = (national, country == Country::FRANCE) {
        let digits = format!("0{national:09}");
        let pairs: Vec<&str> = (0..5).filter_map(|pair| digits.get(pair * 2..pair * 2 + 2)).collect();
        return pairs.join(" ");
    }
    let format = if Country::of(number) == Some(country) {
        PhoneNumberFormat::National
    } else {
        PhoneNumberFormat::International
    };
    let parsed = PHONE_NUMBER_UTIL.parse(number.to_string(), None);
    parsed.map_or_else(|_| number.to_string(), |parsed| parsed.format_as(format).into_owned())
}

/// Writes down the rows that were no contacts, so that they can be mended and sent again.
pub(crate) struct ErrorList {
    signs: Signs,
}

impl ErrorList {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { signs: dialect.signs() }
    }

    /// The columns of the file, and two of our own.
    pub(crate) fn head(&self, names: &[String]) -> String {
        let mut line = Line::new(self.signs);
        line.text.push_str(self.signs.mark);
        names.iter().for_each(|name| line.cell(name));
        line.cell("ligne");
        line.cell("erreur");
        line.end()
    }

    /// A row of `width` columns.
    pub(crate) fn line(&self, cells: Cells<'_>, width: usize, error: &str) -> String {
        let mut line = Line::new(self.signs);
        let cells_and_none = cells.iter().chain(std::iter::repeat("")).take(width);
        // Texts are meant here, and not what stands around them.
        cells_and_none.for_each(|cell| line.cell(&super::cell::bare(cell)));
        line.cell(&cells.line.to_string());
        line.cell(error);
        line.end()
    }
}

/// Writes down a table of figures, as a spreadsheet in somebody's language or a program reads it.
pub(crate) struct Table {
    signs: Signs,
}

impl Table {
    /// As CSV in that language; the first line is what its columns are called.
    pub(crate) fn new(language: Language) -> Self {
        let dialect = match language {
            Language::Fr => Dialect::ExcelFr,
            Language::En => Dialect::Rfc4180,
        };
        Self { signs: dialect.signs() }
    }

    pub(crate) fn head(&self, columns: &[&str]) -> String {
        let mut line = Line::new(self.signs);
        line.text.push_str(self.signs.mark);
        columns.iter().for_each(|column| line.cell(column));
        line.end()
    }

    pub(crate) fn line(&self, cells: &[Written]) -> String {
        let mut line = Line::new(self.signs);
        for cell in cells {
            match cell {
                Written::Text(text) => line.cell(text),
                Written::Phone(number) => line.quoted(&number.to_string()),
                Written::Count(count) => line.cell(&count.to_string()),
                Written::Nothing => line.cell(""),
            }
        }
        line.end()
    }
}

/// A cell of a [`Table`].
#[derive(Clone, Debug)]
pub(crate) enum Written {
    Text(String),
    /// A number as E.164, quoted: with its `+` it is a formula to a spreadsheet, and to everybody else a number.
    Phone(Recipient),
    Count(u64),
    Nothing,
}

struct Line {
    signs: Signs,
    text: String,
    begun: bool,
}

impl Line {
    fn new(signs: Signs) -> Self {
        Self {
            signs,
            text: String::new(),
            begun: false,
        }
    }

    /// A cell that no spreadsheet takes for a formula, quoted if it has to be.
    fn cell(&mut self, text: &str) {
        let cell = guarded(text);
        let quotes = |letter: char| matches!(letter, '"' | '\r' | '\n') || letter == self.signs.delimiter;
        // A line of one empty cell would be no line.
        if cell.contains(quotes) {
            self.quoted(&cell);
        } else {
            self.between();
            self.text.push_str(&cell);
        }
    }

    fn quoted(&mut self, text: &str) {
        self.between();
        self.text.push('"');
        self.text.push_str(&text.replace('"', "\"\""));
        self.text.push('"');
    }

    fn between(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.text.push(self.signs.delimiter);
        }
    }

    fn end(mut self) -> String {
        self.text.push_str(self.signs.end);
        self.text
    }
}
