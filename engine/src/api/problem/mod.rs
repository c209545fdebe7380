//! Refusals as `application/problem+json` (RFC 9457), in the language of the caller.
//!
//! A handler answers with a [`Problem`]; [`localise`], which wraps all routes, words it in French or English and adds
//! the request's id. Codes are stable and never translated.

mod cause;
mod kind;
mod field_words;
mod catalogue;
mod codes;
mod sheets;
mod wordings;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Language;
use crate::fault::FieldFault;

pub(super) use catalogue::title;
pub(crate) use cause::Cause;
use codes::FieldCode;
pub(crate) use field_words::field_detail;
pub(crate) use kind::{Barred, Full, ProblemCode, ProblemKind};

/// The header that carries a request's id, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is taken over from the caller, in octets: it goes into logs.
const REQUEST_ID_MAX: usize = 64;

/// A refusal. As a response by itself it is in English and without a request id: see [`localise`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) kind: ProblemKind,
    /// The fields at fault, if any.
    pub(crate) errors: Vec<FieldFault>,
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self {
            kind,
            errors: Vec::new(),
        }
    }
}

impl Problem {
    /// A request whose fields are at fault: 400 when its shape is wrong, 422 when only values are.
    pub(crate) fn of_fields(errors: Vec<FieldFault>) -> Self {
        let shapely = errors.iter().all(|fault| catalogue::is_of_value(&fault.problem));
        let kind = if shapely {
            ProblemKind::InvalidFields
        } else {
            ProblemKind::InvalidRequest
        };
        Self { kind, errors }
    }

    /// Whether there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self.kind, ProblemKind::NotFound)
    }

    fn respond(&self, language: Language, instance: Option<&str>, request_id: Option<&str>) -> Response {
        let document = ProblemDocument {
            kind: format!("urn:campanile:problem:{}", self.kind.code()),
            title: catalogue::title(ProblemCode::from(&self.kind), language),
            status: self.kind.status().as_u16(),
            detail: catalogue::detail(&self.kind, language),
            instance,
            code: self.kind.code(),
            errors: self.errors.iter().map(|fault| field_error(fault, language)).collect(),
            next_open_at: self.kind.next_open_at(),
            reason: self.kind.cause().map(Cause::code),
            request_id,
        };
        let mut response = (self.kind.status(), Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(tag(language)));
        headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
        if self.kind.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110, 15.5.2: a 401 must say how to authenticate.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(pause) = self.kind.retry_after() {
            // Whole seconds, and never 0: RFC 9110, 10.2.3.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(pause.as_secs().max(1)));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.respond(Language::En, None, None);
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Why a request is refused, as RFC 9457 has it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ProblemDocument<'a> {
    /// `urn:campanile:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The code in words.
    title: &'static str,
    status: u16,
    /// What is wrong this time, and what to do.
    detail: String,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[schemars(with = "ProblemCode")]
    code: &'static str,
    /// The fields at fault, the first hundred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError<'a>>,
    /// When what is refused now may be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_open_at: Option<String>,
    /// What stands in the way of what is refused for now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Cause>")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// What is wrong with a field.
#[derive(Serialize, JsonSchema)]
struct FieldError<'a> {
    /// Where: a JSON pointer into the body, or `?` and the name of a parameter.
    pointer: &'a str,
    /// What was given there, where one field has many values, such as pasted numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[schemars(with = "FieldCode")]
    code: &'static str,
    /// What is allowed.
    detail: String,
}

fn field_error(fault: &FieldFault, language: Language) -> FieldError<'_> {
    let detail = field_detail(&fault.problem, language);
    FieldError {
        pointer: &fault.pointer,
        value: fault.value.as_deref(),
        code: fault.problem.code(),
        detail,
    }
}

/// The id of a request: the caller's own if it sent a sound one, or a new one. Handlers find it among the request's
/// extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let sound = |id: &&str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            (1..=REQUEST_ID_MAX).contains(&id.len()) && id.bytes().all(known)
        };
        match given.filter(sound) {
            Some(id) => Self(id.into()),
            // Every RandomState hashes with other keys: unique enough to find one request in a log.
            None => Self(format!("req_{:016x}", RandomState::new().build_hasher().finish()).into()),
        }
    }
}

/// The middleware around all routes (`axum::middleware::from_fn`): gives each request an id, which goes back in
/// `x-request-id`, and words a [`Problem`] in the caller's language.
pub(crate) async fn localise(mut request: Request, next: Next) -> Response {
    let asked = Asked::of(request.headers(), request.uri());
    request.extensions_mut().insert(asked.id.clone());
    asked.word(next.run(request).await)
}

/// What of a request its refusal needs.
struct Asked {
    id: RequestId,
    language: Language,
    uri: Uri,
}

impl Asked {
    fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        Self {
            id: RequestId::of(headers),
            language: language_of(headers),
            uri: uri.clone(),
        }
    }

    fn word(self, mut response: Response) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
            let open_to = response.headers_mut().remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            response = problem.respond(self.language, Some(self.uri.path()), Some(&self.id.0));
            if let Some(origin) = open_to {
                // A page that may ask may see what is wrong.
                let headers = response.headers_mut();
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                headers.append(header::VARY, HeaderValue::from_static("origin"));
            }
        }
        if let Ok(value) = HeaderValue::from_str(&self.id.0) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
}

/// French or English, whichever `Accept-Language` likes better (RFC 9110, 12.5.4); English when it names neither.
pub(super) fn language_of(headers: &HeaderMap) -> Language {
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let weight = |wanted: &str| {
        let weights = accepted.split(',').filter_map(|part| {
            let (range, parameters) = part.split_once(';').unwrap_or((part, ""));
            let primary = range.trim().split('-').next().unwrap_or_default();
            let weight = parameters
                .trim()
                .strip_prefix("q=")
                .map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok());
            primary.eq_ignore_ascii_case(wanted).then_some(weight?)
        });
        weights.fold(0.0, f32::max)
    };
    if weight("fr") > weight("en") {
        Language::Fr
    } else {
        Language::En
    }
}

const fn tag(language: Language) -> &'static str {
    match language {
        Language::Fr => "fr",
        Language::En => "en",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use axum::body::to_bytes;
    use serde_json::{Value, json};

    use crate::fault::FieldProblem;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    /// What a caller with these headers gets when a handler refuses with `problem`.
    fn refused(problem: impl Into<Problem>, given: &[(&'static str, &'static str)]) -> (HeaderMap, Value) {
        let asked = Asked::of(&headers(given), &Uri::from_static("/v1/campaigns?x=1"));
        body_of(asked.word(problem.into().into_response()))
    }

    fn body_of(response: Response) -> (HeaderMap, Value) {
        let (parts, body) = response.into_parts();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = runtime.block_on(to_bytes(body, 1 << 20)).unwrap();
        (parts.headers, serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn a_refusal_is_a_problem_document_in_the_callers_language() {
        let nearest = Some("name".to_owned());
        let errors = vec![FieldFault::new("/nam", FieldProblem::UnknownField { nearest })];
        let given = [
            ("accept-language", "fr-FR,fr;q=0.9,en;q=0.8"),
            ("x-request-id", "abc-1"),
        ];
        let (headers, document) = refused(Problem::of_fields(errors), &given);
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(
            (&headers["content-language"], &headers["x-request-id"]),
            (&"fr".parse().unwrap(), &"abc-1".parse().unwrap())
        );
        assert_eq!(
            document,
            json!({
                "type": "urn:campanile:problem:invalid_request",
                "title": "Requête incorrecte",
                "status": 400,
                "detail": "La requête n'a pas la forme attendue : voir « errors ».",
                "instance": "/v1/campaigns",
                "code": "invalid_request",
                "errors": [{
                    "pointer": "/nam",
                    "code": "unknown_field",
                    "detail": "Champ inconnu ; vouliez-vous dire « name » ?"
                }],
                "request_id": "abc-1"
            })
        );
    }

    #[test]
    fn without_the_middleware_it_is_in_english() {
        let (_, document) = body_of(Problem::from(ProblemKind::NotFound).into_response());
        assert_eq!(
            (&document["title"], &document["status"]),
            (&json!("Not found"), &json!(404))
        );
        assert!(document.get("errors").is_none() && document.get("request_id").is_none());
    }

    #[test]
    fn values_at_fault_are_422_and_shapes_400() {
        let value = FieldFault::new("/text", FieldProblem::TooLong { max: 480, given: 481 });
        let shape = FieldFault::new("/name", FieldProblem::Missing);
        assert_eq!(Problem::of_fields(vec![value.clone()]).kind, ProblemKind::InvalidFields);
        assert_eq!(Problem::of_fields(vec![value, shape]).kind, ProblemKind::InvalidRequest);
    }

    #[test]
    fn headers_that_a_status_demands_are_there() {
        let (headers, _) = refused(ProblemKind::Unauthorized, &[]);
        assert_eq!(headers["www-authenticate"], "Bearer");
        let (headers, _) = refused(
            ProblemKind::Unavailable {
                cause: Cause::SqlAway,
                retry_after: Duration::from_millis(10),
            },
            &[],
        );
        assert_eq!(headers["retry-after"], "1");
        let (_, document) = refused(
            ProblemKind::InsufficientCredit {
                available: 9,
                needed: 10,
            },
            &[],
        );
        assert_eq!(document["detail"], "10 credits are needed, 9 are available.");
    }

    #[test]
    fn what_is_refused_for_now_says_what_stands_in_the_way() {
        let retry_after = Duration::from_secs(2);
        let cause = Cause::SqlAway;
        let (_, document) = refused(ProblemKind::Unavailable { cause, retry_after }, &[]);
        assert_eq!(
            (&document["reason"], &document["detail"]),
            (
                &json!("sql_away"),
                &json!("The SQL database does not answer. Try again after the delay in the Retry-After header.")
            )
        );
        let (cause, french) = (Cause::RedisLeaseMark, [("accept-language", "fr")]);
        let (_, document) = refused(ProblemKind::IntakeClosed { cause, retry_after }, &french);
        assert_eq!(document["reason"], "redis_lease_mark");
        let detail = document["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("La mémoire de Redis est pleine. Rien de nouveau"),
            "{detail}"
        );
        let (_, document) = refused(ProblemKind::NotFound, &[]);
        assert!(document.get("reason").is_none());
    }

    #[test]
    fn the_language_is_the_better_liked_of_the_two() {
        for (accepted, wanted) in [
            ("", Language::En),
            ("fr", Language::Fr),
            ("FR-ca", Language::Fr),
            ("de, fr;q=0.5", Language::Fr),
            ("en;q=0.4, fr;q=0.5", Language::Fr),
            ("fr;q=0.4, en", Language::En),
            ("fr;q=x", Language::En),
            ("fr;q=0", Language::En),
            ("*", Language::En),
        ] {
            assert_eq!(
                language_of(&headers(&[("accept-language", accepted)])),
                wanted,
                "{accepted}"
            );
        }
    }

    #[test]
    fn an_unsound_request_id_is_replaced() {
        for given in ["", "a b", "x,y", "<script>"] {
            let id = RequestId::of(&headers(&[("x-request-id", given)]));
            assert!(id.0.starts_with("req_") && id.0.len() == 20, "{given}: {id:?}");
        }
        let none = HeaderMap::new();
        assert_ne!(RequestId::of(&none), RequestId::of(&none));
    }

    #[test]
    fn answers_that_are_no_problem_pass_untouched() {
        let asked = Asked::of(&HeaderMap::new(), &Uri::from_static("/v1/x"));
        let response = asked.word(StatusCode::NO_CONTENT.into_response());
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert!(response.headers().contains_key(REQUEST_ID));
    }
}
