//! A filter as a condition of SQL on the table `contact`. Pure.

use jiff::ToSpan;

use super::contact::OTHER_NUMBERS;
use super::day::begins;
use super::engagement;
use super::filter::Filter;
use super::filter_fields::{CountField, CountTest, DayField, DayTest, Nothing, TextField, TextTest};
use super::seen::Seen;
use crate::compose::fold;
use crate::database::{Dialect, Sql};
use crate::domain::Recipient;

/// Adds the condition, in brackets of its own.
pub(super) fn write(filter: &Filter, seen: &Seen, sql: &mut Sql) {
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
        Filter::Day(field, test) => day((*field, *test), seen, sql),
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
            has_number(numbers, sql);
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
        Filter::Count(field, test, count) => {
            match field {
                CountField::Delivered => engagement::delivered_count(sql),
                CountField::Score => engagement::score_of(seen, sql),
            }
            let word = match test {
                CountTest::Is => " = ",
                CountTest::From => " >= ",
                CountTest::To => " <= ",
            };
            sql.push(word).value(count.cast_signed());
        }
        Filter::Empty(nothing, empty) => {
            sql.push(if *empty { "" } else { "NOT " });
            unknown(nothing, seen.dialect, sql);
        }
    }
    sql.push(")");
}

fn joined(filters: &[Filter], word: &str, (seen, sql): (&Seen, &mut Sql)) {
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
                .list(texts.iter().map(|text| field.compared(text)))
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

/// `several`: the column has texts between bars.
fn pattern(field: &TextField, test: &TextTest, several: bool) -> String {
    let (text, before, after) = match test {
        TextTest::Is(text) if several => (text, "%|", "|%"),
        TextTest::Is(text) => (text, "", ""),
        TextTest::Contains(text) => (text, "%", "%"),
        TextTest::StartsWith(text) if several => (text, "%|", "%"),
        TextTest::StartsWith(text) => (text, "", "%"),
    };
    let escaped: String = field
        .compared(text)
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

/// What happened at a moment, by the days of the clinic.
fn moment(field: DayField, test: DayTest, seen: &Seen, sql: &mut Sql) {
    let date = test.day().date(seen.today);
    let (on, next) = (
        begins(date, &seen.zone),
        begins(date.saturating_add(1.day()), &seen.zone),
    );
    let (from, before) = match test {
        DayTest::On(_) => (Some(on), Some(next)),
        DayTest::Before(_) => (None, Some(on)),
        DayTest::After(_) => (Some(next), None),
        DayTest::From(_) => (Some(on), None),
        DayTest::To(_) => (None, Some(next)),
    };
    if field == DayField::LastContacted {
        return contacted(from, before, sql);
    }
    if let Some(column) = engagement_column(field) {
        return engagement::moment(column, (from, before), sql);
    }
    let column = moment_column(field).unwrap_or_default();
    sql.push(column).push(" IS NOT NULL");
    for (word, bound) in [(" >= ", from), (" < ", before)] {
        if let Some(bound) = bound {
            sql.push(" AND ").push(column).push(word).value(bound);
        }
    }
}

/// The messages to somebody that were taken, in history; a condition on their time follows.
const CONTACTED: &str = "EXISTS (SELECT 1 FROM message WHERE message.tenant = contact.tenant \
    AND message.recipient = contact.number AND message.taken_at ";

/// The last message to them was taken from a moment on, before another, or at all. Each is one look into an index.
fn contacted(from: Option<i64>, before: Option<i64>, sql: &mut Sql) {
    let milliseconds = |microseconds: i64| microseconds / 1_000;
    sql.push(CONTACTED);
    match from {
        Some(from) => sql.push(">= ").value(milliseconds(from)),
        None => sql.push("IS NOT NULL"),
    };
    sql.push(")");
    if let Some(before) = before {
        sql.push(" AND NOT ").push(CONTACTED);
        sql.push(">= ").value(milliseconds(before)).push(")");
    }
}

/// The column of what happened at a moment; `None`: it is a date.
const fn moment_column(field: DayField) -> Option<&'static str> {
    match field {
        DayField::Consented => Some("contact.consent_at"),
        DayField::Created => Some("contact.created_at"),
        DayField::Updated => Some("contact.updated_at"),
        DayField::BirthDate
        | DayField::Birthday
        | DayField::LastVisit
        | DayField::LastContacted
        | DayField::LastDelivered
        | DayField::Clicked
        | DayField::Replied => None,
    }
}

/// Numbers that are looked for together: SQLite bounds how deep a condition may be.
const TOGETHER: usize = 50;

/// Those who have one of these numbers, be it a further one.
pub(super) fn has_number(numbers: &[Recipient], sql: &mut Sql) {
    // Without a number it is no member, and not unknown either: `not` has to mean those.
    sql.push("(COALESCE(contact.number, 0) IN (");
    sql.list(numbers.iter().map(|number| number.0.cast_signed())).push(")");
    // Few have further numbers.
    let key = format!("\"{OTHER_NUMBERS}\":\"");
    sql.push(" OR (contact.attributes LIKE ")
        .value(format!("%{key}%"))
        .push(" AND (");
    for (at, some) in numbers.chunks(TOGETHER).enumerate() {
        sql.push(if at > 0 { " OR (" } else { "(" });
        for (at, number) in some.iter().enumerate() {
            sql.push(if at > 0 { " OR " } else { "" })
                .push("contact.attributes LIKE ");
            sql.value(format!("%{key}%{number}%"));
        }
        sql.push(")");
    }
    sql.push(if numbers.is_empty() { "1 = 0)))" } else { ")))" });
}

/// The column of what is known of a number; `None`: it is no such thing.
const fn engagement_column(field: DayField) -> Option<&'static str> {
    match field {
        DayField::LastDelivered => Some("engagement.last_delivered_at"),
        DayField::Clicked => Some("engagement.clicked_at"),
        DayField::Replied => Some("engagement.replied_at"),
        DayField::BirthDate
        | DayField::Birthday
        | DayField::LastVisit
        | DayField::LastContacted
        | DayField::Consented
        | DayField::Created
        | DayField::Updated => None,
    }
}

fn day((field, test): (DayField, DayTest), seen: &Seen, sql: &mut Sql) {
    let is_moment = moment_column(field).is_some() || engagement_column(field).is_some();
    if field == DayField::LastContacted || is_moment {
        return moment(field, test, seen, sql);
    }
    let (word, day) = match test {
        DayTest::On(day) => (" = ", day),
        DayTest::Before(day) => (" < ", day),
        DayTest::After(day) => (" > ", day),
        DayTest::From(day) => (" >= ", day),
        DayTest::To(day) => (" <= ", day),
    };
    let date = day.date(seen.today).to_string();
    // Without a date no text is before or after it, and `not` has to mean those.
    let (column, compared) = match field {
        DayField::Birthday => ("contact.birth_date", &date[date.len().saturating_sub(5)..]),
        DayField::LastVisit => ("contact.last_visit", date.as_str()),
        DayField::BirthDate
        | DayField::LastContacted
        | DayField::Consented
        | DayField::LastDelivered
        | DayField::Clicked
        | DayField::Replied
        | DayField::Created
        | DayField::Updated => ("contact.birth_date", date.as_str()),
    };
    sql.push(column).push(" IS NOT NULL AND ");
    match field == DayField::Birthday {
        true => sql.push("substr(contact.birth_date, 6)"),
        false => sql.push(column),
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
        Nothing::Day(DayField::LastContacted) => {
            sql.push("NOT ");
            contacted(None, None, sql);
        }
        Nothing::Day(field @ (DayField::LastDelivered | DayField::Clicked | DayField::Replied)) => {
            sql.push("NOT ");
            engagement::moment(engagement_column(*field).unwrap_or_default(), (None, None), sql);
        }
        Nothing::Day(field @ (DayField::Consented | DayField::Created | DayField::Updated)) => {
            sql.push(moment_column(*field).unwrap_or_default()).push(" IS NULL");
        }
        Nothing::Day(DayField::BirthDate | DayField::Birthday) => drop(sql.push("contact.birth_date IS NULL")),
        Nothing::Text(field) => {
            sql.push("(");
            column(field, dialect, sql);
            sql.push(" IN ('', '|'))");
        }
    }
}
