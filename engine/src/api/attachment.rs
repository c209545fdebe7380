//! Answers that are files.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// A file of that name and media type, in its reader's language.
pub(super) fn attachment((name, media): (&str, &str), body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::VARY, "accept-language".to_owned()),
    ];
    (headers, body).into_response()
}
