//! `/v1/log-filter` on the operators' listener: what the log says, and what it says from now on.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::App;
use super::fields::Fields;
use super::known::Known;
use super::problem::{Problem, ProblemKind};
use crate::config::Directives;
use crate::fault::FieldProblem;

/// `GET /v1/log-filter`.
pub(super) async fn show(State(app): State<App>) -> Json<Value> {
    Json(shown(&app.logs.filter()))
}

/// `PUT /v1/log-filter`, `{"filter": "info,campanile::bind=debug"}`: it holds until the engine ends.
pub(super) async fn set(
    State(app): State<App>,
    Extension(known): Extension<Known>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["filter"]).await?;
    let Some(text) = fields.text("filter").filter(|_| fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let filter = match Directives::parse(&text) {
        Ok(filter) => filter,
        Err(fault) => {
            let why = fault.to_string();
            fields.refuse("/filter".to_owned(), FieldProblem::InvalidDirectives { why });
            return Err(fields.refusal());
        }
    };
    known.detail("filter", filter.to_string());
    if app.logs.set(filter.clone()) {
        Ok(Json(shown(&filter)))
    } else {
        Err(ProblemKind::Internal.into())
    }
}

fn shown(filter: &Directives) -> Value {
    json!({ "filter": filter.to_string() })
}
