//! `?limit=…&cursor=…` of lists, and the pages that are answered.

use std::str::FromStr;

use axum::Json;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use super::query::{parameters, refused};
use crate::audience::check_category;
use crate::campaign::{PAGE_MAX, Wanted};
use crate::domain::{self, UnixMicros};
use crate::fault::{DateProblem, Expected, FieldProblem};
use crate::mirror::Between;
use crate::store::{CampaignKind, CampaignState};
use crate::webhooks::DeliveryState;

/// Rows of a page when nobody says how many.
pub(super) const PAGE_DEFAULT: usize = 50;

const PARAMETERS: [&str; 2] = ["limit", "cursor"];

/// A page of a list.
pub(super) struct Page {
    shown: Json<Value>,
    next: Option<NextPage>,
}

/// The cursor of the page behind one that has something.
#[derive(Clone)]
struct NextPage(String);

/// Some rows, and the cursor of the next ones.
pub(super) fn page(rows: Vec<Value>, next: Option<String>) -> Page {
    let has_rows = !rows.is_empty();
    Page {
        shown: Json(json!({ "data": rows, "next_cursor": next })),
        next: next.filter(|_| has_rows).map(NextPage),
    }
}

impl Page {
    /// With a figure beside its rows.
    pub(super) fn with(mut self, name: &str, figure: u64) -> Self {
        self.shown[name] = figure.into();
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.shown.into_response();
        if let Some(next) = self.next {
            response.extensions_mut().insert(next);
        }
        response
    }
}

/// Says where the next page is, as RFC 8288 has it: at the same address, with another cursor.
pub(super) async fn link(request: Request, next: Next) -> Response {
    let is_look = [Method::GET, Method::HEAD].contains(request.method());
    let asked = is_look.then(|| request.uri().clone());
    let mut response = next.run(request).await;
    if let (Some(asked), Some(NextPage(cursor))) = (asked, response.extensions_mut().remove())
        && let Ok(link) = HeaderValue::try_from(behind(&asked, &cursor))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn behind(asked: &Uri, cursor: &str) -> String {
    let given = url::form_urlencoded::parse(asked.query().unwrap_or_default().as_bytes());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(given.filter(|(name, _)| name != "cursor"));
    query.append_pair("cursor", cursor);
    format!("<{}?{}>; rel=\"next\"", asked.path(), query.finish())
}

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

/// Which campaigns, and which page of them.
pub(super) struct Listing {
    pub(super) paging: Paging,
    pub(super) wanted: Wanted,
}

impl FromRequestParts<App> for Listing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 7] = ["limit", "cursor", "kind", "state", "category", "since", "until"];
        const STATES: &[&str] = &CampaignState::CODES;
        const KINDS: &[&str] = &CampaignKind::CODES;
        let mut paging = Paging {
            limit: PAGE_DEFAULT,
            cursor: None,
        };
        let mut wanted = Wanted::default();
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "limit" => paging.limit = limit(&value)?,
                "cursor" => paging.cursor = Some(value),
                "kind" => {
                    let kind = value.parse();
                    wanted.kind =
                        Some(kind.map_err(|_| refused("?kind", FieldProblem::UnknownValue { allowed: KINDS }))?);
                }
                "state" => {
                    let state = value.parse();
                    wanted.state =
                        Some(state.map_err(|_| refused("?state", FieldProblem::UnknownValue { allowed: STATES }))?);
                }
                "category" => {
                    let category = check_category(&value).map_err(|problem| refused("?category", problem))?;
                    wanted.category = Some(category.code);
                }
                "since" => wanted.since = Some(instant("?since", &value)?),
                "until" => wanted.until = Some(instant("?until", &value)?),
                _ => {}
            }
        }
        Ok(Self { paging, wanted })
    }
}

/// Which page of what happened from a time on, and before one.
pub(super) struct Timespan {
    pub(super) paging: Paging,
    pub(super) between: Between,
}

impl FromRequestParts<App> for Timespan {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 4] = ["limit", "cursor", "since", "until"];
        let mut paging = Paging {
            limit: PAGE_DEFAULT,
            cursor: None,
        };
        let mut between = Between::default();
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "limit" => paging.limit = limit(&value)?,
                "cursor" => paging.cursor = Some(value),
                "since" => between.since = Some(instant("?since", &value)?),
                "until" => between.until = Some(instant("?until", &value)?),
                _ => {}
            }
        }
        if let (Some(since), Some(until)) = (between.since, between.until)
            && until <= since
        {
            return Err(refused("?until", FieldProblem::NotLater { than: "since" }));
        }
        Ok(Self { paging, between })
    }
}

/// Which deliveries of an endpoint, and which page of them.
pub(super) struct DeliveryListing {
    pub(super) paging: Paging,
    /// `None`: all.
    pub(super) state: Option<DeliveryState>,
}

impl FromRequestParts<App> for DeliveryListing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 3] = ["limit", "cursor", "state"];
        const STATES: &[&str] = &DeliveryState::CODES;
        let mut paging = Paging {
            limit: PAGE_DEFAULT,
            cursor: None,
        };
        let mut state = None;
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "limit" => paging.limit = limit(&value)?,
                "cursor" => paging.cursor = Some(value),
                "state" => {
                    let unknown = |_| refused("?state", FieldProblem::UnknownValue { allowed: STATES });
                    state = Some(value.parse().map_err(unknown)?);
                }
                _ => {}
            }
        }
        Ok(Self { paging, state })
    }
}

/// A time, as a parameter.
///
/// # Errors
/// When it is none.
pub(super) fn instant(pointer: &str, value: &str) -> Result<UnixMicros, Problem> {
    let at = domain::instant(value);
    let at = at.and_then(|at| u64::try_from(at.as_microsecond()).ok());
    at.map(UnixMicros)
        .ok_or_else(|| refused(pointer, DateProblem::InvalidInstant.into()))
}

/// The cursor that a list gave out.
pub(super) fn cursor<T: FromStr>(text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|_| refused("?cursor", FieldProblem::Expected(Expected::Cursor)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_as_this_one_was_with_another_cursor() {
        let of = |asked: &str, cursor| behind(&Uri::try_from(asked).unwrap(), cursor);
        assert_eq!(of("/v1/lists", "7"), "</v1/lists?cursor=7>; rel=\"next\"");
        assert_eq!(
            of(
                "/v1/opt-outs?limit=2&cursor=old&since=2026-01-02T03%3A04%3A05%2B01%3A00",
                "a b"
            ),
            "</v1/opt-outs?limit=2&since=2026-01-02T03%3A04%3A05%2B01%3A00&cursor=a+b>; rel=\"next\""
        );
    }

    #[test]
    fn an_empty_page_leads_nowhere_though_it_may_be_asked_again() {
        let leads = |rows| {
            page(rows, Some("1".to_owned()))
                .into_response()
                .extensions()
                .get::<NextPage>()
                .is_some()
        };
        assert!(leads(vec![Value::Null]));
        assert!(!leads(Vec::new()));
    }
}
