use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::reader::Faults;

/// Why a request was refused, as RFC 9457 wants it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
    faults: Vec<String>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Serialize)]
pub(super) struct FieldError {
    /// The name of the field or parameter.
    pub(super) field: String,
    /// What was given; empty when it was missing.
    pub(super) value: String,
    /// What would have been right.
    pub(super) allowed: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl ToString) -> Self {
        Self {
            status,
            detail: detail.to_string(),
            errors: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Fields of the request are wrong; all of them are named.
    pub(super) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = errors.iter().map(FieldError::sentence).collect::<Vec<_>>().join("; ");
        Self {
            errors,
            ..Self::new(StatusCode::BAD_REQUEST, detail)
        }
    }

    /// One field of the request is wrong.
    pub(super) fn field(status: StatusCode, field: &str, value: &str, allowed: impl ToString) -> Self {
        let error = FieldError {
            field: field.to_owned(),
            value: value.to_owned(),
            allowed: allowed.to_string(),
        };
        Self {
            status,
            ..Self::fields(vec![error])
        }
    }

    /// A scenario is wrong; all its faults are listed.
    pub(super) fn faults(faults: &Faults) -> Self {
        Self {
            faults: faults.0.iter().map(ToString::to_string).collect(),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "the scenario has faults")
        }
    }
}

impl FieldError {
    fn sentence(&self) -> String {
        let Self { field, value, allowed } = self;
        if value.is_empty() {
            format!("{field}: {allowed}")
        } else {
            format!("{field}: {value:?} is not allowed: {allowed}")
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("refused"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        if !self.faults.is_empty() {
            body["faults"] = json!(self.faults);
        }
        let mut response = (self.status, Json(body)).into_response();
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
