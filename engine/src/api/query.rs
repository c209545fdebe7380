//! `?name=value` of a request: what has another name than one of these is refused, with the nearest.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kit::words::nearest;

use super::App;
use super::problem::Problem;
use crate::fault::{FieldFault, FieldProblem};

/// Characters that are shown of a name that nobody knows.
const SHOWN_MAX: usize = 64;

/// The parameters, in the order in which they stand, each under one of the known names.
///
/// # Errors
/// The first that has another name.
pub(super) async fn parameters(
    (parts, app): (&mut Parts, &App),
    known: &'static [&'static str],
) -> Result<Vec<(&'static str, String)>, Problem> {
    let query = Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
    let Ok(Query(pairs)) = query else {
        return Err(refused("?", FieldProblem::UnknownValue { allowed: known }));
    };
    let named = |(name, value): (String, String)| match known.iter().find(|known| **known == name) {
        Some(known) => Ok((*known, value)),
        None => {
            let nearest = nearest(&name, known.iter().copied()).map(str::to_owned);
            let shown: String = name.chars().take(SHOWN_MAX).collect();
            Err(refused(&format!("?{shown}"), FieldProblem::UnknownField { nearest }))
        }
    };
    let mut given: Vec<(&'static str, String)> = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let (name, value) = named(pair)?;
        if given.iter().any(|(other, _)| *other == name) {
            return Err(refused(&format!("?{name}"), FieldProblem::DuplicateField));
        }
        given.push((name, value));
    }
    Ok(given)
}

/// The most of what figures are put together by: what a table can show.
const DIMENSIONS_MAX: usize = 2;

/// Words of `allowed` with commas between them, each once however often it stands there: what figures are put together by.
///
/// # Errors
/// One is none of these, or there are too many.
pub(super) fn dimensions<D: FromStr + PartialEq>(
    text: &str,
    allowed: &'static [&'static str],
) -> Result<Vec<D>, Problem> {
    let mut all = Vec::new();
    for word in text.split(',') {
        let known = allowed.contains(&word).then(|| word.parse().ok()).flatten();
        let by = known.ok_or_else(|| refused("?by", FieldProblem::UnknownValue { allowed }))?;
        if !all.contains(&by) {
            all.push(by);
        }
    }
    if all.len() > DIMENSIONS_MAX {
        return Err(refused("?by", FieldProblem::TooMany { max: DIMENSIONS_MAX }));
    }
    Ok(all)
}

/// Refuses parameters, of which an operation has none: whoever gives one expects something of it.
pub(super) async fn none(request: Request, next: Next) -> Response {
    let given = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let name = match given {
        Ok(Query(pairs)) => match pairs.into_iter().next() {
            Some((name, _)) => name.chars().take(SHOWN_MAX).collect(),
            None => return next.run(request).await,
        },
        Err(_) => String::new(),
    };
    refused(&format!("?{name}"), FieldProblem::UnknownField { nearest: None }).into_response()
}

/// `true` or `false`.
///
/// # Errors
/// It is neither.
pub(super) fn yes_or_no(pointer: &str, value: &str) -> Result<bool, Problem> {
    const ALLOWED: [&str; 2] = ["true", "false"];
    let refusal = || refused(pointer, FieldProblem::UnknownValue { allowed: &ALLOWED });
    value.parse().map_err(|_| refusal())
}

/// One parameter is refused.
pub(super) fn refused(pointer: &str, problem: FieldProblem) -> Problem {
    Problem::of_fields(vec![FieldFault::new(pointer, problem)])
}
