use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use super::Served;
use super::problem::{FieldError, Problem};
use crate::smscs::VirtualSmsc;

/// The query of a request. Every getter takes a field and notes what is wrong with it, so that [`Fields::done`] can name
/// everything at once.
pub(super) struct Fields {
    given: Vec<(String, String)>,
    asked: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut fields = Self {
            given: Vec::new(),
            asked: Vec::new(),
            errors: Vec::new(),
        };
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(given)) => fields.given = given,
            Err(error) => fields.wrong("query", parts.uri.query().unwrap_or_default(), error),
        }
        Ok(fields)
    }
}

impl Fields {
    pub(super) fn text(&mut self, field: &'static str) -> Option<String> {
        self.asked.push(field);
        let place = self.given.iter().position(|(name, _)| name == field)?;
        Some(self.given.swap_remove(place).1)
    }

    pub(super) fn number(&mut self, field: &'static str, allowed: RangeInclusive<u64>) -> Option<u64> {
        let text = self.text(field)?;
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        if number.is_none() {
            let (from, to) = (allowed.start(), allowed.end());
            self.wrong(field, &text, format!("a whole number from {from} to {to}"));
        }
        number
    }

    pub(super) fn choice<T: Copy>(&mut self, field: &'static str, names: &[(&str, T)]) -> Option<T> {
        let text = self.text(field)?;
        let found = names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            self.wrong(field, &text, format!("one of {}", names.join(", ")));
        }
        found
    }

    pub(super) fn duration(&mut self, field: &'static str, most: Duration) -> Option<Duration> {
        let text = self.text(field)?;
        let duration = humantime::parse_duration(&text).ok().filter(|given| *given <= most);
        if duration.is_none() {
            let most = humantime::format_duration(most);
            self.wrong(field, &text, format!("a duration like 30s, at most {most}"));
        }
        duration
    }

    /// Every other field, as names with whole numbers.
    pub(super) fn numbers(&mut self) -> Vec<(String, u64)> {
        let mut numbers = Vec::new();
        for (name, value) in std::mem::take(&mut self.given) {
            match value.parse() {
                Ok(number) => numbers.push((name, number)),
                Err(_) => self.wrong(&name, &value, "a whole number"),
            }
        }
        numbers
    }

    /// The SMSCs that `smsc` selects; all without it.
    pub(super) fn smscs<'s>(&mut self, served: &'s Served) -> &'s [VirtualSmsc] {
        let name = self.text("smsc");
        let selected = served.smscs.select(name.as_deref());
        if selected.is_none() {
            self.wrong(
                "smsc",
                &name.unwrap_or_default(),
                format!("one of {}", served.smscs.names()),
            );
        }
        selected.unwrap_or_default()
    }

    pub(super) fn wrong(&mut self, field: &str, value: &str, allowed: impl ToString) {
        self.errors.push(FieldError {
            field: field.to_owned(),
            value: value.to_owned(),
            allowed: allowed.to_string(),
        });
    }

    /// Says everything that is wrong, and which fields nobody asked for.
    pub(super) fn done(mut self) -> Result<(), Problem> {
        let known = self.asked.join(", ");
        for (name, value) in std::mem::take(&mut self.given) {
            let allowed = if known.is_empty() {
                format!("no such field; {name} and others are not known here")
            } else {
                format!("no such field; there are {known}")
            };
            self.wrong(&name, &value, allowed);
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::fields(self.errors))
        }
    }
}
