//! The OpenAPI document, and a page to read it: both without a key. The page has no script, and nothing from elsewhere.

mod page;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;

use super::doc::{Key, Operation, Routes, Verb};
use super::shapes;

const STYLE: &str = include_str!("../../../templates/reader.css");

/// There is one stylesheet, beside the page. A document that somebody has changed could show words, and no more.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is served, made once.
#[derive(Clone, Default)]
pub(super) struct Served {
    document: Bytes,
    page: Bytes,
}

impl Served {
    /// Of a document, as the value and as the text of it that is served.
    pub(super) fn of(document: &Value, text: String) -> Self {
        let page = page::html(document).unwrap_or_else(|error| {
            tracing::error!(%error, "the page of the document cannot be made");
            String::new()
        });
        Self {
            document: text.into(),
            page: page.into(),
        }
    }
}

/// All of it, documented as well.
pub(super) fn routes(served: Served) -> Routes {
    let Served { document, page } = served;
    let document = async move || guarded("application/json", document.clone());
    let page = async move || guarded("text/html; charset=utf-8", page.clone());
    Routes::of("documentation")
        .add(
            Operation::new((Verb::Get, "/openapi.json"), Key::Nobody, "getDocument")
                .says("Show this document", "")
                .answers::<shapes::Document>(200, "OpenAPI 3.1."),
            document,
        )
        .add(
            Operation::new((Verb::Get, "/docs"), Key::Nobody, "getReader")
                .says("Read this document in a browser", "")
                .answers_text("A page.", "text/html"),
            page,
        )
        .add(
            Operation::new((Verb::Get, "/docs/style.css"), Key::Nobody, "getReaderStyle")
                .says("Show how the page looks", "")
                .answers_text("A stylesheet.", "text/css"),
            async || guarded("text/css; charset=utf-8", Bytes::from_static(STYLE.as_bytes())),
        )
}

/// With the policy; a browser asks again after an hour, so that an upgrade shows.
fn guarded(kind: &'static str, content: Bytes) -> Response {
    let guards = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (guards, content).into_response()
}
