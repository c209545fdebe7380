//! `?limit=…&cursor=…` of lists.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::App;
use super::problem::Problem;
use super::query::{parameters, refused};
use crate::campaign::PAGE_MAX;
use crate::fault::FieldProblem;

/// Rows of a page when nobody says how many.
pub(super) const PAGE_DEFAULT: usize = 50;

const PARAMETERS: [&str; 2] = ["limit", "cursor"];

/// Which page is asked for.
pub(super) struct Paging {
    /// 1 to [`PAGE_MAX`].
    pub(super) limit: usize,
    cursor: Option<String>,
}

impl Paging {
    /// The cursor, if one was given.
    ///
    /// # Errors
    /// When this list did not give it out.
    pub(super) fn cursor<T: FromStr>(&self) -> Result<Option<T>, Problem> {
        let parse = |text: &String| {
            text.parse().map_err(|_| {
                refused(
                    "?cursor",
                    FieldProblem::UnknownValue {
                        allowed: &["next_cursor"],
                    },
                )
            })
        };
        self.cursor.as_ref().map(parse).transpose()
    }
}

impl FromRequestParts<App> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut paging = Self {
            limit: PAGE_DEFAULT,
            cursor: None,
        };
        for (name, value) in parameters((parts, app), &PARAMETERS).await? {
            match name {
                "limit" => paging.limit = limit(&value)?,
                "cursor" => paging.cursor = Some(value),
                _ => {}
            }
        }
        Ok(paging)
    }
}

/// A number of rows, as a parameter.
///
/// # Errors
/// When it is none, or not allowed.
pub(super) fn limit(value: &str) -> Result<usize, Problem> {
    let limit = value.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(|| {
        refused(
            "?limit",
            FieldProblem::OutOfRange {
                min: 1,
                max: PAGE_MAX as i64,
            },
        )
    })
}
