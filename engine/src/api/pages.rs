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
        self.cursor.as_deref().map(cursor).transpose()
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

/// How many rows of a list that has no pages: 1 to [`PAGE_MAX`].
pub(super) struct Limit(pub(super) usize);

impl FromRequestParts<App> for Limit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut rows = PAGE_DEFAULT;
        for (_, value) in parameters((parts, app), &["limit"]).await? {
            rows = limit(&value)?;
        }
        Ok(Self(rows))
    }
}

/// The cursor that a list gave out.
pub(super) fn cursor<T: FromStr>(text: &str) -> Result<T, Problem> {
    let allowed = &["next_cursor"];
    text.parse()
        .map_err(|_| refused("?cursor", FieldProblem::UnknownValue { allowed }))
}

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
