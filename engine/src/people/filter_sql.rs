//! A filter as a condition of SQL on the table `contact`. Pure.

use jiff::civil::Date;

use super::filter::{DayField, DayTest, Filter, Nothing, TextField, TextTest};
use crate::compose::fold;
use crate::database::{Dialect, Sql};

/// What a filter is told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) dialect: Dialect,
    /// By which days from today on are told.
    pub(super) today: Date,
}

/// Adds the condition, in brackets of its own.
pub(super) fn write(filter: &Filter, seen: Seen, sql: &mut Sql) {
    sql.push("(");
    match filter {
        Filter::All(filters) if filters.is_empty() => drop(sql.push("1 = 1")),
        Filter::All(filters) => joined(filters, " AND ", (seen, sql)),
        Filter::Any(filters) if filters.is_empty() => drop(sql.push("1 = 0")),
        Filter::Any(filters) => joined(filters, " OR ", (seen, sql)),
        Filter::Not(filter) => {
            sql.push("NOT ");
            write(filter, seen, sql);
        }
        Filter::Text(field, tests) => texts(field, tests, seen.dialect, sql),
        Filter::Day(field, test) => day((*field, *test), seen.today, sql),
        Filter::Visited { practice, from, to } => {
            sql.push("EXISTS (SELECT 1 FROM visit WHERE visit.contact = contact.id");
            if let Some(practice) = practice {
                sql.push(" AND visit.practice_folded = ").value(fold(practice));
            }
            for (test, day) in [(" AND visit.day >= ", from), (" AND visit.day <= ", to)] {
                if let Some(day) = day {
                    sql.push(test).value(day.date(seen.today).to_string());
                }
            }
            sql.push(")");
        }
        Filter::Number(numbers) => {
            // Without a number it is no member, and not unknown either: `not` has to mean those.
            sql.push("COALESCE(contact.number, 0) IN (");
            sql.list(numbers.iter().map(|number| number.0.cast_signed())).push(")");
        }
        Filter::Kind(kind) => drop(sql.push("contact.kind = ").value(kind.code())),
        Filter::List(lists) => {
            sql.push(
                "EXISTS (SELECT 1 FROM list_member WHERE list_member.contact = contact.id AND list_member.list IN (",
            );
            sql.list(lists.iter().map(|list| list.0.cast_signed())).push("))");
        }
        Filter::Consent(given) => {
            let test = if *given { "NOT NULL" } else { "NULL" };
            sql.push("contact.consent_at IS ").push(test);
        }
        Filter::Unreachable(so) => {
            let test = if *so { "NOT NULL" } else { "NULL" };
            sql.push("contact.unreachable_at IS ").push(test);
        }
        Filter::Empty(nothing, empty) => {
            sql.push(if *empty { "" } else { "NOT " });
            unknown(nothing, seen.dialect, sql);
        }
    }
    sql.push(")");
}

fn joined(filters: &[Filter], word: &str, (seen, sql): (Seen, &mut Sql)) {
    for (at, filter) in filters.iter().enumerate() {
        if at > 0 {
            sql.push(word);
        }
        write(filter, seen, sql);
    }
}

fn texts(field: &TextField, tests: &[TextTest], dialect: Dialect, sql: &mut Sql) {
    let is = |test: &TextTest| match test {
        TextTest::Is(text) => Some(text.clone()),
        TextTest::Contains(_) | TextTest::StartsWith(_) => None,
    };
    let several = matches!(field, TextField::Practice | TextField::Tag);
    match tests.iter().map(is).collect::<Option<Vec<_>>>() {
        // One of many values is looked up once.
        Some(texts) if !several => {
            column(field, dialect, sql);
            sql.push(" IN (")
                .list(texts.iter().map(|text| compared(field, text)))
                .push(")");
        }
        Some(_) | None => {
            for (at, test) in tests.iter().enumerate() {
                sql.push(if at > 0 { " OR " } else { "" });
                column(field, dialect, sql);
                sql.push(" LIKE ")
                    .value(pattern(field, test, several))
                    .push(" ESCAPE '\\'");
            }
        }
    }
}

/// A column that has a text in every row.
fn column(field: &TextField, dialect: Dialect, sql: &mut Sql) {
    let name = match field {
        TextField::FirstName => "contact.first_folded",
        TextField::LastName => "contact.last_folded",
        TextField::Reference => "COALESCE(contact.reference, '')",
        TextField::Practice => "contact.practices_folded",
        TextField::Tag => "contact.tags_folded",
        TextField::Attribute(name) => {
            match dialect {
                Dialect::Sqlite => sql
                    .push("COALESCE(json_extract(contact.attributes_folded, ")
                    .value(format!("$.\"{}\"", fold(name)))
                    .push("), '')"),
                Dialect::Postgres => sql
                    .push("COALESCE(contact.attributes_folded::jsonb ->> ")
                    .value(fold(name))
                    .push(", '')"),
            };
            return;
        }
    };
    sql.push(name);
}

/// A text as the column has it.
fn compared(field: &TextField, text: &str) -> String {
    match field {
        TextField::Reference => text.to_owned(),
        TextField::FirstName | TextField::LastName | TextField::Practice | TextField::Tag | TextField::Attribute(_) => {
            fold(text)
        }
    }
}

/// `several`: the column has texts between bars.
fn pattern(field: &TextField, test: &TextTest, several: bool) -> String {
    let (text, before, after) = match test {
        TextTest::Is(text) if several => (text, "%|", "|%"),
        TextTest::Is(text) => (text, "", ""),
        TextTest::Contains(text) => (text, "%", "%"),
        TextTest::StartsWith(text) if several => (text, "%|", "%"),
        TextTest::StartsWith(text) => (text, "", "%"),
    };
    let escaped: String = compared(field, text)
        .chars()
        .flat_map(|letter| {
            matches!(letter, '%' | '_' | '\\')
                .then_some('\\')
                .into_iter()
                .chain([letter])
        })
        .collect();
    format!("{before}{escaped}{after}")
}

fn day((field, test): (DayField, DayTest), today: Date, sql: &mut Sql) {
    let (word, day) = match test {
        DayTest::On(day) => (" = ", day),
        DayTest::Before(day) => (" < ", day),
        DayTest::After(day) => (" > ", day),
        DayTest::From(day) => (" >= ", day),
        DayTest::To(day) => (" <= ", day),
    };
    let date = day.date(today).to_string();
    // Without a date no text is before or after it, and `not` has to mean those.
    let (column, compared) = match field {
        DayField::BirthDate => ("contact.birth_date", date.as_str()),
        DayField::LastVisit => ("contact.last_visit", date.as_str()),
        DayField::Birthday => ("contact.birth_date", &date[date.len().saturating_sub(5)..]),
    };
    sql.push(column).push(" IS NOT NULL AND ");
    match field {
        DayField::Birthday => sql.push("substr(contact.birth_date, 6)"),
        DayField::BirthDate | DayField::LastVisit => sql.push(column),
    };
    sql.push(word).value(compared);
}

fn unknown(nothing: &Nothing, dialect: Dialect, sql: &mut Sql) {
    match nothing {
        Nothing::Number => drop(sql.push("contact.number IS NULL")),
        Nothing::List => {
            sql.push("NOT EXISTS (SELECT 1 FROM list_member WHERE list_member.contact = contact.id)");
        }
        Nothing::Day(DayField::LastVisit) => drop(sql.push("contact.last_visit IS NULL")),
        Nothing::Day(DayField::BirthDate | DayField::Birthday) => drop(sql.push("contact.birth_date IS NULL")),
        Nothing::Text(field) => {
            sql.push("(");
            column(field, dialect, sql);
            sql.push(" IN ('', '|'))");
        }
    }
}
