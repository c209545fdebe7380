//! JSON, or a table for a spreadsheet: as `?format=…` or `Accept` ask for it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::App;
use super::problem::Problem;
use super::query::{parameters, refused};
use crate::fault::FieldProblem;

/// In what form it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// A table for a spreadsheet.
    Csv,
}

impl Form {
    /// What `Accept` asks for: a table, if it names that first, and else JSON.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let kinds = accepted.unwrap_or_default().split(',');
        let mut kinds = kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim());
        match kinds.next() {
            Some("text/csv") => Self::Csv,
            _ => Self::Json,
        }
    }

    pub(super) fn named(word: &str) -> Result<Self, Problem> {
        match word {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            _ => {
                let allowed = &["json", "csv"];
                Err(refused("?format", FieldProblem::UnknownValue { allowed }))
            }
        }
    }
}

impl FromRequestParts<App> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut form = Self::accepted(&parts.headers);
        for (_, value) in parameters((parts, app), &["format"]).await? {
            form = Self::named(&value)?;
        }
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_for_who_names_it_first() {
        let accepted = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            Form::accepted(&headers)
        };
        for accept in ["text/csv", "text/csv;charset=utf-8", " text/csv , application/json"] {
            assert_eq!(accepted(accept), Form::Csv, "{accept}");
        }
        for accept in ["", "*/*", "application/json", "application/json, text/csv"] {
            assert_eq!(accepted(accept), Form::Json, "{accept}");
        }
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Json);
    }
}
